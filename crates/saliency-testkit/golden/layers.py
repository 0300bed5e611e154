"""Computes golden maps at a layer with grad-cam in double precision, and compares the file here.

    pip install grad-cam==1.5.7 torch==2.8.0 torchvision==0.23.0 safetensors
    python layers.py            # prints how far each value is from the file's, relative to the largest
    python layers.py --write    # writes the file anew

Inputs and classes are those of `cifar_cnn_methods.safetensors`. The maps are those before the library's ReLU, resizing
and scaling.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from pytorch_grad_cam import AblationCAM, FinerCAM, GradCAM, HiResCAM, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.torch import load_file, save_file
from torch import nn

HERE = Path(__file__).parent


class Cifar(nn.Module):
    """The network of PyTorch's CIFAR-10 tutorial."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv1(x).relu(), 2)
        x = nn.functional.max_pool2d(self.conv2(x).relu(), 2)
        return self.fc3(self.fc2(self.fc1(x.flatten(1)).relu()).relu())


def raw_maps(self, x, targets, eigen_smooth):
    """What the library computes before it drops what is below zero, resizes and scales."""
    read = self.activations_and_grads
    activation = read.activations[0].numpy()
    gradient = read.gradients[0].numpy() if read.gradients else None
    return self.get_cam_image(x, self.target_layers[0], targets, activation, gradient, eigen_smooth)


BaseCAM.compute_cam_per_layer = raw_maps
BaseCAM.aggregate_multi_layers = lambda self, maps: maps


def main():
    network = Cifar()
    network.load_state_dict(load_file(HERE / "../../saliency-models/data/cifar_cnn.safetensors"))
    network = network.double().eval()
    golden = load_file(HERE / "cifar_methods.safetensors")
    x = golden["input"].double()
    targets = [ClassifierOutputTarget(int(target)) for target in golden["target"]]
    found = {}
    # Score-CAM hides the input with masks in single precision, unless the activation is double.
    for name, method in [("cam_score_cam", ScoreCAM), ("cam_ablation_cam", AblationCAM)]:
        found[name] = method(network, [network.conv2])(x, targets)
    for name, method in [("finer_grad_cam", GradCAM), ("finer_hi_res_cam", HiResCAM)]:
        found[name] = FinerCAM(network, [network.conv2], base_method=method)(x)
    found = {name: torch.from_numpy(np.float32(values)).contiguous() for name, values in found.items()}

    path = HERE / "cifar_layers.safetensors"
    known = load_file(path) if path.exists() else {}
    for name, values in found.items():
        print(name, tuple(values.shape), end=" ")
        print(float((values - known[name]).abs().max() / values.abs().max()) if name in known else "new")
    if "--write" in sys.argv[1:]:
        libraries = f"grad-cam {version('grad-cam')}, torch {torch.__version__}"
        save_file(found, path, {"source": f"{libraries}, computed in float64"})


if __name__ == "__main__":
    main()
