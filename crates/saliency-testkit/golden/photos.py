"""Computes photos prepared by torchvision, Pillow, timm, Hugging Face's processors and OpenCV.

    pip install torch==2.8.0 torchvision==0.23.0 timm==1.0.31 transformers==4.57.1 pillow==12.0.0 opencv-python safetensors
    python photos.py            # prints how far each value is from the file's, in byte steps
    python photos.py --write    # writes the file anew

Photos are made by an integer formula, which the test repeats. Keys of the file:

    pixels/<name>    [height, width, 3], bytes, before any normalisation
    file/<name>      [channels, height, width], the input that a library makes with a configuration file. The text of
                     the file is in the metadata, under the same key.

Each name ends with the size of its photo.

Pillow 13 resizes the columns of some tall photos before the rows, which earlier versions, and the training of most
networks, did not. At the extreme contrasts of these photos that makes up to 11 byte steps.
"""
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file
from timm.data import create_transform, resolve_data_config
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize
from transformers import (CLIPImageProcessor, ConvNextImageProcessor, DeiTImageProcessor, LevitImageProcessor,
                          MobileViTImageProcessor, ViTImageProcessor)

FILE = Path(__file__).parent / "photos.safetensors"
SIDE = 24
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def photo(width, height):
    """Noise on the left, and on the right squares of extreme colours, where filters overshoot."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (x * 37 ^ y * 101 ^ (x * y + c * 85)) & 255
    squares = (x // 9 + y // 7 + c) % 2 * 255
    return Image.fromarray(np.where(x < width // 2, noise, squares).astype(np.uint8))


def cropped(shorter, filter):
    return lambda it: Compose([Resize(shorter, InterpolationMode(filter)), CenterCrop(SIDE)])(it)


def letterbox(it):
    """The whole photo between grey bars, as YOLO takes it."""
    pixels = np.asarray(it)
    height, width = pixels.shape[:2]
    ratio = min(SIDE / height, SIDE / width)
    new = round(width * ratio), round(height * ratio)
    across, down = SIDE - new[0], SIDE - new[1]
    small = cv2.resize(pixels, new, interpolation=cv2.INTER_LINEAR)
    edges = down // 2, down - down // 2, across // 2, across - across // 2
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def stretched(it):
    """TensorFlow's and PyTorch's resize without antialias, from -1 to 1 and back to bytes."""
    pixels = torch.from_numpy(np.array(it)).permute(2, 0, 1)[None].double()
    small = torch.nn.functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", align_corners=False)
    return small[0].permute(1, 2, 0).round().byte().numpy()


def grey(it):
    small = it.convert("L").resize((SIDE, SIDE), Image.BILINEAR)
    return np.repeat(np.asarray(small)[..., None], 3, 2)


FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
PIXELS = {
    **{f"{filter} {size}": cropped(28, filter) for filter in FILTERS for size in ["150x97", "9x13"]},
    # Odd distances, and a photo that does not reach the edges.
    **{f"shorter {side} {size}": cropped(side, "bilinear")
       for side in [27, 29, 31, 21] for size in ["97x150", "64x64"]},
    "shorter 28 3x400": cropped(28, "bilinear"),
    "letterbox 150x97": letterbox,
    "letterbox 61x99": letterbox,
    "letterbox 11x7": letterbox,
    "stretch 150x97": stretched,
    "stretch 11x7": stretched,
    "grey 97x150": grey,
}

VALUES = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
NORMAL = {"image_mean": IMAGENET["mean"], "image_std": IMAGENET["std"]}
PROCESSORS = {
    "clip": (CLIPImageProcessor, {
        **VALUES, "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "do_resize": True, "size": {"shortest_edge": SIDE}, "resample": 3, "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE}, "do_convert_rgb": True}),
    "clip odd": (CLIPImageProcessor, {
        **VALUES, **NORMAL, "do_resize": True, "size": 27, "resample": 2, "do_center_crop": True, "crop_size": SIDE}),
    "clip small": (CLIPImageProcessor, {
        **VALUES, **NORMAL, "do_resize": True, "size": 21, "resample": 2, "do_center_crop": True, "crop_size": SIDE}),
    "vit": (ViTImageProcessor, {
        **VALUES, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_resize": True,
        "size": {"height": SIDE, "width": 20}, "resample": 2}),
    "vit bytes": (ViTImageProcessor, {
        "do_rescale": False, "do_normalize": True, "image_mean": [127.0] * 3, "image_std": [64.0] * 3,
        "do_resize": True, "size": SIDE, "resample": 0}),
    "deit": (DeiTImageProcessor, {
        **VALUES, **NORMAL, "do_resize": True, "size": {"height": 28, "width": 28}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}}),
    "convnext": (ConvNextImageProcessor, {
        **VALUES, **NORMAL, "do_resize": True, "size": {"shortest_edge": SIDE}, "crop_pct": 0.875, "resample": 3}),
    "levit": (LevitImageProcessor, {
        **VALUES, **NORMAL, "do_resize": True, "size": {"shortest_edge": SIDE}, "resample": 3, "do_center_crop": True,
        "crop_size": {"height": SIDE, "width": SIDE}}),
    "mobilevit": (MobileViTImageProcessor, {
        "do_rescale": True, "rescale_factor": 1 / 255, "do_resize": True, "size": {"shortest_edge": 28},
        "resample": 2, "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE},
        "do_flip_channel_order": True}),
}
TIMM = {
    "timm center": {"input_size": [3, SIDE, SIDE], "interpolation": "bicubic", "crop_pct": 0.9, **IMAGENET},
    "timm wide": {"input_size": [3, 20, SIDE], "interpolation": "bilinear", "crop_pct": 0.875, **IMAGENET},
    "timm squash": {"input_size": [3, SIDE, SIDE], "interpolation": "bicubic", "crop_pct": 1.0,
                    "crop_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3},
    "timm squash crop": {"input_size": [3, SIDE, SIDE], "interpolation": "bicubic", "crop_pct": 0.8,
                         "crop_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3},
    "timm border": {"input_size": [3, SIDE, SIDE], "interpolation": "bilinear", "crop_pct": 1.0,
                    "crop_mode": "border", **IMAGENET},
}
SIZES = ["150x97", "61x99"]


def of_size(name):
    return photo(*map(int, name.split(" ")[-1].split("x")))


def values():
    """All values, and the texts of the configuration files."""
    tensors, files = {}, {}
    for name, prepare in PIXELS.items():
        tensors[f"pixels/{name}"] = np.ascontiguousarray(np.asarray(prepare(of_size(name))))
    for size in SIZES:
        for name, (processor, keys) in PROCESSORS.items():
            key = f"file/{name} {size}"
            file = {"image_processor_type": processor.__name__, **keys}
            files[key] = json.dumps(file)
            tensors[key] = processor(**keys)(of_size(key), return_tensors="np")["pixel_values"][0].astype(np.float32)
        for name, config in TIMM.items():
            key = f"file/{name} {size}"
            files[key] = json.dumps({"architecture": "resnet18", "pretrained_cfg": config})
            transform = create_transform(**resolve_data_config(pretrained_cfg=config))
            tensors[key] = transform(of_size(key)).numpy()
    return tensors, files


def main():
    tensors, files = values()
    if "--write" in sys.argv:
        save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, FILE, files)
    with safe_open(FILE, "np") as golden:
        for key, value in tensors.items():
            step = 1 if value.dtype == np.uint8 else 1 / 255
            print(f"{np.abs(golden.get_tensor(key) - value.astype(float)).max() / step:8.5f}  {key}")


main()
