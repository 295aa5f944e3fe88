#q = affine_map<(m, n, d) -> (m, d)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (m, n)>
#pp = affine_map<(m, f, n) -> (m, n)>
#pv = affine_map<(m, f, n) -> (n, f)>
#po = affine_map<(m, f, n) -> (m, f)>
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#one = affine_map<(m) -> (m)>
// O[m,f] = softmax(n) (sum(d) Q[m,d]*K[n,d]) . V[n,f] in tiles of 16 queries and 32 keys, one traversal.
func.func @attention(%Q: memref<?x64xf32, strided<[?, 1]>> {attn.name = "Q", attn.ranks = ["M", "D"], attn.type = f32},
    %K: memref<?x64xf32, strided<[?, 1]>> {attn.name = "K", attn.ranks = ["N", "D"], attn.type = f32},
    %V: memref<?x64xf32, strided<[?, 1]>> {attn.name = "V", attn.ranks = ["N", "F"], attn.type = f32},
    %O: memref<?x64xf32, strided<[?, 1]>> {weir.output, attn.name = "O", attn.ranks = ["M", "F"], attn.type = f32}, %ws: memref<?xi8>)
    attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %bm = arith.constant 16 : index
  %bn = arith.constant 32 : index
  %c15 = arith.constant 15 : index
  %zero = arith.constant 0.0 : f32
  %low = arith.constant -3.40282347E+38 : f32
  %M = memref.dim %Q, %c0 : memref<?x64xf32, strided<[?, 1]>>
  %N = memref.dim %K, %c0 : memref<?x64xf32, strided<[?, 1]>>
  %up = arith.addi %M, %c15 : index
  %blocks = arith.divui %up, %bm : index
  scf.forall (%i) in (%blocks) {
    %m0 = arith.muli %i, %bm : index
    %left = arith.subi %M, %m0 : index
    %mm = arith.minui %left, %bm : index
    %q = memref.alloca() {weir.tile} : memref<16x64xf32>
    %s = memref.alloca() {weir.tile} : memref<16x32xf32>
    %r = memref.alloca() {weir.tile} : memref<16xf32>
    %new = memref.alloca() {weir.tile} : memref<16xf32>
    %z = memref.alloca() {weir.tile} : memref<16xf32>
    %a = memref.alloca() {weir.tile} : memref<16x64xf32>
    linalg.fill ins(%zero : f32) outs(%q : memref<16x64xf32>)
    linalg.fill ins(%low : f32) outs(%r : memref<16xf32>)
    linalg.fill ins(%zero : f32) outs(%z : memref<16xf32>)
    linalg.fill ins(%zero : f32) outs(%a : memref<16x64xf32>)
    %qs = memref.subview %Q[%m0, 0][%mm, 64][1, 1] : memref<?x64xf32, strided<[?, 1]>> to memref<?x64xf32, strided<[?, 1], offset: ?>>
    %qt = memref.subview %q[0, 0][%mm, 64][1, 1] : memref<16x64xf32> to memref<?x64xf32, strided<[64, 1]>>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%qs : memref<?x64xf32, strided<[?, 1], offset: ?>>) outs(%qt : memref<?x64xf32, strided<[64, 1]>>) {
    ^bb0(%x: f32, %y: f32):
      linalg.yield %x : f32
    }
    scf.for %n0 = %c0 to %N step %bn {
      %nl = arith.subi %N, %n0 : index
      %nn = arith.minui %nl, %bn : index
      %kt = memref.subview %K[%n0, 0][%nn, 64][1, 1] : memref<?x64xf32, strided<[?, 1]>> to memref<?x64xf32, strided<[?, 1], offset: ?>>
      %vt = memref.subview %V[%n0, 0][%nn, 64][1, 1] : memref<?x64xf32, strided<[?, 1]>> to memref<?x64xf32, strided<[?, 1], offset: ?>>
      %st = memref.subview %s[0, 0][16, %nn][1, 1] : memref<16x32xf32> to memref<16x?xf32, strided<[32, 1]>>
      linalg.fill ins(%zero : f32) outs(%st : memref<16x?xf32, strided<[32, 1]>>)
      linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %kt : memref<16x64xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
        outs(%st : memref<16x?xf32, strided<[32, 1]>>)
      linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%r : memref<16xf32>) outs(%new : memref<16xf32>) {
      ^bb0(%x: f32, %y: f32):
        linalg.yield %x : f32
      }
      linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%st : memref<16x?xf32, strided<[32, 1]>>) outs(%new : memref<16xf32>) {
      ^bb0(%x: f32, %y: f32):
        %m = arith.maximumf %x, %y : f32
        linalg.yield %m : f32
      }
      linalg.generic {indexing_maps = [#one, #one, #one], iterator_types = ["parallel"]}
        ins(%new : memref<16xf32>) outs(%r, %z : memref<16xf32>, memref<16xf32>) {
      ^bb0(%n: f32, %o: f32, %y: f32):
        %d = arith.subf %o, %n : f32
        %c = math.exp %d : f32
        %zz = arith.mulf %y, %c : f32
        linalg.yield %c, %zz : f32, f32
      }
      linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r : memref<16xf32>) outs(%a : memref<16x64xf32>) {
      ^bb0(%c: f32, %y: f32):
        %yy = arith.mulf %y, %c : f32
        linalg.yield %yy : f32
      }
      linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]} ins(%new : memref<16xf32>) outs(%r : memref<16xf32>) {
      ^bb0(%x: f32, %y: f32):
        linalg.yield %x : f32
      }
      linalg.generic {indexing_maps = [#row, #id, #row], iterator_types = ["parallel", "reduction"]}
        ins(%new : memref<16xf32>) outs(%st, %z : memref<16x?xf32, strided<[32, 1]>>, memref<16xf32>) {
      ^bb0(%m: f32, %x: f32, %y: f32):
        %d = arith.subf %x, %m : f32
        %p = math.exp %d : f32
        %zz = arith.addf %y, %p : f32
        linalg.yield %p, %zz : f32, f32
      }
      linalg.contract indexing_maps = [#pp, #pv, #po] ins(%st, %vt : memref<16x?xf32, strided<[32, 1]>>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
        outs(%a : memref<16x64xf32>)
    }
    %at = memref.subview %a[0, 0][%mm, 64][1, 1] : memref<16x64xf32> to memref<?x64xf32, strided<[64, 1]>>
    %zt = memref.subview %z[0][%mm][1] : memref<16xf32> to memref<?xf32, strided<[1]>>
    %ot = memref.subview %O[%m0, 0][%mm, 64][1, 1] : memref<?x64xf32, strided<[?, 1]>> to memref<?x64xf32, strided<[?, 1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%at, %zt : memref<?x64xf32, strided<[64, 1]>>, memref<?xf32, strided<[1]>>) outs(%ot : memref<?x64xf32, strided<[?, 1], offset: ?>>) {
    ^bb0(%x: f32, %y: f32, %o: f32):
      %v = arith.divf %x, %y : f32
      linalg.yield %v : f32
    }
  }
  return
}
