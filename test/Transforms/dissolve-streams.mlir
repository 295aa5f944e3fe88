// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-dissolve-streams))' | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK-NOT:     attn.stream
// CHECK:         %[[S:.*]] = attn.einsum "S" [m, n]
// CHECK:         %[[R:.*]] = attn.einsum "R" [m] in(%{{.*}}) {
// CHECK:           %[[MAX:.*]] = attn.reduce max [n] in(%{{.*}}) {
// CHECK:           %[[LOW:.*]] = attn.literal "-3.4028234663852886e38" : f32
// CHECK:           %[[R0:.*]] = attn.map max(%[[MAX]], %[[LOW]])
// CHECK:           %[[HIGH:.*]] = attn.literal "3.4028234663852886e38" : f32
// CHECK:           attn.map min(%[[R0]], %[[HIGH]])
// CHECK:         %[[A:.*]] = attn.einsum "A" [m] in(%{{.*}}) {
// CHECK:           %[[RHO:.*]] = attn.read %[[R]][%{{.*}}]
// CHECK:           attn.reduce sum [n] in(%{{.*}}) {
// CHECK:             %[[D:.*]] = attn.map sub(%{{.*}}, %[[RHO]])
// CHECK:             %[[ONE:.*]] = attn.literal "1" : f32
// CHECK:             %[[EIGHT:.*]] = attn.literal "8" : f32
// CHECK:             %[[LAM:.*]] = attn.map div(%[[ONE]], %[[EIGHT]])
// CHECK:             %[[X:.*]] = attn.map mul(%[[LAM]], %[[D]])
// CHECK:             %[[W:.*]] = attn.map exp(%[[X]])
// CHECK:             attn.map mul(%{{.*}}, %[[W]])
// CHECK:         attn.einsum "B" [m, f]
// CHECK:         %[[O:.*]] = attn.einsum "O" [m, f]
// CHECK:         attn.materialize %[[O]]
func.func @softmax(%Q: tensor<?x64xf32> {attn.name = "Q", attn.ranks = ["M", "D"]},
                   %K: tensor<?x64xf32> {attn.name = "K", attn.ranks = ["N", "D"]},
                   %V: tensor<?x?xf32> {attn.name = "V", attn.ranks = ["N", "F"]})
    -> (tensor<?x?xf32> {attn.name = "O", attn.ranks = ["M", "F"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %D = arith.constant 64 : index
  %M = tensor.dim %Q, %c0 : tensor<?x64xf32>
  %N = tensor.dim %K, %c0 : tensor<?x64xf32>
  %F = tensor.dim %V, %c1 : tensor<?x?xf32>
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
      %v = attn.read %V[%n, %f] : tensor<?x?xf32> -> f32
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %v, %s : f32, f32
    } : tensor<?x?xf32>
    %o = attn.einsum "O" [m, f] in (%M, %F) {
    ^bb0(%m: i64, %f: i64):
      %b = attn.read %B[%m, %f] : tensor<?x?xf32> -> f32
      %a = attn.read %A[%m] : tensor<?xf32> -> f32
      %d = attn.map div(%b, %a) : (f32, f32) -> f32
      attn.yield %d : f32
    } : tensor<?x?xf32>
    attn.yield %o : tensor<?x?xf32>
  } : tensor<?x?xf32>
  %whole = attn.materialize %O : tensor<?x?xf32> to tensor<?x?xf32>
  return %whole : tensor<?x?xf32>
}
