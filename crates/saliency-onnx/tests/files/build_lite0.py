"""EfficientNet-Lite0 as an ONNX file, from the weights in `saliency-models`: three styles, one function."""
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from graph import Graph

DATA = Path(__file__).parent / "../../../saliency-models/data"
WEIGHTS = DATA / "efficientnet_lite0_f16.safetensors"

# Repeats, kernel, channels out, expansion, stride of the first block: as in `efficientnet_lite0.rs`.
STAGES = [(1, 3, 16, 1, 1), (2, 3, 24, 6, 2), (2, 5, 40, 6, 2), (3, 3, 80, 6, 2),
          (3, 5, 112, 6, 1), (4, 5, 192, 6, 2), (1, 3, 320, 6, 1)]
# The network's epsilon, which is not ONNX's default.
EPSILON = 1e-3


class Lite0:
    def __init__(self, style):
        self.style, self.graph = style, Graph("efficientnet_lite0", opset=13)
        self.weights = {key: value.astype(np.float32) for key, value in load_file(WEIGHTS).items()}
        self.generator = np.random.default_rng(20)
        graph = self.graph
        graph.weight("zero", np.float32(0))
        graph.weight("six", np.float32(6))

    def conv(self, x, name, stride=1, depthwise=False):
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        kernel, graph = weight.shape[-1], self.graph
        after = kernel // 2
        before = after - 1 if stride == 2 else after
        if self.style == "tensorflow":
            padding = {"auto_pad": "SAME_UPPER"}
        else:
            padding = {"pads": [before, before, after, after]}
        attributes = dict(padding, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                          group=len(weight) if depthwise else 1)
        if self.style != "norm":
            parameters = [graph.weight(f"{name}.weight", weight), graph.weight(f"{name}.bias", bias)]
            return graph.node("Conv", [x, *parameters], name, **attributes)
        weight, parameters = self.unfold(name, weight, bias)
        x = graph.node("Conv", [x, graph.weight(f"{name}.weight", weight)], f"{name}.convolved", **attributes)
        return graph.node("BatchNormalization", [x, *parameters], name, epsilon=EPSILON)

    def unfold(self, name, weight, bias):
        """Takes random statistics out of a convolution: folding them in gives the weights back."""
        draw = lambda low, high: self.generator.uniform(low, high, bias.shape)
        gamma, mean, variance = draw(0.5, 2), draw(-1, 1), draw(0.5, 2)
        factor = gamma / np.sqrt(variance + EPSILON)
        values = {"gamma": gamma, "beta": bias + mean * factor, "mean": mean, "variance": variance}
        names = [self.graph.weight(f"{name}.{key}", value.astype(np.float32)) for key, value in values.items()]
        return (weight / factor[:, None, None, None]).astype(np.float32), names

    def relu6(self, x):
        return self.graph.node("Clip", [x, "zero", "six"], f"{x}.relu6")

    def block(self, x, name, inputs, outputs, expansion, stride):
        wide = x
        if expansion > 1:
            wide = self.relu6(self.conv(x, f"{name}.expand"))
        wide = self.relu6(self.conv(wide, f"{name}.depthwise", stride, depthwise=True))
        narrow = self.conv(wide, f"{name}.project")
        if stride == 1 and inputs == outputs:
            narrow = self.graph.node("Add", [narrow, x], f"{name}.sum")
        return narrow

    def classifier(self, x):
        weight, bias = self.weights["classifier.weight"], self.weights["classifier.bias"]
        graph = self.graph
        if self.style != "tensorflow":
            x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x], "pooled")], "flat")
            names = [graph.weight("classifier.weight", weight), graph.weight("classifier.bias", bias)]
            return graph.node("Gemm", [x, *names], "logits", transB=1)
        x = graph.node("ReduceMean", [x], "pooled", axes=[2, 3], keepdims=0)
        x = graph.node("MatMul", [x, graph.weight("classifier.weight", weight.T)], "product")
        x = graph.node("Add", [x, graph.weight("classifier.bias", bias)], "logits")
        return graph.node("Softmax", [x], "probabilities", axis=-1)

    def build(self):
        graph = self.graph
        if self.style == "tensorflow":
            x = graph.input("images", ["rows", 224, 224, 3])
            x = graph.node("Transpose", [x], "channels_first", perm=[0, 3, 1, 2])
        else:
            x = graph.input("input", ["rows", 3, 224, 224])
        x = self.relu6(self.conv(x, "stem", 2))
        index, inputs = 0, 32
        for repeats, _, outputs, expansion, stride in STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                x = self.block(x, f"blocks.{index}", inputs, outputs, expansion, stride if first else 1)
                index, inputs = index + 1, outputs
        graph.output(self.classifier(self.relu6(self.conv(x, "head"))), ["rows", 1000])
        return graph


def write(folder):
    for style, name in [("plain", "efficientnet_lite0"), ("norm", "efficientnet_lite0_norm"),
                        ("tensorflow", "efficientnet_lite0_tensorflow")]:
        Lite0(style).build().save(folder / f"{name}.onnx")
