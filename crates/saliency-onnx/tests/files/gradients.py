"""Computes gradients of the fetched files in double precision, by way of PyTorch.

    pip install -r requirements.txt torch==2.8.0 torchvision==0.23.0 onnx2torch==1.5.15
    python gradients.py FOLDER        # reads NAME.onnx and NAME.golden.safetensors, writes gradients/

Writes gradients/NAME.safetensors. The score is one value of one output, the largest: `at.OUTPUT` is its place, counted
through the whole output, and `out.OUTPUT` the value. For each input of floating-point numbers: `at.INPUT`, some places,
`grad.INPUT`, the gradient there, and `largest.INPUT`, the largest magnitude of the whole gradient. Where all inputs are
whole numbers, INPUT is the value in the graph that holds the vectors of the words.

Where PyTorch cannot read the file, the reference evaluator of the package `onnx` computes, in double precision,
`along.INPUT`: the derivative of the score in the direction cos(0), cos(1), cos(2), ..., counted through the whole
input, by central differences.

Files of which either computes other outputs than onnxruntime are left out, and named.
"""
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx2torch
import torch
from onnx import AttributeProto, TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from safetensors.numpy import load_file, save_file

OUT = Path(__file__).parent / "gradients"
# How many values of a gradient are kept, and how far outputs may be from onnxruntime's.
KEPT, AGREES = 500, 1e-5
# Two steps of a difference, and how far the two may be apart: rounding inside the evaluator shows there.
STEPS, STEADY = (1e-6, 1e-5), 1e-5


def double(tensor, name):
    """Returns a constant in double precision, if it is one of floating-point numbers."""
    values = numpy_helper.to_array(tensor)
    return numpy_helper.from_array(values.astype(np.float64) if values.dtype == np.float32 else values, name)


def doubled(nodes, weights):
    """Yields the nodes with their constants in double precision. Constants with a value become weights."""
    for node in nodes:
        attributes = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Constant" and "value" in attributes:
            weights.append(double(attributes["value"].t, node.output[0]))
            continue
        if node.op_type == "Dropout":
            node.CopyFrom(onnx.helper.make_node("Identity", [node.input[0]], [node.output[0]]))
        if node.op_type == "ConstantOfShape" and "value" in attributes:
            attributes["value"].t.CopyFrom(double(attributes["value"].t, ""))
        if node.op_type == "Cast" and attributes["to"].i == TensorProto.FLOAT:
            attributes["to"].i = TensorProto.DOUBLE
        for branch in (attribute.g for attribute in node.attribute if attribute.type == AttributeProto.GRAPH):
            own = [double(weight, weight.name) for weight in branch.initializer]
            kept = list(doubled(branch.node, own))
            branch.ClearField("node")
            branch.ClearField("initializer")
            branch.node.extend(kept)
            branch.initializer.extend(own)
        yield node


def in_double(path):
    """Reads a file with its constants in double precision, as initializers: the converter wants weights there."""
    model = onnx.load(path)
    graph = model.graph
    weights = [double(weight, weight.name) for weight in graph.initializer]
    nodes = list(doubled(graph.node, weights))
    names = {weight.name for weight in weights}
    inputs = [value for value in graph.input if value.name not in names]
    made = onnx.helper.make_graph(nodes, graph.name, inputs, graph.output, weights)
    for value in [*made.input, *made.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return onnx.helper.make_model(made, opset_imports=model.opset_import, ir_version=8)


def after_embedding(model, given):
    """Opens the first table of vectors that is looked up by an input: its vectors become an input.

    Gradients with respect to whole numbers are none.
    """
    graph = model.graph
    tables = {weight.name: weight for weight in graph.initializer}
    node = next(node for node in graph.node
                if node.op_type == "Gather" and node.input[0] in tables and node.input[1] in given)
    [name] = node.output
    vectors = numpy_helper.to_array(tables[node.input[0]])[given[node.input[1]]]
    graph.node.remove(node)
    graph.input.append(onnx.helper.make_tensor_value_info(name, TensorProto.DOUBLE, vectors.shape))
    return {**given, name: vectors}


@dataclass
class Case:
    model: onnx.ModelProto
    given: dict
    golden: dict

    def outputs(self):
        return [value.name for value in self.model.graph.output]

    def compare(self, found):
        """Returns how far outputs are from onnxruntime's, relative to the largest."""
        apart = {name: np.abs(value - self.golden[f"out.{name}"]).max() / np.abs(value).max()
                 for name, value in found.items()}
        if wrong := {name: f"{value:.1e}" for name, value in apart.items() if not value <= AGREES}:
            raise ValueError(f"other outputs than onnxruntime's: {wrong}")
        return max(apart.values())


def case(path):
    model, golden = in_double(path), load_file(path.with_suffix(".golden.safetensors"))
    given = {value.name: golden[f"in.{value.name}"] for value in model.graph.input}
    if not any(value.dtype == np.float32 for value in given.values()):
        given = after_embedding(model, given)
    given = {name: value.astype(np.float64) if value.dtype == np.float32 else value for name, value in given.items()}
    return Case(model, given, golden)


def score(found):
    """Returns the first output of floating-point numbers, and the place of its largest value."""
    name = next(name for name, value in found.items() if value.dtype == np.float64)
    at = int(found[name].argmax())
    return name, at, {f"at.{name}": np.array([at]), f"out.{name}": found[name].flatten()[[at]]}


def by_pytorch(case):
    network = onnx2torch.convert(case.model).double().eval()
    given = {name: torch.from_numpy(value.copy()) for name, value in case.given.items()}
    given = {name: value.requires_grad_() if value.is_floating_point() else value for name, value in given.items()}
    found = network(*given.values())
    found = dict(zip(case.outputs(), found if isinstance(found, (tuple, list)) else [found]))
    apart = case.compare({name: value.detach().numpy() for name, value in found.items()})
    name, at, kept = score({name: value.detach().numpy() for name, value in found.items()})
    wanted = {name: value for name, value in given.items() if value.requires_grad}
    for key, gradient in zip(wanted, torch.autograd.grad(found[name].flatten()[at], list(wanted.values()))):
        flat = gradient.numpy().flatten()
        places = np.linspace(0, len(flat) - 1, min(KEPT, len(flat))).astype(np.int64)
        kept |= {f"at.{key}": places, f"grad.{key}": flat[places], f"largest.{key}": np.abs(flat).max(keepdims=True)}
    return kept, apart


class Erf(OpRun):
    """The evaluator's own Erf rounds to single precision, which is too rough for differences."""

    op_domain = ""

    def _run(self, x):
        return (np.vectorize(math.erf, otypes=[x.dtype])(x),)


def by_differences(case):
    evaluator = ReferenceEvaluator(case.model, new_ops=[Erf])
    run = lambda given: dict(zip(case.outputs(), evaluator.run(None, given)))
    found = run(case.given)
    apart = case.compare(found)
    name, at, kept = score(found)

    def along(key, size):
        value = case.given[key]
        step = size * np.cos(np.arange(value.size)).reshape(value.shape)
        ends = [run({**case.given, key: end})[name].flatten()[at] for end in (value + step, value - step)]
        return (ends[0] - ends[1]) / (2 * size)

    for key in [key for key, value in case.given.items() if value.dtype == np.float64]:
        fine, coarse = (along(key, size) for size in STEPS)
        if abs(fine - coarse) > STEADY * abs(coarse):
            raise ValueError(f"differences of {key} depend on the step: {fine}, {coarse}")
        kept[f"along.{key}"] = np.array([fine])
    return kept, apart


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    OUT.mkdir(exist_ok=True)
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        for way in (by_pytorch, by_differences):
            try:
                kept, apart = way(case(path))
            except Exception as error:
                print(f"{path.stem}: not {way.__name__}: {type(error).__name__}: {str(error)[:150]}", flush=True)
                continue
            save_file(kept, OUT / f"{path.stem}.safetensors")
            said = [f"{key} {value[0]:.3g}" for key, value in kept.items() if key.startswith(("largest.", "along."))]
            print(f"{path.stem}: {way.__name__}, {apart:.1e} from onnxruntime, {', '.join(said)}", flush=True)
            break


if __name__ == "__main__":
    main()
