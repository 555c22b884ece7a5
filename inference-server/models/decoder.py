"""The decoder: fuzzy connectedness (Udupa and Samarasekera, 1996) of every pixel to the prompts, as an ONNX graph."""

import numpy as np
from onnx import TensorProto

from graph import Graph, tensor

GRID = 256  # low_res_masks
CELLS = 64  # the grid on which connectedness spreads
FRAME = 1024  # the frame of point_coords
FAR = 1e6

# How much each of the 16 features counts in the distance between a pixel and a prompt. The prompt is read one scale
# coarser than the pixels (see PROMPT_FROM), so that a click on a grain of texture means the surface around it.
WEIGHTS = np.array([0, 0, 0, 0.3, 1.5, 1.5, 0.15, 0.6, 0.6, 0, 0, 0, 0.3, 0.3, 0.3, 0])
PROMPT_FROM = [0, 1, 2, 6, 7, 8, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
SIGMA = 0.16
# Similarity that a pixel must reach: for several prompts, then from a strict part to the whole.
THRESHOLDS = np.array([0.4, 0.62, 0.4, 0.22])
STEPS = 160


def spread():
    """Loop body: connectedness passes to a neighbour as far as the neighbour itself resembles the prompt."""
    b = Graph("spread")
    grown = b.MaxPool("reached", kernel_shape=[3, 3], pads=[1] * 4)
    b.Min(grown, "similar", out="reached_next")
    b.Identity("go_on", out="go_on_next")
    return b.body(
        [tensor("step", [], TensorProto.INT64), tensor("go_on", [], TensorProto.BOOL), tensor("reached", [1, 2, CELLS, CELLS])],
        [tensor("go_on_next", [], TensorProto.BOOL), tensor("reached_next", [1, 2, CELLS, CELLS])],
    )


def decoder():
    """SAM 1's decoder contract: six inputs; `masks`, `iou_predictions`, `low_res_masks`."""
    g = Graph("decoder")
    features = g.Reshape(g.DepthToSpace("image_embeddings", blocksize=4), g.ints(16, GRID * GRID))
    xy = g.Reshape("point_coords", g.ints(-1, 2))
    label = g.Reshape("point_labels", g.ints(-1))

    def labelled(value):
        """1 for each prompt with that label, else 0; [N, 1]."""
        return g.Unsqueeze(g.Cast(g.Equal(label, float(value)), to=TensorProto.FLOAT), g.ints(1))

    # A box: its two corners, or a box far larger than the frame when there is none.
    def corner(value, absent):
        here = labelled(value)
        placed = g.Add(g.Mul(xy, here), g.Mul(g.Sub(1.0, here), absent))
        reduce = g.ReduceMin if absent > 0 else g.ReduceMax
        return reduce(placed, axes=[0], keepdims=1)

    top_left, bottom_right = corner(2, -FAR), corner(3, FAR)
    has_box = g.ReduceMax(labelled(2), axes=[0], keepdims=1)
    # A box stands for a foreground prompt in its middle and background prompts just outside its edges.
    clamped_low, clamped_high = g.Clip(top_left, 0.0, float(FRAME - 1)), g.Clip(bottom_right, 0.0, float(FRAME - 1))
    size = g.Sub(clamped_high, clamped_low)
    at = [(0.5, 0.5)] + [(u, v) for u in (0.1, 0.5, 0.9) for v in (-0.08, 1.08)] + [(v, u) for u in (0.1, 0.5, 0.9) for v in (-0.08, 1.08)]
    from_box = g.Add(clamped_low, g.Mul(g.constant(np.array(at)), size))
    is_middle = g.constant(np.array([[1.0]] + [[0.0]] * (len(at) - 1)))
    inside_frame = g.Mul(
        g.Cast(g.GreaterOrEqual(g.ReduceMin(from_box, axes=[1], keepdims=1), 0.0), to=TensorProto.FLOAT),
        g.Cast(g.Less(g.ReduceMax(from_box, axes=[1], keepdims=1), float(FRAME)), to=TensorProto.FLOAT),
    )
    # The middle is a guess: it yields when the caller points at the object itself.
    guessed = g.Mul(g.Mul(is_middle, has_box), g.Sub(1.0, g.ReduceMax(labelled(1), axes=[0], keepdims=1)))
    points = g.Concat(xy, from_box, axis=0)
    foreground = g.Concat(labelled(1), guessed, axis=0)
    background = g.Concat(labelled(0), g.Mul(g.Mul(g.Sub(1.0, is_middle), has_box), inside_frame), axis=0)

    # Distance in feature space from every prompt to every pixel: |p|^2 + |q|^2 - 2 p.q, [prompts, pixels].
    root = np.sqrt(WEIGHTS)[:, None]
    pixels = g.Mul(features, g.constant(root))
    cell = g.Cast(g.Clip(g.Floor(g.Div(points, FRAME / GRID)), 0.0, float(GRID - 1)), to=TensorProto.INT64)
    column, row = g.Split(cell, g.ints(1, 1), axis=1, outputs=2)
    where = g.Squeeze(g.Add(g.Mul(row, g.ints(GRID)), column), g.ints(1))
    prompts = g.Mul(g.Gather(g.Gather(features, g.ints(*PROMPT_FROM), axis=0), where, axis=1), g.constant(root))
    squared = g.Add(
        g.Transpose(g.ReduceSum(g.Mul(prompts, prompts), g.ints(0), keepdims=1), perm=[1, 0]),
        g.Sub(g.ReduceSum(g.Mul(pixels, pixels), g.ints(0), keepdims=1), g.Mul(2.0, g.MatMul(g.Transpose(prompts, perm=[1, 0]), pixels))),
    )
    similarity = g.Exp(g.Mul(g.Clip(squared, 0.0, FAR), -1 / (2 * SIGMA**2)))

    def best(of):
        """The largest similarity to any prompt of one side, as a plane."""
        return g.Reshape(g.ReduceMax(g.Mul(similarity, of), axes=[0], keepdims=0), g.ints(1, 1, GRID, GRID))

    # An earlier mask, when given, raises what it held and lowers what it did not.
    prior = g.Mul(g.Tanh(g.Mul("mask_input", 0.25)), g.Reshape("has_mask_input", g.ints(1, 1, 1, 1)))
    toward = g.Clip(g.Add(best(foreground), g.Mul(prior, 0.5)), 0.0, 1.0)
    away = g.Clip(g.Sub(best(background), g.Mul(prior, 0.5)), 0.0, 1.0)

    # Seeds on the coarse grid: the cell under each prompt and its nearest neighbours.
    step = FRAME / CELLS
    ys, xs = np.meshgrid((np.arange(CELLS) + 0.5) * step, (np.arange(CELLS) + 0.5) * step, indexing="ij")
    centres = g.constant(np.stack([xs.ravel(), ys.ravel()])[None])
    offset = g.Sub(centres, g.Unsqueeze(points, g.ints(2)))
    near = g.Cast(g.Less(g.ReduceSum(g.Mul(offset, offset), g.ints(1), keepdims=0), float((0.9 * step) ** 2)), to=TensorProto.FLOAT)

    def seeds(of):
        return g.Reshape(g.ReduceMax(g.Mul(near, of), axes=[0], keepdims=0), g.ints(1, 1, CELLS, CELLS))

    both = g.Concat(toward, away, axis=1)
    coarse = g.AveragePool(both, kernel_shape=[4, 4], strides=[4, 4])
    seeded = g.Concat(seeds(foreground), seeds(background), axis=1)
    g.Identity(coarse, out="similar")
    reached = g.Loop(g.constant(STEPS, np.int64), g.constant(True, np.bool_), g.Min(seeded, "similar"), outputs=1, body=spread())
    reached = g.MaxPool(reached, kernel_shape=[3, 3], pads=[1] * 4)
    connected = g.Resize(reached, "", g.constant([1, 1, 4, 4]), mode="linear")
    held, contested = g.Split(g.Min(both, connected), g.ints(1, 1), axis=1, outputs=2)

    # Four nested masks: the similarity held, over the larger of the threshold and what the background holds.
    threshold = g.constant(THRESHOLDS[None, :, None, None])
    raw = g.Mul(g.Sub(held, g.Max(threshold, contested)), 20.0)
    smooth = g.AveragePool(raw, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=0)
    pixel = (np.arange(GRID) + 0.5) * (FRAME / GRID)
    px, py = np.meshgrid(pixel, pixel, indexing="xy")
    grid = g.constant(np.stack([px, py])[None])
    as_plane = g.ints(1, 2, 1, 1)
    margin = g.Min(g.Sub(grid, g.Reshape(top_left, as_plane)), g.Sub(g.Reshape(bottom_right, as_plane), grid))
    gate = g.ReduceMin(margin, axes=[1], keepdims=1)
    low_res = g.Min(smooth, g.Clip(gate, -20.0, 20.0), out="low_res_masks")

    # Predicted IoU is SAM's stability score: the area above a raised threshold over the area above a lowered one.
    def area(shift):
        over = g.Cast(g.Greater(low_res, float(shift)), to=TensorProto.FLOAT)
        return g.Add(g.ReduceSum(over, g.ints(2, 3), keepdims=0), 1.0)

    stability = g.Div(area(1.5), area(-1.5))
    # A mask over most of the frame is rarely an object.
    share = g.Div(area(0), float(GRID * GRID))
    g.Mul(stability, g.Sub(1.0, g.Clip(g.Sub(share, 0.5), 0.0, 0.5)), out="iou_predictions")

    # mask_postprocessing of SAM: to the frame, without the padding, to the picture.
    size = "orig_im_size"
    longest = g.ReduceMax(size, axes=[0], keepdims=1)
    unpadded = g.Cast(g.Floor(g.Add(g.Mul(size, g.Div(float(FRAME), longest)), 0.5)), to=TensorProto.INT64)
    leading = g.ints(1, 4)
    full = g.Resize(low_res, "", "", g.ints(1, 4, FRAME, FRAME), mode="linear")
    cropped = g.Slice(full, g.ints(0, 0), unpadded, g.ints(2, 3))
    original = g.Concat(leading, g.Cast(size, to=TensorProto.INT64), axis=0)
    g.Resize(cropped, "", "", original, mode="linear", out="masks")

    return g.model(
        [
            tensor("image_embeddings", [1, 256, 64, 64]),
            tensor("point_coords", [1, "num_points", 2]),
            tensor("point_labels", [1, "num_points"]),
            tensor("mask_input", [1, 1, 256, 256]),
            tensor("has_mask_input", [1]),
            tensor("orig_im_size", [2]),
        ],
        [
            tensor("masks", [1, 4, "height", "width"]),
            tensor("iou_predictions", [1, 4]),
            tensor("low_res_masks", [1, 4, 256, 256]),
        ],
        "sam-lite decoder: relative fuzzy connectedness to the prompts in SAM 1's decoder contract.",
    )
