"""What the references of the SAM families share: the pictures, the prompts, and how a fixture is written."""

import functools
import itertools
import json
import pathlib
import warnings

import cv2
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from PIL import Image
from pycocotools import mask as coco

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "test/inference-server/fixtures"

# How many values of an embedding a fixture keeps: enough for a cosine that notices a shift by one cell.
SAMPLES = 1024


@functools.cache
def pictures():
    """Two pictures: the photograph of the samples (600 x 400, scaled up), and a tall drawing that is scaled down."""
    return {
        "coffee": np.asarray(Image.open(ROOT / "samples/photo/coffee.jpg").convert("RGB")),
        "drawing": np.asarray(Image.open(FIXTURES / "sam/drawing.png").convert("RGB")),
    }


def drawing(width=733, height=1301):
    """A tall picture with odd sides: smooth shades, a disc and a bar. Longer than SAM's frame, so that it is scaled down."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    image = np.stack([x / width, y / height, 1 - x / width], axis=-1) * 160 + 40
    image[(x - 260) ** 2 + (y - 420) ** 2 < 170**2] = (220, 60, 40)
    image[(abs(x - 430) < 210) & (abs(y - 950) < 120)] = (30, 200, 90)
    return image.astype(np.uint8)


# In pixels of the picture. Every kind of prompt that the server takes.
PROMPTS = {
    "coffee": [
        {"points": [[305, 205]], "labels": [1]},
        {"points": [[305.5, 205.25], [60, 40]], "labels": [1, 0]},
        {"box": [150, 60, 470, 345]},
        {"points": [[300, 200], [100, 300]], "labels": [1, 0], "box": [150, 60, 470, 345]},
    ],
    "drawing": [
        {"points": [[260, 420]], "labels": [1]},
        {"box": [220, 830, 640, 1070]},
    ],
}


@functools.cache
def objects():
    """What there is to find in each picture, as masks."""
    cup = np.asarray(Image.open(ROOT / "samples/photo/coffee.mask.png").convert("L")) > 127
    height, width = pictures()["drawing"].shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - 260) ** 2 + (y - 420) ** 2 < 170**2
    bar = (abs(x - 430) < 210) & (abs(y - 950) < 120)
    return {"coffee": [cup], "drawing": [disc, bar]}


def train(parameters, encode, decode, frame_mask, steps, alternatives, boxes=True, seed=1):
    """
    A minute of training on the two pictures: random weights give masks that are noise, whose overlap says little of the
    resampling, and that prompts hardly change. `encode(picture)` gives what `decode(encoded, picture, points [N,2], labels [N])`
    needs for logits [K, h, w] and predicted IoUs [K]; `frame_mask(mask)` brings a mask into the frame [h, w] of those logits.
    The K masks are taught to be larger and larger, to differ.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    targets = {
        name: [torch.stack([torch.from_numpy(frame_mask(grow(mask, 24 * at)) > 0.5).float() for at in range(alternatives)]) for mask in masks]
        for name, masks in objects().items()
    }
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        name = ("coffee", "drawing", "drawing")[step % 3]
        encoded = encode(name)
        loss = 0
        for _ in range(4):
            at = random.integers(len(targets[name]))
            points, labels = random_prompt(random, objects()[name][at], boxes)
            logits, ious = decode(encoded, name, points, labels)
            target = targets[name][at]
            with torch.no_grad():
                hit = ((logits > 0) & (target > 0)).flatten(1).sum(1)
                iou = hit / ((logits > 0) | (target > 0)).flatten(1).sum(1).clamp(min=1)
            loss = loss + F.binary_cross_entropy_with_logits(logits, target) + 0.1 * F.mse_loss(ious, iou)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"step {step}: loss {loss.item():.3f}, IoU {[round(v, 2) for v in iou.tolist()]}", flush=True)


def grow(mask, pixels):
    return cv2.dilate(mask.astype(np.float32), np.ones((1 + pixels, 1 + pixels)))


def random_prompt(random, mask, boxes):
    """One or two points, or the corners of a box; labels as SAM has them."""
    inside, outside = np.argwhere(mask), np.argwhere(~mask)
    pick = lambda pixels: pixels[random.integers(len(pixels))][::-1].astype(np.float32)
    kind = random.integers(4) if boxes else random.choice([0, 2])
    points, labels = ([pick(inside)], [1]) if kind != 1 else ([], [])
    if kind == 2:
        points, labels = [*points, pick(outside)], [*labels, 0]
    if kind in (1, 3):
        (top, left), (bottom, right) = inside.min(0), inside.max(0)
        jitter = random.uniform(-8, 8, size=4)
        points = [*points, np.float32([left + jitter[0], top + jitter[1]]), np.float32([right + jitter[2], bottom + jitter[3]])]
        labels = [*labels, 2, 3]
    return np.stack(points), np.array(labels)


def samples(tensor):
    """Every n-th value of a tensor, with its shape: what a fixture keeps of an embedding."""
    flat = tensor.detach().reshape(-1).numpy().astype(np.float32)
    step = max(1, flat.size // SAMPLES) | 1  # odd, so that it does not walk along one column of a power of two
    return {"shape": list(tensor.shape), "step": step, "values": [float(f"{v:.6g}") for v in flat[::step]]}


def export(module, inputs, outputs, axes, path, opset=17):
    """
    torch.onnx.export by the tracing exporter, as samexporter calls it. Unfolded, position tables stay small expressions; the
    inner names, most of a small graph's bytes, are shortened afterwards. Inputs and outputs stay what they are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, tuple(inputs.values()), str(path), opset_version=opset, input_names=list(inputs),
            output_names=outputs, dynamic_axes=axes, do_constant_folding=False, dynamo=False,
        )
    graph = onnx.load(path)
    shorten(graph.graph, {value.name: value.name for value in [*graph.graph.input, *graph.graph.output]}, itertools.count())
    onnx.save(graph, path)


def shorten(graph, names, numbers):
    """Gives inner values of a graph, and of the graphs inside it, short names that are nowhere given twice."""
    names = dict(names)

    def short(name):
        if name and name not in names:
            names[name] = f"v{next(numbers)}"
        return names.get(name, "")

    del graph.value_info[:]
    for initializer in graph.initializer:
        initializer.name = short(initializer.name)
    for value in [*graph.input, *graph.output]:
        value.name = short(value.name)
    for node in graph.node:
        node.name = ""
        node.doc_string = ""
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                shorten(attribute.g, names, numbers)


def rle(mask):
    """A mask as COCO's compressed run lengths."""
    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(v) for v in encoded["size"]], "counts": encoded["counts"].decode("ascii")}


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
