"""Computes the golden values of metrics with Quantus, Captum and PAIR in double precision, and compares the file here.

    pip install quantus==0.6.0 captum==0.9.0 saliency==0.2.1 torch==2.8.0 safetensors
    python metrics.py            # prints how far each value is from the file's, relative to the largest
    python metrics.py --write    # writes the file anew

Inputs, classes and maps are those of `cifar_cnn_zero_baseline.safetensors`. Masks and perturbations are made by
integer formulas, which the test makes again.

Three things differ from what the libraries do by default:

- ROAD: Quantus 0.6.0 takes the numbers of values for numbers of pixels, and fails for pictures of several channels. It
  is given a function that makes pixels of them. There is no noise.
- Monotonicity: Quantus never uncovers the input. It is given a function that does.
- SIC and AIC: PAIR is given ROAD's imputation and the total variation for its interpolation and its size of a WebP
  file, because neither is defined without its library. With its own, only the curve is compared.
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
from quantus.functions.perturb_func import noisy_linear_imputation
from saliency.metrics import pic
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


def imputed(picture, pixels):
    """ROAD's imputation of pixels of [channels, height, width], without noise."""
    return noisy_linear_imputation(arr=picture, indices=pixels, noise=0.0) if len(pixels) else picture


def probabilities(network, pictures, target):
    with torch.no_grad():
        outputs = network(torch.as_tensor(np.asarray(pictures))).softmax(1)
    return outputs[torch.arange(len(outputs)), torch.as_tensor(target).long()].numpy()


def answers(golden):
    """The classes that the network answers: not those that the maps explain, but sure enough for curves of accuracy."""
    return golden["logits"].argmax(1).numpy()


def road_values(network, golden):
    x, target = golden["input"].double().numpy(), answers(golden)
    pixels = golden[MAP].double().numpy().sum(axis=1).reshape(len(x), -1)
    order = np.argsort(-pixels, axis=1, kind="stable")
    copies = [np.stack([imputed(picture, first[:128 * step]) for picture, first in zip(x, order)]) for step in range(1, 8)]
    yield "road_imputed", copies[3].reshape(len(x), -1)
    yield "road", np.stack([probabilities(network, copy, target) for copy in copies], axis=1)

    def by_pixel(arr, indices, **_):
        return imputed(arr, np.unique(indices % 1024))

    percentages = [12.5 * step for step in range(1, 8)]
    metric = quantus.ROAD(percentages=percentages, perturb_func=by_pixel, disable_warnings=True)
    metric.a_size = 3072
    accuracy = metric(network, x, target, a_batch=pixels.reshape(-1, 1, 32, 32), channel_first=True, device="cpu")
    yield "road_accuracy", [accuracy[percentage] for percentage in percentages]


def monotonicity_values(network, golden):
    x, target = golden["input"].numpy(), answers(golden)
    values = golden[MAP].double().numpy()
    flat, rows = x.reshape(len(x), -1), np.arange(len(x))[:, None]

    def uncover(arr, indices, **_):
        arr = arr.copy()
        arr[rows, indices] = flat[rows, indices]
        return arr

    options = {"disable_warnings": True}
    found = []
    for step in [1024, 512, 256, 64]:
        metric = quantus.Monotonicity(features_in_step=step, perturb_func=uncover, **options)
        found.append(metric(network, x, target, a_batch=values.copy(), channel_first=True, device="cpu"))
    yield "monotonicity", np.asarray(found, dtype=float).flatten()

    fills, calls = [0.1, -0.4, 0.7], iter(range(10 ** 9))

    def fill(arr, indices, **_):
        arr = arr.copy()
        arr[rows, indices] = fills[next(calls) % len(fills)]
        return arr

    metric = quantus.MonotonicityCorrelation(features_in_step=64, nr_samples=len(fills), perturb_func=fill, **options)
    yield "monotonicity_correlation", metric(
        network, x, target, a_batch=values.copy(), channel_first=True, device="cpu")


def stability_values(network, golden):
    x, target = golden["input"].numpy(), golden["target"].numpy()
    small = draws(len(x), 0.02).double().numpy()

    def gradient(model, inputs, targets, **_):
        inputs = torch.as_tensor(np.asarray(inputs)).double()
        return Saliency(network).attribute(inputs, torch.as_tensor(targets).long(), abs=False).detach().numpy()

    for name, metric in {"input": quantus.RelativeInputStability, "output": quantus.RelativeOutputStability}.items():
        calls = iter(range(DRAWS))

        def perturb(arr, indices, calls=calls, **_):
            # Rounded to single precision, in which Quantus hands it to the network.
            return (arr + small[:, next(calls)].reshape(len(arr), -1)).astype(np.float32).astype(np.float64)

        yield f"relative_{name}_stability", metric(nr_samples=DRAWS, perturb_func=perturb, disable_warnings=True)(
            network, x.astype(np.float64), target, a_batch=gradient(network, x, target), explain_func=gradient,
            channel_first=True, device="cpu")


def information_values(network, golden):
    x, targets = golden["input"].double().numpy(), answers(golden)
    maps = golden[MAP].double().numpy().sum(axis=1)
    shares = [0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.10, 0.13, 0.21, 0.34, 0.5, 0.75]
    known = (np.arange(1024) % 61 == 0).reshape(32, 32)
    own_blur, own_size = pic.create_blurred_image, pic.estimate_image_entropy

    def blur(full_img, pixel_mask):
        picture = full_img.transpose(2, 0, 1).astype(np.float64)
        return imputed(picture, np.flatnonzero(~pixel_mask)).transpose(1, 2, 0)

    def variation(image):
        image = np.asarray(image, dtype=np.float64)
        return np.abs(np.diff(image, axis=0)).sum() + np.abs(np.diff(image, axis=1)).sum()

    def curve(row, accuracy):
        def predict(pictures):
            pictures = np.asarray(pictures, dtype=np.float64).transpose(0, 3, 1, 2) / 127.5 - 1
            if not accuracy:
                return probabilities(network, pictures, targets[row:row + 1].repeat(len(pictures)))
            with torch.no_grad():
                return (network(torch.as_tensor(pictures)).argmax(1) == int(targets[row])).double().numpy()

        photo = np.round((x[row] + 1) * 127.5).astype(np.uint8).transpose(1, 2, 0)
        return pic.compute_pic_metric(photo, maps[row], known, predict, shares, min_pred_value=0.0)

    def area(row, accuracy):
        try:
            return curve(row, accuracy).auc
        except pic.ComputePicMetricError:
            # The row has no value.
            return -1.0

    pic.create_blurred_image, pic.estimate_image_entropy = blur, variation
    yield "sic", [area(row, False) for row in range(len(x))]
    yield "aic", [area(row, True) for row in range(len(x))]

    sizes = []

    def size(image):
        sizes.append(own_size(image))
        return sizes[-1]

    pic.create_blurred_image, pic.estimate_image_entropy = own_blur, size
    results = [curve(row, False) for row in range(len(x))]
    pic.estimate_image_entropy = own_size
    # PAIR asks for the size of the whole first. It comes last here, as in the predictions.
    yield "pic_sizes", np.roll(np.reshape(sizes, (len(x), -1)), -1, axis=1)
    yield "pic_predictions", [result.predictions for result in results]
    yield "pic_area", [result.auc for result in results]


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
    recipes = [quantus_values, captum_values, road_values, monotonicity_values, stability_values, information_values]
    for name, value in (value for recipe in recipes for value in recipe(network, golden)):
        found[name] = torch.as_tensor(np.asarray(value, dtype=np.float64)).float().contiguous()
        if name in known:
            largest = (found[name] - known[name]).abs().max() / known[name].abs().max()
            same = torch.equal(found[name], known[name])
            print(f"{name}: " + ("the same digits" if same else f"{largest:.1e} of the largest"), flush=True)
        else:
            print(f"{name}: {tuple(found[name].shape)} {found[name].flatten()[:3].tolist()}", flush=True)
    if "--write" in sys.argv[1:]:
        libraries = ", ".join(f"{name} {version(name)}" for name in ["quantus", "captum", "saliency", "torch"])
        save_file(found, path, {"source": f"{libraries}, computed in float64"})


if __name__ == "__main__":
    main()
