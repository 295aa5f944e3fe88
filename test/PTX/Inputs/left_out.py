"""Which tiles a kernel takes products of, counted in the PTX that is executed, against those that hold a score inside the mask.

left_out.py SCRATCH CASE SPLIT: makes inputs in a folder, compiles a cascade for them in tiles of 64 rows and 16 keys, whose keys are in SPLIT parts, executes it,
and compares the products and the output with NumPy.
"""
import pathlib
import re
import subprocess
import sys

import numpy as np

ROWS, KEYS, WIDTH = 64, 16, 64
TILE = 2 * ROWS * KEYS * WIDTH // (16 * 8 * 16)  # mma.sync of a tile's two products

HEAD = "cascade masked(Q[B,H,M,D], K[B,H,N,D], V[B,H,N,F]"
TAIL = "  O[b,h,m,f] = sum(n) (softmax(n) S[b,h,m,n]) * V[b,h,n,f]\n}\n"
SCORES = "  S[b,h,m,n] = sum(d) Q[b,h,m,d] * K[b,h,n,d] / sqrt(D) where "


def cascade(inputs, mask, before=""):
    return f"{HEAD}, {inputs}) -> (O[B,H,M,F]) {{\n{before}{SCORES}{mask}\n{TAIL}"


def documents(rng, heads, n):
    edges = [0, 100, 256, 300, n]  # also inside tiles
    doc = np.repeat(np.arange(len(edges) - 1), np.diff(edges)).astype(np.int32)[None]
    at = np.arange(n)
    mask = (doc[0][:, None] == doc[0][None]) & (at[None] <= at[:, None])
    text = cascade("A: i32[B,M], C: i32[B,N]", "A[b,m] == C[b,n] and n <= m")
    return text, {"A": doc, "C": doc}, np.broadcast_to(mask, (heads, n, n))


def lengths(rng, heads, n):
    length = np.minimum(np.arange(n) // 64 * 100 % 450 + 3, n).astype(np.int32)[None]
    mask = np.arange(n)[None] < length[0][:, None]
    return cascade("LEN: i32[B,M]", "n < LEN[b,m]"), {"LEN": length}, np.broadcast_to(mask, (heads, n, n))


def blocks(rng, heads, n):
    keep = rng.random((1, heads, n // 64, n // 32)) < 0.2
    mask = np.repeat(np.repeat(keep[0], 64, 1), 32, 2)
    return cascade("KEEP: bool[B,H,P,R]", "KEEP[b,h,m/64,n/32]"), {"KEEP": keep}, mask


def tokens(rng, heads, n):
    sees = np.zeros((1, n, n), bool)
    sees[0, rng.integers(0, n, 12), rng.integers(0, n, 12)] = True
    sees[0, :64, 100:140] = True
    return cascade("SEES: bool[B,M,N]", "SEES[b,m,n]"), {"SEES": sees}, np.broadcast_to(sees[0], (heads, n, n))


def selection(rng, heads, n):
    chosen = rng.random((1, heads, n // 64, n // 32)).astype(np.float32)
    best = np.argsort(-chosen[0], axis=-1)[..., :2]
    keep = np.zeros(chosen.shape[1:], bool)
    np.put_along_axis(keep, best, True, -1)
    before = "  L[b,h,p,j] = argtopk(r) T[b,h,p,r]\n  ON[b,h,p,r] = any(j) L[b,h,p,j] == r\n"
    text = "rank J = 2\n" + cascade("T: f32[B,H,P,R]", "ON[b,h,m/64,n/32]", before)
    return text, {"T": chosen}, np.repeat(np.repeat(keep, 64, 1), 32, 2)


def to16(x):
    """What bf16 holds, as f32."""
    return (x.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def main(scratch, case, split):
    folder = pathlib.Path(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    heads, n = 2, 512
    text, data, mask = globals()[case](rng, heads, n)
    for name in "QKV":
        data[name] = to16(rng.standard_normal((1, heads, n, WIDTH)))
    data["O"] = np.zeros((1, heads, n, WIDTH), np.float32)
    (folder / "masked.attn").write_text(text)
    tensors = []
    for name, array in data.items():
        np.save(folder / f"{name}.npy", array)
        tensors += ["--tensor", f"{name}={folder / name}.npy"]
    kernel = str(folder / "masked.ptx")
    subprocess.run(["weirc", "compile", folder / "masked.attn", "--dtype", "bf16", "--map", f"m={ROWS},n={KEYS},split={split}", "-D", f"D={WIDTH}",
                    "-D", f"F={WIDTH}", "--target", "cuda:sm_80", "--emit=ptx", "-o", kernel], check=True)
    said = subprocess.run(["weir-ptx-run", kernel, "--statistics", *tensors], check=True, capture_output=True, text=True).stdout
    taken = sum(map(int, re.findall(r"(\d+)  mma\.sync", said)))
    tiles = int(mask.reshape(heads, n // ROWS, ROWS, n // KEYS, KEYS).any((2, 4)).sum())
    q, k, v = (data[name][0].astype(np.float64) for name in "QKV")
    scores = np.where(mask, q @ k.swapaxes(1, 2) / 8, -np.inf)
    with np.errstate(invalid="ignore"):
        weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = np.where(mask, weights, 0)
    total = weights.sum(-1, keepdims=True)
    right = np.divide(weights @ v, total, out=np.zeros_like(v), where=total > 0)
    error = np.abs(np.load(folder / "O.npy")[0] - right).max()
    all_tiles = mask.size // (ROWS * KEYS)
    print(f"{case} in {split} parts: {taken // TILE} tiles are taken, {tiles} of {all_tiles} hold a score; largest error {error:.1e}")
    # Weights and outputs are rounded to 8 bits, outputs are below 8.
    return 0 if taken == tiles * TILE and tiles < all_tiles / 2 and error < 8 * 2**-8 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
