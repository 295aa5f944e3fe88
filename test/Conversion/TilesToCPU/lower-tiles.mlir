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
// ZMM:             %{{.*}}:24 = scf.for %{{.*}} step %c2{{.*}} iter_args({{.*}}) -> (vector<16xf32>
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
// ZMM:             %{{.*}}:16 = scf.for %{{.*}} step %c1{{[^0-9]}}
// ZMM-NOT:         %{{.*}}:4 = scf.for
// CHECK:         return
func.func @products(%p: memref<128x64xf32>, %v: memref<128x128xf32>, %o: memref<128x64xf32>) {
  linalg.contract indexing_maps = [affine_map<(m, f, n) -> (n, m)>, affine_map<(m, f, n) -> (n, f)>, affine_map<(m, f, n) -> (f, m)>]
    ins(%p, %v : memref<128x64xf32>, memref<128x128xf32>) outs(%o : memref<128x64xf32>)
  return
}

// Of extents that are multiples of a number there are blocks of one size and no rest, and their loops are not unrolled.
// CHECK-LABEL: func.func @half_scores
// CHECK-NOT:     linalg
// ZMM:           scf.for %{{.*}} step %c8
// ZMM:             %{{.*}}:16 = scf.for %{{.*}} step %c1{{[^0-9].*}} iter_args
// ZMM-NOT:         scf.for
// YMM:           scf.for %{{.*}} step %c16
// YMM:             scf.for %{{.*}} step %c4
// YMM-NOT:         step %c4
// CHECK:         return
func.func @half_scores(%q: memref<64x32xf32>, %K: memref<?x64xf32, strided<[?, 1], offset: ?>>, %s: memref<?x32xf32>) {
  linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %K : memref<64x32xf32>, memref<?x64xf32, strided<[?, 1], offset: ?>>)
    outs(%s : memref<?x32xf32>) {weir.blocks_of = 8 : index}
  return
}

// Lanes outside, so that the sum stays in registers; what has no lanes is one scalar for all of them, and what has nothing else is read and
// computed outside the loop over the keys.
// CHECK-LABEL: func.func @weights
// CHECK:         scf.for %[[M:.*]] =
// CHECK:           %[[R:.*]] = vector.load %{{.*}}[%[[M]]]
// CHECK:           %[[LANES:.*]] = arith.constant dense<[0, 1, 2{{.*}}]> : vector<{{.*}}xindex>
// CHECK:           scf.for %[[N:.*]] =
// CHECK:             %[[X:.*]] = vector.load %{{.*}}[%[[N]], %[[M]]]
// CHECK:             arith.cmpi sle
// CHECK:             arith.subf %[[X]], %[[R]]
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

// A comparison of coordinates that is linear in the lane is one of its place in the tile, in 32 bits, with a bound that all lanes share and that
// is cut to just beyond the places.
// CHECK-LABEL: func.func @masked
// CHECK:         scf.for %[[N:.*]] =
// CHECK:           %[[NEAR:.*]] = arith.minsi %{{.*}}, %c64_i64
// CHECK:           %[[BOUND:.*]] = arith.maxsi %[[NEAR]], %c-64_i64
// CHECK:           %[[PLACE:.*]] = arith.index_cast %{{.*}} : vector<{{.*}}xindex> to vector<{{.*}}xi32>
// CHECK:           %[[SMALL:.*]] = arith.trunci %[[BOUND]] : i64 to i32
// CHECK:           %[[ALL:.*]] = vector.broadcast %[[SMALL]]
// CHECK:           arith.cmpi sge, %[[PLACE]], %[[ALL]] : vector<{{.*}}xi32>
func.func @masked(%s: memref<?x64xf32>, %m0: index, %n0: index, %last: index, %shift: i64) {
  %low = arith.constant 0xFF800000 : f32
  linalg.generic {indexing_maps = [#tile], iterator_types = ["parallel", "parallel"]} outs(%s : memref<?x64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 1 : index
    %row = arith.minui %i, %last : index
    %m = arith.addi %m0, %row : index
    %mm = arith.index_cast %m : index to i64
    %j = linalg.index 0 : index
    %n = arith.addi %n0, %j : index
    %nn = arith.index_cast %n : index to i64
    %shifted = arith.addi %mm, %shift : i64
    %c = arith.cmpi sge, %shifted, %nn : i64
    %y = arith.select %c, %x, %low : f32
    linalg.yield %y : f32
  }
  return
}

// So it is of places that are as far apart as residue classes are.
// CHECK-LABEL: func.func @masked_apart
// CHECK:           arith.minsi %{{.*}}, %c256_i64
// CHECK:           arith.constant dense<4> : vector<{{.*}}xi32>
// CHECK:           arith.cmpi sge, %{{.*}}, %{{.*}} : vector<{{.*}}xi32>
func.func @masked_apart(%s: memref<?x64xf32>, %m0: index, %limit: i64) {
  %low = arith.constant 0xFF800000 : f32
  %c4 = arith.constant 4 : index
  linalg.generic {indexing_maps = [#tile], iterator_types = ["parallel", "parallel"]} outs(%s : memref<?x64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 1 : index
    %apart = arith.muli %i, %c4 : index
    %m = arith.addi %m0, %apart : index
    %mm = arith.index_cast %m : index to i64
    %c = arith.cmpi sge, %mm, %limit : i64
    %y = arith.select %c, %x, %low : f32
    linalg.yield %y : f32
  }
  return
}

// Of products of coordinates it is not.
// CHECK-LABEL: func.func @masked_by_product
// CHECK:           arith.cmpi sge, %{{.*}}, %{{.*}} : vector<{{.*}}xindex>
func.func @masked_by_product(%s: memref<?x64xf32>, %limit: index) {
  %low = arith.constant 0xFF800000 : f32
  linalg.generic {indexing_maps = [#tile], iterator_types = ["parallel", "parallel"]} outs(%s : memref<?x64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 1 : index
    %j = linalg.index 0 : index
    %p = arith.muli %i, %j : index
    %c = arith.cmpi sge, %p, %limit : index
    %y = arith.select %c, %x, %low : f32
    linalg.yield %y : f32
  }
  return
}

// What a row is divided by is inverted outside the loop over its elements.
// CHECK-LABEL: func.func @divided
// CHECK:         scf.for %[[M:.*]] =
// CHECK:           %[[Z:.*]] = vector.load %{{.*}}[%[[M]]]
// CHECK:           arith.divf %{{.*}} : vector<
// CHECK:           scf.for
// CHECK-NOT:         arith.divf
// CHECK:           return
func.func @divided(%o: memref<64x64xf32>, %z: memref<64xf32>) {
  linalg.generic {indexing_maps = [#row, #tile], iterator_types = ["parallel", "parallel"]}
    ins(%z : memref<64xf32>) outs(%o : memref<64x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %q = arith.divf %y, %x : f32
    linalg.yield %q : f32
  }
  return
}

// Unless it lies in what is written.
// CHECK-LABEL: func.func @divided_by_itself
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             arith.divf
func.func @divided_by_itself(%o: memref<64x64xf32>) {
  %z = memref.subview %o[0, 0] [1, 64] [1, 1] : memref<64x64xf32> to memref<64xf32>
  linalg.generic {indexing_maps = [#row, #tile], iterator_types = ["parallel", "parallel"]}
    ins(%z : memref<64xf32>) outs(%o : memref<64x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %q = arith.divf %y, %x : f32
    linalg.yield %q : f32
  }
  return
}

// Rows of memory become lanes: squares are read along the rows and turned, parts of 128 bits among each other
// and then inside of them. The rows that there are may be fewer than lanes.
// CHECK-LABEL: func.func @pack_rows
// ZMM:           scf.for %[[M:.*]] = %{{.*}} to %c64{{.*}} step %c16
// ZMM:             scf.for %[[D:.*]] = %{{.*}} to %c64{{.*}} step %c16
// ZMM:               %[[SCRATCH:.*]] = memref.alloca() : memref<4x4x16xf32>
// ZMM:               scf.for %[[LINE:.*]] = %c0{{.*}} to %c4{{.*}} step %c1
// ZMM:                 %[[LAST:.*]] = arith.minui
// ZMM:                 vector.load %{{.*}}[%[[LAST]], %[[D]]] : {{.*}}, vector<16xf32>
// ZMM-COUNT-3:         vector.load %{{.*}} vector<16xf32>
// ZMM-COUNT-8:         vector.shuffle
// ZMM-COUNT-4:         vector.store %{{.*}}, %[[SCRATCH]][%{{.*}}, %[[LINE]], %{{.*}}]
// ZMM:               scf.for %[[PART:.*]] = %c0{{.*}} to %c4{{.*}} step %c1
// ZMM-COUNT-4:         vector.load %[[SCRATCH]][%[[PART]], %{{.*}}, %{{.*}}]
// ZMM-COUNT-8:         vector.shuffle
// ZMM-COUNT-4:         vector.store %{{.*}}[%{{.*}}, %[[M]]] : memref<64x64xf32>, vector<16xf32>
// ZMM-NOT:             memref.load
// YMM:                 memref.alloca() : memref<2x4x8xf32>
// YMM-COUNT-2:         vector.shuffle
// YMM:               scf.for
// YMM-COUNT-8:         vector.shuffle
// YMM-NOT:             memref.load
// CHECK:         return
func.func @pack_rows(%Q: memref<?x64xf32>, %q: memref<64x64xf32>, %last: index) {
  linalg.generic {indexing_maps = [#turned], iterator_types = ["parallel", "parallel"]} outs(%q : memref<64x64xf32>) {
  ^bb0(%y: f32):
    %m = linalg.index 0 : index
    %d = linalg.index 1 : index
    %there = arith.minui %m, %last : index
    %x = memref.load %Q[%there, %d] : memref<?x64xf32>
    linalg.yield %x : f32
  }
  return
}

// And lanes become rows, of which the last square may have a part. A tile that holds all of it is read past the end, and not stored.
// CHECK-LABEL: func.func @store_rows
// CHECK:         scf.for %[[M:.*]] = %c0{{.*}} to %[[END:.*]] step
// CHECK:           scf.for %[[F:.*]] =
// CHECK:             vector.shuffle
// CHECK:             vector.shuffle
// CHECK:             %[[INSIDE:.*]] = arith.cmpi ult, %[[ROW:.*]], %[[END]]
// CHECK:             scf.if %[[INSIDE]]
// CHECK:               vector.store %{{.*}}[%[[ROW]], %[[F]]]
// CHECK-NOT:     memref.load
// CHECK:         return
func.func @store_rows(%o: memref<64x64xf32>, %O: memref<?x64xf32>, %rows: index) {
  %there = memref.subview %o[0, 0] [64, %rows] [1, 1] : memref<64x64xf32> to memref<64x?xf32, strided<[64, 1]>>
  linalg.generic {indexing_maps = [#turned, #tile], iterator_types = ["parallel", "parallel"]}
    ins(%there : memref<64x?xf32, strided<[64, 1]>>) outs(%O : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}

// Of other memory the rest is taken one by one.
// CHECK-LABEL: func.func @store_some_rows
// CHECK:         scf.for %{{.*}} = %c0{{.*}} to %[[WHOLE:.*]] step
// CHECK:           vector.shuffle
// CHECK:         scf.for %{{.*}} = %[[WHOLE]] to
// CHECK:           memref.load
// CHECK:           vector.store
func.func @store_some_rows(%o: memref<64x?xf32>, %O: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#turned, #tile], iterator_types = ["parallel", "parallel"]}
    ins(%o : memref<64x?xf32>) outs(%O : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}

// One number of all elements is made of vectors too.
// CHECK-LABEL: func.func @least
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (vector<
// CHECK:           arith.minimumf %{{.*}} : vector<
// CHECK:         memref.store
func.func @least(%z: memref<64xf32>, %t: memref<f32>) {
  linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> ()>], iterator_types = ["reduction"]}
    ins(%z : memref<64xf32>) outs(%t : memref<f32>) {
  ^bb0(%x: f32, %y: f32):
    %l = arith.minimumf %y, %x : f32
    linalg.yield %l : f32
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
// ZMM:             %[[PART:.*]] = vector.shuffle %{{.*}} [12, 13, 14, 15]
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

// Rows that are looked up lie in lines: four vectors of a line are copied at a time, at an address that is computed once.
// CHECK-LABEL: func.func @looked_up
// ZMM:         scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// ZMM:           scf.for %[[N:.*]] = %{{.*}} to %{{.*}} step
// ZMM:             memref.load %{{.*}}[%[[N]]]
// ZMM-COUNT-4:     vector.load {{.*}} vector<16xf32>
// ZMM-NOT:         vector.load
// ZMM:           }
func.func @looked_up(%rows: memref<?xindex>, %values: memref<?x64xf32>, %out: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#tile], iterator_types = ["parallel", "parallel"]} outs(%out : memref<?x64xf32>) {
  ^bb0(%unused: f32):
    %n = linalg.index 0 : index
    %m = linalg.index 1 : index
    %at = memref.load %rows[%n] : memref<?xindex>
    %v = memref.load %values[%at, %m] : memref<?x64xf32>
    linalg.yield %v : f32
  }
  return
}
