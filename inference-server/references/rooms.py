"""Writes what OpenCV says of small masks, to compare the plan reader's own steps with.

usage: python rooms.py OUTPUT.json
"""

import json
import sys

import cv2
import numpy as np


def blobs(seed: int, width: int, height: int) -> np.ndarray:
    """Smooth noise, cut at its middle: shapes with holes, touching the border and each other's corners."""
    noise = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return (smooth > np.median(smooth)).astype(np.uint8)


def rows(mask: np.ndarray) -> list[str]:
    return ["".join("#" if value else "." for value in row) for row in mask]


def components(mask: np.ndarray, connectivity: int) -> list[list[int]]:
    """Of each: area, left, top, right, bottom, in the order of the first pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(1, count)]
    order = np.argsort(first)
    result = []
    for label in order + 1:
        left, top, width, height, area = (int(value) for value in stats[label])
        result.append([area, left, top, left + width, top + height])
    return result


def outlines(mask: np.ndarray, connectivity: int) -> dict[str, int]:
    """OpenCV traces 8-connected shapes only; 4-connected ones are told apart by their components."""
    if connectivity == 8:
        _, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        parents = hierarchy[0][:, 3]
        return {"outer": int((parents < 0).sum()), "holes": int((parents >= 0).sum())}
    outer = cv2.connectedComponents(mask, connectivity=4)[0] - 1
    padded = np.pad(1 - mask, 1, constant_values=1)
    return {"outer": outer, "holes": cv2.connectedComponents(padded, connectivity=8)[0] - 2}


def simplified(seed: int, epsilon: float) -> dict:
    """A star-shaped polygon in whole numbers, and what approxPolyDP leaves of it."""
    random = np.random.default_rng(seed)
    angles = np.sort(random.random(60)) * 2 * np.pi
    radii = 300 + 120 * np.sin(3 * angles) + 12 * random.random(60)
    points = np.stack([500 + radii * np.cos(angles), 500 + radii * np.sin(angles)], axis=1).round().astype(np.int32)
    kept = cv2.approxPolyDP(points.reshape(-1, 1, 2), epsilon, closed=True).reshape(-1, 2)
    return {"points": points.ravel().tolist(), "epsilon": epsilon, "kept": kept.ravel().tolist()}


def otsu(seed: int) -> dict:
    random = np.random.default_rng(seed)
    grey = np.concatenate([random.normal(70, 20, 300), random.normal(190, 25, 700)]).clip(0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(grey.reshape(20, 50), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {"grey": grey.tolist(), "threshold": int(threshold)}


def distances(mask: np.ndarray) -> list[float]:
    """Exact Euclidean distances; the picture's border is neither in nor out, as in the plan reader."""
    exact = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return [round(float(value), 3) for value in exact.ravel()]


def main(output: str) -> None:
    masks = []
    for seed, (width, height) in enumerate([(40, 30), (64, 17), (23, 50)]):
        mask = blobs(seed, width, height)
        masks.append(
            {
                "rows": rows(mask),
                "components": {str(each): components(mask, each) for each in (4, 8)},
                "outlines": {str(each): outlines(mask, each) for each in (4, 8)},
                "distances": distances(mask),
            }
        )
    fixture = {
        "opencv": cv2.__version__,
        "masks": masks,
        "polygons": [simplified(seed, epsilon) for seed, epsilon in [(1, 2.0), (2, 8.0), (3, 25.0), (4, 60.0)]],
        "otsu": [otsu(seed) for seed in range(3)],
    }
    with open(output, "w", encoding="utf-8") as file:
        json.dump(fixture, file, separators=(",", ":"))


main(sys.argv[1])
