// The plan for the processor: as the kernel beside its companions.
// RUN: weir-opt %s --gpu-outline-launches=only-plan | FileCheck %s

// CHECK-NOT:   gpu.module
// CHECK:       func.func @one(%[[X:.*]]: memref<?xf32> {weir.output}, %[[WS:.*]]: memref<?xi8>) attributes {weir.kernel} {
// CHECK-NOT:     scf.forall
// CHECK:         %[[LIST:.*]] = memref.view %[[WS]]
// CHECK:         memref.store %c256_i64, %[[LIST]][%c1{{.*}}]
// CHECK:         %[[N:.*]] = memref.dim %[[X]]
// CHECK:         %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %c128
// CHECK:         memref.store %{{.*}}, %[[LIST]][%c3{{.*}}]
// CHECK:       func.func @one.workspace(
func.func @one(%x: memref<?xf32> {weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = memref.dim %x, %c0 : memref<?xf32>
  scf.forall (%i) in (%n) {
    memref.store %zero, %x[%i] : memref<?xf32>
  }
  return
}
func.func @one.workspace(%x: memref<?xf32>) -> i64 {
  %bytes = arith.constant 256 : i64
  return %bytes : i64
}
