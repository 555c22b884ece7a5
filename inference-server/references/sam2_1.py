"""SAM 2.1 by Meta's sam2: `python sam2_1.py` writes test/inference-server/fixtures/sam2.

The architecture is that of sam2.1_hiera_t.yaml, with its frame of 1024 and its three feature levels, but with few channels and
layers, and a minute of training. The exported modules are those of samexporter's export_sam2.py; the expected masks come from
SAM2ImagePredictor.
"""

import cv2
import numpy as np
import torch
from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.mask_decoder import MaskDecoder
from sam2.modeling.sam.transformer import TwoWayTransformer
from sam2.modeling.sam2_base import SAM2Base
from sam2.sam2_image_predictor import SAM2ImagePredictor
from samexporter.export_sam2 import SAM2ImageDecoder, SAM2ImageEncoder

from sam_common import FIXTURES, PROMPTS, export, pictures, rle, samples, train, write

CHANNELS = 16  # 256 in the published models
FRAME = 1024


def model():
    sam = SAM2Base(
        image_encoder=ImageEncoder(
            scalp=1,
            trunk=Hiera(embed_dim=8, num_heads=1, stages=(1, 1, 2, 1), global_att_blocks=(), window_pos_embed_bkg_spatial_size=(7, 7)),
            neck=FpnNeck(
                position_encoding=PositionEmbeddingSine(num_pos_feats=CHANNELS),
                d_model=CHANNELS,
                backbone_channel_list=[64, 32, 16, 8],
                fpn_top_down_levels=[2, 3],
                fpn_interp_model="nearest",
            ),
        ),
        # The memory serves videos: neither the image predictor nor the export reaches it.
        memory_attention=torch.nn.Identity(),
        memory_encoder=torch.nn.Identity(),
        image_size=FRAME,
        directly_add_no_mem_embed=True,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
    )
    # As SAM2Base._build_sam_heads makes it, whose widths are fixed at those of the published models.
    sam.sam_mask_decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(depth=2, embedding_dim=CHANNELS, mlp_dim=32, num_heads=2),
        transformer_dim=CHANNELS,
        iou_head_depth=3,
        iou_head_hidden_dim=CHANNELS,
        use_high_res_features=True,
        iou_prediction_use_sigmoid=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
    )
    return sam


def teach(sam, steps):
    """Trains through the modules that are exported, on all four masks."""
    transforms = SAM2ImagePredictor(sam)._transforms
    images = {name: transforms(image)[None] for name, image in pictures().items()}
    encoder, decoder = SAM2ImageEncoder(sam), SAM2ImageDecoder(sam, multimask_output=True)

    def decode(features, name, points, labels):
        high0, high1, low = features
        height, width = pictures()[name].shape[:2]
        coords = torch.as_tensor(points / np.float32([width, height]) * FRAME)[None]
        sparse = decoder._embed_points(coords, torch.as_tensor(labels)[None].float())
        dense = decoder._embed_masks(torch.zeros(1, 1, 256, 256), torch.zeros(1))
        masks, ious, _, _ = sam.sam_mask_decoder.predict_masks(
            low, sam.sam_prompt_encoder.get_dense_pe(), sparse, dense, repeat_image=False, high_res_features=[high0, high1])
        return masks[0], ious[0]

    def frame_mask(mask):
        return cv2.resize(mask, (256, 256), interpolation=cv2.INTER_AREA)

    train(sam.parameters(), lambda name: encoder(images[name]), decode, frame_mask, steps, alternatives=4)
    return sam.eval()


def export_all(sam, target):
    encoder = SAM2ImageEncoder(sam)
    image = torch.randn(1, 3, FRAME, FRAME)
    names = ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    export(encoder, {"image": image}, names, None, target / "encoder.onnx", opset=18)
    with torch.no_grad():
        features = dict(zip(names, encoder(image)))
    inputs = {
        "image_embed": features["image_embed"],
        "high_res_feats_0": features["high_res_feats_0"],
        "high_res_feats_1": features["high_res_feats_1"],
        "point_coords": torch.randint(0, FRAME, (1, 5, 2)).float(),
        "point_labels": torch.randint(0, 1, (1, 5)).float(),
        "mask_input": torch.randn(1, 1, 256, 256),
        "has_mask_input": torch.tensor([1.0]),
    }
    axes = {
        "point_coords": {0: "num_labels", 1: "num_points"},
        "point_labels": {0: "num_labels", 1: "num_points"},
        "mask_input": {0: "num_labels"},
        "has_mask_input": {0: "num_labels"},
    }
    export(SAM2ImageDecoder(sam, multimask_output=True), inputs, ["masks", "iou_predictions"], axes, target / "decoder.onnx", opset=18)


def expected(sam):
    predictor = SAM2ImagePredictor(sam)
    cases = []
    for name, image in pictures().items():
        predictor.set_image(image)
        high0, high1 = predictor._features["high_res_feats"]
        embedding = {"high_res_feats_0": samples(high0), "high_res_feats_1": samples(high1), "image_embed": samples(predictor._features["image_embed"])}
        answers = []
        for prompt in PROMPTS[name]:
            masks, scores, _ = predictor.predict(
                point_coords=np.array(prompt["points"], dtype=np.float32) if "points" in prompt else None,
                point_labels=np.array(prompt["labels"]) if "labels" in prompt else None,
                box=np.array(prompt["box"], dtype=np.float32) if "box" in prompt else None,
                multimask_output=True,
            )
            answers.append({"prompt": prompt, "masks": [rle(mask) for mask in masks], "scores": [round(float(v), 6) for v in scores]})
        cases.append({"picture": name, "embedding": embedding, "answers": answers})
    return cases


def main():
    torch.manual_seed(0)
    sam = teach(model(), steps=1500)
    target = FIXTURES / "sam2"
    export_all(sam, target)
    write(target / "expected.json", expected(sam))


if __name__ == "__main__":
    main()
