"""Makes the PLY fixtures with plyfile, by the steps of `save_ply` in 3D Gaussian Splatting's gaussian_model.py (also SAM 3D
Objects and TRELLIS): a structured array of float32 columns, described as the element `vertex`.

    python inference-server/references/ply.py test/inference-server/fixtures/ply
"""

import json
import pathlib
import sys

import numpy as np
from plyfile import PlyData, PlyElement

COUNT = 5


def gaussians(random):
    """The columns and their order: x y z, normals, f_dc, opacity, scale, rot; no f_rest (degree 0)."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names += [f"scale_{i}" for i in range(3)] + [f"rot_{i}" for i in range(4)]
    groups = {
        "positions": random.standard_normal((COUNT, 3)), "colours": random.standard_normal((COUNT, 3)),
        "opacities": random.standard_normal((COUNT, 1)), "scales": random.standard_normal((COUNT, 3)) - 4,
        "rotations": random.standard_normal((COUNT, 4)),
    }
    groups = {name: values.astype(np.float32) for name, values in groups.items()}
    normals = np.zeros_like(groups["positions"])
    columns = [groups["positions"], normals, *list(groups.values())[1:]]
    rows = np.empty(COUNT, dtype=[(name, "f4") for name in names])
    rows[:] = list(map(tuple, np.concatenate(columns, axis=1)))
    return groups, PlyData([PlyElement.describe(rows, "vertex")])


def mesh(random):
    """Points with normals and colours, and triangles."""
    floats = random.standard_normal((COUNT, 6)).astype(np.float32)
    colours = random.integers(0, 256, (COUNT, 3)).astype(np.uint8)
    names = [(name, "f4") for name in ("x", "y", "z", "nx", "ny", "nz")] + [(name, "u1") for name in ("red", "green", "blue")]
    rows = np.empty(COUNT, dtype=names)
    for i in range(COUNT):
        rows[i] = (*floats[i], *colours[i])
    triangles = np.array([[0, 1, 2], [2, 1, 3], [4, 3, 1]], dtype=np.int32)
    faces = np.empty(len(triangles), dtype=[("vertex_indices", "i4", (3,))])
    faces["vertex_indices"] = triangles
    groups = {"positions": floats[:, :3], "normals": floats[:, 3:], "colours": colours, "triangles": triangles}
    vertex = PlyElement.describe(rows, "vertex")
    return groups, PlyData([vertex]), PlyData([vertex, PlyElement.describe(faces, "face")])


def main():
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    splats, splat_file = gaussians(random)
    surface, point_file, mesh_file = mesh(random)
    for name, data in (("gaussians", splat_file), ("points", point_file), ("mesh", mesh_file)):
        data.byte_order = "<"
        data.write(str(target / f"{name}.ply"))
    flat = lambda groups: {name: values.ravel().tolist() for name, values in groups.items()}
    (target / "values.json").write_text(json.dumps({"gaussians": flat(splats), "mesh": flat(surface)}) + "\n")


if __name__ == "__main__":
    main()
