"""Runs onnxruntime on each ONNX file of a folder, with a seeded input, and keeps inputs and outputs.

    pip install -r requirements.txt
    python golden.py FOLDER

Writes NAME.golden.safetensors beside each NAME.onnx, with `in.INPUT` and `out.OUTPUT` for each input and output.
Optimisations are off, so that onnxruntime computes what the file says.
"""
import sys
import zlib
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).parent
COFFEE = HERE / "../../../saliency-testkit/golden/lite0_coffee.safetensors"


def noise(*shape, low=-1.0, high=1.0):
    return lambda generator: generator.uniform(low, high, shape).astype(np.float32)


def integers(*shape, high, kind=np.int64):
    return lambda generator: generator.integers(0, high, shape).astype(kind)


def constant(value, kind=np.int64):
    return lambda generator: np.array(value, dtype=kind)


def coffee(order):
    """The photo of the coffee, as EfficientNet-Lite0 wants it, with its axes in the given order."""
    return lambda generator: np.ascontiguousarray(load_file(COFFEE)["input"].transpose(order))


def strokes(height, width):
    """Dark strokes on a light ground: a detector of text finds nothing in noise."""
    def make(generator):
        picture = np.full((1, 3, height, width), 1.5, dtype=np.float32)
        for column in range(width // 8, 7 * width // 8, 6):
            top, bottom = height // 3 + generator.integers(0, 8), height // 2 + generator.integers(0, 8)
            picture[:, :, top:bottom, column : column + generator.integers(1, 4)] = -1.5
        return picture
    return make


# The second row has three tokens less.
MASK = np.array([[1] * 12, [1] * 9 + [0] * 3])
TOKENS = {
    "input_ids": integers(2, 12, high=30522),
    "attention_mask": constant(MASK),
    "token_type_ids": constant(np.zeros((2, 12))),
}
PHOTO = noise(1, 3, 224, 224, low=-2.0, high=2.0)

# The inputs of each file, by name. Two rows where the file allows it.
INPUTS = {
    "ocr_cls": {"x": noise(2, 3, 48, 192)},
    "ocr_det": {"x": strokes(96, 160)},
    "ocr_rec": {"x": noise(2, 3, 48, 160)},
    "yolov8n": {"images": noise(1, 3, 320, 320, low=0.0)},
    "magika": {"bytes": integers(2, 2048, high=257, kind=np.int32)},
    "silero_vad": {"input": noise(2, 576), "state": noise(2, 2, 128), "sr": constant(16000)},
    "silero_vad_16k": {"input": noise(2, 576), "state": noise(2, 2, 128), "sr": constant(16000)},
    "silero_vad_ifless": {"input": noise(2, 576), "state": noise(2, 2, 128), "sr": constant(16000)},
    "silero_vad_sequence": {"input": noise(3, 576), "h": noise(1, 1, 128), "c": noise(1, 1, 128)},
    "eeg_seizure": {"x": noise(2, 100, 30)},
    "eeg_spindles": {"raw_signal": noise(1, 1, 7500), "spectrogram": noise(1, 15, 7500)},
    "captcha_crnn": {"image": noise(2, 3, 60, 160)},
    "open_nsfw": {"input:0": noise(1, 224, 224, 3, low=-128.0, high=128.0)},
    "minilm_l3": TOKENS,
    "minilm_l6": TOKENS,
    "ddddocr_crnn": {"input1": noise(1, 1, 64, 120)},
    "ddddocr_quantised": {"input1": noise(1, 1, 64, 120)},
    "ddddocr_yolox": {"images": noise(1, 3, 416, 416, low=0.0, high=255.0)},
    "efficientnet_lite0": {"input": coffee((0, 1, 2, 3))},
    "efficientnet_lite0_norm": {"input": coffee((0, 1, 2, 3))},
    "efficientnet_lite0_tensorflow": {"images": coffee((0, 2, 3, 1))},
    "squeezenet": {"data_0": PHOTO},
    "shufflenet": {"gpu_0/data_0": PHOTO},
    "densenet121": {"data_0": PHOTO},
    "inception_v1": {"data_0": PHOTO},
    "inception_v2": {"data_0": PHOTO},
    "resnet50": {"gpu_0/data_0": PHOTO},
}


def session(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def inputs(name, wanted):
    """Returns the inputs that the file wants. The seed depends on the name alone."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    made = {key: make(generator) for key, make in INPUTS[name].items()}
    return {key: value for key, value in made.items() if key in wanted}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths = sorted(Path(sys.argv[1]).glob("*.onnx"))
    if unknown := [path.name for path in paths if path.stem not in INPUTS]:
        sys.exit(f"no input is written down in {Path(__file__).name} for: {', '.join(unknown)}")
    for path in paths:
        run = session(path)
        given = inputs(path.stem, [each.name for each in run.get_inputs()])
        names = [each.name for each in run.get_outputs()]
        outputs = dict(zip(names, run.run(names, given)))
        kept = {f"in.{key}": value for key, value in given.items()}
        kept |= {f"out.{key}": np.ascontiguousarray(value) for key, value in outputs.items()}
        save_file(kept, path.with_suffix(".golden.safetensors"))
        said = (f"{key} {list(value.shape)} up to {np.abs(value).max():.3g}" for key, value in outputs.items())
        print(f"{path.stem}: {', '.join(said)}", flush=True)


if __name__ == "__main__":
    main()
