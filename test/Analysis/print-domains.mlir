// Domains in the user's terms: masks, gathers, a recurrence, groups of heads, selection.
// RUN: weir-opt %s --pass-pipeline='builtin.module(attn-print-domains{extents=M=4,N=4,D=2})' -o %t.out | FileCheck %s
// RUN: weir-opt %s -o %t.plain && diff %t.out %t.plain
// RUN: not weir-opt %s --pass-pipeline='builtin.module(attn-print-domains{extents=M=four})' -o /dev/null 2>&1 | FileCheck %s --check-prefix=WRONG
// WRONG: error: expected RANK=NUMBER with a number of at least 0, got 'M=four'

// CHECK-LABEL: domains of @causal
// CHECK-NEXT:    S: { m, n : n <= m } needs D, 10 of 16
// CHECK-NEXT:    X: { m } needs D, N, 4 of 4
// CHECK-NEXT:    W: { m, n : n <= m + (N - M) and m + (N - M) - n < 2 }, 7 of 16
func.func @causal(%Q: tensor<?x?xf32> {attn.name = "Q", attn.ranks = ["M", "D"]},
                  %K: tensor<?x?xf32> {attn.name = "K", attn.ranks = ["N", "D"]})
    -> (tensor<?xf32> {attn.name = "X", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %Q, %c0 : tensor<?x?xf32>
  %D = tensor.dim %Q, %c1 : tensor<?x?xf32>
  %N = tensor.dim %K, %c0 : tensor<?x?xf32>
  %Mi = arith.index_cast %M : index to i64
  %Ni = arith.index_cast %N : index to i64
  %S = attn.einsum "S" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %sum = attn.reduce sum [d] in (%D) {
    ^bb0(%d: i64):
      %q = attn.read %Q[%m, %d] : tensor<?x?xf32> -> f32
      %k = attn.read %K[%n, %d] : tensor<?x?xf32> -> f32
      %qk = attn.map mul(%q, %k) : (f32, f32) -> f32
      attn.yield %qk : f32
    } : f32
    %p = attn.map le(%n, %m) : (i64, i64) -> i1
    %s = attn.where %sum, %p : f32
    attn.yield %s : f32
  } : tensor<?x?xf32>
  %X = attn.einsum "X" [m] in (%M) {
  ^bb0(%m: i64):
    %x = attn.reduce max [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : f32
    attn.yield %x : f32
  } : tensor<?xf32>
  %W = attn.einsum "W" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %two = attn.literal "2" : i64
    %one = attn.literal "1" : f32
    %diff = attn.map sub(%Ni, %Mi) : (i64, i64) -> i64
    %at = attn.map add(%m, %diff) : (i64, i64) -> i64
    %low = attn.map le(%n, %at) : (i64, i64) -> i1
    %far = attn.map sub(%at, %n) : (i64, i64) -> i64
    %near = attn.map lt(%far, %two) : (i64, i64) -> i1
    %p = attn.and %low, %near
    %w = attn.where %one, %p : f32
    attn.yield %w : f32
  } : tensor<?x?xf32>
  %out = attn.materialize %X : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

// A grouped head's read is always inside; an id from a table may not be; the start of a recurrence is no hole.
// CHECK-LABEL: domains of @reads
// CHECK-NEXT:    A: { h } needs G
// CHECK-NEXT:    B: { m : 0 <= IDS[m] and IDS[m] < G }
// CHECK-NEXT:    C: { m : m >= 1 }, 3 of 4
// CHECK-NEXT:    R: { m } total, 4 of 4
// CHECK-NEXT:    I: { m, j : j < M }
// CHECK-NEXT:    J: { m, j : j < M }
func.func @reads(%K: tensor<?xf32> {attn.name = "K", attn.ranks = ["G"]},
                 %IDS: tensor<?xi32> {attn.name = "IDS", attn.ranks = ["M"]},
                 %H0: tensor<?xf32> {attn.name = "H0", attn.ranks = ["H"]},
                 %J0: tensor<?xf32> {attn.name = "J0", attn.ranks = ["J"]})
    -> (tensor<?xf32> {attn.name = "C", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %G = tensor.dim %K, %c0 : tensor<?xf32>
  %M = tensor.dim %IDS, %c0 : tensor<?xi32>
  %H = tensor.dim %H0, %c0 : tensor<?xf32>
  %J = tensor.dim %J0, %c0 : tensor<?xf32>
  %Gi = arith.index_cast %G : index to i64
  %Hi = arith.index_cast %H : index to i64
  %A = attn.einsum "A" [h] in (%H) {
  ^bb0(%h: i64):
    %hg = attn.map mul(%h, %Gi) : (i64, i64) -> i64
    %g = attn.map floordiv(%hg, %Hi) : (i64, i64) -> i64
    %k = attn.read %K[%g] : tensor<?xf32> -> f32
    attn.yield %k : f32
  } : tensor<?xf32>
  %B = attn.einsum "B" [m] in (%M) {
  ^bb0(%m: i64):
    %i = attn.read %IDS[%m] : tensor<?xi32> -> i64
    %k = attn.read %K[%i] : tensor<?xf32> -> f32
    attn.yield %k : f32
  } : tensor<?xf32>
  %C = attn.einsum "C" [m] in (%M) {
  ^bb0(%m: i64):
    %one = attn.literal "1" : i64
    %before = attn.map sub(%m, %one) : (i64, i64) -> i64
    %i = attn.read %IDS[%before] : tensor<?xi32> -> i64
    %x = attn.map real(%i) : (i64) -> f32
    attn.yield %x : f32
  } : tensor<?xf32>
  %R = attn.recurrence forward "m" {
    %R1 = attn.einsum "R" [m] in (%M) {
    ^bb0(%m: i64):
      %one = attn.literal "1" : i64
      %zero = attn.literal "0" : i64
      %start = attn.literal "1" : f32
      %first = attn.map eq(%m, %zero) : (i64, i64) -> i1
      %later = attn.map gt(%m, %zero) : (i64, i64) -> i1
      %before = attn.map sub(%m, %one) : (i64, i64) -> i64
      %r = attn.read %R1[%before] : tensor<?xf32> -> f32
      %a = attn.where %start, %first : f32
      %b = attn.where %r, %later : f32
      %both = attn.else %a, %b : f32
      attn.yield %both : f32
    } : tensor<?xf32>
    attn.yield %R1 : tensor<?xf32>
  } : tensor<?xf32>
  %I = attn.argtopk "I" [m, j] in (%M, %J) over [n] in (%M) {
  ^bb0(%m: i64, %n: i64):
    %r = attn.read %R[%n] : tensor<?xf32> -> f32
    attn.yield %r : f32
  } : tensor<?x?xi64>
  %Jr = attn.einsum "J" [m, j] in (%M, %J) {
  ^bb0(%m: i64, %j: i64):
    %i = attn.read %I[%m, %j] : tensor<?x?xi64> -> i64
    %r = attn.read %R[%i] : tensor<?xf32> -> f32
    attn.yield %r : f32
  } : tensor<?x?xf32>
  %out = attn.materialize %C : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}
