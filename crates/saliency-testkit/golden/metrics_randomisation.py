"""Computes the golden values of randomisation metrics and axioms with Quantus, and compares the file here with them.

    pip install quantus==0.6.0 torch==2.8.0 safetensors
    python metrics_randomisation.py            # prints how far each value is from the file's, relative to the largest
    python metrics_randomisation.py --write    # writes the file anew

Inputs and classes are those of `cifar_cnn_zero_baseline.safetensors`. The random parameters are PyTorch's, which
nothing else can draw again. So the maps of the random models are part of the file, in single precision, and Quantus is
given the same rounded maps. Quantus's input invariance is left out: it shifts all values of a row but the first, and
then says that gradients change.
"""
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import quantus
import torch
from metrics import Cifar
from quantus.functions.similarity_func import correlation_spearman
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
# From the output to the input.
LAYERS = ["fc3", "fc2", "fc1", "conv2", "conv1"]
MAP = "ig_midpoint_50"


class Gradients:
    """Explains by gradients, added up over channels, and keeps all maps."""

    def __init__(self):
        self.maps = []

    def __call__(self, model, inputs, targets, **_):
        x = torch.from_numpy(np.asarray(inputs)).double().requires_grad_()
        scores = model(x)[torch.arange(len(x)), torch.as_tensor(np.asarray(targets)).long()]
        gradient = torch.autograd.grad(scores.sum(), x)[0]
        self.maps.append(gradient.sum(1, keepdim=True).float().double().numpy())
        return self.maps[-1].copy()


def flat(maps):
    return maps.reshape(len(maps), -1)


def randomisation(network, x, target):
    quiet = {"disable_warnings": True}
    explain = Gradients()
    scores = quantus.MPRT(layer_order="top_down", **quiet)(
        network, x, target, explain_func=explain, channel_first=True)
    yield "original", flat(explain.maps[0])
    assert list(scores) == ["original", *LAYERS], list(scores)
    for layer, maps in zip(LAYERS, explain.maps[-len(LAYERS):]):
        yield f"random_{layer}", flat(maps)
        yield f"mprt_{layer}", scores[layer]
    last = explain.maps[-1]

    explain = Gradients()
    scores = quantus.EfficientMPRT(**quiet)(network, x, target, explain_func=explain, channel_first=True)
    # All parameters are the same as in the last step from the output to the input.
    assert np.array_equal(explain.maps[-1], last)
    yield "emprt", scores

    explain = Gradients()
    # By default it compares by structural similarity.
    scores = quantus.RandomLogit(num_classes=10, similarity_func=correlation_spearman, **quiet)(
        network, x, target, explain_func=explain, channel_first=True)
    yield "other_class", flat(explain.maps[-1])
    yield "random_logit", scores


def axioms(network, x, target, maps):
    quiet = {"disable_warnings": True}
    by_row = {"normalise_func_kwargs": {"normalise_axes": [1, 2, 3]}}
    yield "non_sensitivity", quantus.NonSensitivity(perturb_baseline=0.0, **by_row, **quiet)(
        network, x, target, a_batch=maps.copy(), channel_first=True)


def main():
    warnings.simplefilter("ignore")
    network = Cifar()
    network.load_state_dict(load_file(HERE / "../../saliency-models/data/cifar_cnn.safetensors"))
    network = network.double().eval()
    golden = load_file(HERE / "cifar_cnn_zero_baseline.safetensors")
    x, target = golden["input"].numpy(), golden["target"].numpy()
    path = HERE / "cifar_randomisation.safetensors"
    known = load_file(path) if path.exists() else {}
    found = {}
    values = [*randomisation(network, x, target), *axioms(network, x, target, golden[MAP].double().numpy())]
    for name, value in values:
        found[name] = torch.as_tensor(np.asarray(value, dtype=np.float64)).float().contiguous()
        if name in known:
            largest = (found[name] - known[name]).abs().max() / known[name].abs().max()
            same = torch.equal(found[name], known[name])
            print(f"{name}: " + ("the same digits" if same else f"{largest:.1e} of the largest"), flush=True)
        else:
            print(f"{name}: {tuple(found[name].shape)} {found[name].flatten()[:3].tolist()}", flush=True)
    if "--write" in sys.argv[1:]:
        libraries = ", ".join(f"{name} {version(name)}" for name in ["quantus", "torch"])
        save_file(found, path, {"source": f"{libraries}, computed in float64"})


if __name__ == "__main__":
    main()
