"""The encoder: colour and texture features on a 256 x 256 grid, folded into SAM 1's [1, 256, 64, 64] embedding."""

import numpy as np

from graph import Graph, tensor

MEAN = np.array([123.675, 116.28, 103.53]) / 255
STD = np.array([58.395, 57.12, 57.375]) / 255
# sRGB (linear) to XYZ under D65, each row divided by the white point: white becomes (1, 1, 1).
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
XYZ = XYZ / XYZ.sum(axis=1, keepdims=True)
# Cube roots of XYZ to L/100, a/100, b/100 (CIE 1976, without the linear toe).
LAB = np.array([[0, 1.16, 0], [5, -5, 0], [0, 2, -2]])
LAB_OFFSET = np.array([-0.16, 0, 0])


def encoder():
    """`input_image` [1,3,1024,1024], normalised and zero-padded as SAM's own preprocessing does, to `image_embeddings`."""
    g = Graph("encoder")

    def pointwise(x, matrix, offset):
        return g.Conv(x, g.constant(matrix[:, :, None, None]), g.constant(offset))

    def blur(x, size):
        return g.AveragePool(x, kernel_shape=[size, size], pads=[size // 2] * 4, count_include_pad=0)

    small = g.AveragePool("input_image", kernel_shape=[4, 4], strides=[4, 4])
    rgb = g.Clip(pointwise(small, np.diag(STD), MEAN), 1e-4, 1.0)
    xyz = pointwise(g.Pow(rgb, 2.2), XYZ, np.zeros(3))
    lab = pointwise(g.Pow(g.Clip(xyz, 1e-6, 2.0), 1 / 3), LAB, LAB_OFFSET)

    # Channels 0-11: colour at four scales, finest first.
    fine = blur(lab, 3)
    middle = blur(lab, 7)
    coarse = blur(lab, 15)
    # Channels 12-14: texture, the standard deviation of each colour axis within 7 x 7.
    variance = g.Sub(blur(g.Mul(lab, lab), 7), g.Mul(middle, middle))
    texture = g.Sqrt(g.Clip(variance, 1e-8, 1.0))
    # Channel 15: edges, the largest change of any colour axis within 3 x 3.
    window = dict(kernel_shape=[3, 3], pads=[1] * 4)
    change = g.Add(g.MaxPool(fine, **window), g.MaxPool(g.Neg(fine), **window))
    edge = g.ReduceMax(change, axes=[1], keepdims=1)

    features = g.Concat(lab, fine, middle, coarse, texture, edge, axis=1)
    g.SpaceToDepth(features, blocksize=4, out="image_embeddings")
    return g.model(
        [tensor("input_image", [1, 3, 1024, 1024])],
        [tensor("image_embeddings", [1, 256, 64, 64])],
        "sam-lite encoder: Lab colour at four scales, texture and edges, 16 channels at 256 x 256 folded into 256 at 64 x 64.",
    )
