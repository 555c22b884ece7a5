"""Writes the models that the tests need beside sam-lite: `python make_fixtures.py test/inference-server/fixtures/models`."""

import pathlib
import sys

import numpy as np
from onnx import TensorProto

from encoder import MEAN, STD, encoder
from graph import Graph, tensor


def interleaved_encoder():
    """sam-lite's encoder behind samexporter's `--use-preprocess` contract: [H, W, 3] of 0-255, normalised and padded inside."""
    inner = encoder()
    g = Graph("preprocess")
    planes = g.Unsqueeze(g.Transpose("input_image", perm=[2, 0, 1]), g.ints(0))
    normal = g.Div(g.Sub(planes, g.constant(255 * MEAN[None, :, None, None])), g.constant(255 * STD[None, :, None, None]))
    missing = g.Sub(g.ints(1, 3, 1024, 1024), g.Shape(normal))
    g.Pad(normal, g.Concat(g.ints(0, 0, 0, 0), missing, axis=0), out="padded")
    for node in inner.graph.node:
        node.input[:] = ["padded" if name == "input_image" else name for name in node.input]
    g.nodes += list(inner.graph.node)
    g.initializers += list(inner.graph.initializer)
    return g.model([tensor("input_image", ["H", "W", 3])], [tensor("image_embeddings", [1, 256, 64, 64])], "interleaved encoder")


def half_precision():
    """Doubles a vector of 16-bit floats."""
    g = Graph("half")
    g.Mul("x", g.constant([2], np.float16), out="y")
    kind = TensorProto.FLOAT16
    return g.model([tensor("x", ["n"], kind)], [tensor("y", ["n"], kind)], "16-bit floats in and out")


def stranger():
    """A model of sound: no task of this server takes any."""
    g = Graph("stranger")
    g.MatMul("spectrogram", g.constant(np.ones((80, 2))), out="voices")
    return g.model([tensor("spectrogram", ["n", "t", 80])], [tensor("voices", ["n", "t", 2])], "a model of another family")


def main():
    target = pathlib.Path(sys.argv[1])
    for name, model in (
        ("interleaved/encoder", interleaved_encoder()),
        ("half", half_precision()),
        ("stranger/model", stranger()),
    ):
        path = target / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
