"""Makes the table of sizes to which transformers resizes pictures of many sizes, for CLIP and for Depth Anything.

    python inference-server/references/sizes.py test/inference-server/fixtures/sizes.json
"""

import json
import pathlib
import sys

import numpy as np
from transformers.image_transforms import get_resize_output_image_size as shortest_edge
from transformers.models.dpt.image_processing_pil_dpt import get_resize_output_image_size as multiples


def main():
    random = np.random.default_rng(0)
    sizes = [(400, 600), (224, 224), (1, 1), (3, 1000), (518, 518), (1080, 1920), (35, 21)]
    sizes += [tuple(int(side) for side in random.integers(1, 4000, 2)) for _ in range(60)]
    rows = []
    for height, width in sizes:
        picture = np.broadcast_to(np.uint8(0), (3, height, width))
        short = shortest_edge(picture, 224, default_to_square=False, input_data_format="channels_first")
        near = multiples(picture, (518, 518), keep_aspect_ratio=True, multiple=14)
        rows.append({"size": [width, height], "shortestEdge224": [short[1], short[0]], "multiples518": [near.width, near.height]})
    pathlib.Path(sys.argv[1]).write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
