"""PAIR's side of the bench `paths`: Guided IG and Blur IG of EfficientNet-Lite0 through PyTorch.

Needs torch, numpy, safetensors and saliency 0.2.1 (`pip install saliency==0.2.1`). For each request, a line of
JSON on standard input with a method and its steps, computes the map of a photo ([3, 224, 224], raw float32, in
the file that the first argument names) for the class that the second argument names, and answers the seconds. The
third argument is the number of threads. With "save" the map is written as raw float32.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import saliency.core as pair
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

FILE = Path(__file__).parent / "../crates/saliency-models/data/efficientnet_lite0_f16.safetensors"
# Repeats, channels out, expansion, stride of the first block: as in `efficientnet_lite0.rs`.
STAGES = [(1, 16, 1, 1), (2, 24, 6, 2), (2, 40, 6, 2), (3, 80, 6, 2), (3, 112, 6, 1), (4, 192, 6, 2),
          (1, 320, 6, 1)]
WEIGHTS = {name: value.float() for name, value in load_file(FILE).items()}


def conv(x, name, stride=1, depthwise=False):
    weight = WEIGHTS[f"{name}.weight"]
    after = weight.shape[-1] // 2
    groups = len(weight) if depthwise else 1
    if stride == 2:
        x, after = F.pad(x, (after - 1, after, after - 1, after)), 0
    return F.conv2d(x, weight, WEIGHTS[f"{name}.bias"], stride, after, groups=groups)


def forward(x):
    x = F.relu6(conv(x, "stem", 2))
    index, inputs = 0, 32
    for repeats, outputs, expansion, stride in STAGES:
        for repeat in range(repeats):
            name, step = f"blocks.{index}", stride if repeat == 0 else 1
            wide = F.relu6(conv(x, f"{name}.expand")) if expansion > 1 else x
            wide = F.relu6(conv(wide, f"{name}.depthwise", step, depthwise=True))
            narrow = conv(wide, f"{name}.project")
            x = narrow + x if step == 1 and inputs == outputs else narrow
            index, inputs = index + 1, outputs
    x = F.relu6(conv(x, "head")).mean((2, 3))
    return F.linear(x, WEIGHTS["classifier.weight"], WEIGHTS["classifier.bias"])


def call(x, call_model_args=None, expected_keys=None):
    x = torch.from_numpy(np.asarray(x, dtype=np.float32)).permute(0, 3, 1, 2).contiguous().requires_grad_()
    gradient, = torch.autograd.grad(forward(x)[:, call_model_args].sum(), x)
    return {pair.INPUT_OUTPUT_GRADIENTS: gradient.permute(0, 2, 3, 1).numpy()}


def main():
    torch.set_num_threads(int(sys.argv[3]))
    target = int(sys.argv[2])
    photo = np.fromfile(sys.argv[1], dtype=np.float32).reshape(3, 224, 224).transpose(1, 2, 0)
    call(photo[None], target)
    for line in sys.stdin:
        request = json.loads(line)
        start = time.perf_counter()
        if request["method"] == "guided":
            found = pair.GuidedIG().GetMask(photo, call, target, x_steps=request["steps"])
        else:
            found = pair.BlurIG().GetMask(photo, call, target, steps=request["steps"])
        seconds = time.perf_counter() - start
        if "save" in request:
            found.transpose(2, 0, 1).astype("float32").tofile(request["save"])
        print(json.dumps({"seconds": seconds}), flush=True)


main()
