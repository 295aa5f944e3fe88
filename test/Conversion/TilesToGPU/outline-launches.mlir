// RUN: weir-opt %s --gpu-outline-launches --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-NOT:   func.func
// CHECK-LABEL: gpu.module @two.gpu
// CHECK:       gpu.func @two(%[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>, %[[WS:.*]]: memref<?xi8>) kernel {
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         scf.forall (%{{.*}}) in (%[[N]]) {
// CHECK:           memref.store
// CHECK-NOT:     scf.forall
// CHECK:       gpu.func @two$1(
// CHECK-NOT:     memref.dim %arg1
// CHECK:         scf.forall (%{{.*}}) in (1) {
// CHECK:           memref.load
// CHECK:           memref.store
// CHECK-NEXT:    }
// CHECK:       gpu.func @two$2(
// CHECK:         scf.forall
// CHECK:           memref.store %{{.*}}, %arg1
// The plan: no promise, 256 bytes, 128 threads of a block take iterations, one thread, then blocks that take tiles.
// CHECK:       gpu.func @two$plan(%[[X:.*]]: memref<?xf32>, %{{.*}}: memref<?xf32>, %[[WS:.*]]: memref<?xi8>) kernel {
// CHECK:         %[[LIST:.*]] = memref.view %[[WS]]
// CHECK:         memref.store %c0_i64{{.*}}, %[[LIST]][%c0{{.*}}]
// CHECK:         memref.store %c256_i64, %[[LIST]][%c1{{.*}}]
// CHECK:         %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %c128
// CHECK:         memref.store %{{.*}}, %[[LIST]][%c2{{.*}}]
// CHECK:         memref.store %{{.*}}, %[[LIST]][%c3{{.*}}]
// CHECK:         memref.store %{{.*}}, %[[LIST]][%c7{{.*}}]
// CHECK:         %[[REST:.*]] = memref.view %[[WS]][%c64{{.*}}]
// CHECK:         memref.store %{{.*}}, %[[REST]][%c0{{.*}}]
func.func @two(%x: memref<?xf32>, %y: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %t = memref.view %ws[%c0][%n] : memref<?xi8> to memref<?xf32>
  scf.forall (%i) in (%n) {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %t[%i] : memref<?xf32>
  }
  %first = memref.load %t[%c0] : memref<?xf32>
  %twice = arith.addf %first, %first : f32
  memref.store %twice, %t[%c0] : memref<?xf32>
  scf.forall (%i) in (%n) {
    %tile = memref.alloca(%n) {weir.tile} : memref<?xf32>
    %v = memref.load %t[%i] : memref<?xf32>
    memref.store %v, %y[%i] : memref<?xf32>
  }
  return
}
func.func @two.workspace(%x: memref<?xf32>, %y: memref<?xf32>) -> i64 {
  %bytes = arith.constant 256 : i64
  return %bytes : i64
}
func.func @two.extents(%x: memref<?xf32>, %y: memref<?xf32>, %list: memref<?xi64>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?xf32>
  %i = arith.index_cast %n : index to i64
  memref.store %i, %list[%c0] : memref<?xi64>
  return
}

// -----

func.func @rounds(%x: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  // expected-error@below {{repeats a parallel loop}}
  scf.for %r = %c0 to %c1 step %c1 {
    scf.forall (%i) in (4) {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
  }
  return
}

// -----

func.func @counts(%x: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  // expected-error@below {{has a result that another launch of the GPU kernel needs, and writes to memory}}
  %n = scf.for %r = %c0 to %c1 step %c1 iter_args(%k = %c0) -> index {
    memref.store %zero, %x[%k] : memref<?xf32>
    %next = arith.addi %k, %c1 : index
    scf.yield %next : index
  }
  scf.forall (%i) in (%n) {
    memref.store %zero, %x[%i] : memref<?xf32>
  }
  return
}
