"""Trains the tabular sample on data that ships with scikit-learn and exports it as skl2onnx does by default, ZipMap and all.

    python -m venv .venv && .venv/bin/pip install -r inference-server/references/requirements.txt
    .venv/bin/python inference-server/models/make_tabular.py [directory]

178 wines of three cultivars of one region, by 13 chemical measures (UCI, Forina et al. 1988). A quarter is held out of training
and written to held-out.csv with its true classes: a test sends it through the server.
"""

import json
import pathlib
import sys

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CULTIVARS = np.array(["first cultivar", "second cultivar", "third cultivar"])


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "tabular"
    target.mkdir(parents=True, exist_ok=True)
    wine = load_wine()
    x, held_x, y, held_y = train_test_split(
        wine.data.astype(np.float32), CULTIVARS[wine.target], test_size=0.25, random_state=0, stratify=wine.target
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    onnx = convert_sklearn(model, "wine", [("X", FloatTensorType([None, x.shape[1]]))], target_opset={"": 17, "ai.onnx.ml": 3})
    # The order in which the exporter imports its operator sets is by chance.
    onnx.opset_import.sort(key=lambda opset: opset.domain)
    (target / "model.onnx").write_bytes(onnx.SerializeToString(deterministic=True))
    settings = {"columns": wine.feature_names, "example": [round(float(value), 2) for value in x.mean(axis=0)]}
    (target / "config.json").write_text(json.dumps({"tasks": {"predict": settings}}, indent=2) + "\n")
    lines = [",".join([*wine.feature_names, "cultivar"])]
    lines += [",".join([*(f"{value:.7g}" for value in row), name]) for row, name in zip(held_x, held_y)]
    (target / "held-out.csv").write_text("\n".join(lines) + "\n")
    print(f"{model.score(held_x, held_y):.3f} of {len(held_y)} held-out wines right")


if __name__ == "__main__":
    main()
