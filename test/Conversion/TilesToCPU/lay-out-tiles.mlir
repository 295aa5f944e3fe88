// RUN: weir-opt %s --lay-out-tiles --split-input-file --verify-diagnostics | FileCheck %s

// Rows become innermost, in the tiles of a contraction and in those that share them through other operations; arguments stay.
// CHECK-DAG:   #[[$DM:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG:   #[[$ND:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[$NM:.*]] = affine_map<(d0, d1, d2) -> (d1, d0)>
// CHECK-DAG:   #[[$TURNED:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @scores
// CHECK-DAG:     %[[Q:.*]] = memref.alloca() {weir.tile} : memref<64x16xf32>
// CHECK-DAG:     %[[S:.*]] = memref.alloca() {weir.tile} : memref<32x16xf32>
// CHECK-DAG:     %[[P:.*]] = memref.alloca() {weir.tile} : memref<32x16xf32>
// CHECK:         %[[PART:.*]] = memref.subview %[[S]][0, 0] [%{{.*}}, 16] [1, 1]
// CHECK:         linalg.contract indexing_maps = [#[[$DM]], #[[$ND]], #[[$NM]]] ins(%[[Q]], %{{.*}}) outs(%[[PART]]
// CHECK:         linalg.generic {indexing_maps = [#[[$TURNED]], #[[$TURNED]]]
// CHECK-SAME:      ins(%[[S]] : memref<32x16xf32>) outs(%[[P]] : memref<32x16xf32>)
#q = affine_map<(m, n, d) -> (m, d)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
func.func @scores(%K: memref<?x64xf32>, %nn: index) {
  %q = memref.alloca() {weir.tile} : memref<16x64xf32>
  %s = memref.alloca() {weir.tile} : memref<16x32xf32>
  %p = memref.alloca() {weir.tile} : memref<16x32xf32>
  %part = memref.subview %s[0, 0][16, %nn][1, 1] : memref<16x32xf32> to memref<16x?xf32, strided<[32, 1]>>
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<16x64xf32>, memref<?x64xf32>)
    outs(%part : memref<16x?xf32, strided<[32, 1]>>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%s : memref<16x32xf32>) outs(%p : memref<16x32xf32>) {
  ^bb0(%x: f32, %y: f32):
    %e = math.exp %x : f32
    linalg.yield %e : f32
  }
  return
}

// -----

#q = affine_map<(m, n, d) -> (m, d)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (m, n)>
func.func @used_elsewhere(%K: memref<?x64xf32>, %i: index, %x: f32) -> f32 {
  %q = memref.alloca() {weir.tile} : memref<16x64xf32>
  %s = memref.alloca() {weir.tile} : memref<16x32xf32>
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<16x64xf32>, memref<?x64xf32>) outs(%s : memref<16x32xf32>)
  // expected-error@below {{uses a tile, which only views and tile operations may}}
  memref.store %x, %s[%i, %i] : memref<16x32xf32>
  return %x : f32
}

// -----

// Three rows fill no vector and stay outside.
// CHECK-LABEL: func.func @few
// CHECK:         memref.alloca() {weir.tile} : memref<3x64xf32>
// CHECK:         memref.alloca() {weir.tile} : memref<3x32xf32>
#q = affine_map<(m, n, d) -> (m, d)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (m, n)>
func.func @few(%K: memref<32x64xf32>) {
  %q = memref.alloca() {weir.tile} : memref<3x64xf32>
  %s = memref.alloca() {weir.tile} : memref<3x32xf32>
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<3x64xf32>, memref<32x64xf32>) outs(%s : memref<3x32xf32>)
  return
}
