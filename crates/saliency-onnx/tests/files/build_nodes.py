"""The test cases of operators and layers that the package `onnx` carries, as one file.

`nodes.safetensors` holds, for each case: `CASE/model`, the bytes of the ONNX file; `CASE/in.NAME` and `CASE/out.NAME`,
what goes in and what must come out, in the order of the graph's inputs and outputs.
"""
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from safetensors.numpy import save_file

DATA = Path(onnx.__file__).parent / "backend/test/data"
KINDS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL,
         TensorProto.UINT8, TensorProto.INT8}
# Training, random numbers, text and pictures: no operators of a network that is explained.
LEFT_OUT = {"Adagrad", "Adam", "Momentum", "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", "Bernoulli",
            "RandomUniformLike", "ImageDecoder", "TfIdfVectorizer", "TreeEnsemble", "ArrayFeatureExtractor",
            "Binarizer"}
# The largest case, in bytes.
LARGEST = 200_000


def wanted(case):
    graph = case.model.graph
    values = [*graph.input, *graph.output]
    # Some cases are there a second time, with the operator written out in others.
    return (case.model.opset_import[0].version <= 24
            and "_expanded" not in case.name and not case.name.startswith("test_training_dropout")
            and not LEFT_OUT & {node.op_type for node in graph.node}
            and all(value.type.WhichOneof("value") == "tensor_type" for value in values)
            and all(value.type.tensor_type.elem_type in KINDS for value in values))


def tensors(case):
    """Returns the arrays of the case's first data set by name, or nothing if one is no array."""
    graph, (given, expected) = case.model.graph, case.data_sets[0]
    made = {"model": np.frombuffer(case.model.SerializeToString(), dtype=np.uint8)}
    for side, infos, arrays in (("in", graph.input, given), ("out", graph.output, expected)):
        for info, array in zip(infos, arrays, strict=True):
            if not isinstance(array, (np.ndarray, np.generic)):
                return {}
            made[f"{side}.{info.name}"] = np.array(array, order="C")
    return made if sum(array.nbytes for array in made.values()) <= LARGEST else {}


def layers():
    """Yields name and tensors of the cases that lie in the package as files: layers that PyTorch exported."""
    for path in sorted(DATA.glob("pytorch-*/*/model.onnx")):
        model = onnx.load(path)
        weights = {each.name for each in model.graph.initializer}
        names = {"in": [each.name for each in model.graph.input if each.name not in weights],
                 "out": [each.name for each in model.graph.output]}
        made = {"model": np.frombuffer(path.read_bytes(), dtype=np.uint8)}
        for side, kind in (("in", "input"), ("out", "output")):
            for index, name in enumerate(names[side]):
                stored = path.parent / f"test_data_set_0/{kind}_{index}.pb"
                made[f"{side}.{name}"] = numpy_helper.to_array(onnx.load_tensor(stored))
        if sum(array.nbytes for array in made.values()) <= LARGEST:
            yield f"{path.parent.parent.name}/{path.parent.name}", made


def operators():
    for case in collect_testcases(None):
        if wanted(case) and (made := tensors(case)):
            yield case.name, made


def write(folder):
    warnings.simplefilter("ignore")
    kept, cases = {}, 0
    for name, made in chain(operators(), layers()):
        cases += 1
        kept |= {f"{name}/{key}": array for key, array in made.items()}
    path = folder / "nodes.safetensors"
    save_file(kept, path)
    print(f"{path.name}, {cases} cases, {path.stat().st_size:,} bytes", flush=True)
