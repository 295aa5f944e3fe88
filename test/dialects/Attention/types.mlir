// Every element type of the language, and the scalar that a read of it gives. The dialect has no types of its own.
// RUN: weir-opt %s | weir-opt | FileCheck %s

// CHECK-LABEL: func.func @reads
func.func @reads(%f64: tensor<f64>, %f32: tensor<f32>, %f16: tensor<f16>, %bf16: tensor<bf16>, %e4m3: tensor<f8E4M3FN>, %e5m2: tensor<f8E5M2>,
                 %i64: tensor<i64>, %i32: tensor<i32>, %i16: tensor<i16>, %i8: tensor<i8>, %i4: tensor<i4>, %u32: tensor<ui32>, %u8: tensor<ui8>,
                 %i1: tensor<i1>) attributes {attn.cascade} {
  // CHECK: tensor<f64> -> f64
  %0 = attn.read %f64[] : tensor<f64> -> f64
  // CHECK: tensor<f32> -> f32
  %1 = attn.read %f32[] : tensor<f32> -> f32
  // CHECK: tensor<f16> -> f32
  %2 = attn.read %f16[] : tensor<f16> -> f32
  // CHECK: tensor<bf16> -> f32
  %3 = attn.read %bf16[] : tensor<bf16> -> f32
  // CHECK: tensor<f8E4M3FN> -> f32
  %4 = attn.read %e4m3[] : tensor<f8E4M3FN> -> f32
  // CHECK: tensor<f8E5M2> -> f32
  %5 = attn.read %e5m2[] : tensor<f8E5M2> -> f32
  // CHECK: tensor<i64> -> i64
  %6 = attn.read %i64[] : tensor<i64> -> i64
  // CHECK: tensor<i32> -> i64
  %7 = attn.read %i32[] : tensor<i32> -> i64
  // CHECK: tensor<i16> -> i64
  %8 = attn.read %i16[] : tensor<i16> -> i64
  // CHECK: tensor<i8> -> i64
  %9 = attn.read %i8[] : tensor<i8> -> i64
  // CHECK: tensor<i4> -> i64
  %10 = attn.read %i4[] : tensor<i4> -> i64
  // CHECK: tensor<ui32> -> i64
  %11 = attn.read %u32[] : tensor<ui32> -> i64
  // CHECK: tensor<ui8> -> i64
  %12 = attn.read %u8[] : tensor<ui8> -> i64
  // CHECK: tensor<i1> -> i1
  %13 = attn.read %i1[] : tensor<i1> -> i1
  return
}

// A definition may have any of them: the body's value is rounded to it.
// CHECK-LABEL: func.func @definitions
func.func @definitions(%x: f32, %N: index) {
  // CHECK: : tensor<?xf8E4M3FN>
  %0 = attn.einsum "A" [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : tensor<?xf8E4M3FN>
  // CHECK: : tensor<?xi4>
  %1 = attn.einsum "B" [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %n : i64
  } : tensor<?xi4>
  // CHECK: : tensor<?xi1>
  %2 = attn.einsum "C" [n] in (%N) {
  ^bb0(%n: i64):
    %p = attn.map eq(%n, %n) : (i64, i64) -> i1
    attn.yield %p : i1
  } : tensor<?xi1>
  return
}
