// A block of threads stays a block.
// RUN: weir-opt %s --pass-pipeline='builtin.module(gpu.module(gpu-simplify-launches))' | FileCheck %s
// All extents known: one block of 128 threads.
// RUN: weirc --emit=gpu --target cuda:sm_80 -D B=1 -D H=1 -D M=16 -D N=64 -D D=8 -D F=8 %source/examples/softmax/softmax.attn | FileCheck %s --check-prefix=BLOCK

// CHECK-LABEL: gpu.func @one
// CHECK-NOT:     arith.muli
// CHECK:         scf.forall (%{{.*}}) in (%c1)
// BLOCK:       gpu.func @attention({{.*}}known_block_size = array<i32: 128, 1, 1>
// BLOCK-NOT:   memref.alloca
// BLOCK:       gpu.thread_id
gpu.module @m {
  gpu.func @one(%x: memref<?xf32>) kernel {
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %n = arith.muli %c1, %c1 : index
    scf.forall (%i) in (%n) {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
    gpu.return
  }
}
