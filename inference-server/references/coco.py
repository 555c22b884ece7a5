"""COCO run lengths by pycocotools: `python coco.py` writes test/inference-server/fixtures/coco/masks.json."""

import base64

import numpy as np

from sam_common import FIXTURES, rle, write


def masks():
    """Masks with what goes wrong easily: full, empty, an odd column, runs over columns' ends, noise, more than one tile wide."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:71, 0:130]
    yield "empty", np.zeros((3, 5), bool)
    yield "full", np.ones((4, 3), bool)
    yield "one pixel", np.eye(1, dtype=bool)
    yield "first pixel", np.arange(6).reshape(2, 3) == 0
    yield "last pixel", np.arange(6).reshape(2, 3) == 5
    yield "columns", np.tile(np.arange(9) % 3 == 1, (7, 1))
    yield "rows", np.tile((np.arange(9) % 2 == 0)[:, None], (1, 7))
    yield "ring", (abs((x - 64) ** 2 + (y - 35) ** 2 - 700) < 260)
    yield "noise", random.random((37, 83)) < 0.4


def main():
    write(FIXTURES / "coco/masks.json", [
        {
            "name": name,
            "rle": rle(mask),
            # Row by row, one bit a pixel.
            "bits": base64.b64encode(np.packbits(mask.reshape(-1)).tobytes()).decode("ascii"),
        }
        for name, mask in masks()
    ])


if __name__ == "__main__":
    main()
