"""Writes the models that the benchmark serves: python models.py <directory>

Weights are random (seed 0): what a run costs depends on shapes, not on values. No download, no training framework.

    tiny/model.onnx     a linear classifier of four numbers with skl2onnx's contract (zipmap off): a run takes microseconds
    compute/model.onnx  CLIP's vision tower at ViT-S/16: what the model computes is all that matters
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# The oldest that knows the opset, so that every runtime of the last years reads the file.
IR_VERSION = 8


def tiny():
    """`float_input` [N,4] -> `label` int64 [N], `probabilities` [N,3]: what skl2onnx makes of a LogisticRegression."""
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node(
            "LinearClassifier", ["float_input"], ["label", "scores"], domain="ai.onnx.ml",
            classlabels_ints=[0, 1, 2], multi_class=1, post_transform="SOFTMAX",
            coefficients=random.normal(size=12).tolist(), intercepts=random.normal(size=3).tolist(),
        ),
        helper.make_node("Normalizer", ["scores"], ["probabilities"], domain="ai.onnx.ml", norm="L1"),
    ]
    graph = helper.make_graph(
        nodes, "tiny",
        [helper.make_tensor_value_info("float_input", TensorProto.FLOAT, ["N", 4])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3]),
        ],
    )
    return model(graph, helper.make_opsetid("ai.onnx.ml", 3))


class Graph:
    """Nodes and weights, added in order; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(0)

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def normal(self, *shape):
        """Random weights of the size that initialisation gives them: the activations stay within float32."""
        return self.weight(self.random.normal(0, 0.02, shape).astype(np.float32))

    def add(self, kind, inputs, **attributes):
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, inputs, outputs):
        return self.add("Add", [self.add("MatMul", [x, self.normal(inputs, outputs)]), self.normal(outputs)])

    def norm(self, x, width):
        scale, bias = np.ones(width, np.float32), np.zeros(width, np.float32)
        return self.add("LayerNormalization", [x, self.weight(scale), self.weight(bias)], axis=-1, epsilon=1e-5)

    def reshape(self, x, shape):
        return self.add("Reshape", [x, self.weight(np.array(shape, np.int64))])

    def attention(self, x, width, heads):
        """Softmax(QK^T / sqrt(d)) V over tokens: x is [batch, tokens, width]."""
        def split(y):
            return self.reshape(y, [0, 0, heads, width // heads])

        q, k, v = (split(self.linear(x, width, width)) for _ in range(3))
        q = self.add("Mul", [self.add("Transpose", [q], perm=[0, 2, 1, 3]), self.weight(np.float32((width // heads) ** -0.5))])
        k = self.add("Transpose", [k], perm=[0, 2, 3, 1])
        v = self.add("Transpose", [v], perm=[0, 2, 1, 3])
        mixed = self.add("MatMul", [self.add("Softmax", [self.add("MatMul", [q, k])], axis=-1), v])
        merged = self.reshape(self.add("Transpose", [mixed], perm=[0, 2, 1, 3]), [0, 0, width])
        return self.linear(merged, width, width)

    def mlp(self, x, width):
        hidden = self.linear(x, width, 4 * width)
        # CLIP's "quick" GELU: x * sigmoid(1.702 x).
        gate = self.add("Sigmoid", [self.add("Mul", [hidden, self.weight(np.float32(1.702))])])
        return self.linear(self.add("Mul", [hidden, gate]), 4 * width, width)


def clip_vision(width=384, layers=12, heads=6, patch=16, size=224, projection=512):
    """CLIP's vision tower (transformers' CLIPVisionModelWithProjection): `pixel_values` [batch,3,size,size] -> `image_embeds` [batch,projection]."""
    g = Graph()
    patches = (size // patch) ** 2
    x = g.add("Conv", ["pixel_values", g.normal(width, 3, patch, patch)], kernel_shape=[patch, patch], strides=[patch, patch])
    x = g.add("Transpose", [g.reshape(x, [0, width, patches])], perm=[0, 2, 1])
    batch = g.add("Slice", [g.add("Shape", ["pixel_values"]), g.weight(np.array([0])), g.weight(np.array([1]))])
    token_shape = g.add("Concat", [batch, g.weight(np.array([1, width]))], axis=0)
    token = g.add("Expand", [g.normal(1, 1, width), token_shape])
    x = g.add("Add", [g.add("Concat", [token, x], axis=1), g.normal(1, patches + 1, width)])
    x = g.norm(x, width)
    for _ in range(layers):
        x = g.add("Add", [x, g.attention(g.norm(x, width), width, heads)])
        x = g.add("Add", [x, g.mlp(g.norm(x, width), width)])
    pooled = g.norm(g.add("Gather", [x, g.weight(np.array(0))], axis=1), width)
    g.nodes.append(helper.make_node("MatMul", [pooled, g.normal(width, projection)], ["image_embeds"]))
    graph = helper.make_graph(
        g.nodes, "clip_vision",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", projection])],
        g.weights,
    )
    return model(graph)


def model(graph, *domains):
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), *domains])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made)
    return made


def main():
    target = pathlib.Path(sys.argv[1])
    for name, make in (("tiny", tiny), ("compute", clip_vision)):
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(make(), folder / "model.onnx")


if __name__ == "__main__":
    main()
