// RUN: weir-opt %s --map-iterations-to-threads=threads=64 | FileCheck %s

// CHECK-LABEL: gpu.func @fill(
// CHECK-SAME:    kernel attributes {known_block_size = array<i32: 64, 1, 1>, nvvm.minctasm = 1 : i32
// CHECK-DAG:     %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG:     %[[BLOCKS:.*]] = gpu.grid_dim x
// CHECK-DAG:     %[[SIZE:.*]] = gpu.block_dim x
// CHECK-DAG:     %[[THREAD:.*]] = gpu.thread_id x
// CHECK:         %[[BEFORE:.*]] = arith.muli %[[BLOCK]], %[[SIZE]]
// CHECK:         %[[FIRST:.*]] = arith.addi %[[BEFORE]], %[[THREAD]]
// CHECK:         %[[STEP:.*]] = arith.muli %[[BLOCKS]], %[[SIZE]]
// CHECK:         %[[ALL:.*]] = arith.muli
// CHECK:         scf.for %[[K:.*]] = %[[FIRST]] to %[[ALL]] step %[[STEP]]
// CHECK:           arith.remui %[[K]]
// CHECK:           arith.divui %[[K]]
// CHECK:           memref.store

// CHECK-LABEL: gpu.func @one(
// CHECK-SAME:    known_block_size = array<i32: 1, 1, 1>, nvvm.minctasm = 1 : i32
// CHECK-LABEL: gpu.func @taken(
// CHECK-SAME:    known_block_size = array<i32: 256, 1, 1>
// CHECK:         scf.forall
gpu.module @m {
  gpu.func @fill(%out: memref<?x?xf32>, %m: index, %n: index) kernel {
    %zero = arith.constant 0.0 : f32
    scf.forall (%i, %j) in (%m, %n) {
      memref.store %zero, %out[%i, %j] : memref<?x?xf32>
    }
    gpu.return
  }
  gpu.func @one(%out: memref<?xf32>) kernel {
    gpu.return
  }
  gpu.func @taken(%out: memref<?xf32>) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    scf.forall (%i) in (1) {
    }
    gpu.return
  }
}
