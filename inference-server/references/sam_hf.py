"""SAM 1 and SAM 2 by transformers: `python sam_hf.py [sam-hf] [sam2-hf]` writes
test/inference-server/fixtures/sam-hf and sam2-hf.

Small configurations of SamModel and Sam2Model with a minute of training, exported in two parts under the names that optimum
gives (vision_encoder.onnx, prompt_encoder_mask_decoder.onnx), which are those of the slimsam and SAM 2 models made for
transformers.js. The expected masks come from the models with their own processors.
"""

import sys

import cv2
import numpy as np
import torch
from transformers import Sam2Config, Sam2Model, Sam2Processor, SamConfig, SamModel, SamProcessor
from transformers.models.sam.image_processing_sam import SamImageProcessor
from transformers.models.sam2.image_processing_sam2 import Sam2ImageProcessor

from sam_common import FIXTURES, PROMPTS, export, pictures, rle, samples, train, write

CHANNELS = 16  # 256 in the published models
FRAME = 1024


def sam1():
    vision = {
        "hidden_size": 8, "output_channels": CHANNELS, "num_hidden_layers": 2, "num_attention_heads": 1, "mlp_dim": 16,
        "global_attn_indexes": [], "num_pos_feats": CHANNELS // 2, "initializer_range": 0.1,
    }
    decoder = {"hidden_size": CHANNELS, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": CHANNELS}
    prompt = {"hidden_size": CHANNELS, "mask_input_channels": 8}
    model = SamModel(SamConfig(vision_config=vision, mask_decoder_config=decoder, prompt_encoder_config=prompt))
    return model, SamProcessor(SamImageProcessor())


def sam2():
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8, "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 2, 4, 8], "global_attention_blocks": [], "initializer_range": 0.1,
    }
    vision = {"backbone_config": backbone, "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": CHANNELS, "initializer_range": 0.1}
    decoder = {"hidden_size": CHANNELS, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": CHANNELS}
    prompt = {"hidden_size": CHANNELS, "mask_input_channels": 8}
    model = Sam2Model(Sam2Config(vision_config=vision, mask_decoder_config=decoder, prompt_encoder_config=prompt, initializer_range=0.1))
    return model, Sam2Processor(Sam2ImageProcessor())


class Encoder(torch.nn.Module):
    """What optimum's SamModelPatcher traces for the vision encoder."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        if isinstance(self.model, Sam2Model):
            return tuple(self.model.get_image_embeddings(pixel_values))
        embeddings = self.model.get_image_embeddings(pixel_values)
        positions = self.model.get_image_wide_positional_embeddings()
        return embeddings, positions.repeat(embeddings.shape[0], 1, 1, 1)


class Decoder(torch.nn.Module):
    """What optimum's SamModelPatcher traces for the prompt encoder and the mask decoder."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_points, input_labels, image_embeddings, image_positional_embeddings):
        sparse, dense = self.model.prompt_encoder(input_points, input_labels, None, None)
        masks, ious = self.model.mask_decoder(
            image_embeddings=image_embeddings, image_positional_embeddings=image_positional_embeddings,
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True,
        )[:2]
        return ious, masks


class Sam2Decoder(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_points, input_labels, high0, high1, low):
        output = self.model(input_points=input_points, input_labels=input_labels, image_embeddings=[high0, high1, low], multimask_output=True)
        return output.iou_scores, output.pred_masks, output.object_score_logits


def teach(model, processor, steps):
    inputs = {name: processor(images=image, return_tensors="pt") for name, image in pictures().items()}
    stretched = isinstance(model, Sam2Model)

    def encode(name):
        pixels = inputs[name]["pixel_values"]
        if not stretched:
            return model.vision_encoder(pixels).last_hidden_state
        # What get_image_embeddings does, with gradients.
        levels = model.get_image_features(pixels, return_dict=True).fpn_hidden_states
        levels[-1] = levels[-1] + model.no_memory_embedding
        return [level.permute(1, 2, 0).view(1, -1, *size) for level, size in zip(levels, model.backbone_feature_sizes)]

    def decode(embeddings, name, points, labels):
        height, width = pictures()[name].shape[:2]
        reshaped = [FRAME, FRAME] if stretched else inputs[name]["reshaped_input_sizes"][0].tolist()
        scaled = points / np.float32([width, height]) * np.float32([reshaped[1], reshaped[0]])
        given = {"input_points": torch.as_tensor(scaled)[None, None], "input_labels": torch.as_tensor(labels)[None, None]}
        output = model(image_embeddings=embeddings, **given)
        return output.pred_masks[0, 0], output.iou_scores[0, 0]

    def frame_mask(mask):
        if stretched:
            return cv2.resize(mask, (256, 256), interpolation=cv2.INTER_AREA)
        scale = 256 / max(mask.shape)
        height, width = (int(side * scale + 0.5) for side in mask.shape)
        framed = np.zeros((256, 256), np.float32)
        framed[:height, :width] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        return framed

    # transformers' SAM 1 takes boxes by another input only, which the published exports lack: it is taught points alone.
    train(model.parameters(), encode, decode, frame_mask, steps, alternatives=3, boxes=stretched)
    return model.eval()


def export_all(model, target):
    encoder = Encoder(model)
    image = torch.randn(1, 3, FRAME, FRAME)
    with torch.no_grad():
        features = encoder(image)
    points = {"input_points": torch.rand(1, 1, 3, 2) * FRAME, "input_labels": torch.ones(1, 1, 3, dtype=torch.int64)}
    axes = {
        "input_points": {0: "batch_size", 1: "point_batch_size", 2: "nb_points_per_image"},
        "input_labels": {0: "batch_size", 1: "point_batch_size", 2: "nb_points_per_image"},
    }
    if isinstance(model, Sam2Model):
        names, outputs, decoder = [f"image_embeddings.{level}" for level in range(3)], ["iou_scores", "pred_masks", "object_score_logits"], Sam2Decoder(model)
    else:
        names, outputs, decoder = ["image_embeddings", "image_positional_embeddings"], ["iou_scores", "pred_masks"], Decoder(model)
    export(encoder, {"pixel_values": image}, names, {"pixel_values": {0: "batch_size"}}, target / "vision_encoder.onnx", opset=18)
    export(decoder, {**points, **dict(zip(names, features))}, outputs, axes, target / "prompt_encoder_mask_decoder.onnx", opset=18)


def expected(model, processor):
    encoder = Encoder(model)
    cases = []
    for name, image in pictures().items():
        answers = []
        for prompt in PROMPTS[name]:
            given = {}
            if "points" in prompt:
                given = {"input_points": [[prompt["points"]]], "input_labels": [[prompt["labels"]]]}
            if "box" in prompt:
                if not isinstance(model, Sam2Model):
                    continue
                given["input_boxes"] = [[prompt["box"]]]
            inputs = processor(images=image, return_tensors="pt", **given)
            with torch.no_grad():
                output = model(**{key: value for key, value in inputs.items() if key not in ("original_sizes", "reshaped_input_sizes")})
            sizes = [inputs["original_sizes"]] + ([] if isinstance(model, Sam2Model) else [inputs["reshaped_input_sizes"]])
            masks = processor.image_processor.post_process_masks(output.pred_masks, *sizes)[0][0]
            answers.append({
                "prompt": prompt,
                "masks": [rle(mask.numpy()) for mask in masks],
                "scores": [round(float(v), 6) for v in output.iou_scores[0, 0]],
            })
        with torch.no_grad():
            features = encoder(processor(images=image, return_tensors="pt")["pixel_values"])
        names = [f"image_embeddings.{level}" for level in range(3)] if isinstance(model, Sam2Model) else ["image_embeddings"]
        cases.append({"picture": name, "embedding": {key: samples(value) for key, value in zip(names, features)}, "answers": answers})
    return cases


def main():
    for make, name, steps in ((sam1, "sam-hf", 450), (sam2, "sam2-hf", 500)):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        torch.manual_seed(0)
        model, processor = make()
        teach(model, processor, steps)
        export_all(model, FIXTURES / name)
        write(FIXTURES / name / "expected.json", expected(model, processor))


if __name__ == "__main__":
    main()
