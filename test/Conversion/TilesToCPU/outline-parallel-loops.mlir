// RUN: weir-opt %s --outline-parallel-loops --split-input-file --verify-diagnostics | FileCheck %s

// The rewrite box of the manual: what the loop uses travels in a struct, constants are made again.
// CHECK-LABEL: func.func @scale(
// CHECK-SAME:    %[[RT:.*]]: !llvm.ptr, %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index)
// CHECK:         %[[CTX:.*]] = llvm.alloca {{.*}} x !llvm.struct<(struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)> {alignment = 64 : i64}
// CHECK:         %[[COUNT:.*]] = arith.maxsi %[[N]], %{{.*}} : index
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[CTX]][0, 0]
// CHECK:         %[[DESC:.*]] = builtin.unrealized_conversion_cast %[[X]]
// CHECK:         llvm.store %[[DESC]], %[[FIELD]]
// CHECK:         %[[BODY:.*]] = constant @scale.body0
// CHECK:         %[[ADDRESS:.*]] = builtin.unrealized_conversion_cast %[[BODY]]
// CHECK:         %[[TOTAL:.*]] = arith.index_cast %[[COUNT]] : index to i64
// CHECK:         %[[FORK:.*]] = llvm.load %[[RT]] : !llvm.ptr -> !llvm.ptr
// CHECK:         llvm.call %[[FORK]](%[[RT]], %[[ADDRESS]], %[[CTX]], %[[TOTAL]])
// CHECK-NOT:     scf.forall
// CHECK-LABEL: func.func private @scale.body0(
// CHECK-SAME:    %[[C:.*]]: !llvm.ptr, %[[BEGIN:.*]]: i64, %[[END:.*]]: i64)
// CHECK:         %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK:         %[[OWN:.*]] = builtin.unrealized_conversion_cast %{{.*}} : !llvm.struct<{{.*}}> to memref<?xf32>
// CHECK:         %[[B:.*]] = arith.index_cast %[[BEGIN]]
// CHECK:         %[[E:.*]] = arith.index_cast %[[END]]
// CHECK:         scf.for %[[I:.*]] = %[[B]] to %[[E]]
// CHECK:           %[[V:.*]] = memref.load %[[OWN]][%[[I]]]
// CHECK:           arith.mulf %[[V]], %[[TWO]]
func.func @scale(%x: memref<?xf32>, %n: index) attributes {weir.kernel} {
  %two = arith.constant 2.0 : f32
  scf.forall (%i) in (%n) {
    %v = memref.load %x[%i] : memref<?xf32>
    %w = arith.mulf %v, %two : f32
    memref.store %w, %x[%i] : memref<?xf32>
  }
  return
}

// A loop of a function that is no kernel is left alone.
// CHECK-LABEL: func.func @foreign(
// CHECK:         scf.forall
func.func @foreign(%x: memref<?xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%i) in (%n) {
    memref.store %zero, %x[%i] : memref<?xf32>
  }
  return
}

// -----

// Two dimensions with bounds and steps are counted through as one; the last is the fastest.
// CHECK-LABEL: func.func @grid(
// CHECK:         arith.ceildivsi
// CHECK:         arith.muli
// CHECK-LABEL: func.func private @grid.body0(
// CHECK:         scf.for %[[I:.*]] =
// CHECK:           %[[COL:.*]] = arith.remsi %[[I]], %[[COLS:.*]] : index
// CHECK:           %[[ROW:.*]] = arith.divsi %[[I]], %[[COLS]] : index
// CHECK:           %[[STEP:.*]] = arith.muli %[[COL]], %{{.*}} : index
// CHECK:           %[[AT:.*]] = arith.addi %[[STEP]], %{{.*}} : index
// CHECK:           memref.store %{{.*}}, %{{.*}}[%[[ROW]], %[[AT]]]
func.func @grid(%x: memref<?x?xf32>, %m: index, %n: index, %v: f32) attributes {weir.kernel} {
  scf.forall (%i, %j) = (0, 4) to (%m, %n) step (1, 8) {
    memref.store %v, %x[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// Inside other control flow a parallel loop runs in order.
// CHECK-LABEL: func.func @nested(
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK-NOT:     llvm.call
func.func @nested(%x: memref<?xf32>, %n: index, %p: i1, %v: f32) attributes {weir.kernel} {
  scf.if %p {
    scf.forall (%i) in (%n) {
      memref.store %v, %x[%i] : memref<?xf32>
    }
  }
  return
}

// -----

func.func @results(%x: tensor<8xf32>) attributes {weir.kernel} {
  // expected-error @below {{has results; a kernel's parallel loop stores what it makes}}
  %y = scf.forall (%i) in (8) shared_outs(%o = %x) -> tensor<8xf32> {
    %s = tensor.extract_slice %x[%i] [1] [1] : tensor<8xf32> to tensor<1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %o[%i] [1] [1] : tensor<1xf32> into tensor<8xf32>
    }
  }
  return
}

// -----

// Loops of tile operations are unrolled as far as they shall be; the function says so to LLVM.
// CHECK-LABEL: func.func @blocked(
// CHECK:       func.func private @blocked.body1({{[^{]*}}) {
// CHECK:       func.func private @blocked.body0({{.*}}) attributes {passthrough = ["weir.blocked"]}
func.func @blocked(%n: index) attributes {weir.kernel} {
  scf.forall (%i) in (%n) {
  } {weir.blocked}
  scf.forall (%i) in (%n) {
  }
  return
}
