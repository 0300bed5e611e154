"""Fetches SqueezeNet's ImageNet weights for the bench `truth`, and writes them as safetensors. Needs git.

    python3 benches/truth_squeezenet.py squeezenet.safetensors

The weights are those of Han and others, pruned and with 256 values a layer: the file `compressed_SqueezeNet.net`
of github.com/songhan/SqueezeNet-Deep-Compression, under a BSD licence of two clauses. Nothing of this is kept in
the repository.

The network of the file takes blue, green and red from 0 to 255, less a mean. The weights that are written take red,
green and blue as `Preparation::imagenet()` makes them: both are linear, so that the first layer can do the step.
"""

import array
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

REPOSITORY = "songhan/SqueezeNet-Deep-Compression"
FILE = "compressed_SqueezeNet.net"
SHA256 = "e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261"
# Another place to clone from, for machines without the usual one.
BASE = os.environ.get("TRUTH_GIT_BASE", "https://github.com")

# Of each fire module: its inputs, the channels that it squeezes them to, and the outputs of each of its two halves.
FIRES = {
    2: (96, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128),
    6: (256, 48, 192), 7: (384, 48, 192), 8: (384, 64, 256), 9: (512, 64, 256),
}
# Blue, green, red.
NETWORK_MEAN = [104.0, 117.0, 123.0]
# Of `Preparation::imagenet()`.
MEAN, SCALE = 127.0, 128.0


def layers():
    """Names of layers, and the shapes of their kernels, in the order of the file."""
    yield "conv1", (96, 3, 7, 7)
    for number, (inputs, squeezed, outputs) in FIRES.items():
        yield f"fire{number}.squeeze", (squeezed, inputs, 1, 1)
        yield f"fire{number}.expand1", (outputs, squeezed, 1, 1)
        yield f"fire{number}.expand3", (outputs, squeezed, 3, 3)
    yield "last", (1000, 512, 1, 1)


def fetched():
    with tempfile.TemporaryDirectory() as scratch:
        clone = ["git", "clone", "--quiet", "--depth=1", "--bare", f"{BASE}/{REPOSITORY}", scratch]
        subprocess.run(clone, check=True)
        show = ["git", "-C", scratch, "show", f"HEAD:{FILE}"]
        return subprocess.run(show, check=True, stdout=subprocess.PIPE).stdout


def decoded(content):
    """Of each layer, the kernel and the bias.

    The file has the number of kept weights of each layer, and then, for each layer, 256 values, the bias, an index
    of a value for each kept weight, and half a byte for each: how many weights were left out before it.
    """
    at = 0

    def take(kind, count):
        nonlocal at
        numbers = array.array(kind)
        numbers.frombytes(content[at : at + count * numbers.itemsize])
        at += count * numbers.itemsize
        return numbers

    names = list(layers())
    for (name, shape), kept in zip(names, take("I", len(names))):
        values, bias = take("f", 256), take("f", shape[0])
        indices, gaps = take("B", kept), take("B", (kept + 1) // 2)
        size = shape[0] * shape[1] * shape[2] * shape[3]
        kernel = array.array("f", [values[0]]) * size
        place = -1
        for number, index in enumerate(indices):
            place += 1 + (gaps[number // 2] >> 4 * (number % 2) & 15)
            kernel[place] = values[index]
        yield name, shape, kernel, bias
    assert at == len(content), f"expected {len(content)} bytes, read {at}"


def for_prepared_photos(kernel, bias):
    """The first layer for red, green and blue as `Preparation::imagenet()` makes them."""
    changed = array.array("f", kernel)
    for output in range(96):
        for channel in range(3):
            start, of_network = (output * 3 + channel) * 49, (output * 3 + 2 - channel) * 49
            weights = kernel[of_network : of_network + 49]
            changed[start : start + 49] = array.array("f", [SCALE * weight for weight in weights])
            bias[output] += sum(weights) * (MEAN - NETWORK_MEAN[2 - channel])
    return changed, bias


def main():
    content = fetched()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        sys.exit(f"expected a file with SHA-256 {SHA256}, found {digest}")
    header, data = {}, bytearray()
    for name, shape, kernel, bias in decoded(content):
        if name == "conv1":
            kernel, bias = for_prepared_photos(kernel, bias)
        for part, shape, numbers in [("weight", list(shape), kernel), ("bias", [shape[0]], bias)]:
            start = len(data)
            data += numbers.tobytes()
            header[f"{name}.{part}"] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    pathlib.Path(sys.argv[1]).write_bytes(struct.pack("<Q", len(header)) + header + data)
    print(f"wrote {sys.argv[1]}")


if __name__ == "__main__":
    main()
