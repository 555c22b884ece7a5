"""SAM 1 as segment-anything 1.0 defines it, with random weights: modeling/*.py, and utils/onnx.py for the decoder's contract.

Weights have the names of segment-anything's state dict; those of linear layers are transposed.
"""

import numpy as np
import onnx

from graph import Graph

SIDE, GRID, CHANNELS = 1024, 64, 256
MASK_SIDE = 256
MASKS = 4


def sam_encoder(width=192, depth=12, heads=3, window=14, global_layers=(2, 5, 8, 11)):
    """ImageEncoderViT: `input_image` [1,3,1024,1024] -> `image_embeddings` [1,256,64,64]. The sizes are ViT-Tiny's; ViT-B has width 768, heads 12."""
    g = Graph()
    x = g.conv("input_image", "patch_embed.proj", 3, width, SIDE // GRID, stride=SIDE // GRID)
    x = g.add("Add", [g.transpose(x, 0, 2, 3, 1), g.normal("pos_embed", 1, GRID, GRID, width)])
    for layer in range(depth):
        name = f"blocks.{layer}"
        y = g.norm(x, f"{name}.norm1", width, 1e-6)
        if layer in global_layers:
            y = attention(g, y, name, width, heads, GRID, 1)
        else:
            count = -(-GRID // window)
            beyond = count * window - GRID
            y = g.add("Pad", [y, g.ints(0, 0, 0, 0, 0, beyond, beyond, 0)])
            y = g.transpose(g.reshape(y, 1, count, window, count, window, width), 0, 1, 3, 2, 4, 5)
            y = attention(g, g.reshape(y, count * count, window, window, width), name, width, heads, window, count * count)
            y = g.transpose(g.reshape(y, 1, count, count, window, window, width), 0, 1, 3, 2, 4, 5)
            y = g.reshape(y, 1, count * window, count * window, width)
            y = g.slice(g.slice(y, 0, GRID, 1), 0, GRID, 2)
        x = g.add("Add", [x, y])
        y = g.gelu(g.linear(g.norm(x, f"{name}.norm2", width, 1e-6), f"{name}.mlp.lin1", width, 4 * width))
        x = g.add("Add", [x, g.linear(y, f"{name}.mlp.lin2", 4 * width, width)])
    x = g.conv(g.transpose(x, 0, 3, 1, 2), "neck.0", width, CHANNELS, 1, bias=False)
    x = g.conv(g.norm2d(x, "neck.1", CHANNELS), "neck.2", CHANNELS, CHANNELS, 3, padding=1, bias=False)
    g.add("Identity", [g.norm2d(x, "neck.3", CHANNELS)], "image_embeddings")
    return g.model(
        "sam_encoder", {"input_image": [1, 3, SIDE, SIDE]}, {"image_embeddings": [1, CHANNELS, GRID, GRID]}
    )


def attention(g, x, name, width, heads, side, windows):
    """Attention with decomposed relative positions over [windows, side, side, width]."""
    each, tokens, batch = width // heads, side * side, windows * heads
    qkv = g.reshape(g.linear(x, f"{name}.attn.qkv", width, 3 * width), windows, tokens, 3, heads, each)
    parts = g.reshape(g.transpose(qkv, 2, 0, 3, 1, 4), 3, batch, tokens, each)
    q, k, v = (g.add("Gather", [parts, g.const(np.array(index))], axis=0) for index in range(3))
    grid = g.reshape(q, batch, side, side, each)
    distance = np.arange(side)[:, None] - np.arange(side)[None, :] + side - 1
    along = []
    for axis in "hw":
        table = g.normal(f"{name}.attn.rel_pos_{axis}", 2 * side - 1, each)
        relative = g.transpose(g.add("Gather", [table, g.const(distance)], axis=0), 0, 2, 1)
        along.append(relative)
    rows = g.reshape(g.add("MatMul", [grid, along[0]]), batch, side, side, side, 1)
    columns = g.transpose(g.add("MatMul", [g.transpose(grid, 0, 2, 1, 3), along[1]]), 0, 2, 1, 3)
    columns = g.reshape(columns, batch, side, side, 1, side)
    bias = g.reshape(g.add("Add", [rows, columns]), batch, tokens, tokens)
    y = g.attend(q, g.transpose(k, 0, 2, 1), v, each**-0.5, bias)
    y = g.transpose(g.reshape(y, windows, heads, side, side, each), 0, 2, 3, 1, 4)
    return g.linear(g.reshape(y, windows, side, side, width), f"{name}.attn.proj", width, width)


def sam_decoder():
    """SamOnnxModel: prompts and an embedding to four masks of the picture's own size, their scores and the masks at 256 x 256."""
    g = Graph()
    gaussian = g.normal("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", 2, CHANNELS // 2, deviation=1.0)
    tokens = g.add("Concat", [output_tokens(g), embed_points(g, gaussian)], axis=1)
    keys = flat(g, g.add("Add", ["image_embeddings", embed_mask(g)]))
    queries, keys = two_way(g, tokens, keys, flat(g, dense_positions(g, gaussian)))
    low = g.add("Identity", [masks(g, queries, keys)], "low_res_masks")
    first = g.reshape(g.slice(queries, 0, 1, 1), 1, CHANNELS)
    mlp(g, first, "mask_decoder.iou_prediction_head", MASKS, "iou_predictions")
    full_size(g, low)
    return g.model(
        "sam_decoder",
        {
            "image_embeddings": [1, CHANNELS, GRID, GRID],
            "point_coords": [1, "num_points", 2],
            "point_labels": [1, "num_points"],
            "mask_input": [1, 1, MASK_SIDE, MASK_SIDE],
            "has_mask_input": [1],
            "orig_im_size": [2],
        },
        {
            "masks": [1, MASKS, "height", "width"],
            "iou_predictions": [1, MASKS],
            "low_res_masks": [1, MASKS, MASK_SIDE, MASK_SIDE],
        },
    )


def output_tokens(g):
    tokens = [g.normal(f"mask_decoder.{name}.weight", count, CHANNELS, deviation=1.0) for name, count in (("iou_token", 1), ("mask_tokens", MASKS))]
    return g.reshape(g.add("Concat", tokens, axis=0), 1, 1 + MASKS, CHANNELS)


def positions(g, coordinates, gaussian):
    """Sine and cosine of random projections of coordinates from 0 to 1."""
    centred = g.add("Sub", [g.add("Mul", [coordinates, g.float(2)]), g.float(1)])
    angles = g.add("Mul", [g.add("MatMul", [centred, gaussian]), g.float(2 * np.pi)])
    return g.add("Concat", [g.add("Sin", [angles]), g.add("Cos", [angles])], axis=-1)


def dense_positions(g, gaussian):
    middle = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    y, x = np.meshgrid(middle, middle, indexing="ij")
    grid = g.const(np.stack([x, y], axis=-1))
    return g.reshape(g.transpose(positions(g, grid, gaussian), 2, 0, 1), 1, CHANNELS, GRID, GRID)


def embed_points(g, gaussian):
    middle = g.add("Div", [g.add("Add", ["point_coords", g.float(0.5)]), g.float(SIDE)])
    labels = g.add("Unsqueeze", ["point_labels", g.ints(-1)])

    def where(label):
        return g.add("Cast", [g.add("Equal", [labels, g.float(label)])], to=onnx.TensorProto.FLOAT)

    padding = where(-1)
    points = g.add("Mul", [positions(g, middle, gaussian), g.add("Sub", [g.float(1), padding])])
    points = g.sum(points, g.add("Mul", [padding, g.normal("prompt_encoder.not_a_point_embed.weight", 1, CHANNELS, deviation=1.0)]))
    for label in range(4):
        learned = g.normal(f"prompt_encoder.point_embeddings.{label}.weight", 1, CHANNELS, deviation=1.0)
        points = g.sum(points, g.add("Mul", [where(label), learned]))
    return points


def embed_mask(g):
    name = "prompt_encoder.mask_downscaling"
    x = g.gelu(g.norm2d(g.conv("mask_input", f"{name}.0", 1, 4, 2, stride=2), f"{name}.1", 4))
    x = g.gelu(g.norm2d(g.conv(x, f"{name}.3", 4, 16, 2, stride=2), f"{name}.4", 16))
    given = g.add("Mul", ["has_mask_input", g.conv(x, f"{name}.6", 16, CHANNELS, 1)])
    none = g.reshape(g.normal("prompt_encoder.no_mask_embed.weight", 1, CHANNELS, deviation=1.0), 1, CHANNELS, 1, 1)
    return g.sum(given, g.add("Mul", [g.add("Sub", [g.float(1), "has_mask_input"]), none]))


def flat(g, x):
    return g.transpose(g.reshape(x, 1, CHANNELS, GRID * GRID), 0, 2, 1)


def two_way(g, tokens, keys, key_positions, depth=2, heads=8, hidden=2048):
    """TwoWayTransformer: tokens attend to the picture, and the picture to the tokens."""

    def attend(name, q, k, v, inner):
        def split(x, part, *order):
            projected = g.linear(x, f"{name}.{part}_proj", CHANNELS, inner)
            return g.transpose(g.reshape(projected, 1, -1, heads, inner // heads), *order)

        y = g.attend(split(q, "q", 0, 2, 1, 3), split(k, "k", 0, 2, 3, 1), split(v, "v", 0, 2, 1, 3), (inner // heads) ** -0.5)
        return g.linear(g.reshape(g.transpose(y, 0, 2, 1, 3), 1, -1, inner), f"{name}.out_proj", inner, CHANNELS)

    queries = tokens
    for layer in range(depth):
        name = f"mask_decoder.transformer.layers.{layer}"
        if layer == 0:
            queries = attend(f"{name}.self_attn", queries, queries, queries, CHANNELS)
        else:
            placed = g.sum(queries, tokens)
            queries = g.sum(queries, attend(f"{name}.self_attn", placed, placed, queries, CHANNELS))
        queries = g.norm(queries, f"{name}.norm1", CHANNELS)
        q, k = g.sum(queries, tokens), g.sum(keys, key_positions)
        seen = attend(f"{name}.cross_attn_token_to_image", q, k, keys, CHANNELS // 2)
        queries = g.norm(g.sum(queries, seen), f"{name}.norm2", CHANNELS)
        inner = g.add("Relu", [g.linear(queries, f"{name}.mlp.lin1", CHANNELS, hidden)])
        queries = g.norm(g.sum(queries, g.linear(inner, f"{name}.mlp.lin2", hidden, CHANNELS)), f"{name}.norm3", CHANNELS)
        q, k = g.sum(queries, tokens), g.sum(keys, key_positions)
        told = attend(f"{name}.cross_attn_image_to_token", k, q, queries, CHANNELS // 2)
        keys = g.norm(g.sum(keys, told), f"{name}.norm4", CHANNELS)
    q, k = g.sum(queries, tokens), g.sum(keys, key_positions)
    name = "mask_decoder.transformer"
    seen = attend(f"{name}.final_attn_token_to_image", q, k, keys, CHANNELS // 2)
    return g.norm(g.sum(queries, seen), f"{name}.norm_final_attn", CHANNELS), keys


def masks(g, queries, keys):
    name = "mask_decoder.output_upscaling"
    x = g.reshape(g.transpose(keys, 0, 2, 1), 1, CHANNELS, GRID, GRID)
    x = g.conv(x, f"{name}.0", CHANNELS, CHANNELS // 4, 2, stride=2, transposed=True)
    x = g.gelu(g.norm2d(x, f"{name}.1", CHANNELS // 4))
    x = g.gelu(g.conv(x, f"{name}.3", CHANNELS // 4, CHANNELS // 8, 2, stride=2, transposed=True))
    pixels = g.reshape(x, 1, CHANNELS // 8, MASK_SIDE * MASK_SIDE)
    hyper = []
    for mask in range(MASKS):
        token = g.reshape(g.slice(queries, 1 + mask, 2 + mask, 1), 1, 1, CHANNELS)
        hyper.append(mlp(g, token, f"mask_decoder.output_hypernetworks_mlps.{mask}", CHANNELS // 8))
    planes = g.add("MatMul", [g.add("Concat", hyper, axis=1), pixels])
    return g.reshape(planes, 1, MASKS, MASK_SIDE, MASK_SIDE)


def mlp(g, x, name, outputs, output=None):
    for layer in range(2):
        x = g.add("Relu", [g.linear(x, f"{name}.layers.{layer}", CHANNELS, CHANNELS)])
    last = g.linear(x, f"{name}.layers.2", CHANNELS, outputs)
    return g.add("Identity", [last], output) if output else last


def full_size(g, low):
    """SamOnnxModel.mask_postprocessing: to 1024 x 1024, without the padding, to the picture's own size."""

    def resize(x, sizes, output=None):
        attributes = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return g.add("Resize", [x, "", "", sizes], output, **attributes)

    def whole(x):
        return g.add("Cast", [g.add("Floor", [g.add("Add", [x, g.float(0.5)])])], to=onnx.TensorProto.INT64)

    framed = resize(low, g.ints(1, MASKS, SIDE, SIDE))
    scale = g.add("Div", [g.float(SIDE), g.add("ReduceMax", ["orig_im_size"], axes=[0])])
    inner = whole(g.add("Mul", ["orig_im_size", scale]))
    cropped = g.add("Slice", [framed, g.ints(0, 0), inner, g.ints(2, 3)])
    resize(cropped, g.add("Concat", [g.ints(1, MASKS), whole("orig_im_size")], axis=0), "masks")
