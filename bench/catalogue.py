"""
A catalogue of random unit vectors with the nearest ten of some queries, and how long NumPy takes to find them:
python catalogue.py <directory> <items>. Prints one JSON object.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

DIMENSIONS, QUERIES, K = 512, 32, 10


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(queries: np.ndarray, catalogue: np.ndarray) -> np.ndarray:
    scores = queries @ catalogue.T
    rows = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(scores, rows, axis=1), axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1)


def median_ms(queries: np.ndarray, catalogue: np.ndarray, repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        nearest(queries, catalogue)
        times.append((time.perf_counter() - start) * 1000)
    return round(float(np.median(times)), 2)


def main(directory: Path, items: int) -> None:
    rng = np.random.default_rng(1)
    catalogue = np.lib.format.open_memmap(directory / "catalogue.npy", "w+", "<f4", (items, DIMENSIONS))
    for start in range(0, items, 10_000):
        block = catalogue[start : start + 10_000]
        block[:] = unit(rng.standard_normal(block.shape, np.float32))
    catalogue.flush()
    with open(directory / "catalogue.jsonl", "w") as file:
        for item in range(items):
            file.write(json.dumps({"id": item, "category": f"c{item % 20}"}) + "\n")
    queries = unit(rng.standard_normal((QUERIES, DIMENSIONS), np.float32))
    loaded = np.array(catalogue)
    print(
        json.dumps(
            {
                "queries": queries.tolist(),
                "nearest": nearest(queries, loaded).tolist(),
                "numpyMs": {str(count): median_ms(queries[:count], loaded) for count in (1, 8, 32)},
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
