"""Makes the depth fixture: transformers' DepthAnythingForDepthEstimation (a small DINOv2 backbone, random weights) exported
to ONNX by torch with free height and width, and its depth of a picture preprocessed by transformers' Pillow processor.

    python inference-server/references/depth.py samples/photo/coffee.jpg test/inference-server/fixtures/depth
"""

import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil


class PredictedDepth(torch.nn.Module):
    """Only `predicted_depth`, as the model.onnx files on the model hub have it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).predicted_depth


def main():
    picture, target = Image.open(sys.argv[1]).convert("RGB"), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    backbone = Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=98, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True, initializer_range=0.2,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[4, 8, 12, 16], fusion_hidden_size=8,
        head_hidden_size=8, initializer_range=0.2,
    )
    model = DepthAnythingForDepthEstimation(config).eval()
    # Depth Anything's own settings but for the size (518), which would only make the fixture larger.
    processor = DPTImageProcessorPil(
        size={"height": 98, "width": 98}, keep_aspect_ratio=True, ensure_multiple_of=14,
        image_mean=IMAGENET_DEFAULT_MEAN, image_std=IMAGENET_DEFAULT_STD,
    )
    pixels = processor(picture, return_tensors="pt")
    axes = {0: "batch_size", 2: "height", 3: "width"}
    torch.onnx.export(
        PredictedDepth(model), (pixels["pixel_values"],), target / "model.onnx",
        input_names=["pixel_values"], output_names=["predicted_depth"], dynamo=False,
        dynamic_axes={"pixel_values": axes, "predicted_depth": {0: "batch_size", 1: "height", 2: "width"}},
    )
    processor.save_pretrained(target)
    with torch.no_grad():
        depth = model(**pixels).predicted_depth[0].numpy()
    np.save(target / "predicted_depth.npy", depth.astype(np.float32))
    print(depth.shape, np.percentile(depth, [0, 25, 50, 75, 100]).round(3).tolist())


if __name__ == "__main__":
    main()
