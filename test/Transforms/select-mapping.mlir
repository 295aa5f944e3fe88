// RUN: weir-opt %s --attn-select-mapping | FileCheck %s
// Equations that share coordinates at which they read each other run in one nest; the vector coordinate is the one that leaves
// neighbours in memory. Removing the attributes gives back the input.
// RUN: weir-opt %s --attn-select-mapping | sed -e 's/ mapping #mapping.loops<[^>]*>//' -e 's/{mapping = #mapping.loops<[^>]*>} //' > %t.without
// RUN: weir-opt %s | diff - %t.without

// CHECK-LABEL: func.func @scores
// CHECK: attn.einsum "P" [m, n] in(%{{.*}}) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n">
// CHECK: attn.einsum "Z" [m] in(%{{.*}}) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n">
// CHECK: attn.einsum "C" [n] in(%{{.*}}) mapping #mapping.loops<group = 1, shared = [], vector = "n">
func.func @scores(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]})
    -> (tensor<?xf32> {attn.name = "Z", attn.ranks = ["M"]}, tensor<?xf32> {attn.name = "C", attn.ranks = ["N"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %P = attn.einsum "P" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
    %p = attn.map exp(%s) : (f32) -> f32
    attn.yield %p : f32
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
  %C = attn.einsum "C" [n] in (%N) {
  ^bb0(%n: i64):
    %c = attn.reduce sum [m] in (%M) {
    ^bb0(%m: i64):
      %p = attn.read %P[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %p : f32
    } : f32
    attn.yield %c : f32
  } : tensor<?xf32>
  %Zo = attn.materialize %Z : tensor<?xf32> to tensor<?xf32>
  %Co = attn.materialize %C : tensor<?xf32> to tensor<?xf32>
  return %Zo, %Co : tensor<?xf32>, tensor<?xf32>
}
