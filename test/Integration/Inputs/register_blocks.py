"""Runs level-4 softmax attention in tiles of several shapes, over lengths with remainders, and compares with NumPy in f64.

    register_blocks.py TARGET ROWSxKEYSxDEPTH ...

Allowed: the rounding of a score of D products, of its exponential (whose argument is off by that much), and of sums of N terms.
"""
import subprocess
import sys
import tempfile

import numpy as np

import weir

LENGTHS = [(1, 1), (3, 100), (65, 1), (40, 129), (96, 256), (131, 263)]


def kernel(BM, BN, D):
    """Attention over heads, in tiles of BM queries and BN keys."""
    arg = f"memref<?x?x{D}xf32, strided<[?, ?, 1]>>"
    hd = f"memref<?x{D}xf32, strided<[?, 1], offset: ?>>"
    q, s, r = f"memref<{BM}x{D}xf32>", f"memref<{BM}x{BN}xf32>", f"memref<{BM}xf32>"
    st = f"memref<{BM}x?xf32, strided<[{BN}, 1]>>"
    qm = f"memref<?x{D}xf32, strided<[{D}, 1]>>"
    def a(name, ranks, out=""):
        return f'%{name}: {arg} {{{out}attn.name = "{name}", attn.ranks = [{", ".join(chr(34)+x+chr(34) for x in ranks)}], attn.type = f32}}'
    return f"""
#q = affine_map<(m, n, d) -> (m, d)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (m, n)>
#pp = affine_map<(m, f, n) -> (m, n)>
#pv = affine_map<(m, f, n) -> (n, f)>
#po = affine_map<(m, f, n) -> (m, f)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#one = affine_map<(m) -> (m)>
func.func @attention({a("Q","HMD")}, {a("K","HND")}, {a("V","HNF")}, {a("O","HMF","weir.output, ")}, %ws: memref<?xi8>) attributes {{weir.kernel}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %bm = arith.constant {BM} : index
  %bn = arith.constant {BN} : index
  %cbm1 = arith.constant {BM-1} : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -3.40282347E+38 : f32
  %scale = arith.constant {D**-0.5} : f32
  %H = memref.dim %Q, %c0 : {arg}
  %M = memref.dim %Q, %c1 : {arg}
  %N = memref.dim %K, %c1 : {arg}
  %up = arith.addi %M, %cbm1 : index
  %blocks = arith.divui %up, %bm : index
  scf.forall (%h, %i) in (%H, %blocks) {{
    %m0 = arith.muli %i, %bm : index
    %left = arith.subi %M, %m0 : index
    %mm = arith.minui %left, %bm : index
    %q = memref.alloca() {{weir.tile}} : {q}
    %s = memref.alloca() {{weir.tile}} : {s}
    %r = memref.alloca() {{weir.tile}} : {r}
    %new = memref.alloca() {{weir.tile}} : {r}
    %z = memref.alloca() {{weir.tile}} : {r}
    %a = memref.alloca() {{weir.tile}} : {q}
    linalg.fill ins(%zero : f32) outs(%q : {q})
    linalg.fill ins(%low : f32) outs(%r : {r})
    linalg.fill ins(%zero : f32) outs(%z : {r})
    linalg.fill ins(%zero : f32) outs(%a : {q})
    %qs = memref.subview %Q[%h, %m0, 0][1, %mm, {D}][1, 1, 1] : {arg} to {hd}
    %qt = memref.subview %q[0, 0][%mm, {D}][1, 1] : {q} to {qm}
    linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}} ins(%qs : {hd}) outs(%qt : {qm}) {{
    ^bb0(%x: f32, %y: f32):
      linalg.yield %x : f32
    }}
    scf.for %n0 = %c0 to %N step %bn {{
      %nl = arith.subi %N, %n0 : index
      %nn = arith.minui %nl, %bn : index
      %kt = memref.subview %K[%h, %n0, 0][1, %nn, {D}][1, 1, 1] : {arg} to {hd}
      %vt = memref.subview %V[%h, %n0, 0][1, %nn, {D}][1, 1, 1] : {arg} to {hd}
      %st = memref.subview %s[0, 0][{BM}, %nn][1, 1] : {s} to {st}
      linalg.fill ins(%zero : f32) outs(%st : {st})
      linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %kt : {q}, {hd}) outs(%st : {st})
      linalg.generic {{indexing_maps = [#one, #one], iterator_types = ["parallel"]}} ins(%r : {r}) outs(%new : {r}) {{
      ^bb0(%x: f32, %y: f32):
        linalg.yield %x : f32
      }}
      linalg.generic {{indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}} ins(%st : {st}) outs(%new : {r}) {{
      ^bb0(%x: f32, %y: f32):
        %sx = arith.mulf %x, %scale : f32
        %m = arith.maximumf %sx, %y : f32
        linalg.yield %m : f32
      }}
      linalg.generic {{indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]}} ins(%new : {r}) outs(%r, %z : {r}, {r}) {{
      ^bb0(%n: f32, %o: f32, %y: f32):
        %d = arith.subf %o, %n : f32
        %c = math.exp %d : f32
        %zz = arith.mulf %y, %c : f32
        linalg.yield %c, %zz : f32, f32
      }}
      linalg.generic {{indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}} ins(%r : {r}) outs(%a : {q}) {{
      ^bb0(%c: f32, %y: f32):
        %yy = arith.mulf %y, %c : f32
        linalg.yield %yy : f32
      }}
      linalg.generic {{indexing_maps = [#one, #one], iterator_types = ["parallel"]}} ins(%new : {r}) outs(%r : {r}) {{
      ^bb0(%x: f32, %y: f32):
        linalg.yield %x : f32
      }}
      linalg.generic {{indexing_maps = [#row, #id, #row], iterator_types = ["parallel", "reduction"]}} ins(%new : {r}) outs(%st, %z : {st}, {r}) {{
      ^bb0(%m: f32, %x: f32, %y: f32):
        %sx = arith.mulf %x, %scale : f32
        %d = arith.subf %sx, %m : f32
        %p = math.exp %d : f32
        %zz = arith.addf %y, %p : f32
        linalg.yield %p, %zz : f32, f32
      }}
      linalg.contract indexing_maps = [#pp, #pv, #po] ins(%st, %vt : {st}, {hd}) outs(%a : {q})
    }}
    %at = memref.subview %a[0, 0][%mm, {D}][1, 1] : {q} to {qm}
    %zt = memref.subview %z[0][%mm][1] : {r} to memref<?xf32, strided<[1]>>
    %ot = memref.subview %O[%h, %m0, 0][1, %mm, {D}][1, 1, 1] : {arg} to {hd}
    linalg.generic {{indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}} ins(%at, %zt : {qm}, memref<?xf32, strided<[1]>>) outs(%ot : {hd}) {{
    ^bb0(%x: f32, %y: f32, %o: f32):
      %v = arith.divf %x, %y : f32
      linalg.yield %v : f32
    }}
  }}
  return
}}"""


def check(path, depth, random):
    attention = weir.load(path)
    for rows, keys in LENGTHS:
        q, k, v = (random.standard_normal((2, n, depth), dtype=np.float32) for n in (rows, keys, keys))
        scores = q.astype(np.float64) @ k.transpose(0, 2, 1) * depth**-0.5
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        expected = weights / weights.sum(axis=2, keepdims=True) @ v
        score_error = depth**0.5 * 2.0**-24 * (np.abs(q) @ np.abs(k).transpose(0, 2, 1)).max()
        allowed = (4 * score_error + (2 * keys + 8) * 2.0**-24) * np.abs(v).max()
        error = np.abs(attention(Q=q, K=k, V=v)["O"] - expected).max()
        if not error <= allowed:
            sys.exit(f"{path}, {rows} x {keys}: off by {error}, allowed {allowed}")


def main():
    target, random = sys.argv[1], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for shape in sys.argv[2:]:
            sizes = [int(word) for word in shape.split("x")]
            path = f"{folder}/{shape}"
            with open(path + ".tiled.mlir", "w") as file:
                file.write(kernel(*sizes))
            subprocess.run(["weirc", "compile", path + ".tiled.mlir", "--target", target, "-o", path + ".so"], check=True)
            check(path + ".so", sizes[2], random)


main()
