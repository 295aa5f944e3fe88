// RUN: weir-opt %s --lower-tiles='vector-bytes=64 vector-registers=32' --canonicalize | FileCheck %s

// Scores: keys are read where they lie, 16 lines of 32 numbers a time; queries are rounded to bf16 in pairs once, before the loop. What is left of the keys
// is copied first, so that nothing is read past them.
// CHECK-LABEL: func.func @scores
// CHECK-DAG:     %[[PAIRS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<2x1x1x16x32xbf16>
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK:         vector.shuffle {{.*}} [0, 16, 1, 17,
// CHECK:         vector.store {{.*}}, %[[PAIRS]]
// CHECK:         scf.for
// CHECK:           %[[FLAT:[^ ]*]] = memref.reinterpret_cast
// CHECK:           scf.for
// CHECK-COUNT-4:     amx.tile_zero : !amx.tile<16x16xf32>
// CHECK:             amx.tile_load %[[PAIRS]]
// CHECK:             amx.tile_load %[[FLAT]][%{{.*}}], %{{.*}} : memref<?xbf16> into !amx.tile<16x32xbf16>
// CHECK:             amx.tile_mulf
// CHECK-COUNT-4:     amx.tile_store
// CHECK:           scf.if
// CHECK:             vector.load %{{.*}} : memref<?x32xbf16{{.*}}>, vector<16xbf16>
#q = affine_map<(m, n, d) -> (d, m)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (n, m)>
func.func @scores(%K: memref<?x32xbf16, strided<[?, 1], offset: ?>>, %nn: index, %out: memref<?x32xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %q = memref.alloca() : memref<32x32xf32>
  scf.for %n = %c0 to %nn step %c1 {
    linalg.fill ins(%zero : f32) outs(%out : memref<?x32xf32>)
    linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 1 : i64} ins(%q, %K : memref<32x32xf32>, memref<?x32xbf16, strided<[?, 1], offset: ?>>) outs(%out : memref<?x32xf32>)
  }
  return
}

// Values: their lines lie along the features, so they are turned, by a function.
// CHECK-LABEL: func.func @values
// CHECK:         %[[TURNED:.*]] = memref.cast %{{.*}} : memref<1024xbf16> to memref<?xbf16>
// CHECK:         call @values.pack0(%{{.*}}, %[[TURNED]], %c0)
// CHECK:         amx.tile_load %{{.*}} : memref<16x16xf32> into !amx.tile<16x16xf32>
// CHECK:         amx.tile_load %[[TURNED]]
// CHECK:         amx.tile_mulf
// CHECK:         amx.tile_store
#p = affine_map<(m, n, f) -> (n, m)>
#v = affine_map<(m, n, f) -> (n, f)>
#o = affine_map<(m, n, f) -> (f, m)>
func.func @values(%V: memref<64x16xbf16>, %p: memref<64x16xf32>, %out: memref<16x16xf32>) {
  linalg.contract indexing_maps = [#p, #v, #o] {weir.matrix_unit = 1 : i64} ins(%p, %V : memref<64x16xf32>, memref<64x16xbf16>) outs(%out : memref<16x16xf32>)
  return
}

// Numbers of f32 are three of bf16 each, of which six products are taken: 4 registers of keys, each in three pieces, with the three of a register of queries.
// CHECK-LABEL: func.func @pieces
// CHECK-DAG:     memref.alloca() {alignment = 64 : i64} : memref<1x1x3x16x32xbf16>
// CHECK-DAG:     call @pieces.pack0
// CHECK-COUNT-4: amx.tile_zero
// CHECK-COUNT-24: amx.tile_mulf
// CHECK-NOT:     amx.tile_mulf
// CHECK-COUNT-4: amx.tile_store
func.func @pieces(%q: memref<32x16xf32>, %K: memref<64x32xf32>, %s: memref<64x16xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%s : memref<64x16xf32>)
  linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 3 : i64} ins(%q, %K : memref<32x16xf32>, memref<64x32xf32>) outs(%s : memref<64x16xf32>)
  return
}

// A matrix that may have been packed before: if it was, its registers are loaded from there, else it is packed here.
// CHECK-LABEL: func.func @ahead
// CHECK-SAME:      %[[AHEAD:[^:]*]]: memref<?xbf16>, %[[AT:[^:]*]]: index, %[[THERE:[^:]*]]: i1
// CHECK:         arith.select %[[THERE]], %[[AT]]
// CHECK:         %[[LINES:.*]] = scf.if %[[THERE]]
// CHECK:           scf.yield %[[AHEAD]]
// CHECK:         } else {
// CHECK:           call @ahead.pack0
// CHECK:         amx.tile_load %[[LINES]][
func.func @ahead(%q: memref<32x16xf32>, %K: memref<64x32xf32>, %s: memref<64x16xf32>, %memory: memref<?xbf16>, %at: index, %there: i1) {
  %zero = arith.constant 0.0 : f32
  %own = mapping.packed %K at %memory[%at] if %there : memref<64x32xf32>, memref<?xbf16>
  linalg.fill ins(%zero : f32) outs(%s : memref<64x16xf32>)
  linalg.contract indexing_maps = [#q, #k, #s] {weir.matrix_unit = 3 : i64} ins(%q, %own : memref<32x16xf32>, memref<64x32xf32>) outs(%s : memref<64x16xf32>)
  return
}

// Lines that all have factor 1 are not rescaled, and what is joined along the keys goes in four chains.
// CHECK-LABEL: func.func @state
// CHECK:         %[[OTHER:.*]] = arith.cmpf une
// CHECK:         vector.reduction <or>, %[[OTHER]]
// CHECK:         scf.if
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
#m = affine_map<(f, m) -> (m)>
#fm = affine_map<(f, m) -> (f, m)>
func.func @state(%c: memref<16xf32>, %o: memref<64x16xf32>, %s: memref<64x16xf32>, %l: memref<16xf32>) {
  linalg.generic {indexing_maps = [#m, #fm], iterator_types = ["parallel", "parallel"]} ins(%c : memref<16xf32>) outs(%o : memref<64x16xf32>) attrs = {weir.strip} {
  ^bb0(%x: f32, %y: f32):
    %z = arith.mulf %y, %x : f32
    linalg.yield %z : f32
  }
  linalg.generic {indexing_maps = [#fm, #m], iterator_types = ["reduction", "parallel"]} ins(%s : memref<64x16xf32>) outs(%l : memref<16xf32>) attrs = {weir.strip} {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %y, %x : f32
    linalg.yield %z : f32
  }
  return
}
