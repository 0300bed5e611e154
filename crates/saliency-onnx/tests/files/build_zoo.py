"""Topologies of the ONNX Model Zoo. The package `onnx` ships them with constant weights: random ones replace these."""
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
NAMES = ["squeezenet", "shufflenet", "densenet121", "inception_v1", "inception_v2", "resnet50"]
# What the inputs of a BatchNormalization are drawn from, by their place.
NORM = {1: (0.5, 1.0), 2: (-0.2, 0.2), 3: (-0.2, 0.2), 4: (0.5, 1.5)}
# The logits are scaled to this spread: a Softmax that is saturated tells nothing.
SPREAD = 2.0


def uses(graph, name):
    """Yields each node that uses the value, and at which place. Looks through nodes that change the shape only."""
    for node in graph.node:
        for place, used in enumerate(node.input):
            if used == name:
                if place == 0 and node.op_type in ("Unsqueeze", "Reshape"):
                    yield from uses(graph, node.output[0])
                else:
                    yield node, place


def values(node, place, shape, generator):
    """Draws weights that keep the size of activations about the same."""
    if node.op_type == "BatchNormalization":
        low, high = NORM[place]
        return generator.uniform(low, high, shape)
    if node.op_type in ("Conv", "Gemm") and place == 1:
        turned = any(each.name == "transB" and each.i for each in node.attribute)
        # The weights of some fully connected layers have more axes, of size 1, before they are reshaped.
        inputs = np.prod(shape[1:]) if node.op_type == "Conv" else shape[-1 if turned else -2]
        return generator.normal(0, np.sqrt(2 / inputs), shape)
    if node.op_type == "Mul":
        return generator.uniform(0.5, 1.0, shape)
    if node.op_type in ("Conv", "Gemm", "Add"):
        return generator.uniform(-0.2, 0.2, shape)
    sys.exit(f"no rule for the weight at input {place} of {node.op_type}")


def fill(model, generator):
    """Replaces each ConstantOfShape by a weight of that shape."""
    graph = model.graph
    shapes = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    constant = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    made = []
    for node in constant:
        user, place = next(uses(graph, node.output[0]))
        drawn = values(user, place, tuple(shapes[node.input[0]]), generator)
        made.append(numpy_helper.from_array(drawn.astype(np.float32), node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(made)
    # Files of this age (IR version 3) list their weights among the inputs.
    graph.input.extend(onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims) for each in made)
    used = {name for node in graph.node for name in node.input}
    for field in (graph.initializer, graph.input):
        left = [each for each in field if each.name in used]
        del field[:]
        field.extend(left)


def outputs_of(model, name, photo):
    """Computes a value inside the graph."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.graph.output[:]
    changed.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    run = onnxruntime.InferenceSession(changed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return run.run(None, {run.get_inputs()[0].name: photo})[0]


def scale_logits(model, photo):
    """Scales the last weights so that the logits have the wanted spread."""
    last = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")][-1]
    spread = outputs_of(model, last.output[0], photo).std()
    for index, each in enumerate(model.graph.initializer):
        if each.name in last.input[1:]:
            scaled = numpy_helper.to_array(each) * np.float32(SPREAD / spread)
            model.graph.initializer[index].CopyFrom(numpy_helper.from_array(scaled, each.name))


def write(folder):
    for name in NAMES:
        generator = np.random.default_rng(7)
        photo = generator.uniform(-2, 2, (1, 3, 224, 224)).astype(np.float32)
        model = onnx.load(LIGHT / f"light_{name}.onnx")
        fill(model, generator)
        scale_logits(model, photo)
        onnx.checker.check_model(model)
        path = folder / f"{name}.onnx"
        onnx.save(model, path)
        print(f"{path.name}, {path.stat().st_size:,} bytes", flush=True)
