"""Writes arrays of every type that formats/npy.ts reads, as numpy.save does: python npy.py <directory>."""

import sys
from pathlib import Path

import numpy as np

ARRAYS = {
    "f2": np.array([[1.5, -2.25], [65504, 0]], "<f2"),
    "f4": np.array([[1.5, -2.25, 3], [4, 5, 6]], "<f4"),
    "f4-big-endian": np.array([[1.5, -2.25, 3], [4, 5, 6]], ">f4"),
    "f4-fortran": np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4)),
    "f8": np.array([0.1, np.nan, np.inf], "<f8"),
    "i1": np.array([-128, 127], "i1"),
    "i2": np.array([-32768, 32767], "<i2"),
    "u2": np.array([0, 65535], "<u2"),
    "i4": np.array([[-(2**31)], [2**31 - 1]], "<i4"),
    "u4": np.array([0, 2**32 - 1], "<u4"),
    "i8": np.array([-(2**63), 2**63 - 1], "<i8"),
    "i8-big-endian": np.array([1, 2**40], ">i8"),
    "u8": np.array([0, 2**63 - 1], "<u8"),
    "u8-too-large": np.array([2**63], "<u8"),
    "u1": np.array([0, 255], "u1"),
    "bool": np.array([True, False]),
    "str": np.array([["a", "größer"], ["", "\U0001f600"]]),
    "bytes": np.array([b"one", b"three"]),
    "scalar": np.array(3.5, "<f4"),
    "empty": np.zeros((0, 4), "<f4"),
    "object": np.array([{"a": 1}], dtype=object),
    "complex": np.array([1j], "<c8"),
    "structured": np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f4")]),
}


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in ARRAYS.items():
        np.save(directory / f"{name}.npy", array, allow_pickle=True)
    with open(directory / "version-2.npy", "wb") as file:
        np.lib.format.write_array(file, np.array([7], "<i4"), version=(2, 0))
    with open(directory / "version-3.npy", "wb") as file:
        np.lib.format.write_array(file, np.array([7], "<i4"), version=(3, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
