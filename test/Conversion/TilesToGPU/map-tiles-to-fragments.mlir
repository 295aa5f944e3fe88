// RUN: weir-opt %s --map-tiles-to-fragments=threads=128 --canonicalize --cse --split-input-file | FileCheck %s

// Scores of 64 queries: what a thread has of them is 16 of 64 x 32 / 128 numbers. Keys lie in lines of 16 + 8 elements.
// CHECK-LABEL: gpu.func @scores(
// CHECK-SAME:    weir.warps = 4 : i32
// CHECK:         llvm.inline_asm has_side_effects "mov.u32 $0, %tid.x;"
// CHECK:         scf.forall
// CHECK-DAG:       %[[Q:.*]] = memref.alloca() : memref<8xf32, #gpu.address_space<private>>
// CHECK-DAG:       %[[K:.*]] = memref.alloca() {alignment = 16 : i64} : memref<32x24xbf16, #gpu.address_space<workgroup>>
// CHECK-DAG:       %[[S:.*]] = memref.alloca() : memref<16xf32, #gpu.address_space<private>>
// CHECK:           memref.store %{{.*}}, %[[Q]]
// CHECK:           gpu.barrier
// CHECK:           %[[OWN:.*]] = memref.subview %[[K]][%{{.*}}, %{{.*}}] [32, 8] [1, 1]
// CHECK:           nvgpu.device_async_copy %{{.*}}, %[[OWN]][%c0, %c0], 8, %{{.*}} {bypassL1}
// CHECK:           nvvm.cp.async.commit.group
// CHECK:           nvvm.cp.async.wait.group 0
// CHECK:           gpu.barrier
// CHECK:           %[[LINES:.*]] = memref.subview %[[K]][%{{.*}}, %{{.*}}] [32, 24] [1, 1]
// CHECK:           nvgpu.ldmatrix %[[LINES]][%c0, %c0] {numTiles = 4 : i32, transpose = false} : memref<32x24xbf16, {{.*}}> -> vector<4x2xbf16>
// CHECK-COUNT-4:   nvvm.mma.sync
// CHECK-NOT:       linalg
// A row's maximum: over the own columns, then over the four lanes that share it.
// CHECK:           nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %c1_i32
// CHECK:           nvvm.shfl.sync bfly %{{.*}}, %{{.*}}, %c2_i32
// CHECK:           %[[TO:.*]] = memref.subview %arg2
// CHECK:           scf.if
// CHECK:             memref.store %{{.*}}, %[[TO]]
gpu.module @scores.gpu {
gpu.func @scores(%q: memref<?x16xbf16, strided<[?, 1]>>, %k: memref<?x16xbf16, strided<[?, 1]>>, %out: memref<?xf32>, %ws: memref<?xi8>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %m = memref.dim %q, %c0 : memref<?x16xbf16, strided<[?, 1]>>
  %blocks = arith.ceildivui %m, %c64 : index
  scf.forall (%i) in (%blocks) {
    %tq = memref.alloca() {weir.tile} : memref<64x16xf32>
    %tk = memref.alloca() {weir.tile} : memref<32x16xf32>
    %ts = memref.alloca() {weir.tile} : memref<64x32xf32>
    %tx = memref.alloca() {weir.tile} : memref<64xf32>
    %m0 = arith.muli %i, %c64 : index
    %left = arith.subi %m, %m0 : index
    %mm = arith.minui %left, %c64 : index
    linalg.generic {indexing_maps = [affine_map<(m, d) -> (m, d)>], iterator_types = ["parallel", "parallel"]} outs(%tq : memref<64x16xf32>) {
    ^bb0(%o: f32):
      %row = linalg.index 0 : index
      %d = linalg.index 1 : index
      %last = arith.subi %mm, %c1 : index
      %inside = arith.minui %row, %last : index
      %at = arith.addi %m0, %inside : index
      %e = memref.load %q[%at, %d] : memref<?x16xbf16, strided<[?, 1]>>
      %w = arith.extf %e : bf16 to f32
      linalg.yield %w : f32
    }
    %keys = memref.subview %k[0, 0] [32, 16] [1, 1] : memref<?x16xbf16, strided<[?, 1]>> to memref<32x16xbf16, strided<[?, 1]>>
    linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> (n, d)>], iterator_types = ["parallel", "parallel"]}
      ins(%keys : memref<32x16xbf16, strided<[?, 1]>>) outs(%tk : memref<32x16xf32>) {
    ^bb0(%e: bf16, %o: f32):
      %w = arith.extf %e : bf16 to f32
      linalg.yield %w : f32
    }
    linalg.fill ins(%zero : f32) outs(%ts : memref<64x32xf32>)
    linalg.contract indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>]
      ins(%tq, %tk : memref<64x16xf32>, memref<32x16xf32>) outs(%ts : memref<64x32xf32>)
    linalg.fill ins(%zero : f32) outs(%tx : memref<64xf32>)
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%ts : memref<64x32xf32>) outs(%tx : memref<64xf32>) {
    ^bb0(%s: f32, %o: f32):
      %r = arith.maximumf %o, %s : f32
      linalg.yield %r : f32
    }
    %to = memref.subview %out[%m0] [%mm] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
    %rows = memref.subview %tx[0] [%mm] [1] : memref<64xf32> to memref<?xf32, strided<[1]>>
    linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> (m)>], iterator_types = ["parallel"]}
      ins(%rows : memref<?xf32, strided<[1]>>) outs(%to : memref<?xf32, strided<[1], offset: ?>>) {
    ^bb0(%x: f32, %o: f32):
      linalg.yield %x : f32
    }
  }
  gpu.return
}
}

// -----

// `n <= m + w` asks 64 bits of a row only: what is the same for all its columns goes to one side, and that side becomes 32 bits.
// CHECK-LABEL: gpu.func @masked(
// CHECK:         %[[WIDE:.*]] = llvm.intr.ssub.sat(%{{.*}}, %{{.*}}) : (i64, i64) -> i64
// CHECK:         %[[BOUND:.*]] = llvm.inline_asm "cvt.sat.s32.s64 $0, $1;", "=r,l" %[[WIDE]]
// CHECK:         arith.cmpi sge, %[[BOUND]], %c0_i32
// CHECK-NOT:     : i64
// CHECK:         arith.cmpi sge, %[[BOUND]], %c1_i32
// CHECK:         arith.cmpi sge, %[[BOUND]], %c8_i32
// Whether a matrix has values that are not finite: all threads take part, eight elements at a time, then the lanes of a warp, then four warps.
// CHECK:         vector.load %{{.*}} {alignment = 16 : i64} : {{.*}}, vector<8xbf16>
// CHECK-COUNT-5: nvvm.shfl.sync bfly
// CHECK:         %[[WARPS:.*]] = memref.alloca() : memref<4xf32, #gpu.address_space<workgroup>>
// CHECK:         gpu.barrier
// CHECK:         memref.store %{{.*}}, %[[WARPS]]
// CHECK:         gpu.barrier
// CHECK-COUNT-4: memref.load %[[WARPS]]
// CHECK-NOT:     linalg
gpu.module @masked.gpu {
gpu.func @masked(%q: memref<?x16xbf16, strided<[?, 1]>>, %k: memref<?x16xbf16, strided<[?, 1]>>, %w: i64, %out: memref<?xf32>, %ws: memref<?xi8>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %m = memref.dim %q, %c0 : memref<?x16xbf16, strided<[?, 1]>>
  %blocks = arith.ceildivui %m, %c64 : index
  scf.forall (%i) in (%blocks) {
    %tq = memref.alloca() {weir.tile} : memref<64x16xf32>
    %tk = memref.alloca() {weir.tile} : memref<32x16xf32>
    %ts = memref.alloca() {weir.tile} : memref<64x32xf32>
    %total = memref.alloca() {weir.tile} : memref<f32>
    %m0 = arith.muli %i, %c64 : index
    linalg.generic {indexing_maps = [affine_map<(m, d) -> (m, d)>], iterator_types = ["parallel", "parallel"]} outs(%tq : memref<64x16xf32>) {
    ^bb0(%o: f32):
      %row = linalg.index 0 : index
      %d = linalg.index 1 : index
      %at = arith.addi %m0, %row : index
      %e = memref.load %q[%at, %d] : memref<?x16xbf16, strided<[?, 1]>>
      %x = arith.extf %e : bf16 to f32
      linalg.yield %x : f32
    }
    %keys = memref.subview %k[0, 0] [32, 16] [1, 1] : memref<?x16xbf16, strided<[?, 1]>> to memref<32x16xbf16, strided<[?, 1]>>
    linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> (n, d)>], iterator_types = ["parallel", "parallel"]}
      ins(%keys : memref<32x16xbf16, strided<[?, 1]>>) outs(%tk : memref<32x16xf32>) {
    ^bb0(%e: bf16, %o: f32):
      %x = arith.extf %e : bf16 to f32
      linalg.yield %x : f32
    }
    linalg.fill ins(%zero : f32) outs(%ts : memref<64x32xf32>)
    linalg.contract indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>]
      ins(%tq, %tk : memref<64x16xf32>, memref<32x16xf32>) outs(%ts : memref<64x32xf32>)
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} outs(%ts : memref<64x32xf32>) {
    ^bb0(%s: f32):
      %row = linalg.index 0 : index
      %at = arith.addi %m0, %row : index
      %mm = arith.index_cast %at : index to i64
      %column = linalg.index 1 : index
      %nn = arith.index_cast %column : index to i64
      %last = arith.addi %mm, %w : i64
      %there = arith.cmpi sle, %nn, %last : i64
      %kept = arith.select %there, %s, %least : f32
      linalg.yield %kept : f32
    }
    linalg.fill ins(%zero : f32) outs(%total : memref<f32>)
    linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%tk : memref<32x16xf32>) outs(%total : memref<f32>) {
    ^bb0(%x: f32, %o: f32):
      %none = arith.mulf %x, %zero : f32
      %sum = arith.addf %o, %none : f32
      linalg.yield %sum : f32
    }
    %all = memref.load %total[] : memref<f32>
    memref.store %all, %out[%c0] : memref<?xf32>
  }
  gpu.return
}
}

// -----

// `abs(m - 4 * n) <= w` asks two bounds of a row, and of the columns, which lie 4 times as far apart, their numbers alone.
// CHECK-LABEL: gpu.func @strided(
// CHECK:         llvm.intr.ssub.sat
// CHECK:         %[[ONE:.*]] = llvm.inline_asm "cvt.sat.s32.s64
// CHECK:         arith.cmpi sge, %[[ONE]], %c0_i32
// CHECK:         llvm.intr.ssub.sat
// CHECK:         %[[OTHER:.*]] = llvm.inline_asm "cvt.sat.s32.s64
// CHECK:         arith.cmpi sge, %[[OTHER]], %c0_i32
// CHECK:         arith.andi
// CHECK:         arith.cmpi sge, %[[ONE]], %c-4_i32
// CHECK:         arith.cmpi sge, %[[OTHER]], %c4_i32
gpu.module @strided.gpu {
gpu.func @strided(%q: memref<?x16xbf16, strided<[?, 1]>>, %k: memref<?x16xbf16, strided<[?, 1]>>, %w: i64, %out: memref<?xf32>, %ws: memref<?xi8>) kernel {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %m = memref.dim %q, %c0 : memref<?x16xbf16, strided<[?, 1]>>
  %blocks = arith.ceildivui %m, %c64 : index
  scf.forall (%i) in (%blocks) {
    %tq = memref.alloca() {weir.tile} : memref<64x16xf32>
    %tk = memref.alloca() {weir.tile} : memref<32x16xf32>
    %ts = memref.alloca() {weir.tile} : memref<64x32xf32>
    %m0 = arith.muli %i, %c64 : index
    linalg.generic {indexing_maps = [affine_map<(m, d) -> (m, d)>], iterator_types = ["parallel", "parallel"]} outs(%tq : memref<64x16xf32>) {
    ^bb0(%o: f32):
      %row = linalg.index 0 : index
      %d = linalg.index 1 : index
      %at = arith.addi %m0, %row : index
      %e = memref.load %q[%at, %d] : memref<?x16xbf16, strided<[?, 1]>>
      %x = arith.extf %e : bf16 to f32
      linalg.yield %x : f32
    }
    %keys = memref.subview %k[0, 0] [32, 16] [1, 1] : memref<?x16xbf16, strided<[?, 1]>> to memref<32x16xbf16, strided<[?, 1]>>
    linalg.generic {indexing_maps = [affine_map<(n, d) -> (n, d)>, affine_map<(n, d) -> (n, d)>], iterator_types = ["parallel", "parallel"]}
      ins(%keys : memref<32x16xbf16, strided<[?, 1]>>) outs(%tk : memref<32x16xf32>) {
    ^bb0(%e: bf16, %o: f32):
      %x = arith.extf %e : bf16 to f32
      linalg.yield %x : f32
    }
    linalg.fill ins(%zero : f32) outs(%ts : memref<64x32xf32>)
    linalg.contract indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>]
      ins(%tq, %tk : memref<64x16xf32>, memref<32x16xf32>) outs(%ts : memref<64x32xf32>)
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]} outs(%ts : memref<64x32xf32>) {
    ^bb0(%s: f32):
      %row = linalg.index 0 : index
      %at = arith.addi %m0, %row : index
      %mm = arith.index_cast %at : index to i64
      %column = linalg.index 1 : index
      %c4 = arith.constant 4 : index
      %apart = arith.muli %column, %c4 : index
      %nn = arith.index_cast %apart : index to i64
      %c0_i64 = arith.constant 0 : i64
      %behind = arith.subi %mm, %nn : i64
      %before = arith.cmpi slt, %behind, %c0_i64 : i64
      %ahead = arith.subi %c0_i64, %behind : i64
      %distance = arith.select %before, %ahead, %behind : i64
      %there = arith.cmpi sle, %distance, %w : i64
      %kept = arith.select %there, %s, %least : f32
      linalg.yield %kept : f32
    }
    memref.store %zero, %out[%c0] : memref<?xf32>
  }
  gpu.return
}
}

// -----

// A right factor of 32 bits is none for tensor cores: the kernel is left as it is.
// CHECK-LABEL: gpu.func @wide(
// CHECK-NOT:     weir.warps
// CHECK:         linalg.contract
gpu.module @wide.gpu {
gpu.func @wide(%out: memref<?x32xf32>, %ws: memref<?xi8>) kernel {
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (%c1) {
    %tq = memref.alloca() {weir.tile} : memref<64x16xf32>
    %tk = memref.alloca() {weir.tile} : memref<32x16xf32>
    %ts = memref.alloca() {weir.tile} : memref<64x32xf32>
    linalg.contract indexing_maps = [affine_map<(m, n, d) -> (m, d)>, affine_map<(m, n, d) -> (n, d)>, affine_map<(m, n, d) -> (m, n)>]
      ins(%tq, %tk : memref<64x16xf32>, memref<32x16xf32>) outs(%ts : memref<64x32xf32>)
  }
  gpu.return
}
}
