// RUN: weir-opt %s --share-tiles | FileCheck %s

#s = affine_map<(m, f, n) -> (n, m)>
#v = affine_map<(m, f, n) -> (n, f)>
#o = affine_map<(m, f, n) -> (f, m)>
#tile = affine_map<(n, m) -> (n, m)>
#row = affine_map<(n, m) -> (m)>
#line = affine_map<(m) -> (m)>

// The example of the pass's description: products that differ in what they fill. The views and the constant are made in the function.
// CHECK-LABEL: func.func @products
// CHECK-SAME:    (%[[S:.*]]: memref<128x64xf32>, %[[V:.*]]: memref<128x64xf32, strided<[?, 1]>>, %[[X:.*]]: memref<64x64xf32>, %[[Y:.*]]: memref<64x64xf32>, %[[N:.*]]: index)
// CHECK-NOT:     memref.subview
// CHECK-NOT:     linalg
// CHECK:         call @products.tile0(%[[X]], %[[S]], %[[N]], %[[V]])
// CHECK-NEXT:    call @products.tile0(%[[Y]], %[[S]], %[[N]], %[[V]])
// CHECK-NEXT:    return
func.func @products(%s: memref<128x64xf32>, %V: memref<128x64xf32, strided<[?, 1]>>, %x: memref<64x64xf32>, %y: memref<64x64xf32>, %n: index)
    attributes {weir.kernel} {
  %zero = arith.constant 0.0 : f32
  %part = memref.subview %s[0, 0] [%n, 64] [1, 1] : memref<128x64xf32> to memref<?x64xf32, strided<[64, 1]>>
  %values = memref.subview %V[0, 0] [%n, 64] [1, 1] : memref<128x64xf32, strided<[?, 1]>> to memref<?x64xf32, strided<[?, 1]>>
  linalg.fill ins(%zero : f32) outs(%x : memref<64x64xf32>)
  linalg.contract indexing_maps = [#s, #v, #o] ins(%part, %values : memref<?x64xf32, strided<[64, 1]>>, memref<?x64xf32, strided<[?, 1]>>)
    outs(%x : memref<64x64xf32>)
  linalg.fill ins(%zero : f32) outs(%y : memref<64x64xf32>)
  linalg.contract indexing_maps = [#s, #v, #o] ins(%part, %values : memref<?x64xf32, strided<[64, 1]>>, memref<?x64xf32, strided<[?, 1]>>)
    outs(%y : memref<64x64xf32>)
  return
}
// CHECK:       func.func private @products.tile0(%[[O:.*]]: memref<64x64xf32>, %[[T:.*]]: memref<128x64xf32>, %[[K:.*]]: index, %[[W:.*]]: memref<128x64xf32, strided<[?, 1]>>)
// CHECK-SAME:    attributes {passthrough = ["weir.blocked"]}
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         linalg.fill ins(%[[ZERO]] : f32) outs(%[[O]] : memref<64x64xf32>)
// CHECK:         %[[PART:.*]] = memref.subview %[[T]][0, 0] [%[[K]], 64] [1, 1]
// CHECK:         %[[VALUES:.*]] = memref.subview %[[W]][0, 0] [%[[K]], 64] [1, 1]
// CHECK:         linalg.contract {{.*}} ins(%[[PART]], %[[VALUES]] {{.*}}) outs(%[[O]] : memref<64x64xf32>)
// CHECK-NEXT:    return

// A number that is known when the kernel runs is an argument. Another constant, and memory that is the same in one place only, are other operations.
// CHECK-LABEL: func.func @scaled
// CHECK:         call @scaled.tile0(%[[A:.*]], %[[B:.*]], %[[P:.*]])
// CHECK:         call @scaled.tile0(%[[B]], %[[A]], %[[Q:.*]])
// CHECK:         linalg.generic {{.*}} ins(%[[A]] : memref<?x64xf32>) outs(%[[A]]
// CHECK:         linalg.generic {{.*}} ins(%[[A]] : memref<?x64xf32>) outs(%[[B]]
// CHECK:           arith.constant 2.0
// CHECK:         return
func.func @scaled(%a: memref<?x64xf32>, %b: memref<?x64xf32>, %p: f32, %q: f32) attributes {weir.kernel} {
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%a : memref<?x64xf32>) outs(%b : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %z = arith.mulf %x, %p : f32
    linalg.yield %z : f32
  }
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%b : memref<?x64xf32>) outs(%a : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %z = arith.mulf %x, %q : f32
    linalg.yield %z : f32
  }
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%a : memref<?x64xf32>) outs(%a : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %z = arith.mulf %x, %p : f32
    linalg.yield %z : f32
  }
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%a : memref<?x64xf32>) outs(%b : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    %two = arith.constant 2.0 : f32
    %z = arith.mulf %x, %two : f32
    linalg.yield %z : f32
  }
  return
}

// Lines are too little for a call, and so are strips of rows; how a matrix unit multiplies hangs on what is around.
// CHECK-LABEL: func.func @stay
// CHECK-NOT:     call
// CHECK:         return
func.func @stay(%a: memref<64xf32>, %b: memref<64xf32>, %s: memref<32x64xf32>, %k: memref<32x16xbf16>, %o: memref<16x64xf32>) attributes {weir.kernel} {
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%a : memref<64xf32>) outs(%b : memref<64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]} ins(%b : memref<64xf32>) outs(%a : memref<64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  linalg.generic {indexing_maps = [#tile, #row], iterator_types = ["reduction", "parallel"]} ins(%s : memref<32x64xf32>) outs(%a : memref<64xf32>) attrs = {weir.strip} {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    linalg.yield %z : f32
  }
  linalg.generic {indexing_maps = [#tile, #row], iterator_types = ["reduction", "parallel"]} ins(%s : memref<32x64xf32>) outs(%b : memref<64xf32>) attrs = {weir.strip} {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    linalg.yield %z : f32
  }
  linalg.contract indexing_maps = [#s, #v, #o] {weir.matrix_unit} ins(%s, %k : memref<32x64xf32>, memref<32x16xbf16>) outs(%o : memref<16x64xf32>)
  linalg.contract indexing_maps = [#s, #v, #o] {weir.matrix_unit} ins(%s, %k : memref<32x64xf32>, memref<32x16xbf16>) outs(%o : memref<16x64xf32>)
  return
}

// What is no kernel belongs to the host program.
// CHECK-LABEL: func.func @host
// CHECK-NOT:     call
// CHECK:         return
func.func @host(%a: memref<?x64xf32>, %b: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%a : memref<?x64xf32>) outs(%b : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  linalg.generic {indexing_maps = [#tile, #tile], iterator_types = ["parallel", "parallel"]} ins(%b : memref<?x64xf32>) outs(%a : memref<?x64xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}
