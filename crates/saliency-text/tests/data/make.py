"""Makes the tokenizers of the tests from a text of our own: `python make.py`, with tokenizers 0.23.

The golden encodings in `golden.json` are what the same library returns in Python. With a published
`tokenizer.json`, a text of many lines and a folder, it writes the golden encodings of the lines into
the folder, for `SALIENCY_TEXT_GOLDEN=FOLDER cargo test -p saliency-text`:

    python make.py tokenizer.json lines.txt folder
"""

import json
import shutil
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = """The room was not unbearable. The food was very good, and the garden really nice.
Playing in the old garden was not bad at all; the small train was quiet.
We don't like the noise, but the film was great. Das Zimmer war schön, naïve café.
""".splitlines() * 4

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece():
    words = "the room was not un ##bear ##able good bad very play ##ing don like film".split()
    marks = ". , ' t ; ! we and schon cafe".split()
    vocab = {word: at for at, word in enumerate(SPECIAL + words + marks)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.enable_truncation(12)
    return tokenizer


def bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=alphabet,
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.enable_padding(direction="left", pad_id=0, pad_token="<pad>", pad_to_multiple_of=4)
    return tokenizer


TEXTS = [
    "The room was not unbearable.",
    "We don't like the film, playing!",
    "Good",
    "  Very   good\n\nfilm ",
    "Schön, naïve café \U0001f600 we\u0301",
    "我们 like the room",
    "[MASK] film",
    "The room was not unbearable and the film was not very good and not bad",
]


def encoding(tokenizer, text):
    encoded = tokenizer.encode(text)
    # Python's offsets count characters, ours bytes.
    byte = lambda at: len(text[:at].encode())
    return {
        "ids": encoded.ids,
        "mask": encoded.attention_mask,
        "special": encoded.special_tokens_mask,
        "offsets": [[byte(a), byte(b)] for a, b in encoded.offsets],
    }


def write(path, golden):
    with open(path, "w") as file:
        json.dump(golden, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def own():
    golden = {"texts": TEXTS}
    for name, tokenizer in [("wordpiece", wordpiece()), ("bpe", bpe()), ("unigram", unigram())]:
        tokenizer.save(f"{name}.json")
        tokenizer = Tokenizer.from_file(f"{name}.json")
        golden[name] = [encoding(tokenizer, text) for text in TEXTS]
    write("golden.json", golden)


def published(file, lines, folder):
    tokenizer = Tokenizer.from_file(file)
    texts = [line.rstrip("\n") for line in open(lines, encoding="utf-8")]
    encoded = [encoding(tokenizer, text) for text in texts]
    shutil.copy(file, f"{folder}/tokenizer.json")
    write(f"{folder}/golden.json", {"texts": texts, "tokenizer": encoded})


if __name__ == "__main__":
    published(*sys.argv[1:]) if sys.argv[1:] else own()
