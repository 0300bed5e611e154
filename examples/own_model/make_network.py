"""Makes the files in `data`: a small network in three formats, and Captum's values for it.

    pip install torch==2.8.0 captum==0.8.0 onnx==1.23.2 safetensors==0.8.0
    python make_network.py

The network learns to tell four shapes apart on pictures that are drawn here. Everything is seeded;
all files are written together because another machine may round differently.
"""

from pathlib import Path

import torch
from captum.attr import IntegratedGradients, Saliency
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, max_pool2d, relu

SHAPES = ["disc", "ring", "square", "cross"]
SIDE = 32
DATA = Path(__file__).parent / "data"


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.linear = nn.Linear(16 * 4 * 4, len(SHAPES))

    def forward(self, picture):
        x = max_pool2d(relu(self.norm1(self.conv1(picture))), 2)
        x = adaptive_avg_pool2d(relu(self.conv2(x)), 4)
        return self.linear(x.flatten(1))


def pictures(count, generator):
    """Bright shapes on darker grounds, with values in steps of 1/255, and which shape each is."""
    uniform = lambda low, high, *shape: low + (high - low) * torch.rand(shape, generator=generator)
    shape = torch.randint(len(SHAPES), (count,), generator=generator)
    radius = uniform(6, 10, count, 1, 1)
    at = torch.arange(SIDE).float()
    x = (at.view(1, 1, -1) - uniform(11, 20, count, 1, 1)).abs()
    y = (at.view(1, -1, 1) - uniform(11, 20, count, 1, 1)).abs()
    distance = (x**2 + y**2).sqrt()
    inside = torch.stack(
        [
            distance <= radius,
            (distance <= radius) & (distance >= 0.6 * radius),
            torch.maximum(x, y) <= 0.85 * radius,
            (torch.minimum(x, y) <= 0.25 * radius) & (torch.maximum(x, y) <= radius),
        ]
    )[shape, torch.arange(count)].unsqueeze(1)
    ground, color = uniform(0.1, 0.5, count, 3, 1, 1), uniform(0.6, 1, count, 3, 1, 1)
    noise = 0.06 * torch.randn(count, 3, SIDE, SIDE, generator=generator)
    picture = torch.where(inside, color, ground) + noise
    return (picture.clamp(0, 1) * 255).round() / 255, shape


def train(network, generator, steps=1500):
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        picture, shape = pictures(64, generator)
        optimizer.zero_grad()
        cross_entropy(network(picture), shape).backward()
        optimizer.step()
        rates.step()
    network.eval()


def golden(network, picture):
    """In double precision, stored in single: what is left is the rounding of those who compare."""
    network, picture = network.double(), picture.double().requires_grad_()
    logits = network(picture)
    shape = logits.argmax(1)
    gradient = Saliency(network).attribute(picture, target=shape, abs=False)
    integrated = IntegratedGradients(network).attribute(
        picture, baselines=0, target=shape, n_steps=50, method="gausslegendre"
    )
    values = {
        "picture": picture,
        "logits": logits,
        "gradient": gradient,
        "integrated_gradients": integrated,
    }
    return {name: value.detach().float().contiguous() for name, value in values.items()}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    network = Network()
    train(network, generator)
    unseen, shapes = pictures(2000, generator)
    right = network(unseen).argmax(1) == shapes
    print(f"{100 * right.float().mean():.1f} % of 2,000 new pictures are recognised")
    picture = unseen[right & (shapes == SHAPES.index("ring"))][:1]

    DATA.mkdir(exist_ok=True)
    torch.save(network.state_dict(), DATA / "network.pt")
    save_file(network.state_dict(), DATA / "network.safetensors")
    # An explainer gives a network several rows at once: their number must stay open.
    torch.onnx.export(
        network,
        picture,
        DATA / "network.onnx",
        dynamo=False,
        opset_version=17,
        input_names=["picture"],
        output_names=["logits"],
        dynamic_axes={"picture": {0: "rows"}, "logits": {0: "rows"}},
    )
    save_file(golden(network, picture), DATA / "golden.safetensors")
    for file in sorted(DATA.iterdir()):
        print(f"{file.stat().st_size:7} bytes  {file.name}")


if __name__ == "__main__":
    main()
