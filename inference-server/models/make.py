"""Writes sam-lite/encoder.onnx and sam-lite/decoder.onnx: SAM 1's input and output contract, without learned weights.

    python -m venv .venv && .venv/bin/pip install -r inference-server/models/requirements.txt
    .venv/bin/python inference-server/models/make.py [directory]

Nothing is random: the same packages give the same bytes, and a test compares the printed SHA-256 with the committed files.
"""

import hashlib
import pathlib
import sys

import onnxruntime

from decoder import decoder
from encoder import encoder


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "sam-lite"
    target.mkdir(parents=True, exist_ok=True)
    for name, model in (("encoder", encoder()), ("decoder", decoder())):
        data = model.SerializeToString(deterministic=True)
        onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        (target / f"{name}.onnx").write_bytes(data)
        print(f"{hashlib.sha256(data).hexdigest()}  {name}.onnx  {len(data)} bytes")


if __name__ == "__main__":
    main()
