// RUN: weir-opt %s --lower-tiles='vector-bytes=64 vector-registers=32' --canonicalize | FileCheck %s

// Lines of keys as registers of 16 lines of 32: an f32 is three bf16, each the upper half of what is left. What is alike is packed by one function.
// CHECK-LABEL: func.func @keys
// CHECK:         call @keys.pack0(%{{.*}}, %{{.*}}, %{{.*}}) : (memref<?x64xf32, strided<[?, 1], offset: ?>>, memref<?xbf16>, index) -> ()
// CHECK:         call @keys.pack0
// CHECK:         return
// CHECK-LABEL: func.func private @keys.pack0
// CHECK-SAME:      %[[TO:[^:]*]]: memref<?xbf16>, %[[AT:[^:]*]]: index
// CHECK:         scf.for
// CHECK:           vector.shuffle {{.*}} [1, 3, 5,
// CHECK:           %[[FIRST:.*]] = arith.andi
// CHECK:           arith.subf
// CHECK:           math.fma
// CHECK-COUNT-6:   vector.store %{{.*}}, %[[TO]]{{.*}} vector<32xbf16>
// CHECK-NOT:       vector.store
// Zeros after the last key.
// CHECK:         scf.for
// CHECK-COUNT-6:   vector.store %{{.*}}, %[[TO]]
// CHECK:         return
func.func @keys(%K: memref<?x64xf32, strided<[64, 1], offset: ?>>, %to: memref<?xbf16>, %at: index) {
  %c0 = arith.constant 0 : index
  mapping.pack %K into %to[%at] {keys = 64 : i64} : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<?xbf16>
  mapping.pack %K into %to[%c0] {keys = 64 : i64} : memref<?x64xf32, strided<[64, 1], offset: ?>>, memref<?xbf16>
  return
}

// Values are turned, 8 lines of 32 keys from 32 of 8 features by three steps of interleaved halves; 32 keys that are not all there are copied first.
// CHECK-LABEL: func.func private @values.pack0
// CHECK:         scf.for
// CHECK:           arith.select %{{.*}} : memref<?x16xbf16
// CHECK:           scf.for
// CHECK-COUNT-24:    vector.shuffle {{.*}} : vector<32xbf16>, vector<32xbf16>
// CHECK-COUNT-8:     vector.store
// CHECK-NOT:         vector.shuffle
// CHECK:         return
func.func @values(%V: memref<?x16xbf16>, %to: memref<?xbf16>, %at: index) {
  mapping.pack %V into %to[%at] {keys = 64 : i64, turned} : memref<?x16xbf16>, memref<?xbf16>
  return
}
