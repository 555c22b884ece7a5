"""Makes the fixture of a picture-to-gaussians model: a small convolutional network with random weights and the outputs of
the contract, exported to ONNX by torch, and the PLY file that plyfile writes of its outputs, by the steps of `save_ply`.

    python inference-server/references/gaussians.py samples/photo/coffee.jpg test/inference-server/fixtures/gaussians
"""

import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from plyfile import PlyData, PlyElement

SIDE, CELL = 64, 4


class Generator(torch.nn.Module):
    """One gaussian for each cell of the picture inside the mask and outside alike, as gaussian decoders give them: raw values."""

    def __init__(self):
        super().__init__()
        self.trunk = torch.nn.Conv2d(4, 14, CELL, CELL)

    def forward(self, image, mask):
        raw = self.trunk(torch.cat([image, mask], dim=1)).flatten(2).transpose(1, 2)
        xyz, f_dc, opacity, scale, rotation = raw.split([3, 3, 1, 3, 4], dim=-1)
        return xyz, f_dc, opacity, scale - 4, rotation


def save_ply(path, xyz, f_dc, opacity, scale, rotation):
    """As gaussian_model.py of 3D Gaussian Splatting, without f_rest."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += [f"scale_{i}" for i in range(3)] + [f"rot_{i}" for i in range(4)]
    rows = np.empty(len(xyz), dtype=[(name, "f4") for name in names])
    rows[:] = list(map(tuple, np.concatenate((xyz, np.zeros_like(xyz), f_dc, opacity, scale, rotation), axis=1)))
    PlyData([PlyElement.describe(rows, "vertex")], byte_order="<").write(path)


def main():
    picture, target = Image.open(sys.argv[1]).convert("RGB"), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = Generator().eval()
    resized = np.asarray(picture.resize((SIDE, SIDE), Image.BICUBIC), dtype=np.float32) / 255
    image = torch.from_numpy(resized.transpose(2, 0, 1)[None].copy())
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    names = ["xyz", "f_dc", "opacity", "scale", "rotation"]
    torch.onnx.export(
        model, (image, mask), target / "generator.onnx", input_names=["image", "mask"], output_names=names, dynamo=False,
    )
    with torch.no_grad():
        outputs = [values[0].numpy() for values in model(image, mask)]
    save_ply(str(target / "reference.ply"), *outputs)
    print(outputs[0].shape)


if __name__ == "__main__":
    main()
