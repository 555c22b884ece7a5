"""What each workload computes, as a container written in Python does it: Pillow, numpy, onnxruntime.

Both Python servers, the raw loop and the expected answers share this file, so that they differ in serving alone. A pipeline has

    decode(request: dict) -> input     what the model is fed, as numpy arrays
    run(input) -> output               onnxruntime only
    feeds(input) -> dict               what the raw loops feed again and again: the least that gives the answer
    loop(feeds)                        one run of a raw loop
    run_batch(inputs) -> outputs       several at once, where the model's first dimension is free
    encode(output) -> dict             the JSON answer
"""

import base64
import io
import os
import pathlib

import numpy as np
import onnxruntime
from PIL import Image

CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
SAM_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
SAM_STD = np.array([58.395, 57.12, 57.375], np.float32)
SAM_SIDE = 1024


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # As the server under test: a spinning thread would take the core that another process needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def picture(request):
    return Image.open(io.BytesIO(base64.b64decode(request["image"]))).convert("RGB")


class OneModel:
    def feeds(self, fed):
        return {self.session.get_inputs()[0].name: fed}

    def loop(self, feeds):
        return self.session.run(None, feeds)


class Tiny(OneModel):
    def __init__(self, directory, threads):
        self.session = session(directory / "model.onnx", threads)

    def decode(self, request):
        return np.asarray(request["data"], np.float32)

    def run(self, rows):
        return self.session.run(["label", "probabilities"], {"float_input": rows})

    def run_batch(self, inputs):
        labels, probabilities = self.run(np.concatenate(inputs))
        ends = np.cumsum([len(rows) for rows in inputs])[:-1]
        return list(zip(np.split(labels, ends), np.split(probabilities, ends)))

    def encode(self, output):
        labels, probabilities = output
        return {
            "predictions": labels.tolist(),
            "probabilities": probabilities.tolist(),
            "class_indices": probabilities.argmax(1).tolist(),
            "confidence_scores": probabilities.max(1).tolist(),
        }


class Compute(OneModel):
    """CLIP's preprocessing: shortest edge to 224 (bicubic), centre crop, mean and deviation of each channel."""

    SIDE = 224

    def __init__(self, directory, threads):
        self.session = session(directory / "model.onnx", threads)

    def decode(self, request):
        image = picture(request)
        scale = self.SIDE / min(image.size)
        width, height = (max(self.SIDE, int(side * scale)) for side in image.size)
        left, top = (width - self.SIDE) // 2, (height - self.SIDE) // 2
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        image = image.crop((left, top, left + self.SIDE, top + self.SIDE))
        pixels = (np.asarray(image, np.float32) / 255 - CLIP_MEAN) / CLIP_STD
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])

    def run(self, pixels):
        return self.session.run(["image_embeds"], {"pixel_values": pixels})[0]

    def run_batch(self, inputs):
        return list(self.run(np.concatenate(inputs))[:, None])

    def encode(self, embedding):
        embedding = embedding / np.linalg.norm(embedding)
        return {"embedding": embedding[0].tolist(), "shape": list(embedding.shape)}


class Sam:
    """SAM 1's ONNX pair as segment-anything's notebook uses it: full-size masks from the decoder, the best of those for one point."""

    def __init__(self, directory, threads):
        self.encoder = session(directory / "encoder.onnx", threads)
        self.decoder = session(directory / "decoder.onnx", threads)

    def decode(self, request):
        image = picture(request)
        scale = SAM_SIDE / max(image.size)
        width, height = (int(side * scale + 0.5) for side in image.size)
        resized = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32)
        planes = np.zeros((1, 3, SAM_SIDE, SAM_SIDE), np.float32)
        planes[0, :, :height, :width] = ((resized - SAM_MEAN) / SAM_STD).transpose(2, 0, 1)
        # A point without a box is followed by a padding point.
        points = np.array([*request["points"], [0, 0]], np.float32) * [width / image.width, height / image.height]
        return {
            "planes": planes,
            "point_coords": points[None].astype(np.float32),
            "point_labels": np.array([[1] * len(request["points"]) + [-1]], np.float32),
            "mask_input": np.zeros((1, 1, 256, 256), np.float32),
            "has_mask_input": np.zeros(1, np.float32),
            "orig_im_size": np.array([image.height, image.width], np.float32),
        }

    def run(self, prompt):
        feeds = dict(prompt)
        embedding = self.encoder.run(None, {self.encoder.get_inputs()[0].name: feeds.pop("planes")})[0]
        return self.decoder.run(["masks", "iou_predictions"], {"image_embeddings": embedding, **feeds})

    def run_batch(self, inputs):
        return [self.run(each) for each in inputs]

    def feeds(self, prompt):
        # The low resolution masks do not depend on the picture's size: a small one spares the decoder the work of the full-size ones.
        return {**prompt, "orig_im_size": np.array([16, 16], np.float32)}

    def loop(self, feeds):
        feeds = dict(feeds)
        embedding = self.encoder.run(None, {self.encoder.get_inputs()[0].name: feeds.pop("planes")})[0]
        return self.decoder.run(["low_res_masks", "iou_predictions"], {"image_embeddings": embedding, **feeds})

    def encode(self, output):
        masks, scores = output
        best = 1 + int(scores[0, 1:].argmax())
        mask = masks[0, best] > 0
        png = io.BytesIO()
        Image.fromarray(mask.astype(np.uint8) * 255).save(png, "PNG")
        return {
            "mask": base64.b64encode(png.getvalue()).decode(),
            "confidence_score": float(scores[0, best]),
            "mask_size": [mask.shape[1], mask.shape[0]],
            "area": int(mask.sum()),
        }


def pipeline():
    """The one that the environment names: BENCH_WORKLOAD, BENCH_MODELS (a directory), BENCH_THREADS."""
    kinds = {"tiny": Tiny, "light": Compute, "compute": Compute, "sam": Sam}
    return kinds[os.environ["BENCH_WORKLOAD"]](pathlib.Path(os.environ["BENCH_MODELS"]), int(os.environ["BENCH_THREADS"]))
