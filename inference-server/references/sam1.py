"""SAM 1 by Meta's segment-anything: `python sam1.py` writes test/inference-server/fixtures/sam1.

The architecture is Meta's, with its frame of 1024, its 64 x 64 cells and its two-way transformer, but with few channels, and
a minute of training. The encoders are exported as samexporter does (plain, and with --use-preprocess), the decoders by the code of
Meta's scripts/export_onnx_model.py, which lives in segment_anything.utils.onnx. The expected masks come from SamPredictor.
"""

from functools import partial

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from samexporter.onnx_utils import ImageEncoderOnnxModel
from segment_anything import SamPredictor
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.onnx import SamOnnxModel
from segment_anything.utils.transforms import ResizeLongestSide

from sam_common import FIXTURES, PROMPTS, export, pictures, rle, samples, train, write

CHANNELS = 16  # 256 in the published models
FRAME = 1024
CELLS = FRAME // 16


def model():
    """`_build_sam` of segment_anything.build_sam with narrower layers."""
    sam = Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=8,
            img_size=FRAME,
            mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=1,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[],
            window_size=14,
            out_chans=CHANNELS,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=CHANNELS, image_embedding_size=(CELLS, CELLS), input_image_size=(FRAME, FRAME), mask_in_chans=8
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=CHANNELS, mlp_dim=32, num_heads=2),
            transformer_dim=CHANNELS,
            iou_head_depth=3,
            iou_head_hidden_dim=CHANNELS,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )
    return sam


def teach(sam, steps):
    """Trains through the same calls that the reference makes."""
    resize = ResizeLongestSide(FRAME)
    images = {name: sam.preprocess(torch.as_tensor(resize.apply_image(image)).permute(2, 0, 1)[None].float())
              for name, image in pictures().items()}

    def decode(embedding, name, points, labels):
        coords = torch.as_tensor(resize.apply_coords(points, pictures()[name].shape[:2]))[None].float()
        sparse, dense = sam.prompt_encoder((coords, torch.as_tensor(labels)[None]), None, None)
        masks, ious = sam.mask_decoder.predict_masks(embedding, sam.prompt_encoder.get_dense_pe(), sparse, dense)
        return masks[0], ious[0]

    def frame_mask(mask):
        height, width = (s // 4 for s in ResizeLongestSide.get_preprocess_shape(*mask.shape, FRAME))
        framed = np.zeros((FRAME // 4, FRAME // 4), np.float32)
        framed[:height, :width] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        return framed

    train(sam.parameters(), lambda name: sam.image_encoder(images[name]), decode, frame_mask, steps, alternatives=4)
    return sam.eval()


class OnnxModel(SamOnnxModel):
    """
    Meta's module with the crop as their repository has it. The release on PyPI crops by `int(size)`, which tracing bakes into
    the graph: `masks` of such exports are right for pictures of the traced aspect ratio only. `low_res_masks` always are.
    """

    def mask_postprocessing(self, masks, orig_im_size):
        masks = F.interpolate(masks, size=(self.img_size, self.img_size), mode="bilinear", align_corners=False)
        height, width = self.resize_longest_image_size(orig_im_size, self.img_size)
        masks = masks[..., :height, :width]
        height, width = orig_im_size.to(torch.int64)
        return F.interpolate(masks, size=(height, width), mode="bilinear", align_corners=False)


def export_all(sam, target):
    mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    export(ImageEncoderOnnxModel(sam, False, mean, std), {"input_image": torch.zeros(1, 3, FRAME, FRAME)},
           ["image_embeddings"], None, target / "encoder.onnx")
    export(ImageEncoderOnnxModel(sam, True, mean, std), {"input_image": torch.zeros(FRAME, FRAME, 3)},
           ["image_embeddings"], {"input_image": {0: "image_height", 1: "image_width"}}, target / "encoder-preprocess.onnx")
    inputs = {
        "image_embeddings": torch.randn(1, CHANNELS, CELLS, CELLS),
        "point_coords": torch.randint(0, 1024, (1, 5, 2)).float(),
        "point_labels": torch.randint(0, 4, (1, 5)).float(),
        "mask_input": torch.randn(1, 1, 4 * CELLS, 4 * CELLS),
        "has_mask_input": torch.tensor([1.0]),
        "orig_im_size": torch.tensor([1500.0, 2250.0]),
    }
    axes = {"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}}
    outputs = ["masks", "iou_predictions", "low_res_masks"]
    export(OnnxModel(sam, return_single_mask=False), inputs, outputs, axes, target / "decoder.onnx")
    export(OnnxModel(sam, return_single_mask=True), inputs, outputs, axes, target / "decoder-single.onnx")


def expected(sam):
    predictor = SamPredictor(sam)
    cases = []
    for name, image in pictures().items():
        predictor.set_image(image)
        embedding = samples(predictor.get_image_embedding())
        answers = []
        for prompt in PROMPTS[name]:
            given = {
                "point_coords": np.array(prompt["points"], dtype=np.float32) if "points" in prompt else None,
                "point_labels": np.array(prompt["labels"]) if "labels" in prompt else None,
                "box": np.array(prompt["box"], dtype=np.float32) if "box" in prompt else None,
            }
            one, score, _ = predictor.predict(**given, multimask_output=False)
            several, scores, _ = predictor.predict(**given, multimask_output=True)
            answers.append({
                "prompt": prompt,
                "masks": [rle(mask) for mask in [*one, *several]],
                "scores": [round(float(v), 6) for v in [*score, *scores]],
            })
        cases.append({"picture": name, "embedding": embedding, "answers": answers})
    return cases


def main():
    torch.manual_seed(0)
    sam = teach(model(), steps=600)
    target = FIXTURES / "sam1"
    export_all(sam, target)
    write(target / "expected.json", expected(sam))


if __name__ == "__main__":
    main()
