// RUN: weir-opt %s --localize-addresses | FileCheck %s

// Two loops: each computes its view itself, from an extent that LLVM does not know to be the same.
// CHECK-LABEL: gpu.func @two(
// CHECK:         %[[N:.*]] = memref.dim
// CHECK:         %[[KNOWN:.*]] = arith.index_cast %[[N]] : index to i64
// CHECK:         %[[HIDDEN:.*]] = llvm.inline_asm has_side_effects "mov.b64 $0, $1;", "=l,l" %[[KNOWN]]
// CHECK:         %[[N1:.*]] = arith.index_cast %[[HIDDEN]] : i64 to index
// CHECK:         %[[A:.*]] = memref.view %{{.*}}[%{{.*}}][%[[N1]]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[N1]]
// CHECK:           memref.store %{{.*}}, %[[A]]
// CHECK:         %[[HIDDEN:.*]] = llvm.inline_asm has_side_effects
// CHECK:         %[[N2:.*]] = arith.index_cast %[[HIDDEN]] : i64 to index
// CHECK:         %[[AT:.*]] = arith.muli %[[N2]]
// CHECK:         %[[B:.*]] = memref.view %{{.*}}[%[[AT]]][%[[N2]]]
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[N2]]
// CHECK:           memref.store %{{.*}}, %[[B]]

// One loop has nothing to keep for others, and loops over shared tiles are left.
// CHECK-LABEL: gpu.func @one(
// CHECK-NOT:     llvm.inline_asm
// CHECK-LABEL: gpu.func @tiles(
// CHECK-NOT:     llvm.inline_asm
gpu.module @m {
  gpu.func @two(%x: memref<?xf32>, %ws: memref<?xi8>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %zero = arith.constant 0.0 : f32
    %n = memref.dim %x, %c0 : memref<?xf32>
    %a = memref.view %ws[%c0][%n] : memref<?xi8> to memref<?xf32>
    %at = arith.muli %n, %c4 : index
    %b = memref.view %ws[%at][%n] : memref<?xi8> to memref<?xf32>
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %a[%i] : memref<?xf32>
    }
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %b[%i] : memref<?xf32>
    }
    gpu.return
  }
  gpu.func @one(%x: memref<?xf32>, %ws: memref<?xi8>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %n = memref.dim %x, %c0 : memref<?xf32>
    %a = memref.view %ws[%c0][%n] : memref<?xi8> to memref<?xf32>
    scf.for %i = %c0 to %n step %c1 {
      memref.store %zero, %a[%i] : memref<?xf32>
    }
    gpu.return
  }
  gpu.func @tiles(%x: memref<?xf32>) workgroup(%t: memref<4xf32, #gpu.address_space<workgroup>>) kernel {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %n = memref.dim %x, %c0 : memref<?xf32>
    %m = arith.divui %n, %n : index
    scf.for %i = %c0 to %m step %c1 {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
    scf.for %i = %c0 to %m step %c1 {
      memref.store %zero, %x[%i] : memref<?xf32>
    }
    gpu.return
  }
}
