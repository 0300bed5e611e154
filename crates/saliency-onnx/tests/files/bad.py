"""Writes small ONNX files that are broken, hostile, or not for this program, into bad/.

    pip install -r requirements.txt
    python bad.py

Each maker's docstring says what is wrong. None of the files is larger than a few kilobytes.
"""
import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OUT = Path(__file__).parent / "bad"
MAKERS = []


def bad(make):
    MAKERS.append(make)
    return make


def tiny():
    """A good file: two layers, [rows, 4] to [rows, 3]."""
    generator = np.random.default_rng(3)
    weights = {"w1": (4, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    weights = [numpy_helper.from_array(generator.normal(0, 0.5, shape).astype(np.float32), name)
               for name, shape in weights.items()]
    nodes = [helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], name="first"),
             helper.make_node("Relu", ["h"], ["r"], name="rectify"),
             helper.make_node("Gemm", ["r", "w2", "b2"], ["y"], name="second")]
    return model(nodes, [4], [3], weights)


def tiny_external():
    """The good file with its weights one after the other in another file, in a folder below."""
    made, place = tiny(), OUT / "weights/tiny_external.bin"
    place.parent.mkdir()
    content = b""
    for weight in made.graph.initializer:
        entries = {"location": "weights/tiny_external.bin", "offset": len(content), "length": len(weight.raw_data)}
        content += weight.raw_data
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            entry = weight.external_data.add()
            entry.key, entry.value = key, str(value)
    place.write_bytes(content)
    return made


def model(nodes, before, after, weights=(), opset=17):
    info = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])
    graph = helper.make_graph(nodes, "tiny", [info("x", before)], [info("y", after)], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def one(operator, extra=(), before=(4,), after=(4,), weights=(), **attributes):
    """A file with one node, named `broken`, of `x` and constants."""
    made = [numpy_helper.from_array(value, name) for name, value in weights]
    return model([helper.make_node(operator, ["x", *extra], ["y"], name="broken", **attributes)], before, after, made)


def whole(*values):
    return np.array(values, dtype=np.int64)


# Files that are no ONNX files.

@bad
def empty():
    """Has no byte."""
    return b""


@bad
def truncated():
    """Ends in the middle, as a download that broke off."""
    whole_file = tiny().SerializeToString()
    return whole_file[: len(whole_file) * 3 // 5]


@bad
def zipped():
    """Is a zip archive with a model inside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("model.onnx"), tiny().SerializeToString())
    return buffer.getvalue()


@bad
def pointer():
    """Is the note that Git LFS leaves in place of a large file."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d7a" * 16 + b"\nsize 102482029\n"


@bad
def page():
    """Is a web page that was saved in place of the file."""
    return b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>Not Found</body></html>\n"


@bad
def no_graph():
    """Is a model without a graph."""
    made = tiny()
    made.ClearField("graph")
    return made


# Files for other programs.

@bad
def opset_too_new():
    """Wants version 99 of the operators."""
    made = tiny()
    made.opset_import[0].version = 99
    return made


@bad
def opset_missing():
    """Does not say which version of the operators it wants."""
    made = tiny()
    del made.opset_import[:]
    return made


@bad
def unknown_operator():
    """Has an operator that does not exist: Frobnicate, at node `broken`."""
    return one("Frobnicate")


@bad
def custom_domain():
    """Has an operator of another maker: com.example.Magic."""
    made = one("Magic", domain="com.example")
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    return made


@bad
def training_norm():
    """Was exported in training mode: BatchNormalization computes its statistics anew."""
    weights = [(name, np.ones(4, dtype=np.float32)) for name in ("scale", "bias", "mean", "variance")]
    made = one("BatchNormalization", [name for name, _ in weights], weights=weights, training_mode=1)
    made.graph.node[0].output.extend(["mean_out", "variance_out"])
    return made


@bad
def training_loss():
    """Is a graph for training: its output is a loss."""
    made = tiny()
    made.graph.node.append(helper.make_node("SoftmaxCrossEntropyLoss", ["y", "labels"], ["loss"], name="loss_node"))
    made.graph.input.append(helper.make_tensor_value_info("labels", TensorProto.INT64, ["rows"]))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("loss", TensorProto.FLOAT, []))
    return made


@bad
def training_info():
    """Carries a training step beside its graph."""
    made = tiny()
    step = helper.make_graph([], "step", [], [])
    made.training_info.append(helper.make_training_info(step, [], None, None))
    return made


@bad
def text_input():
    """Takes text, not numbers."""
    made = one("Identity")
    made.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    made.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    return made


@bad
def sequence_input():
    """Takes a list of tensors."""
    made = one("SequenceLength")
    made.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, ["rows", 4]))
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.INT64, []))
    return made


# Weights in other files.

def external(location, **more):
    made = tiny()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = weight.external_data.add()
        entry.key, entry.value = key, str(value)
    return made


@bad
def external_missing():
    """Its weight `w1` lies in a file that is not there."""
    return external("no_such_file.bin")


@bad
def external_parent():
    """Its weight lies outside its folder: ../../etc/passwd."""
    return external("../../etc/passwd")


@bad
def external_hidden_parent():
    """Its weight lies outside its folder, by a longer way."""
    return external("weights/../../../../../../../../etc/passwd")


@bad
def external_absolute():
    """Its weight lies at an absolute path."""
    return external("/etc/passwd")


@bad
def external_windows():
    """Its weight lies at an absolute path of Windows."""
    return external("C:\\Windows\\win.ini")


@bad
def external_empty():
    """Its weight lies in a file without a name."""
    return external("")


@bad
def external_folder():
    """Its weight's file is the folder itself."""
    return external(".")


@bad
def external_short():
    """Its weight's file (external_short.bin) has 16 bytes, and the weight needs 80."""
    (OUT / "external_short.bin").write_bytes(bytes(16))
    return external("external_short.bin")


@bad
def external_offset():
    """Its weight begins behind the file's end: at the largest number there is."""
    return external("external_short.bin", offset=2**64 - 1, length=80)


@bad
def external_length():
    """Its weight says that it is an exabyte long."""
    return external("external_short.bin", offset=0, length=2**60)


@bad
def external_nonsense():
    """Its weight begins at `abc`."""
    return external("external_short.bin", offset="abc")


# Weights that do not hold what they say.

def weight(dims, kind=TensorProto.FLOAT, data=b""):
    made = tiny()
    kept = made.graph.initializer[0]
    kept.ClearField("dims")
    kept.dims.extend(dims)
    kept.data_type = kind
    kept.raw_data = data
    return made


@bad
def huge_dims():
    """Its weight says that it has a shape of 2^40 x 2^20, without values."""
    return weight([2**40, 2**20])


@bad
def overflowing_dims():
    """Its weight has 2^32 x 2^32 numbers, which is 0 in 64 bits."""
    return weight([2**32, 2**32])


@bad
def negative_dims():
    """Its weight has a shape of -4 x 5."""
    return weight([-4, 5], data=bytes(80))


@bad
def missing_values():
    """Its weight has a shape of 4 x 5 and two numbers."""
    return weight([4, 5], data=bytes(8))


@bad
def unknown_kind():
    """Its weight has numbers of kind 99."""
    return weight([4, 5], kind=99, data=bytes(80))


@bad
def many_dims():
    """Its weight has 300 axes of size 1."""
    return weight([1] * 300, data=bytes(4))


# Graphs that do not hold together.

@bad
def cycle():
    """Node `first` needs `r`, which needs `first`."""
    made = tiny()
    made.graph.node[0].input[0] = "r"
    return made


@bad
def wrong_order():
    """Its nodes stand in the wrong order, which ONNX forbids."""
    made = tiny()
    nodes = list(made.graph.node)[::-1]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


@bad
def missing_input():
    """Node `rectify` uses `nothing`, which no node makes."""
    made = tiny()
    made.graph.node[1].input[0] = "nothing"
    return made


@bad
def missing_output():
    """The graph's output `y` is made by no node."""
    made = tiny()
    made.graph.node[2].output[0] = "z"
    return made


@bad
def no_outputs():
    """The graph has no output."""
    made = tiny()
    del made.graph.output[:]
    return made


@bad
def duplicate_names():
    """Two nodes make `h`."""
    made = tiny()
    made.graph.node[1].output[0] = "h"
    made.graph.node[2].input[0] = "h"
    return made


@bad
def duplicate_weights():
    """Two weights are called `w1`."""
    made = tiny()
    made.graph.initializer[2].name = "w1"
    made.graph.node[2].input[1] = "w1"
    return made


@bad
def wrong_shapes():
    """Node `second` multiplies [rows, 5] with [4, 5]."""
    made = tiny()
    made.graph.node[2].input[1] = "w1"
    return made


@bad
def too_few_inputs():
    """Node `first`, a Gemm, has one input."""
    made = tiny()
    del made.graph.node[0].input[1:]
    return made


def field(number, content):
    """Encodes a message as a field of another. Protobuf for Python refuses to nest as deep as a file can."""
    length, size = b"", len(content)
    while size >= 128:
        length, size = length + bytes([size % 128 + 128]), size // 128
    return bytes([number * 8 + 2]) + length + bytes([size]) + content


@bad
def deep():
    """Has 500 graphs, one inside the other, in branches of If."""
    inner = b""
    for _ in range(500):
        # A graph (of attribute `g`) with one node, which has the attribute `then_branch`: the graph before.
        attribute = field(1, b"then_branch") + field(6, inner) + bytes([160, 1, 5])
        inner = field(1, field(1, b"x") + field(2, b"y") + field(4, b"If") + field(5, attribute))
    made = tiny()
    made.ClearField("graph")
    return made.SerializeToString() + field(7, inner)


@bad
def attribute_kind():
    """Node `broken`, a Softmax, has text for its axis."""
    return one("Softmax", axis="last")


@bad
def attribute_missing():
    """Node `broken`, a Cast, does not say to which kind of number."""
    return one("Cast")


# Operators with impossible parameters: a reader that trusts them panics.

@bad
def axis_outside():
    """Node `broken`, a Softmax, works over axis 7 of two."""
    return one("Softmax", axis=7)


@bad
def order_outside():
    """Node `broken`, a Transpose, names axis 5 of two."""
    return one("Transpose", perm=[0, 5])


@bad
def order_twice():
    """Node `broken`, a Transpose, names axis 0 twice."""
    return one("Transpose", perm=[0, 0])


@bad
def stride_zero():
    """Node `broken`, a Conv, has strides of 0."""
    weights = [("w", np.ones((1, 1, 3, 3), dtype=np.float32))]
    return one("Conv", ["w"], (1, 8, 8), (1, 6, 6), weights, strides=[0, 0])


@bad
def stride_negative():
    """Node `broken`, a Conv, has strides of -1."""
    weights = [("w", np.ones((1, 1, 3, 3), dtype=np.float32))]
    return one("Conv", ["w"], (1, 8, 8), (1, 6, 6), weights, strides=[-1, -1])


@bad
def group_zero():
    """Node `broken`, a Conv, has 0 groups."""
    weights = [("w", np.ones((1, 1, 3, 3), dtype=np.float32))]
    return one("Conv", ["w"], (1, 8, 8), (1, 6, 6), weights, group=0)


@bad
def kernel_larger():
    """Node `broken`, a Conv, has a kernel of 9 x 9 for pictures of 8 x 8 without padding."""
    weights = [("w", np.ones((1, 1, 9, 9), dtype=np.float32))]
    return one("Conv", ["w"], (1, 8, 8), (1, 1, 1), weights)


@bad
def kernel_huge():
    """Node `broken`, a MaxPool, has a kernel of 2^40 x 2^40, with as much padding."""
    return one("MaxPool", (), (1, 8, 8), (1, 8, 8), kernel_shape=[2**40] * 2, pads=[2**39] * 4)


@bad
def split_sizes():
    """Node `broken`, a Split, wants 3 and 9 of 4 columns."""
    made = one("Split", ["sizes"], weights=[("sizes", whole(3, 9))], axis=1)
    made.graph.node[0].output.append("rest")
    return made


@bad
def split_zero():
    """Node `broken`, a Split, wants 0 parts."""
    return model([helper.make_node("Split", ["x"], ["y"], name="broken", axis=1, num_outputs=0)], [4], [4], opset=18)


@bad
def reshape_impossible():
    """Node `broken`, a Reshape, makes [3, 7] of rows of 4."""
    return one("Reshape", ["shape"], weights=[("shape", whole(3, 7))])


@bad
def reshape_twice_unknown():
    """Node `broken`, a Reshape, leaves two sizes open."""
    return one("Reshape", ["shape"], weights=[("shape", whole(-1, -1))])


@bad
def gather_outside():
    """Node `broken`, a Gather, wants column 11 of 4."""
    return one("Gather", ["at"], weights=[("at", whole(11))], axis=1)


@bad
def slice_step_zero():
    """Node `broken`, a Slice, goes by steps of 0."""
    weights = [("from", whole(0)), ("to", whole(4)), ("axes", whole(1)), ("steps", whole(0))]
    return one("Slice", ["from", "to", "axes", "steps"], weights=weights)


@bad
def divided_by_zero():
    """The shape of Reshape `broken` is 4 divided by 0."""
    weights = [numpy_helper.from_array(whole(4), "four"), numpy_helper.from_array(whole(0), "zero")]
    nodes = [helper.make_node("Div", ["four", "zero"], ["shape"], name="divide"),
             helper.make_node("Reshape", ["x", "shape"], ["y"], name="broken")]
    return model(nodes, [4], [4], weights)


@bad
def smallest_divided():
    """The shape of Reshape `broken` is the smallest 64-bit number divided by -1, which overflows."""
    weights = [numpy_helper.from_array(whole(-(2**63)), "smallest"), numpy_helper.from_array(whole(-1), "minus")]
    nodes = [helper.make_node("Div", ["smallest", "minus"], ["shape"], name="divide"),
             helper.make_node("Reshape", ["x", "shape"], ["y"], name="broken")]
    return model(nodes, [4], [4], weights)


# Sizes that would fill the memory.

@bad
def constant_huge():
    """Node `large`, a ConstantOfShape, wants 2^40 numbers."""
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["c"], name="large"),
             helper.make_node("Add", ["x", "c"], ["y"], name="sum")]
    return model(nodes, [4], [4], [numpy_helper.from_array(whole(2**40), "shape")])


@bad
def expand_huge():
    """Node `broken`, an Expand, wants 2^40 rows."""
    return one("Expand", ["shape"], weights=[("shape", whole(2**40, 1, 1))])


@bad
def tile_huge():
    """Node `broken`, a Tile, repeats 2^40 times."""
    return one("Tile", ["times"], weights=[("times", whole(1, 2**40))])


@bad
def pad_huge():
    """Node `broken`, a Pad, adds 2^40 columns."""
    return one("Pad", ["pads"], weights=[("pads", whole(0, 2**40, 0, 0))])


@bad
def range_huge():
    """Node `numbers`, a Range, counts to 2^60."""
    weights = [numpy_helper.from_array(np.array(value), name)
               for name, value in [("start", 0), ("end", 2**60), ("step", 1)]]
    nodes = [helper.make_node("Range", ["start", "end", "step"], ["n"], name="numbers"),
             helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT, name="cast"),
             helper.make_node("Add", ["x", "f"], ["y"], name="sum")]
    return model(nodes, [4], [4], weights)


@bad
def range_endless():
    """Node `numbers`, a Range, goes by steps of 0."""
    weights = [numpy_helper.from_array(np.array(value), name)
               for name, value in [("start", 0), ("end", 4), ("step", 0)]]
    nodes = [helper.make_node("Range", ["start", "end", "step"], ["n"], name="numbers"),
             helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT, name="cast"),
             helper.make_node("Add", ["x", "f"], ["y"], name="sum")]
    return model(nodes, [4], [4], weights)


@bad
def resize_huge():
    """Node `broken`, a Resize, enlarges pictures 10^9 times."""
    scales = np.array([1, 1, 1e9, 1e9], dtype=np.float32)
    return one("Resize", ["", "scales"], (1, 8, 8), (1, 8, 8), [("scales", scales)], mode="nearest")


@bad
def input_huge():
    """The input has rows of 2^50 columns."""
    made = one("Relu")
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**50
    return made


@bad
def input_negative():
    """The input has rows of -4 columns."""
    made = one("Relu")
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -4
    return made


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    onnx.checker.check_model(tiny())
    (OUT / "tiny_good.onnx").write_bytes(tiny().SerializeToString())
    (OUT / "tiny_external.onnx").write_bytes(tiny_external().SerializeToString())
    rows = [f"| `{make.__name__}.onnx` | {make.__doc__} |" for make in MAKERS]
    for make in MAKERS:
        made = make()
        content = made if isinstance(made, bytes) else made.SerializeToString()
        (OUT / f"{make.__name__}.onnx").write_bytes(content)
    print("\n".join(["| File | Fault |", "| --- | --- |", *rows]))


if __name__ == "__main__":
    main()
