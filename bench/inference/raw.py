"""Runs the models in a loop on an input decoded before: what onnxruntime alone can do from Python.

    python raw.py <feeds.json> <seconds>

Prints "ready" when warm, starts at the next line on stdin, and prints {"runs", "seconds", "cpuSeconds"}.
"""

import base64
import json
import pathlib
import resource
import sys
import time

import numpy as np

from pipelines import pipeline

WARM_UP_SECONDS = 0.5


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    model = pipeline()
    feeds = {
        name: np.frombuffer(base64.b64decode(value["data"]), np.float32).reshape(value["dims"])
        for name, value in json.loads(pathlib.Path(sys.argv[1]).read_text()).items()
    }
    warm_until = time.perf_counter() + WARM_UP_SECONDS
    while time.perf_counter() < warm_until:
        model.loop(feeds)
    print("ready", flush=True)
    sys.stdin.readline()
    runs, cpu, start = 0, cpu_seconds(), time.perf_counter()
    end = start + float(sys.argv[2])
    while time.perf_counter() < end:
        model.loop(feeds)
        runs += 1
    print(json.dumps({"runs": runs, "seconds": time.perf_counter() - start, "cpuSeconds": cpu_seconds() - cpu}))


if __name__ == "__main__":
    main()
