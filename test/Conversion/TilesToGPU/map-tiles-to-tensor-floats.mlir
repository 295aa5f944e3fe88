// RUN: weir-opt %s --map-tiles-to-fragments=threads=128 --canonicalize --cse | FileCheck %s

// Scores of 64 queries and 16 keys, and sums with 32 values, in tf32: a thread has 2 rows of 64, of each 4 of 16 scores and 8 of 32 sums. Keys lie in
// lines of 32 + 4 elements, in two places.
// CHECK-LABEL: gpu.func @sums(
// CHECK-SAME:    weir.warps = 4 : i32
// CHECK:         scf.forall
// CHECK-DAG:       %[[Q:.*]] = memref.alloca() : memref<16xf32, #gpu.address_space<private>>
// CHECK-DAG:       memref.alloca() {alignment = 16 : i64} : memref<32x36xf32, #gpu.address_space<workgroup>>
// CHECK-DAG:       %[[S:.*]] = memref.alloca() : memref<8xf32, #gpu.address_space<private>>
// CHECK:           scf.for
// CHECK:             nvvm.cp.async.wait.group 0
// CHECK:             gpu.barrier
// Of 16 features, two steps of 8: of row 0 and 8 of a warp elements t and t + 4, and so of keys 0 to 7.
// CHECK:             %[[A0:.*]] = memref.load %[[Q]][%c0]
// CHECK:             nvvm.convert.float.to.tf32 %[[A0]] {rnd = #nvvm.fp_rnd_mode<rna>}
// CHECK:             %[[A1:.*]] = memref.load %[[Q]][%c2]
// CHECK:             nvvm.convert.float.to.tf32 %[[A1]]
// CHECK:             %[[A2:.*]] = memref.load %[[Q]][%c1]
// CHECK:             nvvm.convert.float.to.tf32 %[[A2]]
// CHECK:             nvgpu.ldmatrix %{{.*}} {numTiles = 4 : i32, transpose = false} : memref<16x36xf32, {{.*}}> -> vector<4x1xf32>
// CHECK-COUNT-4:     nvvm.convert.float.to.tf32
// CHECK:             nvvm.mma.sync A[{{.*}}] B[{{.*}}] C[{{.*}}] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<tf32>, multiplicandBPtxType = #nvvm.mma_type<tf32>, shape = #nvvm.shape<m = 16, n = 8, k = 8>}
// CHECK-COUNT-7:     nvvm.mma.sync
// Scores are left factors where they are. Of values a thread reads those of its own keys, 2t and 2t + 1, and of all columns of a warp one.
// CHECK:             %[[S0:.*]] = memref.load %[[S]][%c0]
// CHECK:             nvvm.convert.float.to.tf32 %[[S0]]
// CHECK-COUNT-4:     memref.load %{{.*}}[%{{.*}}, %{{.*}}] : memref<16x36xf32, {{.*}}#gpu.address_space<workgroup>>
// CHECK-COUNT-8:     nvvm.mma.sync
// CHECK-NOT:       linalg
gpu.module @sums.gpu {
gpu.func @sums(%q: memref<?x32xf32, strided<[?, 1]>>, %k: memref<?x32xf32, strided<[?, 1]>>, %v: memref<?x32xf32, strided<[?, 1]>>,
               %out: memref<?x32xf32>, %ws: memref<?xi8>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %q, %c0 : memref<?x32xf32, strided<[?, 1]>>
  %n = memref.dim %k, %c0 : memref<?x32xf32, strided<[?, 1]>>
  %blocks = arith.ceildivui %m, %c64 : index
  scf.forall (%i) in (%blocks) {
    %tq = memref.alloca() {weir.tile} : memref<64x32xf32>
    %tk = memref.alloca() {weir.tile} : memref<16x32xf32>
    %tv = memref.alloca() {weir.tile} : memref<16x32xf32>
    %ts = memref.alloca() {weir.tile} : memref<64x16xf32>
    %to = memref.alloca() {weir.tile} : memref<64x32xf32>
    %m0 = arith.muli %i, %c64 : index
    %left = arith.subi %m, %m0 : index
    %mm = arith.minui %left, %c64 : index
    linalg.generic {indexing_maps = [affine_map<(m, d) -> (m, d)>], iterator_types = ["parallel", "parallel"]} outs(%tq : memref<64x32xf32>) {
    ^bb0(%o: f32):
      %row = linalg.index 0 : index
      %d = linalg.index 1 : index
      %last = arith.subi %mm, %c1 : index
      %inside = arith.minui %row, %last : index
      %at = arith.addi %m0, %inside : index
      %e = memref.load %q[%at, %d] : memref<?x32xf32, strided<[?, 1]>>
      linalg.yield %e : f32
    }
    linalg.fill ins(%zero : f32) outs(%to : memref<64x32xf32>)
    scf.for %n0 = %c0 to %n step %c16 {
      %keys = memref.subview %k[%n0, 0] [16, 32] [1, 1] : memref<?x32xf32, strided<[?, 1]>> to memref<16x32xf32, strided<[?, 1], offset: ?>>
      linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> (n, d)>], iterator_types = ["parallel", "parallel"]}
        ins(%keys : memref<16x32xf32, strided<[?, 1], offset: ?>>) outs(%tk : memref<16x32xf32>) {
      ^bb0(%e: f32, %o: f32):
        linalg.yield %e : f32
      }
      linalg.fill ins(%zero : f32) outs(%ts : memref<64x16xf32>)
      linalg.contract indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>] {mapping.rounded = tf32}
        ins(%tq, %tk : memref<64x32xf32>, memref<16x32xf32>) outs(%ts : memref<64x16xf32>)
      %values = memref.subview %v[%n0, 0] [16, 32] [1, 1] : memref<?x32xf32, strided<[?, 1]>> to memref<16x32xf32, strided<[?, 1], offset: ?>>
      linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> (n, d)>], iterator_types = ["parallel", "parallel"]}
        ins(%values : memref<16x32xf32, strided<[?, 1], offset: ?>>) outs(%tv : memref<16x32xf32>) {
      ^bb0(%e: f32, %o: f32):
        linalg.yield %e : f32
      }
      linalg.contract indexing_maps = [affine_map<(m, n, f) -> (m, n)>, affine_map<(m, n, f) -> (n, f)>, affine_map<(m, n, f) -> (m, f)>] {mapping.rounded = tf32}
        ins(%ts, %tv : memref<64x16xf32>, memref<16x32xf32>) outs(%to : memref<64x32xf32>)
    }
    %to_view = memref.subview %out[%m0, 0] [%mm, 32] [1, 1] : memref<?x32xf32> to memref<?x32xf32, strided<[32, 1], offset: ?>>
    %rows = memref.subview %to[0, 0] [%mm, 32] [1, 1] : memref<64x32xf32> to memref<?x32xf32, strided<[32, 1]>>
    linalg.generic {indexing_maps = [affine_map<(m, f) -> (m, f)>, affine_map<(m, f) -> (m, f)>], iterator_types = ["parallel", "parallel"]}
      ins(%rows : memref<?x32xf32, strided<[32, 1]>>) outs(%to_view : memref<?x32xf32, strided<[32, 1], offset: ?>>) {
    ^bb0(%x: f32, %o: f32):
      linalg.yield %x : f32
    }
  }
  gpu.return
}
}
