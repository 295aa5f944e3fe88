#!/usr/bin/env python3
"""Sentence embeddings of a real model, its attention once in NumPy and once in Weir's compiled kernel.

Compiles attention.attn to a shared library, loads it through python/weir.py, encodes the sentences below in one padded batch both
ways and prints the largest difference of the embeddings, every sentence's nearest neighbour and the time of both attentions.
Exit status 1 if the difference is 1e-5 or more, 2 if something that it needs is not there.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "python"), str(HERE)]
LIMIT = 1e-5

SENTENCES = [
    "A cat sleeps on the warm windowsill.",
    "The kitten is napping by the window.",
    "Dogs love to run after balls in the park, and mine would do nothing else all day if I let him off the lead.",
    "My puppy chases every ball I throw.",
    "The central bank raised interest rates by half a point on Thursday, citing inflation that has stayed above its target for "
    "more than a year and wages that keep rising faster than productivity.",
    "Borrowing money has become more expensive.",
    "Stocks fell sharply.",
    "Share prices dropped after the announcement.",
    "To bake bread, mix flour, water, salt and yeast, knead the dough for ten minutes, let it rise in a warm place until it has "
    "doubled, shape it, let it rise again, and bake it in a very hot oven until the crust is brown.",
    "Here is a simple recipe for a loaf of bread.",
    "The soup needs more salt.",
    "This broth tastes bland.",
    "The telescope photographed a galaxy billions of light years away.",
    "Astronomers have taken a picture of a very distant galaxy.",
    "Attention weighs every value by how well its key matches the query.",
    "Each query is compared with all keys, and the values are averaged by the result.",
    "Train",
    "The railway line is closed for repairs until the end of the month.",
    "Trains will not run on this track for several weeks.",
    "Heavy rain is expected tonight, with thunderstorms in the mountains.",
    "It is going to pour this evening.",
]


def numpy_attention(q, k, v, lengths):
    scores = q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1) / np.float32(q.shape[-1] ** 0.5)
    scores = np.where((np.arange(k.shape[1]) < lengths[:, None])[:, None, None, :], scores, np.float32(-np.inf))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ v.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)


def find_weirc():
    path = os.environ.get("WEIRC") or str(ROOT / "build" / "bin" / "weirc")
    if not os.path.exists(path):
        raise Unavailable(f"{path} is not there; build it with ./weir build")
    return path


def weir_attention(folder):
    """Weir's kernel as a function like numpy_attention."""
    library = os.path.join(folder, "attention.so")
    subprocess.run([find_weirc(), "compile", str(HERE / "attention.attn"), "-o", library, "-D", "D=32", "-D", "F=32"], check=True)
    kernel = weir.load(library)
    return lambda q, k, v, lengths: kernel(Q=q, K=k, V=v, LEN=lengths)["O"]


class Clock:
    """An attention that adds up the time of its calls."""

    def __init__(self, attention):
        self.attention, self.seconds = attention, 0.0

    def __call__(self, *args):
        start = time.perf_counter()
        result = self.attention(*args)
        self.seconds += time.perf_counter() - start
        return result


def encode(encoder, ids, lengths, attention, runs=5):
    """The embeddings, and the median seconds that one encoding spends in attention."""
    embeddings, times = encoder.embed(ids, lengths, attention), []
    for _ in range(runs):
        clock = Clock(attention)
        encoder.embed(ids, lengths, clock)
        times.append(clock.seconds)
    return embeddings, sorted(times)[runs // 2]


def shorten(text, size=60):
    return text if len(text) <= size else text[:size - 3] + "..."


def main():
    encoder = Encoder()
    ids, lengths = encoder.tokens(SENTENCES)
    print(f"all-MiniLM-L6-v2: {len(ids)} sentences of {lengths.min()} to {lengths.max()} tokens in one padded batch, "
          f"{encoder.config['num_hidden_layers']} layers of {encoder.heads} heads")
    expected, numpy_seconds = encode(encoder, ids, lengths, numpy_attention)
    with tempfile.TemporaryDirectory() as folder:
        got, weir_seconds = encode(encoder, ids, lengths, weir_attention(folder))
    likeness = got @ got.T
    np.fill_diagonal(likeness, -1)
    print("nearest neighbours:")
    for i, row in enumerate(likeness):
        print(f"  {row.max():.2f}  {shorten(SENTENCES[i]):60s} ~ {shorten(SENTENCES[row.argmax()])}")
    difference = float(np.max(np.abs(got - expected)))
    print(f"attention, per encoding: NumPy {1e3 * numpy_seconds:.1f} ms, Weir {1e3 * weir_seconds:.1f} ms")
    print(f"largest difference of the embeddings: {difference:.1e} (allowed: {LIMIT:.0e})")
    return 0 if difference < LIMIT else 1


if __name__ == "__main__":
    try:
        import numpy as np
        import weir
        from encoder import Encoder, Unavailable
    except ImportError as missing:
        print(f"skipped: the Python package {missing.name} is not installed", file=sys.stderr)
        sys.exit(2)
    try:
        sys.exit(main())
    except Unavailable as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(2)
