// RUN: weir-opt %s --strip-rows | FileCheck %s

#q = affine_map<(m, n, d) -> (d, m)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (n, m)>
#nm = affine_map<(n, m) -> (n, m)>
#m = affine_map<(n, m) -> (m)>

// All that keys do to tiles of rows goes into a loop over strips of 16 of them. A tile that holds nothing from one strip to the next has room for one;
// others are viewed. Coordinates of rows count from the strip's first.
// CHECK-LABEL: func.func @keys
// CHECK-DAG:     %[[Q:.*]] = memref.alloca() {weir.rows, weir.tile} : memref<32x64xf32>
// CHECK-DAG:     %[[S:.*]] = memref.alloca() {weir.rows, weir.tile} : memref<64x16xf32>
// CHECK-DAG:     %[[L:.*]] = memref.alloca() {weir.rows, weir.tile} : memref<64xf32>
// CHECK:         scf.for %[[N:.*]] =
// CHECK:           %[[PART:.*]] = memref.subview %[[S]][0, 0] [%{{.*}}, 16] [1, 1]
// CHECK:           scf.for %[[ROW:.*]] = %c0{{.*}} to %c64{{.*}} step %c16
// CHECK:             linalg.fill {weir.strip} ins(%{{.*}}) outs(%[[PART]]
// CHECK:             %[[OWN:.*]] = memref.subview %[[Q]][0, %[[ROW]]] [32, 16] [1, 1]
// CHECK:             linalg.contract {{.*}} {weir.matrix_unit = 1 : i64, weir.strip} ins(%[[OWN]], %{{.*}}) outs(%[[PART]]
// CHECK:             %[[SUM:.*]] = memref.subview %[[L]][%[[ROW]]] [16] [1]
// CHECK:             linalg.generic {{.*}} ins(%[[PART]] {{.*}}) outs(%[[SUM]]
// CHECK:               %[[AT:.*]] = linalg.index 1
// CHECK:               arith.addi %[[AT]], %[[ROW]]
func.func @keys(%K: memref<?x32xbf16>, %nn: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %q = memref.alloca() {weir.rows, weir.tile} : memref<32x64xf32>
  %s = memref.alloca() {weir.rows, weir.tile} : memref<64x64xf32>
  %l = memref.alloca() {weir.rows, weir.tile} : memref<64xf32>
  linalg.fill ins(%zero : f32) outs(%l : memref<64xf32>)
  scf.for %n = %c0 to %nn step %c64 {
    %left = arith.subi %nn, %n : index
    %count = arith.minui %left, %c64 : index
    %part = memref.subview %s[0, 0] [%count, 64] [1, 1] : memref<64x64xf32> to memref<?x64xf32, strided<[64, 1]>>
    %keys = memref.subview %K[%n, 0] [%count, 32] [1, 1] : memref<?x32xbf16> to memref<?x32xbf16, strided<[32, 1], offset: ?>>
    linalg.fill ins(%zero : f32) outs(%part : memref<?x64xf32, strided<[64, 1]>>)
    linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 1 : i64} ins(%q, %keys : memref<32x64xf32>, memref<?x32xbf16, strided<[32, 1], offset: ?>>)
      outs(%part : memref<?x64xf32, strided<[64, 1]>>)
    linalg.generic {indexing_maps = [#nm, #m], iterator_types = ["reduction", "parallel"]} ins(%part : memref<?x64xf32, strided<[64, 1]>>) outs(%l : memref<64xf32>) {
    ^bb0(%x: f32, %y: f32):
      %row = linalg.index 1 : index
      %i = arith.index_cast %row : index to i64
      %r = arith.sitofp %i : i64 to f32
      %a = arith.mulf %x, %r : f32
      %z = arith.addf %y, %a : f32
      linalg.yield %z : f32
    }
  }
  return
}

// Where something else reads a tile of rows, nothing is changed.
// CHECK-LABEL: func.func @read
// CHECK:         linalg.contract {{.*}} {weir.matrix_unit = 1 : i64} ins(%{{.*}} : memref<32x64xf32>, memref<64x32xbf16>) outs(%{{.*}} : memref<64x64xf32>)
func.func @read(%K: memref<64x32xbf16>, %out: memref<f32>, %nn: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %q = memref.alloca() {weir.rows, weir.tile} : memref<32x64xf32>
  %s = memref.alloca() {weir.rows, weir.tile} : memref<64x64xf32>
  scf.for %n = %c0 to %nn step %c1 {
    linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 1 : i64} ins(%q, %K : memref<32x64xf32>, memref<64x32xbf16>) outs(%s : memref<64x64xf32>)
    %v = memref.load %s[%c0, %c0] : memref<64x64xf32>
    memref.store %v, %out[] : memref<f32>
  }
  return
}

// Only strips of rows that there are.
// CHECK-LABEL: func.func @few
// CHECK-SAME:      %[[COUNT:[^:]*]]: index
// CHECK-NOT:     mapping.rows
// CHECK:         scf.for
// CHECK:           scf.for %{{.*}} = %c0{{.*}} to %[[COUNT]] step %c16
func.func @few(%count: index, %K: memref<64x32xbf16>, %nn: index) {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %q = memref.alloca() {weir.rows, weir.tile} : memref<32x64xf32>
  %s = memref.alloca() {weir.rows, weir.tile} : memref<64x64xf32>
  mapping.rows %count
  scf.for %n = %c0 to %nn step %c64 {
    linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 1 : i64} ins(%q, %K : memref<32x64xf32>, memref<64x32xbf16>) outs(%s : memref<64x64xf32>)
  }
  return
}
