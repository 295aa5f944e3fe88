"""What is timed: attention of H query heads over G KV heads, M queries, N keys, D features, with a mask and a form of weights."""
import dataclasses
import pathlib
import typing

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
OWN = "benchmarks/cascades"


@dataclasses.dataclass
class Case:
    name: str
    file: str                                  # cascade, below the checkout
    H: int
    M: int
    D: int
    N: int = 0                                 # M where it is 0
    G: int = 0                                 # H where it is 0
    dtype: str = "f32"
    threads: int = 1
    mask: str = "none"                         # none, causal, window, documents, blocks, neighbours
    weights: str = "softmax"                   # softmax, alibi, softcap, sink, sigmoid, relu
    scale: float = 1                           # of the scores
    defines: dict = dataclasses.field(default_factory=dict)  # consts of the cascade
    peers: tuple = ("sdpa", "flex", "ort")
    group: str = "goals"
    device: str = "cpu"                        # as PyTorch calls it

    def __post_init__(self):
        self.N, self.G = self.N or self.M, self.G or self.H

    def sees(self, m, n):
        """Whether query m sees key n, of arrays of integers; operators that NumPy and PyTorch have both."""
        if self.mask == "none":
            return (m >= 0) & (n >= 0)
        causal = n <= m
        if self.mask == "causal":
            return causal
        if self.mask == "window":
            return causal & (m - n < self.defines["W"])
        if self.mask == "documents":
            return causal & (m // (self.M // 16) == n // (self.N // 16))
        raise ValueError(self.mask)

    def visible(self, tensors, m, n):
        """sees() of any mask, in NumPy."""
        if self.mask == "blocks":
            return tensors["KEEP"][0, 0][m // 64, n // 64]
        if self.mask == "neighbours":
            side, first = self.side, self.first_neighbour
            y, x, u, r = m // side, m % side, n // side, n % side
            return (u >= first(y)) & (u < first(y) + 13) & (r >= first(x)) & (r < first(x) + 13)
        return self.sees(m, n)

    @property
    def side(self):
        return int(self.M ** 0.5)

    def first_neighbour(self, i):
        """The first of 13 neighbours along an axis: the window is shifted inside, never cut."""
        return np.clip(i - 6, 0, self.side - 13)

    def count_pairs(self, tensors):
        """Pairs of a query and a key that it sees, of all heads."""
        if self.mask == "none":
            return self.H * self.M * self.N
        step = max(1, (1 << 22) // self.N)
        keys = np.arange(self.N)[None, :]
        return self.H * sum(int(np.count_nonzero(self.visible(tensors, np.arange(m, min(m + step, self.M))[:, None], keys)))
                            for m in range(0, self.M, step))

    def flops(self, pairs):
        return 4.0 * self.D * pairs

    def bytes(self):
        """That any kernel moves: Q, K, V read, O written."""
        size = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}[self.dtype]
        return float(size * self.D * (2 * self.H * self.M + 2 * self.G * self.N))

    def draw(self):
        """Tensors by the names that Q, K, V have in every cascade, as float32, [1, heads, length, D], and what a mask reads."""
        rng = np.random.default_rng(0)
        draw = lambda heads, length: rng.standard_normal((1, heads, length, self.D), np.float32)
        tensors = {"Q": draw(self.H, self.M) * np.float32(self.scale), "K": draw(self.G, self.N), "V": draw(self.G, self.N)}
        if self.mask == "documents":
            ids = (np.arange(self.N) // (self.N // 16)).astype(np.int32)
            tensors["DOC"] = ids[None, :]
        if self.mask == "blocks":
            keep = rng.random((self.M // 64, self.N // 64)) < 0.05
            keep |= np.eye(*keep.shape, dtype=bool)[rng.permutation(len(keep))] & ~keep.any(axis=1)[:, None]  # no empty row
            tensors["KEEP"] = np.ascontiguousarray(np.broadcast_to(keep, (1, self.H, *keep.shape)))
        if self.weights == "alibi":
            tensors["SLOPE"] = (2.0 ** (-8.0 * np.arange(1, self.H + 1) / self.H)).astype(np.float32)
        if self.weights == "sink":
            tensors["SINK"] = rng.standard_normal(self.H, np.float32)
        return tensors

    def extents(self):
        """Every extent of the cascade by name."""
        if self.mask == "neighbours":
            return {"B": 1, "H": self.H, "Y": self.side, "X": self.side, "D": self.D, "F": self.D}
        if self.mask == "documents":
            return {"B": 1, "H": self.H, "N": self.N, "D": self.D, "F": self.D}
        if self.file.endswith("decode.attn"):
            return {"B": 1, "G": self.G, "R": self.H // self.G, "N": self.N, "D": self.D, "F": self.D}
        known = {"B": 1, "H": self.H, "M": self.M, "N": self.N, "D": self.D, "F": self.D}
        if "windowed" in self.file or self.weights in ("softcap", "sink"):
            known["G"] = self.G
        if self.mask == "blocks":
            known |= {"P": self.M // 64, "R": self.N // 64}
        return known

    def shaped(self, name, array):
        """A tensor as the cascade has it."""
        if self.mask == "neighbours":
            return array.reshape(1, self.H, self.side, self.side, self.D)
        if self.file.endswith("decode.attn") and name in ("Q", "O"):
            return array.reshape(1, self.G, self.H // self.G, self.D)
        return array


def reference(case, tensors, heads, rows):
    """O[head, row] in double precision, and a bound on the rounding of any order of summation in float32."""
    outputs, bounds = [], []
    for h in heads:
        q, k, v = (tensors["Q"][0, h, rows].astype(np.float64), tensors["K"][0, h * case.G // case.H].astype(np.float64),
                   tensors["V"][0, h * case.G // case.H].astype(np.float64))
        m, n = np.asarray(rows)[:, None], np.arange(case.N)[None, :]
        s = q @ k.T / case.D ** 0.5
        magnitude = np.abs(q) @ np.abs(k).T / case.D ** 0.5
        if case.weights == "alibi":
            s = s - tensors["SLOPE"][h].astype(np.float64) * (m - n)
            magnitude = magnitude + tensors["SLOPE"][h] * np.abs(m - n)
        if case.weights == "softcap":
            s = 50 * np.tanh(s / 50)
        visible = case.visible(tensors, m, n)
        if case.weights == "sigmoid":
            w = visible / (1 + np.exp(-(s - np.log(case.N))))
        elif case.weights == "relu":
            w = visible * np.maximum(s, 0) / (m + 1)
        else:
            s = np.where(visible, s, -np.inf)
            sink = tensors["SINK"][h] if case.weights == "sink" else -np.inf
            top = np.maximum(s.max(axis=1, keepdims=True), sink)
            w = np.exp(s - top)
            w = w / (w.sum(axis=1, keepdims=True) + np.exp(sink - top))
        outputs.append(w @ v)
        # A score is off by at most (D + 4) roundings of the sum of magnitudes, a weight by twice that, a sum by N more.
        error = 2 * (case.D + 4) * np.where(visible, magnitude, 0).max(axis=1, keepdims=True) + case.N + 8
        bounds.append(2.0 ** -24 * error * (np.abs(w) @ np.abs(v)))
    return np.array(outputs), np.array(bounds)


def goal_cases(n):
    """The cases of the goals; n scales a length, for short runs."""
    causal, dense = "examples/softmax/causal.attn", "examples/softmax/softmax.attn"
    for d in (64, 128):
        for length in (2048, 4096):
            yield Case(f"dense D={d} N={length}", dense, 8, n(length), d)
            yield Case(f"causal D={d} N={length}", causal, 8, n(length), d, mask="causal")
    window, w256 = "examples/softmax/windowed.attn", {"W": 256}
    yield Case("window 256 N=4096", window, 8, n(4096), 64, mask="window", defines=w256)
    yield Case("dense N=16384, 2 heads", dense, 2, n(16384), 64, peers=())
    yield Case("window 256 N=16384, 2 heads", window, 2, n(16384), 64, mask="window", defines=w256, peers=("flex",))
    yield Case("16 documents in 8192, causal", "examples/document_mask/document.attn", 8, n(8192), 64, mask="documents", peers=("flex",))
    yield Case("dense N=8192", dense, 8, n(8192), 64, peers=())
    yield Case("5 % of 64x64 blocks, N=8192", f"{OWN}/block_mask.attn", 8, n(8192), 64, mask="blocks", peers=("flex",))
    yield Case("dense N=3136", dense, 8, 56 * 56, 64, peers=())
    yield Case("neighbours 13x13 on 56x56", "examples/natten/natten2d.attn", 8, 56 * 56, 64, mask="neighbours",
               defines={"WY": 13, "WX": 13}, peers=("flex",))
    for dtype in ("f32", "bf16"):
        yield Case(f"decode 32/8 heads L=32768 {dtype}", f"{OWN}/decode.attn", 32, 1, 128, N=n(32768), G=8, dtype=dtype, threads=2)
    yield Case("dense M=N=128", dense, 8, 128, 64)
    yield Case("dense D=64 N=2048, two threads", dense, 8, n(2048), 64, threads=2)
    yield Case("dense D=128 N=2048, two threads", dense, 8, n(2048), 128, threads=2)
    for features in (64, 128):
        yield Case(f"dense bf16 D={features} N=2048", dense, 8, n(2048), features, dtype="bf16")
        yield Case(f"causal bf16 D={features} N=2048", causal, 8, n(2048), features, mask="causal", dtype="bf16")


def variant_cases(n):
    """Other forms of weights and types, N=2048."""
    dense, length = "examples/softmax/softmax.attn", n(2048)
    for scale in (30, 100):
        yield Case(f"softmax, scores x {scale}", dense, 8, length, 64, scale=scale, peers=("sdpa",), group="variants")
    for dtype in ("f16", "f64"):
        yield Case(f"softmax, {dtype}", dense, 8, length, 64, dtype=dtype, peers=("sdpa",), group="variants")
    for name, file, weights, g, peers in (
            ("sigmoid, causal", "sigmoid/sigmoid", "sigmoid", 8, ()), ("ReLU, causal", "relu/relu", "relu", 8, ()),
            ("ALiBi, causal", "alibi/alibi", "alibi", 8, ("flex",)), ("softcap, causal, 2 KV heads", "softcap/softcap", "softcap", 2, ("flex",)),
            ("entropy, causal", "entropy/entropy", "softmax", 8, ())):
        yield Case(name, f"examples/{file}.attn", 8, length, 64, G=g, mask="causal", weights=weights, peers=peers, group="variants")
    yield Case("sink, causal, 2 KV heads", "examples/sink/sink.attn", 8, length, 64, G=2, mask="window", weights="sink",
               defines={"W": length}, peers=(), group="variants")
    yield Case("window of 256, 2 KV heads", "examples/softmax/windowed.attn", 8, length, 64, G=2, mask="window", defines={"W": 256},
               peers=("flex", "ort"), group="variants")


def gpu_cases(n):
    """Cases for a GPU: as many heads as fill it."""
    dense, causal, window = (f"examples/softmax/{name}.attn" for name in ("softmax", "causal", "windowed"))
    gpu = {"device": "cuda", "dtype": "bf16", "peers": ("sdpa", "flex"), "group": "gpu"}
    for d in (64, 128):
        yield Case(f"dense D={d}", dense, 32, n(4096), d, **gpu)
        yield Case(f"causal D={d}", causal, 32, n(4096), d, mask="causal", **gpu)
    yield Case("causal D=256", causal, 16, n(4096), 256, mask="causal", **gpu)
    yield Case("causal D=96", causal, 32, n(4096), 96, mask="causal", **gpu)
    yield Case("causal D=128 N=16384", causal, 16, n(16384), 128, mask="causal", **gpu)
    yield Case("window 256, 8 KV heads, N=16384", window, 32, n(16384), 64, G=8, mask="window", defines={"W": 256}, **{**gpu, "peers": ("flex",)})
    yield Case("softcap, causal, 8 KV heads", "examples/softcap/softcap.attn", 32, n(4096), 128, G=8, mask="causal", weights="softcap", **gpu)
    yield Case("ALiBi, causal", "examples/alibi/alibi.attn", 32, n(4096), 64, mask="causal", weights="alibi", **gpu)
    yield Case("16 documents in 8192, causal", "examples/document_mask/document.attn", 32, n(8192), 64, mask="documents", **gpu)
    yield Case("neighbours 13x13 on 56x56", "examples/natten/natten2d.attn", 32, 56 * 56, 64, mask="neighbours",
               defines={"WY": 13, "WX": 13}, **gpu)
    yield Case("decode 32/8 heads L=32768", f"{OWN}/decode.attn", 32, 1, 128, N=n(32768), G=8, **gpu)
    yield Case("dense f16 D=128", dense, 32, n(4096), 128, **{**gpu, "dtype": "f16"})
    yield Case("causal f32 D=64", causal, 16, n(2048), 64, mask="causal", **{**gpu, "dtype": "f32"})


def all_cases(quick=False) -> typing.Iterator[Case]:
    shrink = lambda length: length // 8 if quick else length
    yield from goal_cases(shrink)
    yield from variant_cases(shrink)
