// FLOPs inside the domains where extents are known, in the extents' names otherwise; bytes and footprint.
// RUN: weir-opt %s --attn-print-costs -o %t.out | FileCheck %s
// RUN: weir-opt %s -o %t.plain && diff %t.out %t.plain
// RUN: weir-opt %s --pass-pipeline='builtin.module(attn-print-costs{extents=M=4,N=4,D=2,F=3})' -o /dev/null | FileCheck %s --check-prefix=SIZED

// The first equation is a product of matrices, half of which is needed; O's division leaves the sum.
// CHECK-LABEL: costs of @attention
// CHECK-NEXT:    S: 2*M*D*N flops
// CHECK-NEXT:    X: M*N flops
// CHECK-NEXT:    Z: 3*M*N flops
// CHECK-NEXT:    O: 2*M*N*F + M*F flops
// CHECK-NEXT:    in all: {{.*}} flops, 4*M*D + 4*M*F + 4*D*N + 4*N*F compulsory bytes, 4*N bytes of footprint
// SIZED-LABEL: costs of @attention
// SIZED-NEXT:    S: 40 flops
// SIZED-NEXT:    X: 10 flops
// SIZED-NEXT:    Z: 30 flops
// SIZED-NEXT:    O: 72 flops
// SIZED-NEXT:    in all: 152 flops, 160 compulsory bytes, 16 bytes of footprint
func.func @attention(%Q: tensor<?x?xf32> {attn.name = "Q", attn.ranks = ["M", "D"]},
                     %K: tensor<?x?xf32> {attn.name = "K", attn.ranks = ["N", "D"]},
                     %V: tensor<?x?xf32> {attn.name = "V", attn.ranks = ["N", "F"]},
                     %unused: tensor<?xf64> {attn.name = "U", attn.ranks = ["N"]})
    -> (tensor<?x?xf32> {attn.name = "O", attn.ranks = ["M", "F"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %Q, %c0 : tensor<?x?xf32>
  %D = tensor.dim %Q, %c1 : tensor<?x?xf32>
  %N = tensor.dim %K, %c0 : tensor<?x?xf32>
  %F = tensor.dim %V, %c1 : tensor<?x?xf32>
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
  %Z = attn.einsum "Z" [m] in (%M) {
  ^bb0(%m: i64):
    %z = attn.reduce sum [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %x = attn.read %X[%m] : tensor<?xf32> -> f32
      %d = attn.map sub(%s, %x) : (f32, f32) -> f32
      %e = attn.map exp(%d) : (f32) -> f32
      attn.yield %e : f32
    } : f32
    attn.yield %z : f32
  } : tensor<?xf32>
  %O = attn.einsum "O" [m, f] in (%M, %F) {
  ^bb0(%m: i64, %f: i64):
    %o = attn.reduce sum [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %z = attn.read %Z[%m] : tensor<?xf32> -> f32
      %a = attn.map div(%s, %z) : (f32, f32) -> f32
      %v = attn.read %V[%n, %f] : tensor<?x?xf32> -> f32
      %av = attn.map mul(%a, %v) : (f32, f32) -> f32
      attn.yield %av : f32
    } : f32
    attn.yield %o : f32
  } : tensor<?x?xf32>
  %out = attn.materialize %O : tensor<?x?xf32> to tensor<?x?xf32>
  return %out : tensor<?x?xf32>
}

// A mask that reads data: no count of it is claimed. Half bytes of i4.
// CHECK-LABEL: costs of @masked
// CHECK-NEXT:    Y: N flops
// CHECK-NEXT:    in all: N flops, (44*N)/8 compulsory bytes
// SIZED-LABEL: costs of @masked
// SIZED-NEXT:    Y: 4 flops over all coordinates
func.func @masked(%X: tensor<?xi4> {attn.name = "X", attn.ranks = ["N"]},
                  %KEEP: tensor<?xi1> {attn.name = "KEEP", attn.ranks = ["N"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %KEEP, %c0 : tensor<?xi1>
  %Y = attn.einsum "Y" [n] in (%N) {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xi4> -> i64
    %r = attn.map real(%x) : (i64) -> f32
    %e = attn.map exp(%r) : (f32) -> f32
    %keep = attn.read %KEEP[%n] : tensor<?xi1> -> i1
    %y = attn.where %e, %keep : f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %out = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}
