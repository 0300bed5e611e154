"""Computes the golden values of Sequential and Discretised Integrated Gradients with inseq in double precision, and
compares the file here.

    pip install --no-deps inseq==0.7.1
    pip install captum==0.9.0 torch==2.8.0 safetensors scipy scikit-learn joblib jaxtyping
    python tokens.py            # prints how far each value is from the file's, relative to the largest
    python tokens.py --write    # writes the file anew

The vocabulary and the network are made by an integer formula, which the test makes again. inseq's classes are used by
their own files, without the rest of the package, which would need a language model. The path builder's embeddings are
kept in double precision: inseq casts them to single.
"""
import importlib.util
import sys
import types
from importlib.metadata import distribution, version
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sklearn.neighbors import kneighbors_graph

HERE = Path(__file__).parent
WORDS, WIDTH, TOKENS, HIDDEN, CLASSES = 60, 6, 5, 8, 3
IDS = [[7, 23, 41, 5, 58], [3, 3, 19, 36, 11]]
TARGETS, PAD, STEPS = [0, 2], 0, 8


def numbers(count, seed):
    """Numbers between -1 and 1, exact in single precision."""
    state, found = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        found.append((state // 2**16 % 4096 - 2048) / 2048)
    return torch.tensor(found, dtype=torch.float64)


VOCABULARY = numbers(WORDS * WIDTH, 1).reshape(WORDS, WIDTH)
FIRST = numbers(TOKENS * WIDTH * HIDDEN, 2).reshape(TOKENS * WIDTH, HIDDEN)
SECOND = numbers(HIDDEN * CLASSES, 3).reshape(HIDDEN, CLASSES)


def net(embedded):
    return torch.tanh(0.5 * embedded.flatten(1) @ FIRST) @ SECOND


def inseq():
    """Imports the files of the two methods under the names that they expect, with what they use of the package."""
    root = Path(distribution("inseq").locate_file("inseq"))
    for name in ["inseq", "inseq.attr", "inseq.attr.feat", "inseq.attr.feat.ops", "inseq.utils"]:
        module = types.ModuleType(name)
        module.__path__ = []
        sys.modules[name] = module
    utils = sys.modules["inseq.utils"]
    utils.is_joblib_available = utils.is_scikitlearn_available = lambda: True
    utils.INSEQ_ARTIFACTS_CACHE = root
    utils.cache_results = lambda function: function
    utils.euclidean_distance = lambda a, b: (a - b).pow(2).sum(-1).sqrt()
    typing = types.ModuleType("inseq.utils.typing")
    typing.MultiStepEmbeddingsTensor = typing.VocabularyEmbeddingsTensor = torch.Tensor
    sys.modules["inseq.utils.typing"] = typing

    def load(name):
        full = f"inseq.attr.feat.ops.{name}"
        spec = importlib.util.spec_from_file_location(full, root / f"attr/feat/ops/{name}.py")
        sys.modules[full] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    builder = load("monotonic_path_builder").MonotonicPathBuilder
    discretised = load("discretized_integrated_gradients").DiscretetizedIntegratedGradients
    return load("sequential_integrated_gradients").SequentialIntegratedGradients, discretised, builder


def discretised(method, builder, strategy, special):
    """inseq's sum along inseq's paths."""
    knn = kneighbors_graph(VOCABULARY.numpy(), n_neighbors=10, mode="distance")
    paths = builder(VOCABULARY, knn, special)
    rows = []
    for ids in IDS:
        embedded = []
        for word in ids:
            path = paths.find_path(word, PAD, n_steps=STEPS, strategy=strategy)
            embedded.append(paths.build_monotonic_path_embedding(path, PAD, n_steps=STEPS))
        rows.append(torch.stack(embedded, dim=1))
    corners = torch.cat(rows).requires_grad_()
    found = []
    for row, target in enumerate(TARGETS):
        of_row = corners[row * STEPS:(row + 1) * STEPS].detach().requires_grad_()
        found.append(method(net, False)._attribute((of_row,), target=target, n_steps=STEPS)[0])
    return torch.cat(found), corners.detach().reshape(len(IDS), STEPS, TOKENS, WIDTH)


def compute():
    sequential, discretised_ig, builder = inseq()
    embedded = VOCABULARY[torch.tensor(IDS)]
    baseline = VOCABULARY[PAD].expand_as(embedded).contiguous()
    target = torch.tensor(TARGETS)
    out = {"input": embedded, "target": target.int(), "vocabulary": VOCABULARY, "first": FIRST, "second": SECOND}
    for method in ["gausslegendre", "riemann_middle"]:
        found = sequential(net).attribute(embedded, baseline, target=target, n_steps=20, method=method)
        out[f"sequential_{method}_20"] = found
    for name, strategy, special in [
        ("discretised_greedy", "greedy", []),
        ("discretised_maxcount", "maxcount", []),
        ("discretised_special", "greedy", [7, 3]),
    ]:
        out[name], out[f"{name}_path"] = discretised(discretised_ig, builder, strategy, special)
    return {name: value.detach().float().contiguous() if value.is_floating_point() else value for name, value in out.items()}


if __name__ == "__main__":
    path = HERE / "tokens.safetensors"
    found = compute()
    if "--write" in sys.argv:
        versions = {name: version(name) for name in ["inseq", "captum", "torch"]}
        save_file(found, path, metadata=versions)
    for name, value in load_file(path).items():
        off = (found[name].double() - value.double()).abs().max() / value.double().abs().max().clamp(min=1e-30)
        print(f"{name}: {tuple(value.shape)} {off:.1e}")
