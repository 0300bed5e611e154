"""Prints which operators ONNX files use, as tables for README.md.

    python operators.py FOLDER pytorch/
"""
import sys
from collections import Counter
from pathlib import Path

import onnx
from onnx import AttributeProto, TensorProto


def operators(graph):
    """Counts the operators of a graph and of the graphs inside its nodes."""
    found = Counter()
    for node in graph.node:
        ours = node.domain in ("", "ai.onnx")
        found[node.op_type if ours else f"{node.domain}.{node.op_type}"] += 1
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                found += operators(attribute.g)
    return found


def shapes(values):
    def one(value):
        kind = value.type.tensor_type
        # Some exporters write a whole formula.
        sizes = ["?" if len(size.dim_param) > 12 or size.dim_value <= 0 and not size.dim_param
                 else size.dim_param or str(size.dim_value) for size in kind.shape.dim]
        name = TensorProto.DataType.Name(kind.elem_type).lower()
        return f"`{value.name}` [{', '.join(sizes)}]" + ("" if name == "float" else f" {name}")
    return "; ".join(map(one, values))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    files = Counter()
    rows = []
    for path in [path for folder in sys.argv[1:] for path in sorted(Path(folder).glob("*.onnx"))]:
        model = onnx.load(path, load_external_data=False)
        graph = model.graph
        found = operators(graph)
        files.update(found.keys())
        weights = {each.name for each in graph.initializer}
        given = [value for value in graph.input if value.name not in weights]
        [opset] = [each.version for each in model.opset_import if each.domain in ("", "ai.onnx")]
        maker = f"{model.producer_name} {model.producer_version}".strip() or "not said"
        rows.append(f"| {path.stem} | {path.stat().st_size / 1e6:.2f} | {opset} | {maker} | {shapes(given)} "
                    f"| {shapes(graph.output)} | {found.total()} | {len(found)} |")
    print("| File | MB | Opset | Written by | Inputs | Outputs | Nodes | Operators |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    print("\nIn how many files each operator is:", ", ".join(f"{name} {count}" for name, count in files.most_common()))


if __name__ == "__main__":
    main()
