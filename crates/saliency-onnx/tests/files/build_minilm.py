"""all-MiniLM-L6-v2 (BERT with 6 layers) as an ONNX file: token vectors, and their mean as the sentence's vector."""
import numpy as np
from onnx import TensorProto
from safetensors.numpy import load_file

from graph import Graph

LAYERS, HEADS, WIDTH = 6, 12, 384


class MiniLm:
    def __init__(self, weights):
        self.weights, self.graph = weights, Graph("all-MiniLM-L6-v2", opset=17)
        self.constant("heads", np.array([0, 0, HEADS, WIDTH // HEADS]))
        self.constant("joined", np.array([0, 0, WIDTH]))
        self.constant("root", np.float32(np.sqrt(WIDTH / HEADS)))
        self.constant("two_root", np.float32(np.sqrt(2)))
        self.constant("one", np.float32(1))
        self.constant("half", np.float32(0.5))
        self.constant("much", np.float32(-10000))
        self.constant("after_rows", np.array([1, 2]))
        self.constant("last", np.array([-1]))
        self.constant("first", np.array([0]))
        self.constant("second", np.array([1]))
        self.constant("third", np.array([2]))

    def constant(self, name, values):
        return self.graph.weight(name, values)

    def stored(self, name):
        return self.constant(name, self.weights[name])

    def linear(self, x, name):
        # As PyTorch's exporter writes it: a product with the transposed matrix, and a sum.
        matrix = self.constant(f"{name}.matrix", self.weights[f"{name}.weight"].T)
        x = self.graph.node("MatMul", [x, matrix], f"{name}.product")
        return self.graph.node("Add", [self.stored(f"{name}.bias"), x], f"{name}.sum")

    def norm(self, x, name):
        parameters = [self.stored(f"{name}.weight"), self.stored(f"{name}.bias")]
        return self.graph.node("LayerNormalization", [x, *parameters], f"{name}.normal", axis=-1, epsilon=1e-12)

    def embeddings(self, ids, kinds):
        graph = self.graph
        words = graph.node("Gather", [self.stored("embeddings.word_embeddings.weight"), ids], "words")
        types = graph.node("Gather", [self.stored("embeddings.token_type_embeddings.weight"), kinds], "types")
        length = graph.node("Shape", [ids], "shape")
        length = graph.node("Slice", [length, "second", "third", "first"], "length")
        positions = self.stored("embeddings.position_embeddings.weight")
        positions = graph.node("Slice", [positions, "first", "length", "first"], "positions")
        total = graph.node("Add", [graph.node("Add", [words, types], "words_types"), positions], "embedded")
        return self.norm(total, "embeddings.LayerNorm")

    def mask(self, mask):
        """A large negative number is added to the scores of tokens that are padding."""
        graph = self.graph
        numbers = graph.node("Cast", [mask], "mask_numbers", to=TensorProto.FLOAT)
        wide = graph.node("Unsqueeze", [numbers, "after_rows"], "mask_wide")
        return numbers, graph.node("Mul", [graph.node("Sub", ["one", wide], "padding"), "much"], "mask_scores")

    def heads(self, x, name, order):
        x = self.graph.node("Reshape", [x, "heads"], f"{name}.heads")
        return self.graph.node("Transpose", [x], f"{name}.turned", perm=order)

    def attention(self, x, name, mask):
        graph, own = self.graph, f"{name}.self"
        query = self.heads(self.linear(x, f"{own}.query"), f"{own}.query", [0, 2, 1, 3])
        key = self.heads(self.linear(x, f"{own}.key"), f"{own}.key", [0, 2, 3, 1])
        value = self.heads(self.linear(x, f"{own}.value"), f"{own}.value", [0, 2, 1, 3])
        scores = graph.node("Div", [graph.node("MatMul", [query, key], f"{own}.match"), "root"], f"{own}.scaled")
        shares = graph.node("Softmax", [graph.node("Add", [scores, mask], f"{own}.masked")], f"{own}.shares", axis=-1)
        mixed = graph.node("MatMul", [shares, value], f"{own}.mixed")
        mixed = graph.node("Transpose", [mixed], f"{own}.back", perm=[0, 2, 1, 3])
        mixed = self.linear(graph.node("Reshape", [mixed, "joined"], f"{own}.joined"), f"{name}.output.dense")
        return self.norm(graph.node("Add", [mixed, x], f"{name}.added"), f"{name}.output.LayerNorm")

    def gelu(self, x, name):
        graph = self.graph
        wave = graph.node("Erf", [graph.node("Div", [x, "two_root"], f"{name}.scaled")], f"{name}.erf")
        wave = graph.node("Mul", [x, graph.node("Add", [wave, "one"], f"{name}.raised")], f"{name}.doubled")
        return graph.node("Mul", [wave, "half"], f"{name}.gelu")

    def layer(self, x, name, mask):
        x = self.attention(x, f"{name}.attention", mask)
        wide = self.gelu(self.linear(x, f"{name}.intermediate.dense"), f"{name}.intermediate")
        narrow = self.linear(wide, f"{name}.output.dense")
        return self.norm(self.graph.node("Add", [narrow, x], f"{name}.added"), f"{name}.output.LayerNorm")

    def mean(self, x, mask):
        graph = self.graph
        wide = graph.node("Unsqueeze", [mask, "last"], "mask_tokens")
        total = graph.node("ReduceSum", [graph.node("Mul", [x, wide], "kept"), "second"], "total", keepdims=0)
        count = graph.node("ReduceSum", [wide, "second"], "count", keepdims=0)
        return graph.node("Div", [total, count], "sentence_embedding")

    def build(self):
        graph, tokens = self.graph, ["rows", "tokens"]
        ids, given, kinds = (graph.input(name, tokens, TensorProto.INT64)
                             for name in ("input_ids", "attention_mask", "token_type_ids"))
        numbers, mask = self.mask(given)
        x = self.embeddings(ids, kinds)
        for index in range(LAYERS):
            x = self.layer(x, f"encoder.layer.{index}", mask)
        graph.output(graph.node("Identity", [x], "last_hidden_state"), [*tokens, WIDTH])
        graph.output(self.mean(x, numbers), ["rows", WIDTH])
        return graph


def write(folder):
    MiniLm(load_file(folder / "minilm_l6.safetensors")).build().save(folder / "minilm_l6.onnx")
