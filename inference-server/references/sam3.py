"""SAM 3 by samexporter: `python sam3.py` writes test/inference-server/fixtures/sam3.

SAM 3's weights are gated and its smallest model is large: here the graphs only have the signatures of samexporter's export
(export_sam3.py, 0.5), with a few operations inside that make something of every input. What is held against a reference is what lies
around them: samexporter's tokenizer, its prompts, and how its SegmentAnything3ONNX makes masks of the heads.
"""

import gzip
import pathlib

import numpy as np
import samexporter
import torch
import torch.nn.functional as F
from PIL import Image
from samexporter import sam3_onnx
from samexporter.clip_tokenizer import CLIPTokenizer, tokenize

from sam_common import FIXTURES, export, pictures, rle, write

SIDE = 1008
CELLS = SIDE // 14
CAPACITY = 4  # 8 by default; less is faster
QUERIES = 7
CHANNELS = 4  # 256 in SAM 3

FEATURES = [f"{name}_{level}" for name in ("vision_pos_enc", "backbone_fpn") for level in range(3)]


class Encoder(torch.nn.Module):
    def forward(self, image):
        planes = (image.unsqueeze(0).float() / 255 - 0.5) / 0.5
        coarse = F.avg_pool2d(planes, 14)
        coarse = torch.cat([coarse, coarse.mean(1, keepdim=True)], dim=1)
        levels = [F.interpolate(coarse, scale_factor=4.0, mode="bilinear"), F.interpolate(coarse, scale_factor=2.0, mode="bilinear"), coarse]
        return *[level * 0 + 0.1 for level in levels], *levels


class Language(torch.nn.Module):
    def forward(self, tokens):
        steps = torch.arange(CHANNELS, dtype=torch.float32) * 0.37 + 0.11
        memory = torch.sin(tokens.transpose(0, 1).unsqueeze(-1).float() * 1e-3 * steps)
        return tokens == 0, memory, memory.repeat(1, 1, 4)


class Decoder(torch.nn.Module):
    """Queries look for colours that the text names, around the boxes whose label is 1 and away from those whose label is 0."""

    def forward(self, original_height, original_width, pos0, pos1, pos2, fpn0, fpn1, fpn2, language_mask, language_features,
                language_embeds, box_coords, box_labels, box_masks):
        words = (~language_mask).float().transpose(0, 1).unsqueeze(-1)
        text = (language_features * words).sum(dim=(0, 1)) + 0 * language_embeds.sum()
        grid = (torch.arange(4 * CELLS, dtype=torch.float32) + 0.5) / (4 * CELLS)
        y, x = grid.reshape(1, -1, 1), grid.reshape(1, 1, -1)
        cx, cy, width, height = [value.reshape(-1, 1, 1) for value in box_coords[:, 0].unbind(-1)]
        near = torch.exp(-(((x - cx) / (width + 0.05)) ** 2 + ((y - cy) / (height + 0.05)) ** 2))
        sign = (2 * box_labels.float() - 1).reshape(-1, 1, 1) * (~box_masks).float().reshape(-1, 1, 1)
        where = (near * sign).sum(0)
        image = (fpn0 * torch.cos(text).reshape(1, -1, 1, 1)).sum(1)[0] + fpn1.mean() + fpn2.mean() + pos0.mean() + pos1.mean() + pos2.mean()
        offsets = torch.linspace(-0.6, 0.6, QUERIES).reshape(-1, 1, 1)
        masks = (image + 2 * where - offsets).unsqueeze(0)
        logits = masks.mean(dim=(2, 3)).unsqueeze(-1) * 2 + 1
        boxes = torch.tensor([0.5, 0.5, 0.4, 0.4]).repeat(1, QUERIES, 1) + 0 * (original_height + original_width).float()
        return boxes, logits, masks, image.mean().reshape(1, 1) + 2


def export_all(target):
    image = torch.zeros(3, SIDE, SIDE, dtype=torch.uint8)
    tokens = torch.zeros(1, 32, dtype=torch.int64)
    export(Encoder(), {"image": image}, FEATURES, None, target / "sam3_image_encoder.onnx", opset=18)
    export(Language(), {"tokens": tokens}, ["text_attention_mask", "text_memory", "text_embeds"], None, target / "sam3_language_encoder.onnx", opset=18)
    inputs = {
        "original_height": torch.tensor(SIDE), "original_width": torch.tensor(SIDE), **dict(zip(FEATURES, Encoder()(image))),
        **dict(zip(["language_mask", "language_features", "language_embeds"], Language()(tokens))),
        "box_coords": torch.rand(CAPACITY, 1, 4), "box_labels": torch.ones(CAPACITY, 1, dtype=torch.int64),
        "box_masks": torch.zeros(1, CAPACITY, dtype=torch.bool),
    }
    export(Decoder(), inputs, ["pred_boxes", "pred_logits", "pred_masks", "presence_logit_dec"], None, target / "sam3_decoder.onnx", opset=18)


class Reference(sam3_onnx.SegmentAnything3ONNX):
    """samexporter's own, but for the resize: SAM 3's processor resizes as Pillow does, and not as OpenCV does without averaging."""

    def encode_rgb(self, image, text):
        bgr = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.BILINEAR))[..., ::-1]
        return {**self.encode(np.ascontiguousarray(bgr), text), "original_size": image.shape[:2]}

    def select(self, embedding, marks, threshold):
        selected = {}
        keep = self.select_detections

        def note(masks, scores, boxes, prompt, **options):
            selected["masks"], selected["scores"], _ = keep(masks, scores, boxes, prompt, **options)
            return selected["masks"], selected["scores"], _

        self.select_detections = note
        self.predict_masks(embedding, marks, confidence_threshold=threshold)
        return selected["masks"][:, 0], selected["scores"]


REQUESTS = [
    {"text": "a cup of coffee", "min_score": 0.5},
    {"text": "a cup of coffee", "min_score": 0.75},
    {"text": "a spoon", "box": [150, 60, 470, 345], "min_score": 0.3},
    {"points": [[300, 200], [40, 40]], "labels": [1, 0], "min_score": 0.5},
]


def marks(request):
    found = [{"type": "rectangle", "data": request["box"]}] if "box" in request else []
    labelled = zip(request.get("points", []), request.get("labels", []))
    return found + [{"type": "point", "data": point, "label": label} for point, label in labelled]


def vocabulary(target):
    """The first 2,000 merges of CLIP's vocabulary in transformers' two files, and the tokens of "visual" by all of it."""
    whole = pathlib.Path(samexporter.__file__).parent / "assets/bpe_simple_vocab_16e6.txt.gz"
    merges = "\n".join(gzip.decompress(whole.read_bytes()).decode("utf-8").splitlines()[:2001]) + "\n"
    short = target / "merges.txt.gz"
    short.write_bytes(gzip.compress(merges.encode("utf-8")))
    tokenizer = CLIPTokenizer(short)
    short.unlink()
    (target / "merges.txt").write_text(merges, encoding="utf-8")
    write(target / "vocab.json", tokenizer.encoder)
    return tokenizer, [token for token in tokenize(["visual"])[0].tolist() if token]


def main():
    torch.manual_seed(0)
    target = FIXTURES / "sam3"
    export_all(target)
    tokenizer, visual = vocabulary(target)
    sam3_onnx.tokenize = tokenizer.tokenize
    reference = Reference(str(target / "sam3_image_encoder.onnx"), str(target / "sam3_decoder.onnx"), str(target / "sam3_language_encoder.onnx"), ["CPUExecutionProvider"])
    image = pictures()["coffee"]
    answers = []
    for request in REQUESTS:
        masks, scores = reference.select(reference.encode_rgb(image, request.get("text")), marks(request), request["min_score"])
        answers.append({"request": request, "masks": [rle(mask) for mask in masks], "scores": [round(float(score), 6) for score in scores]})
    write(target / "expected.json", {"answers": answers, "visual": visual})


if __name__ == "__main__":
    main()
