// The traversals of FuseMax's first cascade, of a softmax, and of a recurrence. A function that is no cascade is left alone.
// RUN: weir-opt %s --attn-count-traversals -o %t.out | FileCheck %s
// RUN: weir-opt %s -o %t.plain && diff %t.out %t.plain
// RUN: weir-opt %s --pass-pipeline='builtin.module(attn-count-traversals{rank=M})' -o /dev/null | FileCheck %s --check-prefix=ONE

// CHECK-LABEL: traversals of @cascade_1
// CHECK-NEXT:    K: 2
// CHECK-NEXT:      Z waits for Y, starts traversal 2
func.func @cascade_1(%A: tensor<?xf32> {attn.name = "A", attn.ranks = ["K"]},
                     %B: tensor<?xf32> {attn.name = "B", attn.ranks = ["K"]})
    -> (tensor<f32> {attn.name = "Z", attn.ranks = []}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %K = tensor.dim %A, %c0 : tensor<?xf32>
  %Y = attn.einsum "Y" [] in () {
    %s = attn.reduce sum [k] in (%K) {
    ^bb0(%k: i64):
      %a = attn.read %A[%k] : tensor<?xf32> -> f32
      %b = attn.read %B[%k] : tensor<?xf32> -> f32
      %ab = attn.map mul(%a, %b) : (f32, f32) -> f32
      attn.yield %ab : f32
    } : f32
    attn.yield %s : f32
  } : tensor<f32>
  %Z = attn.einsum "Z" [] in () {
    %s = attn.reduce sum [k] in (%K) {
    ^bb0(%k: i64):
      %y = attn.read %Y[] : tensor<f32> -> f32
      %a = attn.read %A[%k] : tensor<?xf32> -> f32
      %ya = attn.map mul(%y, %a) : (f32, f32) -> f32
      attn.yield %ya : f32
    } : f32
    attn.yield %s : f32
  } : tensor<f32>
  %out = attn.materialize %Z : tensor<f32> to tensor<f32>
  return %out : tensor<f32>
}

// A softmax in one equation: the maximum and the sum are reductions inside it.
// CHECK-LABEL: traversals of @softmax
// CHECK-NEXT:    M: 1
// CHECK-NEXT:    N: 3
// CHECK-NEXT:      P waits for max(n'), starts traversal 2
// CHECK-NEXT:      P waits for sum(n'), starts traversal 3
// ONE: traversals of @softmax
// ONE-NEXT: M: 1
// ONE-NOT:  N:
func.func @softmax(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]})
    -> (tensor<?x?xf32> {attn.name = "P", attn.ranks = ["M", "N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %P = attn.einsum "P" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %x = attn.reduce max [n] in (%N) {
    ^bb0(%i: i64):
      %s = attn.read %S[%m, %i] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : f32
    %z = attn.reduce sum [n] in (%N) {
    ^bb0(%i: i64):
      %s = attn.read %S[%m, %i] : tensor<?x?xf32> -> f32
      %d = attn.map sub(%s, %x) : (f32, f32) -> f32
      %e = attn.map exp(%d) : (f32) -> f32
      attn.yield %e : f32
    } : f32
    %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
    %d = attn.map sub(%s, %x) : (f32, f32) -> f32
    %e = attn.map exp(%d) : (f32) -> f32
    %p = attn.map div(%e, %z) : (f32, f32) -> f32
    attn.yield %p : f32
  } : tensor<?x?xf32>
  %out = attn.materialize %P : tensor<?x?xf32> to tensor<?x?xf32>
  return %out : tensor<?x?xf32>
}

// CHECK-LABEL: traversals of @running_sum
// CHECK-NEXT:    T: 1, a loop
func.func @running_sum(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["T"]})
    -> (tensor<?xf32> {attn.name = "S", attn.ranks = ["T"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %X, %c0 : tensor<?xf32>
  %S = attn.recurrence forward "t" {
    %S1 = attn.einsum "S" [t] in (%T) {
    ^bb0(%t: i64):
      %one = attn.literal "1" : i64
      %zero = attn.literal "0" : f32
      %before = attn.map sub(%t, %one) : (i64, i64) -> i64
      %s = attn.read %S1[%before] : tensor<?xf32> -> f32
      %start = attn.else %s, %zero : f32
      %x = attn.read %X[%t] : tensor<?xf32> -> f32
      %sum = attn.map add(%start, %x) : (f32, f32) -> f32
      attn.yield %sum : f32
    } : tensor<?xf32>
    attn.yield %S1 : tensor<?xf32>
  } : tensor<?xf32>
  %out = attn.materialize %S : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

// CHECK-NOT: traversals of @host
func.func @host(%x: f32) -> f32 {
  return %x : f32
}
