"""
CLIP's text tower: transformers' CLIPTextModelWithProjection (small, random weights) exported to ONNX by torch, and its embeddings
of texts tokenised by transformers: python clip_text.py <directory of clip_tokenizer.py> <directory>.
"""

import json
import pathlib
import sys

import onnx
import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

TEXTS = ["a photo of a cat", "the operator's image isn't ready", "größer 3141 😀", "word " * 120, ""]


class TextEmbeds(torch.nn.Module):
    """Only `text_embeds`, as the text_model.onnx files on the model hub have it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids=input_ids).text_embeds


def main():
    tokenizer, target = CLIPTokenizer.from_pretrained(sys.argv[1]), pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, projection_dim=24, initializer_factor=4.0,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )
    model = CLIPTextModelWithProjection(config).eval()
    ids = [torch.tensor([tokenizer(text, truncation=True)["input_ids"]]) for text in TEXTS]
    torch.onnx.export(
        TextEmbeds(model), (torch.cat([ids[0], ids[0]]),), target / "text_model.onnx",
        input_names=["input_ids"], output_names=["text_embeds"],
        dynamic_axes={"input_ids": {0: "batch_size", 1: "sequence_length"}, "text_embeds": {0: "batch_size"}}, dynamo=False,
    )
    onnx.checker.check_model(str(target / "text_model.onnx"))
    with torch.no_grad():
        embeds = [model(input_ids=each).text_embeds[0].tolist() for each in ids]
    expected = [{"text": text, "text_embeds": [round(v, 6) for v in values]} for text, values in zip(TEXTS, embeds)]
    (target / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
