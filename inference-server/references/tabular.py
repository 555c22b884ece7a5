"""
Tabular models exported the way their projects say, and what the libraries themselves predict for a few rows:
python tabular.py <directory> writes <name>.onnx and <name>.json for each.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import onnxmltools
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_linnerud, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

ROWS = 6
OPSET = {"": 17, "ai.onnx.ml": 3}


def plain(values) -> list:
    """As JSON has it: 64-bit floats, no NaN."""
    return np.asarray(values).tolist()


def write(directory: Path, name: str, model, rows, predictions, probabilities=None, **more) -> None:
    (directory / f"{name}.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    expected = {"rows": rows, "predictions": predictions if isinstance(predictions, list) else plain(predictions)}
    if probabilities is not None:
        expected["probabilities"] = plain(probabilities)
    (directory / f"{name}.json").write_text(json.dumps({**expected, **more}) + "\n")


def spread(data: np.ndarray) -> np.ndarray:
    """Some rows from all over a data set, so that more than one class is among them."""
    return data[np.linspace(0, len(data) - 1, ROWS).astype(int)]


def classifiers(directory: Path) -> None:
    iris = load_iris()
    x = iris.data.astype(np.float32)
    rows = spread(x)
    fitted = LogisticRegression(max_iter=1000).fit(x, iris.target)
    shape = [("X", FloatTensorType([None, 4]))]
    for name, zipmap in (("iris-zipmap", True), ("iris-tensors", False), ("iris-columns", "columns")):
        options = {id(fitted): {"zipmap": zipmap}}
        model = convert_sklearn(fitted, initial_types=shape, options=options, target_opset=OPSET)
        write(directory, name, model, plain(rows), fitted.predict(rows), fitted.predict_proba(rows))

    fixed = convert_sklearn(fitted, initial_types=[("X", FloatTensorType([4, 4]))], target_opset=OPSET)
    write(directory, "iris-batch-of-four", fixed, plain(rows), fitted.predict(rows), fitted.predict_proba(rows))

    double = convert_sklearn(fitted, initial_types=[("X", DoubleTensorType([None, 4]))], options={id(fitted): {"zipmap": False}}, target_opset=OPSET)
    write(directory, "iris-double", double, plain(rows), fitted.predict(rows), fitted.predict_proba(rows))

    wine = load_wine()
    x = wine.data.astype(np.float32)
    rows = spread(x)
    names = wine.target_names[wine.target]
    fitted = RandomForestClassifier(12, max_depth=5, random_state=0).fit(x, names)
    for name, zipmap in (("wine-strings-zipmap", True), ("wine-strings-tensors", False)):
        model = to_onnx(fitted, x[:1], options={id(fitted): {"zipmap": zipmap}}, target_opset=OPSET)
        write(directory, name, model, plain(rows), fitted.predict(rows), fitted.predict_proba(rows))

    # Labels that are neither strings nor count from zero, some beyond 2^53.
    odd = np.array([-7, 40, 2**60])[wine.target]
    fitted = LogisticRegression(max_iter=50).fit(StandardScaler().fit_transform(x), odd)
    scaled = StandardScaler().fit(x)
    pipeline = make_pipeline(scaled, fitted)
    model = to_onnx(pipeline, x[:1], target_opset=OPSET)
    write(directory, "wine-odd-labels", model, plain(rows), [str(v) if abs(v) > 2**53 else int(v) for v in pipeline.predict(rows)], pipeline.predict_proba(rows))

    # Values that are missing: this model takes NaN, which is null in JSON.
    cancer = load_breast_cancer()
    x = cancer.data.astype(np.float32).copy()
    x[::3, 3] = np.nan
    fitted = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(x, cancer.target)
    rows = spread(x)
    rows[0, 3] = np.nan
    model = to_onnx(fitted, x[:1], options={id(fitted): {"zipmap": False}}, target_opset=OPSET)
    nulls = [[None if np.isnan(value) else float(value) for value in row] for row in rows]
    write(directory, "cancer-missing", model, nulls, fitted.predict(rows), fitted.predict_proba(rows))

    # Without probability=True the second output has decision values, which are no probabilities.
    fitted = SVC(probability=False, random_state=0).fit(x[:, 4:8][:80], cancer.target[:80])
    rows = spread(x[:, 4:8])
    model = to_onnx(fitted, x[:1, 4:8], options={id(fitted): {"zipmap": False}}, target_opset=OPSET)
    write(directory, "cancer-svc", model, plain(rows), fitted.predict(rows), decision=plain(fitted.decision_function(rows)))


def gradient_boosting(directory: Path) -> None:
    cancer = load_breast_cancer()
    x = cancer.data.astype(np.float32)
    rows = spread(x)
    shape = [("input", ToolsFloat([None, x.shape[1]]))]

    xgb = XGBClassifier(n_estimators=8, max_depth=3, random_state=0).fit(x, cancer.target)
    model = onnxmltools.convert_xgboost(xgb, initial_types=shape, target_opset=15)
    write(directory, "cancer-xgboost", model, plain(rows), xgb.predict(rows), xgb.predict_proba(rows))

    iris = load_iris()
    flowers = iris.data.astype(np.float32)
    several = XGBClassifier(n_estimators=5, max_depth=3, random_state=0).fit(flowers, iris.target)
    model = onnxmltools.convert_xgboost(several, initial_types=[("input", ToolsFloat([None, 4]))], target_opset=15)
    write(directory, "iris-xgboost", model, plain(spread(flowers)), several.predict(spread(flowers)), several.predict_proba(spread(flowers)))

    for name, zipmap in (("cancer-lightgbm-zipmap", True), ("cancer-lightgbm", False)):
        gbm = LGBMClassifier(n_estimators=8, max_depth=3, random_state=0, verbose=-1).fit(x, cancer.target)
        model = onnxmltools.convert_lightgbm(gbm, initial_types=shape, zipmap=zipmap, target_opset=15)
        write(directory, name, model, plain(rows), gbm.predict(rows), gbm.predict_proba(rows))

    diabetes = load_diabetes()
    x = diabetes.data.astype(np.float32)
    rows = spread(x)
    shape = [("input", ToolsFloat([None, x.shape[1]]))]
    xgb = XGBRegressor(n_estimators=8, max_depth=3, random_state=0).fit(x, diabetes.target)
    write(directory, "diabetes-xgboost", onnxmltools.convert_xgboost(xgb, initial_types=shape, target_opset=15), plain(rows), xgb.predict(rows))
    gbm = LGBMRegressor(n_estimators=8, max_depth=3, random_state=0, verbose=-1).fit(x, diabetes.target)
    write(directory, "diabetes-lightgbm", onnxmltools.convert_lightgbm(gbm, initial_types=shape, target_opset=15), plain(rows), gbm.predict(rows))


def regressors(directory: Path) -> None:
    diabetes = load_diabetes()
    x = diabetes.data.astype(np.float32)
    rows = spread(x)
    fitted = RandomForestRegressor(8, max_depth=5, random_state=0).fit(x, diabetes.target)
    write(directory, "diabetes-forest", to_onnx(fitted, x[:1], target_opset=OPSET), plain(rows), fitted.predict(rows))

    exercise = load_linnerud()
    x = exercise.data.astype(np.float32)
    rows = spread(x)
    fitted = LinearRegression().fit(x, exercise.target)
    write(directory, "linnerud-three-targets", to_onnx(fitted, x[:1], target_opset=OPSET), plain(rows), fitted.predict(rows))


def others(directory: Path) -> None:
    iris = load_iris()
    x = iris.data.astype(np.float32)
    rows = spread(x)
    fitted = KMeans(3, n_init=1, random_state=0).fit(x)
    write(directory, "iris-clusters", to_onnx(fitted, x[:1], target_opset=OPSET), plain(rows), fitted.predict(rows), scores=plain(fitted.transform(rows)))

    # A data frame's columns: one input for each, of its own type.
    rng = np.random.default_rng(0)
    colours = np.array(["red", "green", "blue"])[rng.integers(0, 3, 120)]
    sizes = rng.integers(1, 9, 120)
    weights = rng.normal(20, 5, 120).astype(np.float32)
    price = np.where((colours == "red") | (sizes * weights > 100), "dear", "cheap")
    table = np.column_stack([colours.astype(object), sizes, weights])
    columns = ColumnTransformer([("colour", OneHotEncoder(), [0]), ("size", StandardScaler(), [1]), ("weight", StandardScaler(), [2])])
    fitted = make_pipeline(columns, LogisticRegression()).fit(table, price)
    types = [("colour", StringTensorType([None, 1])), ("size", Int64TensorType([None, 1])), ("weight", FloatTensorType([None, 1]))]
    model = convert_sklearn(fitted, initial_types=types, target_opset=OPSET)
    rows = [[str(colours[i]), int(sizes[i]), float(weights[i])] for i in range(ROWS)]
    given = np.array(rows, dtype=object)
    write(directory, "price-columns", model, rows, fitted.predict(given), fitted.predict_proba(given), columns=["colour", "size", "weight"])


def main(directory: Path) -> None:
    warnings.filterwarnings("ignore")
    directory.mkdir(parents=True, exist_ok=True)
    classifiers(directory)
    gradient_boosting(directory)
    regressors(directory)
    others(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
