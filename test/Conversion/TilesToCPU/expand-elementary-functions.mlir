// The pass's rewrite box, and that nothing is left that would become a call of libm.
// RUN: weir-opt %s --expand-elementary-functions --split-input-file | FileCheck %s
// RUN: weir-opt %s --expand-elementary-functions --split-input-file | FileCheck %s --check-prefix=CALLS

// CALLS-NOT: math.{{exp|log|tanh|erf|sin|cos|atan|pow|rsqrt}}

// CHECK-LABEL: func.func @rewrite_box
// CHECK-SAME: (%[[X:.*]]: vector<8xf32>)
func.func @rewrite_box(%x: vector<8xf32>) -> vector<8xf32> {
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<8xf32>
  // CHECK-DAG: %[[ROOT:.*]] = math.sqrt %[[X]] : vector<8xf32>
  // CHECK: %[[Y:.*]] = arith.divf %[[ONE]], %[[ROOT]] : vector<8xf32>
  // CHECK: return %[[Y]]
  %y = math.rsqrt %x : vector<8xf32>
  return %y : vector<8xf32>
}

// -----

// CHECK-LABEL: func.func @every_function
func.func @every_function(%x: f32, %y: f64, %v: vector<7xf32>, %w: vector<3xf64>) -> (f32, f64, vector<7xf32>, vector<3xf64>) {
  %0 = math.exp %x : f32
  %1 = math.exp2 %0 : f32
  %2 = math.expm1 %1 : f32
  %3 = math.log %2 : f32
  %4 = math.log2 %3 : f32
  %5 = math.log1p %4 : f32
  %6 = math.powf %5, %x : f32
  %7 = math.tanh %y : f64
  %8 = math.erf %7 : f64
  %9 = math.sin %8 : f64
  %10 = math.cos %9 : f64
  %11 = math.exp %v : vector<7xf32>
  %12 = math.powf %11, %v : vector<7xf32>
  %13 = math.atan2 %12, %v : vector<7xf32>
  %14 = math.log %w : vector<3xf64>
  %15 = math.powf %14, %w : vector<3xf64>
  return %6, %10, %13, %15 : f32, f64, vector<7xf32>, vector<3xf64>
}

// -----

// What is one instruction stays, and so does what the pass does not know: other types, vectors of two dimensions.
// CHECK-LABEL: func.func @stays
func.func @stays(%x: f32, %h: f16, %m: vector<2x4xf32>) -> (f32, f16, vector<2x4xf32>) {
  // CHECK: math.sqrt
  // CHECK: math.fma
  // CHECK: math.absf
  // CHECK: math.floor
  // CHECK: math.ceil
  // CHECK: math.roundeven
  // CHECK: math.copysign
  %0 = math.sqrt %x : f32
  %1 = math.fma %0, %x, %x : f32
  %2 = math.absf %1 : f32
  %3 = math.floor %2 : f32
  %4 = math.ceil %3 : f32
  %5 = math.roundeven %4 : f32
  %6 = math.copysign %5, %x : f32
  // CHECK: math.sqrt %{{.*}} : f16
  %7 = math.sqrt %h : f16
  // CHECK: math.floor %{{.*}} : vector<2x4xf32>
  %8 = math.floor %m : vector<2x4xf32>
  return %6, %7, %8 : f32, f16, vector<2x4xf32>
}
