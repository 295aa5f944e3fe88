// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(place-frame{limit=1024}))' --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @loop(
// CHECK-NEXT:    %[[B:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK:         scf.for
// CHECK-NOT:       memref.alloca
// CHECK:           memref.store %{{.*}}, %[[B]]
func.func @loop(%n: index, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %b = memref.alloca() : memref<16xf32>
    memref.store %v, %b[%c0] : memref<16xf32>
  }
  return
}

// Outside loops a buffer may have any size.
// CHECK-LABEL: func.func @open(
// CHECK:         memref.alloca(%{{.*}}) : memref<?xf32>
func.func @open(%n: index) {
  %b = memref.alloca(%n) : memref<?xf32>
  return
}

// -----

func.func @grows(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    // expected-error @below {{has a size that is not known when compiling and stands in a loop; take it from the workspace}}
    %b = memref.alloca(%n) : memref<?xf32>
  }
  return
}

// -----

// expected-error @below {{has stack buffers of 1088 bytes, more than the 1024 that a thread's stack is sure to hold}}
func.func @large() {
  %a = memref.alloca() : memref<16x4xvector<4xf32>>
  %b = memref.alloca() : memref<64xi1>
  return
}
