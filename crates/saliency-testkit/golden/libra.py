"""Computes the golden values of transformers, with and without LibraGrad's rules, and compares the file here with them.

    pip install torch==2.8.0 safetensors
    python libra.py                 # prints how far each value is from the file's, relative to the largest
    python libra.py --write         # writes the file anew
    python libra.py --onnx PATH     # exports the vision transformer, in single precision

The rules are those of Mehri, Baghshah and Pilehvar (2024, arXiv 2411.16760), and of the authors' own fork of timm: queries,
keys and the variance of a normalisation are constants, and so are the gates of GELU. One rule is ours: the slope of tanh
in the text encoder's pooler is the constant tanh(x) / x, as that of their other activations is.

Weights and inputs are made by an integer formula, here and in the test. Everything is computed in double precision and
stored in single precision.
"""
import sys
from math import prod, sqrt
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

PATH = Path(__file__).parent / "libra.safetensors"
PICTURE, PATCH, WIDTH, HEADS, LAYERS, CLASSES = 12, 4, 12, 3, 2, 5
VOCABULARY, POSITIONS = 30, 8
MASK = (1 << 32) - 1


def numbers(name, count):
    """Numbers from -1 to 1 that depend on a name: FNV-1a for the name, and murmur3's finaliser for each position."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & MASK
    values = []
    for at in range(count):
        bits = seed + at * 2654435761 & MASK
        bits = (bits ^ bits >> 16) * 0x85EBCA6B & MASK
        bits = (bits ^ bits >> 13) * 0xC2B2AE35 & MASK
        values.append((bits ^ bits >> 16) / (1 << 31) - 1)
    return torch.tensor(values, dtype=torch.float64)


def weight(name, *shape):
    drawn = numbers(name, prod(shape)).reshape(shape)
    if name.endswith("bias"):
        return 0.3 * drawn
    if "norm" in name.lower():
        return 1 + 0.3 * drawn
    if len(shape) > 1 and "embed" not in name.replace("patch_embed", "") and "token" not in name:
        return drawn * 2 / sqrt(prod(shape[1:]))
    return drawn


class Network(torch.nn.Module):
    """Makes its weights when they are first used. `libra` switches the rules on."""

    def __init__(self, libra):
        super().__init__()
        self.libra, self.kept = libra, {}

    def of(self, name, *shape):
        if name not in self.kept:
            self.kept[name] = weight(name, *shape).requires_grad_()
        return self.kept[name]

    def constant(self, x):
        return x.detach() if self.libra else x

    def linear(self, name, x, outputs):
        return functional.linear(x, self.of(f"{name}.weight", outputs, x.shape[-1]), self.of(f"{name}.bias", outputs))

    def norm(self, name, x, epsilon):
        centred = x - x.mean(-1, keepdim=True)
        deviation = self.constant((centred.pow(2).mean(-1, keepdim=True) + epsilon).sqrt())
        return centred / deviation * self.of(f"{name}.weight", x.shape[-1]) + self.of(f"{name}.bias", x.shape[-1])

    def gelu(self, x):
        return x * self.constant(0.5 * (1 + torch.erf(x / sqrt(2))))

    def weights(self, query, key, mask):
        scores = heads(query) @ heads(key).transpose(2, 3) / sqrt(WIDTH // HEADS)
        return self.constant((scores + mask).softmax(3))

    def mix(self, weights, value):
        return (weights @ heads(value)).transpose(1, 2).flatten(2)


def heads(x):
    return x.unflatten(2, (HEADS, -1)).transpose(1, 2)


class Vit(Network):
    """A vision transformer with timm's names."""

    def tokens(self, picture):
        kernel = self.of("patch_embed.proj.weight", WIDTH, 3, PATCH, PATCH)
        patches = functional.conv2d(picture, kernel, self.of("patch_embed.proj.bias", WIDTH), PATCH)
        x = patches.flatten(2).transpose(1, 2)
        x = torch.cat([self.of("cls_token", 1, 1, WIDTH).expand(x.shape[0], -1, -1), x], 1)
        return x + self.of("pos_embed", 1, (PICTURE // PATCH) ** 2 + 1, WIDTH)

    def block(self, layer, x, given=None):
        name = f"blocks.{layer}."
        normed = self.norm(name + "norm1", x, 1e-6)
        query, key, value = self.linear(name + "attn.qkv", normed, 3 * WIDTH).chunk(3, 2)
        weights = self.weights(query, key, 0) if given is None else given
        x = x + self.linear(name + "attn.proj", self.mix(weights, value), WIDTH)
        wide = self.gelu(self.linear(name + "mlp.fc1", self.norm(name + "norm2", x, 1e-6), 4 * WIDTH))
        return x + self.linear(name + "mlp.fc2", wide, WIDTH), weights

    def head(self, x):
        return self.linear("head", self.norm("norm", x, 1e-6)[:, 0], CLASSES)

    def forward(self, picture):
        x = self.tokens(picture)
        for layer in range(LAYERS):
            x, _ = self.block(layer, x)
        return self.head(x)


class Bert(Network):
    """A classifier of texts with the names of Hugging Face's BertForSequenceClassification."""

    def words(self, ids):
        return self.of("bert.embeddings.word_embeddings.weight", VOCABULARY, WIDTH)[ids]

    def layer(self, layer, x, mask):
        name = f"bert.encoder.layer.{layer}."
        query, key, value = (self.linear(f"{name}attention.self.{part}", x, WIDTH) for part in ("query", "key", "value"))
        mixed = self.mix(self.weights(query, key, mask), value)
        x = self.norm(name + "attention.output.LayerNorm",
                      x + self.linear(name + "attention.output.dense", mixed, WIDTH), 1e-12)
        wide = self.gelu(self.linear(name + "intermediate.dense", x, 4 * WIDTH))
        return self.norm(name + "output.LayerNorm", x + self.linear(name + "output.dense", wide, WIDTH), 1e-12)

    def forward(self, words, padding):
        positions = self.of("bert.embeddings.position_embeddings.weight", POSITIONS, WIDTH)[:words.shape[1]]
        sentence = self.of("bert.embeddings.token_type_embeddings.weight", 2, WIDTH)[0]
        x = self.norm("bert.embeddings.LayerNorm", words + positions + sentence, 1e-12)
        mask = padding[:, None, None, :] * -10000.0
        for layer in range(LAYERS):
            x = self.layer(layer, x, mask)
        pooled = self.linear("bert.pooler.dense", x[:, 0], WIDTH)
        pooled = pooled * (torch.tanh(pooled) / pooled).detach() if self.libra else torch.tanh(pooled)
        return self.linear("classifier", pooled, CLASSES)


def product(network, x, *others):
    """The input times the gradient of the highest score, and how much of the score the constants miss or add."""
    x = x.clone().requires_grad_()
    scores = network(x, *others)
    top = scores.max(1).values
    constants = list(network.kept.values())
    gradient, *of_constants = torch.autograd.grad(top.sum(), [x, *constants], allow_unused=True)
    # What is added is a bias: the constants of normalisations and matrices multiply.
    names = ["bias", "cls_token", "pos_embed", "position_embeddings", "token_type_embeddings"]
    added = sum((constant * slope).sum() for (name, constant), slope in zip(network.kept.items(), of_constants)
                if slope is not None and any(part in name for part in names))
    print(f"  {type(network).__name__}, libra {network.libra}: score {top.sum():.6f},"
          f" input x gradient and biases {(x * gradient).sum() + added:.6f}")
    return x.detach() * gradient


def le_grad(network, picture, targets):
    x, total = network.tokens(picture), 0
    for layer in range(LAYERS):
        _, weights = network.block(layer, x)
        weights = weights.detach().requires_grad_()
        x, _ = network.block(layer, x, weights)
        score = network.head(x).gather(1, targets[:, None]).sum()
        total = total + torch.autograd.grad(score, weights, retain_graph=True)[0].clamp(min=0).mean((1, 2))
    return total / LAYERS


def cams(network, picture, targets):
    """Grad-CAM and HiRes-CAM of the patches that enter the last block. grad-cam 1.5.7 gives the same numbers."""
    x = network.tokens(picture)
    for layer in range(LAYERS - 1):
        x, _ = network.block(layer, x)
    x = x.detach().requires_grad_()
    score = network.head(network.block(LAYERS - 1, x)[0]).gather(1, targets[:, None]).sum()
    gradient, = torch.autograd.grad(score, x)
    side = PICTURE // PATCH
    slopes, values = (it[:, 1:].transpose(1, 2).unflatten(2, (side, side)) for it in (gradient, x.detach()))
    mean = slopes.mean((2, 3), keepdim=True)
    return {name: (weights * values).sum(1, keepdim=True).clamp(min=0)
            for name, weights in (("vit.grad_cam", mean), ("vit.hi_res_cam", slopes))}


def values():
    picture = numbers("picture", 2 * 3 * PICTURE ** 2).reshape(2, 3, PICTURE, PICTURE)
    plain, libra = Vit(False), Vit(True)
    found = {"vit.picture": picture, "vit.logits": plain(picture), "vit.libra": product(libra, picture), "vit.plain": product(plain, picture)}
    maps, x = [], plain.tokens(picture)
    for layer in range(LAYERS):
        x, weights = plain.block(layer, x)
        maps.append(weights)
    found["vit.attention"] = torch.stack(maps, 1)
    found["vit.le_grad"] = le_grad(plain, picture, found["vit.logits"].argmax(1))
    found |= cams(plain, picture, found["vit.logits"].argmax(1))
    rollout = torch.eye(x.shape[1], dtype=torch.float64)
    for weights in maps:
        rollout = (weights.mean(1) + torch.eye(x.shape[1], dtype=torch.float64)) / 2 @ rollout
    found["vit.rollout"] = rollout
    ids = torch.tensor([[2, 17, 5, 29, 11], [2, 8, 23, 0, 0]])
    padding = (ids == 0).double()
    plain, libra = Bert(False), Bert(True)
    found["text.logits"] = plain(plain.words(ids), padding)
    for name, network in ("text.libra", libra), ("text.plain", plain):
        found[name] = product(network, network.words(ids).detach(), padding)
    return {name: value.detach().float().contiguous() for name, value in found.items()}


def export(path):
    network = Vit(False).double()
    picture = numbers("picture", 3 * PICTURE ** 2).reshape(1, 3, PICTURE, PICTURE)
    network(picture)
    # Single precision, and weights as parameters.
    network.kept = {name: value.detach().float() for name, value in network.kept.items()}
    torch.onnx.export(network, (picture.float(),), path, input_names=["picture"], output_names=["logits"],
                      dynamic_axes={"picture": {0: "rows"}, "logits": {0: "rows"}}, dynamo=False, opset_version=17)


def main():
    if "--onnx" in sys.argv:
        return export(sys.argv[sys.argv.index("--onnx") + 1])
    found = values()
    golden = load_file(PATH) if PATH.exists() else {}
    for name, value in found.items():
        expected = golden.get(name)
        said = "new" if expected is None else "the same digits" if torch.equal(expected, value) else \
            f"{(expected - value).abs().max() / expected.abs().max():.1e} of the largest"
        print(f"{name} {list(value.shape)}: {said}")
    if "--write" in sys.argv:
        save_file(found, PATH, {"source": f"torch {torch.__version__}, computed in float64"})


if __name__ == "__main__":
    main()
