"""Writes ONNX files into a folder that `fetch.py` has filled. No training, no network access.

    pip install -r requirements.txt
    python build.py FOLDER

- EfficientNet-Lite0 from the weights in `saliency-models`: as it is, with BatchNorm, as TensorFlow writes it.
- all-MiniLM-L6-v2 from `minilm_l6.safetensors`.
- Topologies of the ONNX Model Zoo, from the package `onnx`, with random weights instead of constant ones.
- The test cases of single operators, from the same package, in `nodes.safetensors`.
"""
import sys
from pathlib import Path

import build_lite0
import build_minilm
import build_nodes
import build_zoo


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    for part in (build_lite0, build_minilm, build_zoo, build_nodes):
        part.write(folder)


if __name__ == "__main__":
    main()
