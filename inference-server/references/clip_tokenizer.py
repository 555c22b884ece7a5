"""
A small vocabulary of CLIP's kind, trained on this repository's README by Hugging Face's tokenizers, and what transformers'
CLIPTokenizer makes of some texts: python clip_tokenizer.py <directory>.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

TEXTS = [
    "",
    "a photo of a cat",
    "A  photo\tof\na CAT.",
    "the operator's image isn't what it'll be",
    "3141 items for $59.99!!!",
    "größer als Ärger, naïve café",
    "e\u0301 is \u00e9",
    "ΣΟΦΟΣ ΟΔΥΣΣΕΥΣ",
    "İstanbul \u00df \ufb01",
    "日本語のテキスト と emoji 😀👍🏽",
    "snake_case-and.dots/slashes\\ <tag> & #hash",
    "x" * 300,
    "word " * 120,
    "\u00a0non\u00a0breaking\u2003space\u200bzero",
]


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    blank = CLIPTokenizer()
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = blank.backend_tokenizer.normalizer
    tokenizer.pre_tokenizer = blank.backend_tokenizer.pre_tokenizer
    # In the order of CLIP's own vocabulary: bytes, bytes that end a word, merges, start, end.
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=1400, initial_alphabet=letters, end_of_word_suffix="</w>", show_progress=False)
    readme = Path(__file__).parents[2] / "README.md"
    tokenizer.train([str(readme)], trainer)
    trained = json.loads(tokenizer.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in trained["merges"]]
    names = letters + [f"{letter}</w>" for letter in letters] + ["".join(merge) for merge in merges]
    vocabulary = {name: at for at, name in enumerate(dict.fromkeys([*names, "<|startoftext|>", "<|endoftext|>"]))}

    clip = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
    clip.save_pretrained(directory)
    (directory / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (directory / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(merge) for merge in merges) + "\n")
    expected = [{"text": text, "ids": clip(text, truncation=True)["input_ids"]} for text in TEXTS]
    (directory / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
