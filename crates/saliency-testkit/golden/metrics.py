"""Computes the golden values of metrics with Quantus and Captum in double precision, and compares the file here with them.

    pip install quantus==0.6.0 captum==0.9.0 torch==2.8.0 safetensors
    python metrics.py            # prints how far each value is from the file's, relative to the largest
    python metrics.py --write    # writes the file anew

Inputs, classes and maps are those of `cifar_cnn_zero_baseline.safetensors`. Masks and perturbations are made by
integer formulas, which the test makes again.
"""
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import quantus
import torch
from captum.attr import Saliency
from captum.metrics import infidelity, sensitivity_max
from safetensors.torch import load_file, save_file
from torch import nn

HERE = Path(__file__).parent
MAP, STEP, DRAWS = "ig_midpoint_50", 32, 10


class Cifar(nn.Module):
    """The network of PyTorch's CIFAR-10 tutorial. Quantus hands single precision to it."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x.double()).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.fc3(self.fc2(self.fc1(x.flatten(1)).relu()).relu())


def masks(rows):
    """A square of 12 x 12 pixels for each row, each farther down."""
    mask = np.zeros((rows, 1, 32, 32), dtype=bool)
    for row in range(rows):
        mask[row, 0, 4 + 6 * row:16 + 6 * row, 10:22] = True
    return mask


def draws(rows, radius):
    """Perturbations [rows, draws, 3, 32, 32] between -radius and radius."""
    row, draw, at = np.ogrid[:rows, :DRAWS, :3072]
    numbers = (row * 7919 + draw * 104729 + at * 1299709) % 2001 - 1000
    return torch.from_numpy(numbers / 1000 * radius).float().reshape(rows, DRAWS, 3, 32, 32)


def quantus_values(network, golden):
    x, target = golden["input"].numpy(), golden["target"].numpy()
    values = golden[MAP].double().numpy()
    # One value for each pixel, for the metrics of places.
    pixels = values.sum(axis=1, keepdims=True)
    quiet = {"disable_warnings": True}
    localisation = {
        "pointing_game": quantus.PointingGame(**quiet),
        "mass_accuracy": quantus.RelevanceMassAccuracy(**quiet),
        "mass_accuracy_absolute": quantus.RelevanceMassAccuracy(abs=True, **quiet),
        "rank_accuracy": quantus.RelevanceRankAccuracy(**quiet),
        "roc_area": quantus.AUC(**quiet),
        "top_k": quantus.TopKIntersection(k=100, **quiet),
        "top_k_chance": quantus.TopKIntersection(k=100, concept_influence=True, **quiet),
    }
    # By default Quantus divides by the largest value of the whole batch, so that rows depend on each other.
    by_row = {"normalise_func_kwargs": {"normalise_axes": [1, 2, 3]}, **quiet}
    complexity = {
        "sparseness": quantus.Sparseness(**by_row),
        "entropy": quantus.Complexity(**by_row),
        "effective_complexity": quantus.EffectiveComplexity(eps=0.01, **by_row),
    }
    for name, metric in {**localisation, **complexity}.items():
        # The first channel stands for a grey picture of the pixels' shape.
        picture = x[:, :1] if name in localisation else x
        of = pixels if name in localisation else values
        yield name, metric(network, picture, target, a_batch=of.copy(), s_batch=masks(len(x)), channel_first=True)
    for name, baseline in {"pixel_flipping": "black", "pixel_flipping_zero": 0.0}.items():
        flipping = quantus.PixelFlipping(features_in_step=STEP, perturb_baseline=baseline, **quiet)
        yield name, flipping(network, x, target, a_batch=values.copy(), channel_first=True, device="cpu")


def captum_values(network, golden):
    x, target = golden["input"].double(), golden["target"].long()
    rows = len(x)
    perturbations = draws(rows, 0.2).double().flatten(0, 1)
    for name, map_name in {"infidelity": "gradient", "infidelity_ig": MAP}.items():
        for suffix, normalize in {"": False, "_scaled": True}.items():
            yield name + suffix, infidelity(
                network, lambda inputs: (perturbations, inputs - perturbations), x, golden[map_name].double(),
                target=target, n_perturb_samples=DRAWS, normalize=normalize)
    small = draws(rows, 0.02).double().flatten(0, 1)
    # Captum explains the input as a tuple, and needs a tuple back.
    yield "max_sensitivity", sensitivity_max(
        lambda inputs, target: Saliency(network).attribute(inputs, target, abs=False), x,
        lambda inputs: inputs + small, n_perturb_samples=DRAWS, target=target)


def main():
    warnings.simplefilter("ignore")
    network = Cifar()
    network.load_state_dict(load_file(HERE / "../../saliency-models/data/cifar_cnn.safetensors"))
    network = network.double().eval()
    golden = load_file(HERE / "cifar_cnn_zero_baseline.safetensors")
    path = HERE / "cifar_metrics.safetensors"
    known = load_file(path) if path.exists() else {}
    found = {}
    for name, value in [*quantus_values(network, golden), *captum_values(network, golden)]:
        found[name] = torch.as_tensor(np.asarray(value, dtype=np.float64)).float().contiguous()
        if name in known:
            largest = (found[name] - known[name]).abs().max() / known[name].abs().max()
            same = torch.equal(found[name], known[name])
            print(f"{name}: " + ("the same digits" if same else f"{largest:.1e} of the largest"), flush=True)
        else:
            print(f"{name}: {tuple(found[name].shape)} {found[name].flatten()[:3].tolist()}", flush=True)
    if "--write" in sys.argv[1:]:
        libraries = ", ".join(f"{name} {version(name)}" for name in ["quantus", "captum", "torch"])
        save_file(found, path, {"source": f"{libraries}, computed in float64"})


if __name__ == "__main__":
    main()
