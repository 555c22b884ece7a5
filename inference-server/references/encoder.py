"""Makes the fixture of a one-output image encoder: a small timm vision transformer with random weights, without its classifier,
exported to ONNX by torch, and its features of a picture preprocessed by timm's own evaluation transform (Pillow, no margin).

    python inference-server/references/encoder.py samples/photo/coffee.jpg test/inference-server/fixtures/encoder
"""

import json
import pathlib
import sys

import numpy as np
import timm
import torch
from PIL import Image, ImageOps
from timm.data import create_transform


def main():
    picture, target = Image.open(sys.argv[1]).convert("RGB"), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = timm.create_model(
        "vit_tiny_patch16_224", pretrained=False, num_classes=0, embed_dim=32, depth=2, num_heads=2, mlp_ratio=2,
    ).eval()
    # With timm's small initial weights the features would hardly depend on the picture.
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.25)
    transform = create_transform((3, 224, 224), interpolation="bicubic", crop_pct=1.0, is_training=False)
    torch.onnx.export(
        model, (torch.zeros(2, 3, 224, 224),), target / "encoder.onnx", input_names=["input"], output_names=["features"],
        dynamic_axes={"input": {0: "batch"}, "features": {0: "batch"}}, dynamo=False,
    )

    def encode(image):
        with torch.no_grad():
            return model(transform(image)[None])[0].numpy().astype(float)

    features, mirrored = encode(picture), encode(ImageOps.mirror(picture))
    (target / "reference.json").write_text(json.dumps({"features": [round(v, 6) for v in features]}) + "\n")
    print(transform)
    print("cosine of the picture and its mirror image:", features @ mirrored / np.linalg.norm(features) / np.linalg.norm(mirrored))


if __name__ == "__main__":
    main()
