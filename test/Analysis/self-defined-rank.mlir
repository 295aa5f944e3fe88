// Two declared ranks that say each other's size, and one its own: nobody says a size, and no analysis goes round.
// RUN: weir-opt %s --pass-pipeline='builtin.module(attn-to-streamed-pipeline)' | FileCheck %s
// CHECK: attn.rank "N"
// CHECK: attn.einsum "Y" [k, m, j] in
func.func @ranks(%X: tensor<?x?x?xf32> {attn.name = "X", attn.ranks = ["N", "M", "L"]})
    -> (tensor<?x?x?xf32> {attn.name = "Y", attn.ranks = ["K", "M", "J"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %X, %c0 : tensor<?x?x?xf32>
  %m = tensor.dim %X, %c1 : tensor<?x?x?xf32>
  %l = tensor.dim %X, %c2 : tensor<?x?x?xf32>
  %ni = arith.index_cast %n : index to i64
  %mi = arith.index_cast %m : index to i64
  %li = arith.index_cast %l : index to i64
  %lm = attn.map mul(%li, %mi) : (i64, i64) -> i64
  %N = attn.rank "N" %ni
  %M = attn.rank "M" %li
  %L = attn.rank "L" %lm
  %nn = arith.index_cast %N : index to i64
  %ll = arith.index_cast %L : index to i64
  %both = attn.map add(%nn, %ll) : (i64, i64) -> i64
  %back = attn.map add(%ll, %nn) : (i64, i64) -> i64
  %K = attn.rank "K" %both
  %J = attn.rank "J" %back
  %Y = attn.einsum "Y" [k, m, j] in (%K, %M, %J) {
  ^bb0(%i: i64, %j: i64, %k: i64):
    %x = attn.read %X[%i, %j, %k] : tensor<?x?x?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?x?x?xf32>
  %out = attn.materialize %Y : tensor<?x?x?xf32> to tensor<?x?x?xf32>
  return %out : tensor<?x?x?xf32>
}
