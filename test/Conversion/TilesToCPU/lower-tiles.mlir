// RUN: weir-opt %s --lower-tiles='vector-bytes=64 vector-registers=32' | FileCheck %s --check-prefixes=CHECK,ZMM
// RUN: weir-opt %s --lower-tiles='vector-bytes=32 vector-registers=16' | FileCheck %s --check-prefixes=CHECK,YMM

#q = affine_map<(m, n, d) -> (d, m)>
#k = affine_map<(m, n, d) -> (n, d)>
#s = affine_map<(m, n, d) -> (n, m)>
#tile = affine_map<(n, m) -> (n, m)>
#row = affine_map<(n, m) -> (m)>
#turned = affine_map<(n, m) -> (m, n)>

// 32 registers hold 6 x 4 vectors, 16 hold 4 x 3; the rest of the keys goes in smaller blocks.
// CHECK-LABEL: func.func @scores
// CHECK-NOT:     linalg
// ZMM:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c6
// ZMM:             %{{.*}}:24 = scf.for %{{.*}} step %c4{{.*}} iter_args({{.*}}) -> (vector<16xf32>
// ZMM-COUNT-6:       vector.broadcast %{{.*}} : f32 to vector<16xf32>
// ZMM:           scf.for %{{.*}} step %c4
// ZMM:             %{{.*}}:16 = scf.for
// ZMM:           scf.for
// ZMM:             %{{.*}}:4 = scf.for
// YMM:           scf.for %{{.*}} = %c0{{.*}} to %c192{{.*}} step %c24
// YMM:             scf.for %{{.*}} step %c4
// YMM:               %{{.*}}:12 = scf.for %{{.*}} step %c4{{.*}} iter_args({{.*}}) -> (vector<8xf32>
func.func @scores(%q: memref<64x192xf32>, %K: memref<?x64xf32, strided<[?, 1], offset: ?>>, %s: memref<?x192xf32>) {
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<64x192xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
    outs(%s : memref<?x192xf32>)
  return
}

// Of 128 rows 21 blocks of six would leave two: one block less is taken, and two of four.
// CHECK-LABEL: func.func @products
// ZMM:           %[[SIXES:.*]] = arith.constant 120 : index
// ZMM:           scf.for %{{.*}} to %[[SIXES]] step %c6
// ZMM:           scf.for %{{.*}} = %[[SIXES]] to %{{.*}} step %c4
// ZMM-NOT:       step %c1{{$|[^0-9]}}
func.func @products(%p: memref<128x64xf32>, %v: memref<128x128xf32>, %o: memref<128x64xf32>) {
  linalg.contract indexing_maps = [affine_map<(m, f, n) -> (n, m)>, affine_map<(m, f, n) -> (n, f)>, affine_map<(m, f, n) -> (f, m)>]
    ins(%p, %v : memref<128x64xf32>, memref<128x128xf32>) outs(%o : memref<128x64xf32>)
  return
}

// Lanes outside, so that the sum stays in registers; what has no lanes is one scalar for all of them.
// CHECK-LABEL: func.func @weights
// CHECK:         scf.for %[[M:.*]] =
// CHECK:           scf.for %[[N:.*]] =
// CHECK:             %[[X:.*]] = vector.load %{{.*}}[%[[N]], %[[M]]]
// CHECK:             %[[R:.*]] = vector.load %{{.*}}[%[[M]]]
// CHECK:             %[[LANES:.*]] = vector.step
// CHECK:             arith.cmpi sle
// CHECK:             math.exp %{{.*}} : vector<
// CHECK:             vector.store %{{.*}}, %{{.*}}[%[[N]], %[[M]]]
// CHECK:             vector.store %{{.*}}, %{{.*}}[%[[M]]]
func.func @weights(%s: memref<?x64xf32>, %r: memref<64xf32>, %z: memref<64xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#row, #tile, #row], iterator_types = ["reduction", "parallel"]}
    ins(%r : memref<64xf32>) outs(%s, %z : memref<?x64xf32>, memref<64xf32>) {
  ^bb0(%m: f32, %x: f32, %y: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %i, %j : index
    %d = arith.subf %x, %m : f32
    %p = math.exp %d : f32
    %w = arith.select %c, %p, %zero : f32
    %zz = arith.addf %y, %w : f32
    linalg.yield %w, %zz : f32, f32
  }
  return
}

// What all elements are divided by is inverted once, and kept from becoming denormal.
// CHECK-LABEL: func.func @shared_divisor
// CHECK:         %[[SCALE:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : f32
// CHECK:         %[[D:.*]] = arith.mulf %{{.*}}, %[[SCALE]] : f32
// CHECK:         arith.divf %{{.*}}, %[[D]] : f32
// CHECK:         scf.for
// CHECK-NOT:       arith.divf
// CHECK:           arith.mulf %{{.*}} : vector<
// CHECK-NEXT:      vector.broadcast
// CHECK-NEXT:      arith.mulf %{{.*}} : vector<
func.func @shared_divisor(%s: memref<?x64xf32>, %cap: f32) {
  linalg.generic {indexing_maps = [#tile], iterator_types = ["parallel", "parallel"]} outs(%s : memref<?x64xf32>) {
  ^bb0(%x: f32):
    %y = arith.divf %x, %cap : f32
    linalg.yield %y : f32
  }
  return
}

// A number of rows that is known at run time only: element by element.
// CHECK-LABEL: func.func @pack
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-NEXT:        memref.load
// CHECK-NOT:         affine.
// CHECK:             memref.store
func.func @pack(%Q: memref<?x64xf32>, %q: memref<64x?xf32, strided<[64, 1]>>) {
  linalg.generic {indexing_maps = [#turned, #tile], iterator_types = ["parallel", "parallel"]}
    ins(%Q : memref<?x64xf32>) outs(%q : memref<64x?xf32, strided<[64, 1]>>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}

// What a contraction starts from stays in registers where a fill stands before it.
// CHECK-LABEL: func.func @filled
// CHECK-NOT:     vector.store
// CHECK:         %[[START:.*]] = vector.broadcast %{{.*}} : f32 to vector
// CHECK:         scf.for %{{.*}} iter_args(%{{.*}} = %[[START]]
// CHECK:         vector.store
func.func @filled(%q: memref<64x96xf32>, %K: memref<?x64xf32, strided<[?, 1], offset: ?>>, %s: memref<128x96xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  %all = memref.subview %s[0, 0] [%n, 96] [1, 1] : memref<128x96xf32> to memref<?x96xf32, strided<[96, 1]>>
  linalg.fill ins(%zero : f32) outs(%all : memref<?x96xf32, strided<[96, 1]>>)
  %same = memref.subview %s[0, 0] [%n, 96] [1, 1] : memref<128x96xf32> to memref<?x96xf32, strided<[96, 1]>>
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<64x96xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
    outs(%same : memref<?x96xf32, strided<[96, 1]>>)
  return
}

// A fill of another part has to stay.
// CHECK-LABEL: func.func @half_filled
// CHECK:         scf.for
// CHECK:           vector.store
// CHECK:         vector.load %{{.*}} vector
func.func @half_filled(%q: memref<64x96xf32>, %K: memref<?x64xf32, strided<[?, 1], offset: ?>>, %s: memref<128x96xf32>, %n: index) {
  %zero = arith.constant 0.0 : f32
  %half = memref.subview %s[0, 0] [64, 96] [1, 1] : memref<128x96xf32> to memref<64x96xf32, strided<[96, 1]>>
  linalg.fill ins(%zero : f32) outs(%half : memref<64x96xf32, strided<[96, 1]>>)
  %all = memref.subview %s[0, 0] [%n, 96] [1, 1] : memref<128x96xf32> to memref<?x96xf32, strided<[96, 1]>>
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<64x96xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
    outs(%all : memref<?x96xf32, strided<[96, 1]>>)
  return
}

// A short body takes several vectors side by side through the loop over the other dimension: their chains overlap.
// CHECK-LABEL: func.func @largest
// ZMM:           scf.for %{{.*}} = %{{.*}} to %c64{{.*}} step %c64
// ZMM:             scf.for
// ZMM-COUNT-4:       arith.maximumf %{{.*}} : vector<16xf32>
// ZMM-NOT:           arith.maximumf
// YMM:           scf.for %{{.*}} = %{{.*}} to %c64{{.*}} step %c32
// YMM:             scf.for
// YMM-COUNT-4:       arith.maximumf %{{.*}} : vector<8xf32>
// YMM-NOT:           arith.maximumf
func.func @largest(%s: memref<?x64xf32>, %r: memref<64xf32>) {
  linalg.generic {indexing_maps = [#tile, #row], iterator_types = ["reduction", "parallel"]}
    ins(%s : memref<?x64xf32>) outs(%r : memref<64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %m = arith.maximumf %x, %y : f32
    linalg.yield %m : f32
  }
  return
}

#left = affine_map<(m, n, d) -> (m, d)>
#out = affine_map<(m, n, d) -> (m, n)>
#score = affine_map<(m, n) -> (m, n)>
#line = affine_map<(m, n) -> (m)>

// Few rows: products along the depth, key by key, and of as many of them as a register has lanes one register is made.
// CHECK-LABEL: func.func @few_scores
// ZMM:           scf.for %{{.*}} step %c4{{.*}} {
// ZMM-COUNT-4:     %{{.*}}:4 = scf.for %{{.*}} step %c64{{.*}} -> (vector<16xf32>
// ZMM-COUNT-30:    vector.shuffle
// ZMM:             %[[PART:.*]] = vector.extract_strided_slice %{{.*}} {offsets = [12], sizes = [4], strides = [1]}
// ZMM:             vector.store %{{.*}} : memref<4x?xf32, strided<[128, 1]>>, vector<4xf32>
// ZMM:           scf.for %{{.*}} step %c1
// YMM:           scf.for %{{.*}} step %c2{{.*}} {
// YMM-COUNT-2:     %{{.*}}:4 = scf.for %{{.*}} step %c32{{.*}} -> (vector<8xf32>
func.func @few_scores(%q: memref<4x64xf32>, %K: memref<?x64xf32, strided<[?, 1], offset: ?>>, %s: memref<4x?xf32, strided<[128, 1]>>) {
  linalg.contract indexing_maps = [#left, #k, #out] ins(%q, %K : memref<4x64xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
    outs(%s : memref<4x?xf32, strided<[128, 1]>>)
  return
}

// Their reductions go along the keys, whole vectors and then one by one, and end with the lanes' shares.
// CHECK-LABEL: func.func @few_sums
// ZMM:           scf.for
// ZMM:             scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>)
// ZMM:               arith.addf %{{.*}} : vector<16xf32>
// ZMM:             arith.addf %{{.*}} : vector<8xf32>
// ZMM:             scf.for {{.*}} iter_args({{.*}}) -> (vector<1xf32>)
// ZMM:             memref.store
func.func @few_sums(%s: memref<3x?xf32, strided<[128, 1]>>, %z: memref<3xf32>) {
  linalg.generic {indexing_maps = [#score, #line], iterator_types = ["parallel", "reduction"]}
    ins(%s : memref<3x?xf32, strided<[128, 1]>>) outs(%z : memref<3xf32>) {
  ^bb0(%x: f32, %y: f32):
    %a = arith.addf %y, %x : f32
    linalg.yield %a : f32
  }
  return
}

#plain = affine_map<(n, m) -> (n, m)>

// Elementary functions go four turns of the inner loop at a time, then the rest; and LLVM is told to unroll none of it.
// CHECK-LABEL: func.func @exponentials
// CHECK:         scf.forall
// CHECK:           scf.for
// CHECK:             scf.for
// CHECK-COUNT-4:       math.exp {{.*}} : vector
// CHECK-NOT:           math.exp
// CHECK:             scf.for
// CHECK:               math.exp {{.*}} : vector
// CHECK:         {weir.blocked}
func.func @exponentials(%s: memref<?x64xf32>, %blocks: index) {
  scf.forall (%i) in (%blocks) {
    linalg.generic {indexing_maps = [#plain], iterator_types = ["parallel", "parallel"]} outs(%s : memref<?x64xf32>) {
    ^bb0(%x: f32):
      %e = math.exp %x : f32
      linalg.yield %e : f32
    }
  }
  return
}

// An operand of 16 bits is widened as it is read.
// CHECK-LABEL: func.func @few_scores_of_bf16
// ZMM:           %[[STORED:.*]] = vector.load {{.*}}bf16{{.*}}, vector<16xbf16>
// ZMM:           arith.extf %[[STORED]] : vector<16xbf16> to vector<16xf32>
// YMM:           %[[STORED:.*]] = vector.load {{.*}}bf16{{.*}}, vector<8xbf16>
// YMM:           arith.extf %[[STORED]] : vector<8xbf16> to vector<8xf32>
func.func @few_scores_of_bf16(%q: memref<4x64xf32>, %K: memref<?x64xbf16, strided<[?, 1], offset: ?>>, %s: memref<4x?xf32, strided<[128, 1]>>) {
  linalg.contract indexing_maps = [#left, #k, #out] ins(%q, %K : memref<4x64xf32>, memref<?x64xbf16, strided<[?, 1], offset: ?>>)
    outs(%s : memref<4x?xf32, strided<[128, 1]>>)
  return
}
