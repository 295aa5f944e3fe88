// Upstream passes on functions that hold attn ops and foreign ones.
// RUN: split-file %s %t
// RUN: weir-opt %t/tiling.mlir --transform-interpreter --canonicalize --cse | FileCheck %t/tiling.mlir
// RUN: weir-opt %t/shapes.mlir --resolve-ranked-shaped-type-result-dims --canonicalize | FileCheck %t/shapes.mlir
// RUN: weir-opt %t/effects.mlir --cse --loop-invariant-code-motion | FileCheck %t/effects.mlir
// RUN: weir-opt %t/inlining.mlir --inline | FileCheck %t/inlining.mlir
// RUN: weir-opt %t/bufferization.mlir --one-shot-bufferize=allow-unknown-ops | FileCheck %t/bufferization.mlir
// RUN: weir-opt %t/bufferization.mlir --one-shot-bufferize=dialect-filter=linalg,bufferization | FileCheck %t/bufferization.mlir
// RUN: not weir-opt %t/bufferization.mlir --one-shot-bufferize 2>&1 | FileCheck %t/bufferization.mlir --check-prefix=REFUSED
// RUN: weir-opt %t/host.mlir --pass-pipeline='builtin.module(attn-to-tiles-pipeline,one-shot-bufferize{bufferize-function-boundaries})' \
// RUN:   | FileCheck %t/host.mlir
// RUN: not weir-opt %t/host.mlir --one-shot-bufferize='bufferize-function-boundaries allow-unknown-ops' 2>&1 \
// RUN:   | FileCheck %t/host.mlir --check-prefix=REFUSED

//--- tiling.mlir
// A tile is the same equation at shifted coordinates; the producer of a foreign op is fused into its loop.
// CHECK-LABEL: func.func @tiled
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>, %[[M:.*]]: index
func.func @tiled(%X: tensor<?xf32>, %M: index) -> tensor<?xf32> {
  // CHECK: scf.for %[[O:.*]] = %{{.*}} to %[[M]] step %{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (tensor<?xf32>) {
  // CHECK: %[[SIZE:.*]] = affine.min
  // CHECK: %[[SHIFT:.*]] = arith.index_cast %[[O]] : index to i64
  // CHECK: %[[TILE:.*]] = attn.einsum "Y" [m] in(%[[SIZE]]) {
  // CHECK-NEXT: ^bb0(%[[C:.*]]: i64):
  // CHECK-NEXT: %[[AT:.*]] = attn.map add(%[[C]], %[[SHIFT]]) : (i64, i64) -> i64
  // CHECK-NEXT: attn.read %[[X]][%[[AT]]]
  // CHECK: tensor.insert_slice %[[TILE]] into %[[ACC]][%[[O]]] [%[[SIZE]]] [1]
  %Y = attn.einsum "Y" [m] in (%M) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?xf32>
  return %Y : tensor<?xf32>
}

// CHECK-LABEL: func.func @fused
// CHECK-SAME: (%[[X:.*]]: tensor<64xf32>, %[[OUT:.*]]: tensor<64xf32>)
func.func @fused(%X: tensor<64xf32>, %out: tensor<64xf32>) -> tensor<64xf32> {
  %c64 = arith.constant 64 : index
  // CHECK: scf.for
  // CHECK: %[[TILE:.*]] = attn.einsum "P" [m] in(%c16) {
  // CHECK: } : tensor<16xf32>
  // CHECK: linalg.exp {{.*}}ins(%[[TILE]] : tensor<16xf32>)
  %P = attn.einsum "P" [m] in (%c64) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<64xf32> -> f32
    attn.yield %x : f32
  } : tensor<64xf32>
  %E = linalg.exp {fuse} ins(%P : tensor<64xf32>) outs(%out : tensor<64xf32>) -> tensor<64xf32>
  return %E : tensor<64xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %tiled = transform.structured.match ops{["func.func"]} attributes{sym_name = "tiled"} in %root : (!transform.any_op) -> !transform.any_op
    %einsum = transform.structured.match ops{["attn.einsum"]} in %tiled : (!transform.any_op) -> !transform.any_op
    %t, %loop = transform.structured.tile_using_for %einsum tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %exp = transform.structured.match ops{["linalg.exp"]} in %root : (!transform.any_op) -> !transform.any_op
    %f, %outer = transform.structured.fuse %exp tile_sizes [16] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

//--- shapes.mlir
// The extents of a result are known without computing it.
// CHECK-LABEL: func.func @shapes
// CHECK-SAME: %[[M:[a-z0-9]+]]: index, %[[J:[a-z0-9]+]]: index
func.func @shapes(%X: tensor<?xf32>, %M: index, %J: index) -> (index, index, index, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %Y = attn.einsum "Y" [c, m] in (%c4, %M) {
  ^bb0(%c: i64, %m: i64):
    %x = attn.read %X[%m] : tensor<?xf32> -> f32
    attn.yield %x : f32
  } : tensor<4x?xf32>
  %I = attn.argtopk "I" [j] in (%J) over [m] in (%M) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<?xf32> -> f32
    attn.yield %x : f32
  } : tensor<?xi64>
  %whole = attn.materialize %Y : tensor<4x?xf32> to tensor<?x?xbf16>
  %a = tensor.dim %Y, %c1 : tensor<4x?xf32>
  %b = tensor.dim %I, %c0 : tensor<?xi64>
  %d = tensor.dim %whole, %c0 : tensor<?x?xbf16>
  %e = tensor.dim %whole, %c1 : tensor<?x?xbf16>
  // CHECK: %[[FOUR:.*]] = arith.constant 4 : index
  // CHECK-NOT: attn.
  // CHECK: return %[[M]], %[[J]], %[[FOUR]], %[[M]]
  return %a, %b, %d, %e : index, index, index, index
}

//--- effects.mlir
// Equations have no side effects: equal ones are computed once, those that a loop does not change leave it. A promise stays where it is.
// CHECK-LABEL: func.func @effects
func.func @effects(%X: tensor<8xf32>, %p: i1, %n: index, %buffer: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  // CHECK: attn.einsum
  // CHECK-NOT: attn.einsum
  // CHECK: scf.for
  // CHECK: attn.given
  // CHECK: memref.store
  scf.for %i = %c0 to %n step %c1 {
    %Y = attn.einsum "Y" [m] in (%c8) {
    ^bb0(%m: i64):
      %x = attn.read %X[%m] : tensor<8xf32> -> f32
      %again = attn.read %X[%m] : tensor<8xf32> -> f32
      %y = attn.map add(%x, %again) : (f32, f32) -> f32
      attn.yield %y : f32
    } : tensor<8xf32>
    attn.given "p" [] in () {
      attn.yield %p : i1
    }
    %z = tensor.extract %Y[%c0] : tensor<8xf32>
    memref.store %z, %buffer[%i] : memref<?xf32>
  }
  return
}

//--- inlining.mlir
// CHECK-LABEL: func.func @host
// CHECK: attn.einsum
// CHECK-NOT: call
// CHECK: linalg.fill
func.func private @doubled(%X: tensor<8xf32>) -> tensor<8xf32> {
  %c8 = arith.constant 8 : index
  %Y = attn.einsum "Y" [m] in (%c8) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<8xf32> -> f32
    %y = attn.map add(%x, %x) : (f32, f32) -> f32
    attn.yield %y : f32
  } : tensor<8xf32>
  return %Y : tensor<8xf32>
}
func.func @host(%X: tensor<8xf32>, %f: f32) -> (tensor<8xf32>, tensor<8xf32>) {
  %Y = call @doubled(%X) : (tensor<8xf32>) -> tensor<8xf32>
  %Z = linalg.fill ins(%f : f32) outs(%X : tensor<8xf32>) -> tensor<8xf32>
  return %Y, %Z : tensor<8xf32>, tensor<8xf32>
}

//--- bufferization.mlir
// A host bufferizes what is its own; attn ops stay on tensors until they are lowered, and what they read is not written in place before.
// CHECK-LABEL: func.func @mixed
// CHECK-SAME: (%[[X:.*]]: tensor<8xf32>, %[[F:.*]]: f32)
func.func @mixed(%X: tensor<8xf32>, %f: f32) -> (tensor<8xf32>, tensor<8xf32>) {
  %c8 = arith.constant 8 : index
  // CHECK: %[[FRESH:.*]] = memref.alloc
  // CHECK: linalg.fill ins(%[[F]] : f32) outs(%[[FRESH]] : memref<8xf32>)
  // CHECK: attn.read %[[X]]
  %Z = linalg.fill ins(%f : f32) outs(%X : tensor<8xf32>) -> tensor<8xf32>
  %Y = attn.einsum "Y" [m] in (%c8) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<8xf32> -> f32
    attn.yield %x : f32
  } : tensor<8xf32>
  return %Y, %Z : tensor<8xf32>, tensor<8xf32>
}
// Unless it is told to leave them, it says at the first of them that it cannot.
// REFUSED: error: op was not bufferized
// REFUSED-NEXT: attn.read

//--- host.mlir
// The order that works for a module with a cascade in it: the cascade first, it brings its own buffers; then the rest.
// CHECK-LABEL: func.func @host(
// CHECK-SAME: memref<8xf32
// CHECK-NOT: tensor<
// CHECK: linalg.fill
// CHECK-LABEL: func.func @double(
// CHECK-SAME: weir.kernel
// CHECK-NOT: attn.einsum
// CHECK-NOT: tensor<
// The other way round the signature would no longer be a cascade's.
// REFUSED: error: a cascade takes tensors {{.*}}, not 'memref<
func.func @host(%X: tensor<8xf32>, %f: f32) -> tensor<8xf32> {
  %Z = linalg.fill ins(%f : f32) outs(%X : tensor<8xf32>) -> tensor<8xf32>
  return %Z : tensor<8xf32>
}
func.func @double(%X: tensor<8xf32> {attn.name = "X", attn.ranks = ["M"]})
    -> (tensor<8xf32> {attn.name = "Y", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c8 = arith.constant 8 : index
  %Y = attn.einsum "Y" [m] in (%c8) {
  ^bb0(%m: i64):
    %x = attn.read %X[%m] : tensor<8xf32> -> f32
    %y = attn.map add(%x, %x) : (f32, f32) -> f32
    attn.yield %y : f32
  } : tensor<8xf32>
  %out = attn.materialize %Y : tensor<8xf32> to tensor<8xf32>
  return %out : tensor<8xf32>
}
