"""Writes the models that the benchmark serves: python models.py <directory>

Weights are random (seed 0): what a run costs depends on shapes, not on values. No download, no training framework.

    tiny/model.onnx                 a linear classifier of four numbers with skl2onnx's contract (zipmap off): a run takes microseconds
    light/model.onnx                CLIP's vision tower at ViT-S/16: decoding the picture is a tenth of the model's work
    compute/model.onnx              the same at ViT-B/16, a size that OpenAI published: all but all is the model's work
    sam-vit/{encoder,decoder}.onnx  SAM 1: its image encoder, narrow as ViT-Tiny, and its prompt encoder and mask decoder at full size
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

from graph import Graph, model, values
from sam import sam_decoder, sam_encoder


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
    label = helper.make_tensor_value_info("label", TensorProto.INT64, ["N"])
    outputs = [label, *values({"probabilities": ["N", 3]})]
    graph = helper.make_graph(nodes, "tiny", values({"float_input": ["N", 4]}), outputs)
    return model(graph, helper.make_opsetid("ai.onnx.ml", 3))


def clip_vision(width=384, layers=12, heads=6, patch=16, size=224, projection=512):
    """transformers' CLIPVisionModelWithProjection: `pixel_values` [batch,3,size,size] -> `image_embeds` [batch,projection]."""
    g = Graph()
    patches = (size // patch) ** 2
    x = g.conv("pixel_values", "patch_embedding", 3, width, patch, stride=patch, bias=False)
    x = g.transpose(g.reshape(x, 0, width, patches), 0, 2, 1)
    batch = g.slice(g.add("Shape", ["pixel_values"]), 0, 1, 0)
    token = g.add("Expand", [g.normal("class_embedding", 1, 1, width), g.add("Concat", [batch, g.ints(1, width)], axis=0)])
    x = g.add("Add", [g.add("Concat", [token, x], axis=1), g.normal("position_embedding", 1, patches + 1, width)])
    x = g.norm(x, "pre_layrnorm", width)
    for layer in range(layers):
        name = f"layers.{layer}"
        y = g.norm(x, f"{name}.layer_norm1", width)
        q, k, v = (g.reshape(g.linear(y, f"{name}.self_attn.{each}_proj", width, width), 0, 0, heads, -1) for each in "qkv")
        q, k, v = g.transpose(q, 0, 2, 1, 3), g.transpose(k, 0, 2, 3, 1), g.transpose(v, 0, 2, 1, 3)
        mixed = g.transpose(g.attend(q, k, v, (width // heads) ** -0.5), 0, 2, 1, 3)
        x = g.add("Add", [x, g.linear(g.reshape(mixed, 0, 0, width), f"{name}.self_attn.out_proj", width, width)])
        y = g.linear(g.norm(x, f"{name}.layer_norm2", width), f"{name}.mlp.fc1", width, 4 * width)
        # CLIP's "quick" GELU: x * sigmoid(1.702 x).
        y = g.add("Mul", [y, g.add("Sigmoid", [g.add("Mul", [y, g.float(1.702)])])])
        x = g.add("Add", [x, g.linear(y, f"{name}.mlp.fc2", 4 * width, width)])
    pooled = g.norm(g.add("Gather", [x, g.const(np.array(0))], axis=1), "post_layernorm", width)
    g.add("MatMul", [pooled, g.normal("visual_projection.weight", width, projection)], "image_embeds")
    return g.model("clip_vision", {"pixel_values": ["batch", 3, size, size]}, {"image_embeds": ["batch", projection]})


def main():
    target = pathlib.Path(sys.argv[1])
    files = {
        "tiny/model.onnx": tiny,
        "light/model.onnx": clip_vision,
        "compute/model.onnx": lambda: clip_vision(width=768, heads=12),
        "sam-vit/encoder.onnx": sam_encoder,
        "sam-vit/decoder.onnx": sam_decoder,
    }
    for name, make in files.items():
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(make(), file)


if __name__ == "__main__":
    main()
