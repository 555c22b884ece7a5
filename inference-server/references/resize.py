"""Pillow's resize: `python resize.py` writes test/inference-server/fixtures/resize/expected.json."""

import base64

import numpy as np
from PIL import Image

from sam_common import FIXTURES, write

KERNELS = {"linear": Image.BILINEAR, "cubic": Image.BICUBIC, "lanczos3": Image.LANCZOS}
SIZES = [(41, 30), (23, 30), (41, 17), (9, 8), (40, 5), (7, 33), (1, 1)]


def main():
    random = np.random.default_rng(3)
    # Noise, and an edge from black to white, where filters overshoot.
    picture = random.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    picture[4:12, 5:14] = 255
    picture[8:15, 10:20] = 0
    encoded = lambda pixels: base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode("ascii")
    write(FIXTURES / "resize/expected.json", {
        "width": 23,
        "height": 17,
        "pixels": encoded(picture),
        "resized": [
            {"kernel": name, "width": width, "height": height,
             "pixels": encoded(np.asarray(Image.fromarray(picture).resize((width, height), kernel)))}
            for name, kernel in KERNELS.items()
            for width, height in SIZES
        ],
    })


if __name__ == "__main__":
    main()
