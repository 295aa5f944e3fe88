// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams))' | FileCheck %s --check-prefix=MAP
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams{vector-bytes=64 vector-registers=32}))' | FileCheck %s --check-prefix=WIDE
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams{shared-bytes=49152}))' | FileCheck %s --check-prefix=GPU
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams{shared-bytes=20000}))' | FileCheck %s --check-prefix=SMALL
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams{split=1}),convert-attn-to-tiles)' | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-map-streams{split=1}),convert-attn-to-tiles)' | weir-opt --weir-verify-level=level=tiled
// RUN: not weir-opt %s --convert-attn-to-tiles 2>&1 | FileCheck %s --check-prefix=BARE

// MAP:  attn.stream "N" [n] in(%{{.*}}) mapping #mapping.tiles<rows = "m", m = 24, n = 128>
// WIDE: mapping #mapping.tiles<rows = "m", m = 64, n = 128>
// GPU:   mapping #mapping.tiles<rows = "m", m = 16, n = 32>
// SMALL: mapping #mapping.tiles<rows = "m", m = 16, n = 16>
// BARE: error: 'attn.stream' op does not run in tiles: it has no mapping; dissolve it before it becomes loops

// Blocks of rows around blocks of keys, up to the last key that the block's last row sees: keys and values are read where they lie, a score that is absent is -inf and weighs nothing, and what was summed
// is corrected where the reference moves. No piece of the workspace is asked for.
// CHECK-LABEL: func.func @softmax(
// CHECK:         scf.forall
// CHECK:           memref.alloca() {weir.tile} : memref<24x64xf32>
// CHECK:           scf.for
// CHECK:             linalg.generic {{.*}} outs(%{{.*}} : memref<24x64xf32>)
// CHECK:             arith.minsi
// CHECK:             scf.for %[[N0:.*]] =
// CHECK:               memref.subview %arg1[%[[N0]], 0] [%{{.*}}, 64]
// CHECK:               linalg.contract {{.*}} outs(%{{.*}} : memref<24x?xf32
// CHECK:                 arith.constant 0xFF800000
// CHECK:                 arith.select
// CHECK:               linalg.generic {{.*}}"parallel", "reduction"
// CHECK-NEXT:          ^bb0
// CHECK-NEXT:            arith.maximumf
// CHECK:               math.exp
// CHECK:               memref.subview %arg2[%[[N0]], 0] [%{{.*}}, 48]
// CHECK:               linalg.contract {{.*}} outs(%{{.*}} : memref<24x48xf32>)
// CHECK:             linalg.generic
// CHECK:               arith.divf
// CHECK:               arith.select
// CHECK:             memref.subview %arg3[
// CHECK:             linalg.generic
// CHECK-LABEL: func.func @softmax.workspace(
// CHECK-NOT:     arith.muli
// CHECK:         return
func.func @softmax(%Q: tensor<?x64xf32> {attn.name = "Q", attn.ranks = ["M", "D"]},
                   %K: tensor<?x64xf32> {attn.name = "K", attn.ranks = ["N", "D"]},
                   %V: tensor<?x48xf32> {attn.name = "V", attn.ranks = ["N", "F"]})
    -> (tensor<?x48xf32> {attn.name = "O", attn.ranks = ["M", "F"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %D = arith.constant 64 : index
  %M = tensor.dim %Q, %c0 : tensor<?x64xf32>
  %N = tensor.dim %K, %c0 : tensor<?x64xf32>
  %F = arith.constant 48 : index
  %O = attn.stream "N" [n] in (%N) {
    // Causal, and key 3 is seen by nobody.
    %S = attn.einsum "S" [m, n] in (%M, %N) {
    ^bb0(%m: i64, %n: i64):
      %dot = attn.reduce sum [d] in (%D) {
      ^bb0(%d: i64):
        %q = attn.read %Q[%m, %d] : tensor<?x64xf32> -> f32
        %k = attn.read %K[%n, %d] : tensor<?x64xf32> -> f32
        %qk = attn.map mul(%q, %k) : (f32, f32) -> f32
        attn.yield %qk : f32
      } : f32
      %three = attn.literal "3" : i64
      %past = attn.map le(%n, %m) : (i64, i64) -> i1
      %other = attn.map ne(%n, %three) : (i64, i64) -> i1
      %p = attn.and %past, %other
      %s = attn.where %dot, %p : f32
      attn.yield %s : f32
    } : tensor<?x?xf32>
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : tensor<?xf32>
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "1/8" {
    ^bb0(%m: i64, %n: i64):
      %one = attn.literal "1" : f32
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %one, %s : f32, f32
    } : tensor<?xf32>
    %B = attn.accumulate sum "B" [m, f] in (%M, %F) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "1/8" {
    ^bb0(%m: i64, %f: i64, %n: i64):
      %v = attn.read %V[%n, %f] : tensor<?x48xf32> -> f32
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %v, %s : f32, f32
    } : tensor<?x48xf32>
    %o = attn.einsum "O" [m, f] in (%M, %F) {
    ^bb0(%m: i64, %f: i64):
      %b = attn.read %B[%m, %f] : tensor<?x48xf32> -> f32
      %a = attn.read %A[%m] : tensor<?xf32> -> f32
      %d = attn.map div(%b, %a) : (f32, f32) -> f32
      attn.yield %d : f32
    } : tensor<?x48xf32>
    attn.yield %o : tensor<?x48xf32>
  } : tensor<?x48xf32>
  %whole = attn.materialize %O : tensor<?x48xf32> to tensor<?x48xf32>
  return %whole : tensor<?x48xf32>
}
