"""Exports the networks of `networks.py`, by both exporters of PyTorch, and writes golden values in double precision.

    pip install -r requirements.txt torch==2.8.0 onnxscript==0.7.2
    python export.py            # writes into pytorch/

Writes NAME_EXPORTER_BATCH.onnx (EXPORTER: `script`, the old one, `norm`, the old one that keeps BatchNorm, or `dynamo`;
BATCH: `fixed`, one row, or `dynamic`), and NAME.safetensors, which holds for all of them:
- `in.INPUT` and `out.OUTPUT`;
- `score.OUTPUT`, of the output's shape: the score is the sum of `score` times `out` over all outputs that have one;
- `grad.INPUT`: the score's gradient; `grad.word_embeddings` is the one with respect to the vectors of the words.
Outputs and gradients are in double precision, of the same weights as in the files.
"""
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.numpy import save_file
from torch import nn

import networks

OUT = Path(__file__).parent / "pytorch"
OPSETS = {"script": 17, "norm": 17, "dynamo": 18}


@dataclass
class Network:
    model: nn.Module
    inputs: dict
    outputs: list
    # Which axis of the output counts the rows.
    rows: int = 0
    # Axes of the inputs that are open in files with a dynamic batch.
    open: tuple = ("rows",)


def picture(channels, height, width):
    return torch.rand(2, channels, height, width) * 2 - 1


def cases():
    yield "resnet18", Network(networks.ResNet18(), {"image": picture(3, 64, 64)}, ["logits"])
    yield "vit", Network(networks.Vit(), {"image": picture(3, 32, 32)}, ["logits"])
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    words = {"input_ids": torch.randint(0, 100, (2, 9)), "attention_mask": mask}
    yield "bert", Network(networks.Bert(), words, ["logits"], open=("rows", "tokens"))
    yield "crnn", Network(networks.Crnn(), {"line": picture(1, 16, 40)}, ["logits"], rows=1)
    yield "unet", Network(networks.UNet(), {"image": picture(3, 32, 32)}, ["logits"])
    table = {"numbers": torch.randn(2, 6), "category": torch.tensor([3, 0])}
    yield "tabular", Network(networks.Tabular(), table, ["price", "logits"])


def randomise(model):
    """Gives each BatchNorm statistics that are not 0 and 1."""
    for part in model.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.uniform_(-0.3, 0.3)
            part.running_var.uniform_(0.5, 2)
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.3, 0.3)


def export(network, path, exporter, dynamic):
    names, new = list(network.inputs), exporter == "dynamo"
    options = {"dynamo": new, "opset_version": OPSETS[exporter]}
    if new:
        options["external_data"] = False
    if exporter == "norm":
        # Otherwise the old exporter folds BatchNorm into convolutions.
        options |= {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    if dynamic and new:
        axes = {axis: torch.export.Dim(name, min=1, max=16) for axis, name in enumerate(network.open)}
        options["dynamic_shapes"] = tuple(axes for _ in names)
    elif dynamic:
        axes = dict(enumerate(network.open))
        options["dynamic_axes"] = {name: axes for name in names} | {
            name: {network.rows: "rows"} for name in network.outputs}
    example = tuple(value if dynamic else value[:1] for value in network.inputs.values())
    torch.onnx.export(network.model, example, path, input_names=names, output_names=network.outputs,
                      verbose=False, **options)
    if new:
        strip(path)


def strip(path):
    """Takes out what the new exporter notes of its source: paths of this machine, and most of a small file."""
    model = onnx.load(path)
    for node in model.graph.node:
        # The modules of the network remain; the rest names places of this machine.
        scopes = [entry for entry in node.metadata_props if entry.key == "namespace"]
        del node.metadata_props[:]
        node.metadata_props.extend(scopes)
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def scores(network, outputs):
    """Returns the weights of the score: value 1 of the last output, of each row, at each place."""
    weights = torch.zeros_like(outputs[-1])
    if network.rows == 1:
        weights[:, :, 1] = 1
    else:
        weights[:, 1] = 1
    return weights


def golden(network):
    """Computes outputs and gradients in double precision."""
    model = network.model.double()
    given = {key: value.double() if value.is_floating_point() else value for key, value in network.inputs.items()}
    if isinstance(model, networks.Bert):
        wanted = {"word_embeddings": model.word_embeddings(given["input_ids"]).detach().requires_grad_()}
        outputs = [model.after(wanted["word_embeddings"], given["attention_mask"])]
    else:
        wanted = {key: value.requires_grad_() for key, value in given.items() if value.is_floating_point()}
        outputs = model(**given)
        outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    weights = scores(network, outputs)
    gradients = torch.autograd.grad((weights * outputs[-1]).sum(), list(wanted.values()))
    kept = {f"in.{key}": value for key, value in network.inputs.items()}
    kept |= {f"out.{key}": value for key, value in zip(network.outputs, outputs)}
    kept |= {f"grad.{key}": value for key, value in zip(wanted, gradients)}
    kept[f"score.{network.outputs[-1]}"] = weights.float()
    return {key: np.ascontiguousarray(value.detach().numpy()) for key, value in kept.items()}


def main():
    warnings.simplefilter("ignore")
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(1)
    for name, network in cases():
        network.model.eval()
        with torch.no_grad():
            randomise(network.model)
        for exporter in OPSETS:
            for batch in ("fixed", "dynamic"):
                if exporter == "norm" and (name, batch) != ("resnet18", "dynamic"):
                    continue
                path = OUT / f"{name}_{exporter}_{batch}.onnx"
                try:
                    export(network, path, exporter, batch == "dynamic")
                    print(f"{path.name}, {path.stat().st_size:,} bytes", flush=True)
                except Exception as error:
                    path.unlink(missing_ok=True)
                    print(f"{path.name}: PyTorch refuses: {type(error).__name__}: {str(error)[:300]}", flush=True)
        save_file(golden(network), OUT / f"{name}.safetensors")


if __name__ == "__main__":
    main()
