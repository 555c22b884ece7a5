"""Makes the CLIP fixture: transformers' CLIPVisionModelWithProjection (ViT, patch 32, small, random weights) exported to
ONNX by torch, and its embeddings of pictures preprocessed by transformers' Pillow processor.

    python inference-server/references/clip.py samples/photo/coffee.jpg test/inference-server/fixtures/clip
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from PIL import Image, ImageOps
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil


class ImageEmbeds(torch.nn.Module):
    """Only `image_embeds`, as the vision_model.onnx files on the model hub have it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).image_embeds


def main():
    picture, target = Image.open(sys.argv[1]).convert("RGB"), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    # The real contract (224 x 224, patch 32, 512 dimensions), a small trunk. The large initial weights make the embedding
    # depend on the picture: with the usual ones it is nearly the same for all.
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=224, patch_size=32, projection_dim=512, initializer_factor=4.0,
    )
    model = CLIPVisionModelWithProjection(config).eval()
    processor = CLIPImageProcessorPil()
    torch.onnx.export(
        ImageEmbeds(model), (torch.zeros(2, 3, 224, 224),), target / "vision_model.onnx",
        input_names=["pixel_values"], output_names=["image_embeds"],
        dynamic_axes={"pixel_values": {0: "batch_size"}, "image_embeds": {0: "batch_size"}}, dynamo=False,
    )
    onnx.checker.check_model(str(target / "vision_model.onnx"))
    processor.save_pretrained(target)
    # Half precision throughout, inputs and outputs included, as onnxruntime's own converter makes it.
    half = target.with_name(target.name + "-fp16")
    half.mkdir(exist_ok=True)
    onnx.save(convert_float_to_float16(onnx.load(target / "vision_model.onnx")), half / "vision_model_fp16.onnx")
    processor.save_pretrained(half)

    def embed(image):
        with torch.no_grad():
            return model(**processor(image, return_tensors="pt")).image_embeds[0].numpy().astype(float)

    picture_embeds, other = embed(picture), embed(ImageOps.mirror(picture))
    cosine = picture_embeds @ other / np.linalg.norm(picture_embeds) / np.linalg.norm(other)
    (target / "reference.json").write_text(json.dumps({
        "image_embeds": [round(float(v), 6) for v in picture_embeds],
        "mirrored": [round(float(v), 6) for v in other],
    }) + "\n")
    print("cosine of the picture and its mirror image:", cosine)


if __name__ == "__main__":
    main()
