"""Writes the sample models: the input and output contracts of real exports, without learned weights.

    python -m venv .venv && .venv/bin/pip install -r inference-server/models/requirements.txt
    .venv/bin/python inference-server/models/make.py [directory]

Each goes to <directory>/<sample>/<model>.onnx; the directory is that of this file if none is given. Nothing is random: the
same packages give the same bytes, and a test compares the printed SHA-256 with the committed files.
"""

import hashlib
import pathlib
import sys

import onnxruntime

from decoder import decoder
from depth import depth
from encoder import encoder
from vision import vision

SAMPLES = {
    "sam-lite": {"encoder": encoder, "decoder": decoder},
    "clip-lite": {"vision_model": vision},
    "depth-lite": {"model": depth},
}


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    for sample, models in SAMPLES.items():
        target = root / sample
        target.mkdir(parents=True, exist_ok=True)
        for name, make in models.items():
            data = make().SerializeToString(deterministic=True)
            onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
            (target / f"{name}.onnx").write_bytes(data)
            print(f"{hashlib.sha256(data).hexdigest()}  {sample}/{name}.onnx  {len(data)} bytes")


if __name__ == "__main__":
    main()
