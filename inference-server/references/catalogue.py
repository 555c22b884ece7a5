"""
Catalogues in every form that `recommend` reads, and the nearest items by plain NumPy in float64:
python catalogue.py <directory>. pyarrow writes the Parquet files.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ITEMS, DIMENSIONS, QUERIES, K = 300, 24, 5, 12


def scores(queries: np.ndarray, vectors: np.ndarray, metric: str) -> np.ndarray:
    queries, vectors = queries.astype(np.float64), vectors.astype(np.float64)
    if metric == "dot":
        return queries @ vectors.T
    if metric == "cosine":
        lengths = np.linalg.norm(vectors, axis=1)
        products = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ vectors.T
        return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return -np.linalg.norm(queries[:, None] - vectors[None], axis=2)


def nearest(queries, vectors, metric, allowed=None) -> dict:
    table = scores(queries, vectors, metric)
    if allowed is not None:
        table[:, ~allowed] = -np.inf
    # A stable order, so that of equals the first comes first.
    rows = np.argsort(-table, axis=1, kind="stable")[:, :K]
    rows = rows[:, : K if allowed is None else allowed.sum()]
    return {"rows": rows.tolist(), "scores": np.take_along_axis(table, rows, axis=1).tolist()}


def main(directory: Path) -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(ITEMS, DIMENSIONS)).astype(np.float32) * rng.uniform(0.5, 2, (ITEMS, 1)).astype(np.float32)
    vectors[17] = 0
    vectors[40] = vectors[3]
    queries = rng.normal(size=(QUERIES, DIMENSIONS)).astype(np.float32)
    queries[0] = vectors[3]
    ids = [f"item-{i:03}" for i in range(ITEMS)]
    colours = [None if i % 50 == 0 else ["red", "green", "blue"][i % 3] for i in range(ITEMS)]
    prices = [None if i % 60 == 0 else round(float(p), 2) for i, p in enumerate(rng.uniform(1, 100, ITEMS))]
    stock = [i % 4 == 0 for i in range(ITEMS)]
    tags = [["new", colours[i]] if i % 2 else [] for i in range(ITEMS)]
    columns = {"id": ids, "colour": colours, "price": prices, "in_stock": stock, "tags": tags}
    items = [dict(zip(columns, values)) for values in zip(*columns.values())]

    def folder(name: str) -> Path:
        path = directory / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    np.save(folder("npy") / "catalogue.npy", vectors)
    np.save(folder("npy-json") / "catalogue.npy", vectors)
    (directory / "npy-json/catalogue.json").write_text(json.dumps(items))
    np.save(folder("half-jsonl") / "catalogue.npy", vectors.astype(np.float16))
    (directory / "half-jsonl/catalogue.jsonl").write_text("\n".join(json.dumps(item) for item in items) + "\n")
    np.save(folder("double-fortran-csv") / "catalogue.npy", np.asfortranarray(vectors.astype(np.float64)))
    lines = ["id,colour,price,in_stock"]
    lines += [f"{i},{c or ''},{'' if p is None else p},{s}" for i, c, p, s in zip(ids, colours, prices, stock)]
    (directory / "double-fortran-csv/catalogue.csv").write_text("\n".join(lines) + "\n")

    table = pa.table(columns)
    with_vectors = table.append_column("embedding", pa.array(list(vectors), pa.list_(pa.float32())))
    pq.write_table(with_vectors, folder("parquet") / "catalogue.parquet", row_group_size=128)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), DIMENSIONS)
    pq.write_table(table.append_column("vector", fixed), folder("parquet-zstd") / "catalogue.parquet", compression="zstd")
    np.save(folder("npy-parquet-gzip") / "catalogue.npy", vectors)
    pq.write_table(table, directory / "npy-parquet-gzip/catalogue.parquet", compression="gzip")

    red = np.array([c == "red" for c in colours])
    cheap = np.array([p is not None and 10 <= p < 50 for p in prices])
    expected = {
        "queries": queries.tolist(),
        "nearest": {metric: nearest(queries, vectors, metric) for metric in ("cosine", "dot", "euclidean")},
        "half": nearest(queries, vectors.astype(np.float16), "cosine"),
        "filtered": nearest(queries, vectors, "cosine", red & cheap & np.array(stock)),
        "items": [items[0], items[1], items[60]],
    }
    (directory / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
