"""Computes the golden values of randomisation metrics and axioms with Quantus, and compares the file here with them.

    pip install quantus==0.6.0 torch==2.8.0 safetensors
    python metrics_randomisation.py            # prints how far each value is from the file's, relative to the largest
    python metrics_randomisation.py --write    # writes the file anew

Inputs and classes are those of `cifar_cnn_zero_baseline.safetensors`. The random parameters are PyTorch's, which
nothing else can draw again. So the maps of the random models are part of the file, in single precision, and Quantus is
given the same rounded maps.
"""
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import quantus
import torch
from metrics import Cifar
from safetensors.torch import load_file, save_file
from torch import nn

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


def single(network):
    """The same network in single precision: Quantus shifts its first layer in single precision."""

    class Single(nn.Module):
        def __init__(self):
            super().__init__()
            for name in ["conv1", "conv2", "fc1", "fc2", "fc3"]:
                setattr(self, name, getattr(network, name))

        def forward(self, x):
            x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
            x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
            return self.fc3(self.fc2(self.fc1(x.flatten(1)).relu()).relu())

    return Single().float().eval()


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
    scores = quantus.RandomLogit(num_classes=10, **quiet)(
        network, x, target, explain_func=explain, channel_first=True)
    yield "other_class", flat(explain.maps[-1])
    yield "random_logit", scores


def axioms(network, x, target, maps):
    quiet = {"disable_warnings": True}
    by_row = {"normalise_func_kwargs": {"normalise_axes": [1, 2, 3]}}
    yield "non_sensitivity", quantus.NonSensitivity(perturb_baseline=0.0, **by_row, **quiet)(
        network, x, target, a_batch=maps.copy(), channel_first=True)
    plain = single(network)
    for name in ["gradient", "input_x_gradient"]:
        def explain(model, inputs, targets, times=name != "gradient", **_):
            x = torch.from_numpy(np.asarray(inputs)).float().requires_grad_()
            scores = model(x)[torch.arange(len(x)), torch.as_tensor(np.asarray(targets)).long()]
            gradient = torch.autograd.grad(scores.sum(), x)[0]
            return (gradient * x if times else gradient).detach().numpy()

        found = quantus.InputInvariance(input_shift=-1, **quiet)(
            plain, x, target, a_batch=None, explain_func=explain, channel_first=True)
        yield f"input_invariance_{name}", found


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
