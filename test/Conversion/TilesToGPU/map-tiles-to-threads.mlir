// RUN: weir-opt %s --gpu-outline-launches "--map-tiles-to-threads=shared-memory=4160 launch-memory=8192" --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-NOT:   func.func
// CHECK-LABEL: gpu.module @fill.gpu
// CHECK:       gpu.func @fill(%[[OUT:.*]]: memref<?x64xf32>, %{{.*}}: memref<?xi8>)
// CHECK-SAME:    workgroup(%[[T:.*]] : memref<16x65xf32, #gpu.address_space<workgroup>> {llvm.align = 4 : i64})
// CHECK-SAME:    kernel attributes {known_block_size = array<i32: 128, 1, 1>, nvvm.minctasm = 1 : i32}
// CHECK:         %[[BLOCK:.*]] = gpu.block_id x
// CHECK:         %[[GRID:.*]] = gpu.grid_dim x
// CHECK:         scf.for %{{.*}} = %[[BLOCK]] to %{{.*}} step %[[GRID]]
// CHECK:           %[[TILE:.*]] = memref.subview %[[T]][0, 0] [16, 64] [1, 1] : {{.*}} to memref<16x64xf32, strided<[65, 1]>, #gpu.address_space<workgroup>>
// CHECK:           memref.subview %[[TILE]]{{.*}} to memref<8x64xf32, strided<[65, 1]>, #gpu.address_space<workgroup>>
// CHECK:           %[[THREAD:.*]] = gpu.thread_id x
// CHECK:           %[[THREADS:.*]] = gpu.block_dim x
// CHECK:           scf.for %{{.*}} = %[[THREAD]] to %{{.*}} step %[[THREADS]]
// CHECK:             memref.store
// CHECK:           }
// CHECK-NEXT:      gpu.barrier
func.func @fill(%out: memref<?x64xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %out, %c0 : memref<?x64xf32>
  scf.forall (%i) in (%n) {
    %t = memref.alloca() {weir.tile} : memref<16x64xf32>
    %half = memref.subview %t[0, 0][8, 64][1, 1] : memref<16x64xf32> to memref<8x64xf32, strided<[64, 1]>>
    scf.parallel (%a, %b) = (%c0, %c0) to (%c8, %c64) step (%c1, %c1) {
      memref.store %zero, %half[%a, %b] : memref<8x64xf32, strided<[64, 1]>>
      scf.reduce
    }
  }
  return
}

// -----

// Tiles of open shape lie one behind the other in the memory that the launch gives, each from a multiple of 16 bytes.
// CHECK-LABEL: gpu.func @open(
// CHECK:         %[[D:.*]] = memref.dim
// CHECK:         %[[MEMORY:.*]] = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
// CHECK:         memref.view %[[MEMORY]][%[[ZERO:.*]]][%[[D]]] : {{.*}} to memref<16x?xf32, #gpu.address_space<workgroup>>
// CHECK:         %[[SIZE:.*]] = arith.muli %{{.*}}, %[[D]]
// CHECK:         arith.addi %[[SIZE]], %c15
// CHECK:         %[[ALIGNED:.*]] = arith.andi
// CHECK:         %[[USED:.*]] = arith.addi %[[ZERO]], %[[ALIGNED]]
// CHECK:         memref.view %[[MEMORY]][%[[USED]]][%[[D]]] : {{.*}} to memref<?xf32, #gpu.address_space<workgroup>>
func.func @open(%out: memref<?x?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %d = memref.dim %out, %c1 : memref<?x?xf32>
  scf.forall (%i) in (%c1) {
    %t = memref.alloca(%d) {weir.tile} : memref<16x?xf32>
    %u = memref.alloca(%d) {weir.tile} : memref<?xf32>
    scf.parallel (%a) = (%c0) to (%d) step (%c1) {
      memref.store %zero, %t[%c0, %a] : memref<16x?xf32>
      memref.store %zero, %u[%a] : memref<?xf32>
      scf.reduce
    }
  }
  return
}

// -----

// Tiles that the function's own memory is too small for lie in the launch's, those of open shape behind them.
// CHECK-LABEL: gpu.func @asked(
// CHECK-SAME:    weir.shared = 4192 : i64
// CHECK-DAG:     %[[MEMORY:.*]] = gpu.dynamic_shared_memory : memref<?xi8, #gpu.address_space<workgroup>>
// CHECK-DAG:     memref.view %{{.*}}[%c0{{.*}}][] : {{.*}} to memref<5xf32, #gpu.address_space<workgroup>>
// CHECK-DAG:     memref.view %{{.*}}[%c32{{.*}}][] : {{.*}} to memref<16x65xf32, #gpu.address_space<workgroup>>
// CHECK:         memref.view %{{.*}}[%c4192{{.*}}][%{{.*}}] : {{.*}} to memref<?xf32, #gpu.address_space<workgroup>>
func.func @asked(%out: memref<?x?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %d = memref.dim %out, %c1 : memref<?x?xf32>
  scf.forall (%i) in (%c1) {
    %s = memref.alloca() {weir.tile} : memref<5xf32>
    %t = memref.alloca() {weir.tile} : memref<16x64xf32>
    %u = memref.alloca(%d) {weir.tile} : memref<?xf32>
    scf.parallel (%a) = (%c0) to (%c1) step (%c1) {
      memref.store %zero, %s[%a] : memref<5xf32>
      memref.store %zero, %t[%c0, %a] : memref<16x64xf32>
      memref.store %zero, %u[%a] : memref<?xf32>
      scf.reduce
    }
  }
  return
}

// -----

// expected-error@below {{has tiles of 16640 bytes, more than the 8192 of shared memory}}
func.func @large(%out: memref<?x64xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (%c1) {
    %t = memref.alloca() {weir.tile} : memref<64x64xf32>
  }
  return
}

// -----

// What every thread would write one does.
// CHECK-LABEL: gpu.func @common(
// CHECK:         scf.for
// CHECK:           gpu.barrier
// CHECK:           %[[THREAD:.*]] = gpu.thread_id x
// CHECK:           %[[FIRST:.*]] = arith.cmpi eq, %[[THREAD]], %{{.*}}
// CHECK:           scf.if %[[FIRST]] {
// CHECK:             memref.store
// CHECK-NEXT:      }
// CHECK:           gpu.barrier
func.func @common(%out: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (%c1) {
    %t = memref.alloca() {weir.tile} : memref<4xf32>
    memref.store %zero, %out[%i] : memref<?xf32>
  }
  return
}

// -----

// A loop without tiles is left to threads.
// CHECK-LABEL: gpu.func @plain(
// CHECK:         scf.forall
func.func @plain(%out: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (%c1) {
    memref.store %zero, %out[%i] : memref<?xf32>
  }
  return
}
