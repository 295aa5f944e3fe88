// RUN: weir-opt %s --convert-attn-to-tiles=lanes=1 | FileCheck %s
// RUN: weir-opt %s --attn-select-mapping=lanes=8 --convert-attn-to-tiles=lanes=8 | FileCheck %s --check-prefix=VECTOR
// RUN: weir-opt %s --attn-select-mapping=lanes=8 --convert-attn-to-tiles=lanes=8 | weir-opt --weir-verify-level=level=tiled

// The description's example: a loop, a load, a store; outputs are computed in place; nothing of attn is left.
// CHECK-LABEL: func.func @scale(
// CHECK-SAME:    weir.output
// CHECK-SAME:    weir.kernel
// CHECK-NOT:     attn.{{[a-z]+[ (]}}
// CHECK:         scf.for
// CHECK:           memref.load %arg0
// CHECK:           arith.mulf
// CHECK:           memref.store %{{.*}}, %arg1
// CHECK-LABEL: func.func @scale.workspace(
// CHECK-LABEL: func.func @scale.check(
// CHECK-LABEL: func.func @scale.extents(
// VECTOR-LABEL: func.func @scale(
// VECTOR:         vector.load
// VECTOR:         vector.store
// VECTOR:         memref.store
func.func @scale(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %X, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [n] in (%N) {
  ^bb0(%n: i64):
    %two = attn.literal "2.0" : f32
    %x = attn.read %X[%n] : tensor<?xf32> -> f32
    %y = attn.map mul(%x, %two) : (f32, f32) -> f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %O = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
  return %O : tensor<?xf32>
}

// A group is one parallel loop over chunks; what only the group reads is a chunk's scratch, absence a bit.
// VECTOR-LABEL: func.func @rows(
// VECTOR:         scf.forall
// VECTOR:           memref.view {{.*}} to memref<?xf32>
// VECTOR:           memref.view {{.*}} to memref<?xi8>
// VECTOR:           scf.for
// VECTOR:             math.exp {{.*}} : vector<8xf32>
// VECTOR:             vector.store {{.*}} : memref<?xi8>, vector<8xi8>
// VECTOR:             vector.reduction <add>
func.func @rows(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]})
    -> (tensor<?xf32> {attn.name = "Z", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %P = attn.einsum "P" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
    %e = attn.map exp(%s) : (f32) -> f32
    %p = attn.map le(%n, %m) : (i64, i64) -> i1
    %v = attn.where %e, %p : f32
    attn.yield %v : f32
  } : tensor<?x?xf32>
  %Z = attn.einsum "Z" [m] in (%M) {
  ^bb0(%m: i64):
    %z = attn.reduce sum [n] in (%N) {
    ^bb0(%n: i64):
      %p = attn.read %P[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %p : f32
    } : f32
    attn.yield %z : f32
  } : tensor<?xf32>
  %O = attn.materialize %Z : tensor<?xf32> to tensor<?xf32>
  return %O : tensor<?xf32>
}
