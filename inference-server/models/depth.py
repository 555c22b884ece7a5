"""Depth Anything's contract without learned weights: relative inverse depth from where things are and how sharp they are."""

import numpy as np

from graph import Graph, tensor

SIDE = 128  # the grid on which depth is guessed
# ImageNet's: what pixel_values were normalised with.
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])
LUMA = np.array([0.299, 0.587, 0.114])
POSITION, FOCUS = 0.65, 0.35  # how much each cue counts
EPSILON = 4e-4  # guided filter: variance of grey below which a surface is flat


def depth():
    """`pixel_values` [B,3,H,W] to `predicted_depth` [B,H,W] of 0-1, 1 nearest."""
    g = Graph("depth")

    def blur(x, size):
        return g.AveragePool(x, kernel_shape=[size, size], pads=[size // 2] * 4, count_include_pad=0)

    grey = g.Conv("pixel_values", g.constant((LUMA * STD)[None, :, None, None]), g.constant([float(LUMA @ MEAN)]))
    shape = g.Shape("pixel_values")
    batch = g.Slice(shape, g.ints(0), g.ints(1), g.ints(0))
    size = g.Slice(shape, g.ints(2), g.ints(4), g.ints(0))
    one = g.ints(1)
    small = g.Resize(grey, "", "", g.Concat(batch, one, g.ints(SIDE, SIDE), axis=0), mode="linear")

    # Position: on the ground, what stands lower in the picture is nearer. The horizon is assumed a third from the top.
    rows = np.clip((np.arange(SIDE) + 0.5) / SIDE * 1.5 - 0.5, 0, 1)
    position = g.constant(rows[None, None, :, None])

    # Focus: cameras focus on what is near; fine detail against coarse detail says how sharp a place is, whatever its contrast.
    fine = g.Sub(small, blur(small, 3))
    coarse = g.Sub(blur(small, 3), blur(small, 9))
    energy = lambda x: blur(g.Mul(x, x), 15)
    sharp = g.Div(energy(fine), g.Add(energy(coarse), g.Add(energy(fine), 2e-5)))
    focus = g.Clip(g.Mul(sharp, 3.0), 0.0, 1.0)

    guess = g.Add(g.Mul(position, POSITION), g.Mul(focus, FOCUS))

    # Guided filter (He, Sun and Tang, 2010): within a window depth is taken to be linear in grey, so that its steps are at the
    # picture's edges. Its coefficients are brought to full size, where they meet the full picture.
    window = 17
    mean_guide, mean_guess = blur(small, window), blur(guess, window)
    variance = g.Sub(blur(g.Mul(small, small), window), g.Mul(mean_guide, mean_guide))
    covariance = g.Sub(blur(g.Mul(small, guess), window), g.Mul(mean_guide, mean_guess))
    slope = g.Div(covariance, g.Add(variance, EPSILON))
    offset = g.Sub(mean_guess, g.Mul(slope, mean_guide))
    full = g.Concat(batch, one, size, axis=0)
    widen = lambda x: g.Resize(blur(x, window), "", "", full, mode="linear")
    refined = g.Clip(g.Add(g.Mul(widen(slope), grey), widen(offset)), 0.0, 1.0)
    g.Squeeze(refined, one, out="predicted_depth")
    return g.model(
        [tensor("pixel_values", ["batch_size", 3, "height", "width"])],
        [tensor("predicted_depth", ["batch_size", "height", "width"])],
        "depth-lite: relative inverse depth from height in the picture and sharpness, refined by a guided filter; it knows no objects.",
    )
