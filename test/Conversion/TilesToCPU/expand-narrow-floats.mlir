// RUN: weir-opt %s --expand-narrow-floats --split-input-file --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,SOFT
// RUN: weir-opt %s --expand-narrow-floats=has-bf16 --split-input-file --verify-diagnostics | FileCheck %s --check-prefixes=CHECK,HARD

// The pass's rewrite box.
// CHECK-LABEL: func.func @rewrite_box
func.func @rewrite_box(%x: bf16) -> f32 {
  // SOFT: %[[CODE:.*]] = arith.bitcast %{{.*}} : bf16 to i16
  // SOFT: %[[WIDE:.*]] = arith.extui %[[CODE]] : i16 to i32
  // SOFT: %[[C:.*]] = arith.constant 16 : i32
  // SOFT: %[[BITS:.*]] = arith.shli %[[WIDE]], %[[C]] : i32
  // SOFT: %[[Y:.*]] = arith.bitcast %[[BITS]] : i32 to f32
  // SOFT: return %[[Y]]
  // HARD: arith.extf %{{.*}} : bf16 to f32
  %y = arith.extf %x : bf16 to f32
  return %y : f32
}

// -----

// Codes come and go as i8: no 8-bit float type is left.
// CHECK-LABEL: func.func @codes
// CHECK-NOT: f8E
func.func @codes(%x: vector<16xi8>) -> vector<16xi8> {
  %0 = arith.bitcast %x : vector<16xi8> to vector<16xf8E4M3FN>
  %1 = arith.extf %0 : vector<16xf8E4M3FN> to vector<16xf32>
  %2 = arith.truncf %1 : vector<16xf32> to vector<16xf8E5M2>
  %3 = arith.bitcast %2 : vector<16xf8E5M2> to vector<16xi8>
  return %3 : vector<16xi8>
}

// -----

// What the processor has stays; f64 goes to 16 bits in one rounding, which it has not.
// CHECK-LABEL: func.func @native
func.func @native(%x: f32, %y: f64, %h: f16) -> (f16, bf16, f64, f16, bf16) {
  // CHECK: arith.truncf %arg0 : f32 to f16
  %0 = arith.truncf %x : f32 to f16
  // HARD: arith.truncf %arg0 : f32 to bf16
  // SOFT-NOT: f32 to bf16
  %1 = arith.truncf %x : f32 to bf16
  // CHECK: arith.extf %arg2 : f16 to f64
  %2 = arith.extf %h : f16 to f64
  // CHECK-NOT: f64 to f16
  // CHECK-NOT: f64 to bf16
  %3 = arith.truncf %y : f64 to f16
  %4 = arith.truncf %y : f64 to bf16
  return %0, %1, %2, %3, %4 : f16, bf16, f64, f16, bf16
}

// -----

func.func @computes(%x: i8, %c: i1) -> f32 {
  // expected-error@+2 {{'arith.bitcast' op holds a value of an 8-bit float type, which no processor computes with}}
  // expected-note@+1 {{keep the code as an i8; arith.bitcast it beside arith.extf and arith.truncf only}}
  %0 = arith.bitcast %x : i8 to f8E5M2
  %1 = arith.select %c, %0, %0 : f8E5M2
  %2 = arith.extf %1 : f8E5M2 to f32
  return %2 : f32
}
