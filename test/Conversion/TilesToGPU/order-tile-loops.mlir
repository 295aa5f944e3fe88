// RUN: weir-opt %s --gpu-order-tile-loops | FileCheck %s

// CHECK-DAG: #[[$P:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$V:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[$O:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @weighted(
// CHECK:         linalg.generic {indexing_maps = [#[[$P]], #[[$V]], #[[$O]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK:           arith.mulf %{{.*}}, %{{.*}} fastmath<contract>
// CHECK:           arith.addf %{{.*}}, %{{.*}} fastmath<contract>
func.func @weighted(%p: memref<16x32xf32>, %v: memref<32x64xf32>, %o: memref<16x64xf32>) {
  linalg.contract indexing_maps = [affine_map<(m, n, f) -> (m, n)>, affine_map<(m, n, f) -> (n, f)>, affine_map<(m, n, f) -> (m, f)>]
    ins(%p, %v : memref<16x32xf32>, memref<32x64xf32>) outs(%o : memref<16x64xf32>)
  return
}

// A coordinate moves with its loop; what is no contraction is rounded as it stands.
// CHECK-LABEL: func.func @columns(
// CHECK:         iterator_types = ["parallel", "reduction"]
// CHECK:           %[[N:.*]] = linalg.index 0
// CHECK:           %[[M:.*]] = linalg.index 1
// CHECK:           affine.apply #[[$SECOND]](%[[N]], %[[M]])
// CHECK:           arith.addf %{{.*}}, %{{.*}} : f32
func.func @columns(%p: memref<16x32xf32>, %o: memref<32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (n)>], iterator_types = ["reduction", "parallel"]}
    ins(%p : memref<16x32xf32>) outs(%o : memref<32xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %m = linalg.index 0 : index
    %i = arith.index_cast %m : index to i32
    %f = arith.sitofp %i : i32 to f32
    %term = arith.mulf %x, %f : f32
    %next = arith.addf %sum, %term : f32
    linalg.yield %next : f32
  }
  return
}

// One thread adds up what is one number.
// CHECK-LABEL: func.func @total(
// CHECK:         scf.parallel (%{{.*}}) = (%c0{{.*}}) to (%c1{{.*}}) step (%c1{{.*}}) {
// CHECK-NEXT:      linalg.fill
// CHECK:         scf.parallel
// CHECK-NEXT:      linalg.generic {{.*}} iterator_types = ["reduction"]
func.func @total(%p: memref<16xf32>, %o: memref<f32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%o : memref<f32>)
  linalg.generic {indexing_maps = [affine_map<(m) -> (m)>, affine_map<(m) -> ()>], iterator_types = ["reduction"]}
    ins(%p : memref<16xf32>) outs(%o : memref<f32>) {
  ^bb0(%x: f32, %sum: f32):
    %next = arith.addf %sum, %x : f32
    linalg.yield %next : f32
  }
  return
}
