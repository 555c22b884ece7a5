"""CLIP's vision contract without learned weights: where in the picture which colours and edges are, as one vector."""

import numpy as np

from encoder import LAB, LAB_OFFSET, XYZ
from graph import Graph, tensor

# transformers' CLIPImageProcessor: what pixel_values were normalised with.
MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])

# 20 colours in Lab/100: six hues dark and light, two hues more in between where eyes tell finest, and six greys.
HUES = [(lightness, np.deg2rad(angle)) for lightness in (0.4, 0.7) for angle in range(0, 360, 60)]
COLOURS = np.array(
    [[lightness, 0.45 * np.cos(angle), 0.45 * np.sin(angle)] for lightness, angle in HUES]
    + [[0.55, 0.4 * np.cos(angle), 0.4 * np.sin(angle)] for angle in np.deg2rad([30, 90])]
    + [[lightness, 0, 0] for lightness in (0.05, 0.25, 0.45, 0.65, 0.85, 0.98)]
)
COLOUR_SIGMA = 0.12
DIRECTIONS = np.deg2rad(np.arange(6) * 30)
GRID = 4  # cells across and down: 4 x 4 x (20 colours + 2 scales x 6 directions) = 512


def vision():
    """`pixel_values` [B,3,224,224] to `image_embeds` [B,512]."""
    g = Graph("vision")

    def pointwise(x, matrix, offset):
        return g.Conv(x, g.constant(matrix[:, :, None, None]), g.constant(offset))

    def cells(x, side):
        """Means over the 4 x 4 cells of a square plane."""
        return g.AveragePool(x, kernel_shape=[side // GRID] * 2, strides=[side // GRID] * 2)

    half = g.AveragePool("pixel_values", kernel_shape=[2, 2], strides=[2, 2])
    rgb = g.Clip(pointwise(half, np.diag(STD), MEAN), 1e-4, 1.0)
    xyz = pointwise(g.Pow(rgb, 2.2), XYZ, np.zeros(3))
    lab = pointwise(g.Pow(g.Clip(xyz, 1e-6, 2.0), 1 / 3), LAB, LAB_OFFSET)

    # Soft histograms: how much each pixel is like each colour, all likenesses of a pixel together 1.
    # |lab - colour|^2 = |lab|^2 - 2 lab.colour + |colour|^2, of which the first is the same for all and drops out of the softmax.
    nearness = pointwise(lab, 2 * COLOURS / (2 * COLOUR_SIGMA**2), -(COLOURS**2).sum(1) / (2 * COLOUR_SIGMA**2))
    colours = cells(g.Softmax(nearness, axis=1), 112)

    # Edges: the share of each direction in the gradient's energy, at two scales.
    lightness = g.Slice(lab, g.ints(0), g.ints(1), g.ints(1))
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
    edges = []
    for side, plane in ((112, lightness), (56, g.AveragePool(lightness, kernel_shape=[2, 2], strides=[2, 2]))):
        padded = g.Pad(plane, g.ints(0, 0, 1, 1, 0, 0, 1, 1), mode="edge")
        gradient = g.Conv(padded, g.constant(np.stack([sobel, sobel.T])[:, None]))
        along = g.Conv(gradient, g.constant(np.stack([np.cos(DIRECTIONS), np.sin(DIRECTIONS)], 1)[:, :, None, None]))
        edges.append(cells(g.Mul(along, along), side))
    edges = g.Concat(*edges, axis=1)
    # Against the whole picture's edges, so that contrast does not count, with a floor that keeps flat pictures flat.
    total = g.Add(g.ReduceMean(edges, axes=[1, 2, 3], keepdims=1), 2e-4)
    shares = g.Div(edges, g.Mul(total, 12.0))

    # Square roots, as Hellinger's distance takes them; what pictures have in common on the average is taken off.
    def rooted(x, weight, mean):
        return g.Mul(g.Sub(g.Sqrt(g.Add(x, 1e-6)), mean), weight)

    features = g.Concat(rooted(colours, 1.0, 0.15), rooted(shares, 0.5, 0.2), axis=1)
    g.Reshape(features, g.ints(0, 32 * GRID * GRID), out="image_embeds")
    return g.model(
        [tensor("pixel_values", ["batch_size", 3, 224, 224])],
        [tensor("image_embeds", ["batch_size", 512])],
        "clip-lite vision: soft colour and edge histograms over 4 x 4 cells in CLIP's contract; it knows nothing of meaning.",
    )
