"""Writes the expected answer to each request of a JSON array on stdin, and the first one's feeds for the raw loops.

    python expected.py <feeds.json>     prints a JSON array of answers
"""

import base64
import json
import pathlib
import sys

import numpy as np

from pipelines import pipeline


def main():
    model = pipeline()
    requests = json.load(sys.stdin)
    feeds = {
        name: {"dims": list(value.shape), "data": base64.b64encode(np.ascontiguousarray(value, np.float32)).decode()}
        for name, value in model.feeds(model.decode(requests[0])).items()
    }
    pathlib.Path(sys.argv[1]).write_text(json.dumps(feeds))
    json.dump([model.encode(model.run(model.decode(request))) for request in requests], sys.stdout)


if __name__ == "__main__":
    main()
