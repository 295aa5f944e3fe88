// RUN: weir-opt %s --lower-wide-vectors --split-input-file | FileCheck %s

// What convert-to-llvm takes stays.
// CHECK-LABEL: func.func @plain
// CHECK:         vector.load
// CHECK:         vector.shuffle %{{.*}}, %{{.*}} [0, 1, 2, 3] : vector<8xf32>, vector<8xf32>
// CHECK:         vector.store
func.func @plain(%X: memref<8xf32>, %Y: memref<8xf32>, %i: index) {
  %v = vector.load %X[%i] : memref<8xf32>, vector<8xf32>
  %low = vector.shuffle %v, %v [0, 1, 2, 3] : vector<8xf32>, vector<8xf32>
  vector.store %low, %Y[%i] : memref<8xf32>, vector<4xf32>
  return
}

// -----

// CHECK-LABEL: func.func @slice
// CHECK:         llvm.shufflevector %{{.*}}, %{{.*}} [0, 1, 2, 3] : vector<8xf32>
// CHECK-NOT:     vector.
func.func @slice(%v: vector<8xf32>) -> vector<4xf32> {
  %low = vector.extract_strided_slice %v {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
  return %low : vector<4xf32>
}

// -----

// CHECK-LABEL: func.func @two_dimensions
// CHECK-NOT:     vector.shape_cast
func.func @two_dimensions(%v: vector<2x4xf32>) -> vector<8xf32> {
  %all = vector.shape_cast %v : vector<2x4xf32> to vector<8xf32>
  return %all : vector<8xf32>
}

// -----

// CHECK-LABEL: func.func @transfer
// CHECK-NOT:     vector.transfer_read
func.func @transfer(%X: memref<8xf32>, %i: index) -> vector<8xf32> {
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %X[%i], %zero {in_bounds = [true]} : memref<8xf32>, vector<8xf32>
  return %v : vector<8xf32>
}
