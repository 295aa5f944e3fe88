// weir-opt knows the dialect, and what it prints it reads back.
// RUN: weir-opt %s | weir-opt | FileCheck %s

// CHECK-LABEL: func.func @double
// CHECK: attn.einsum "Y" [m] in(%{{.*}})
func.func @double(%x: tensor<?xf32>) -> tensor<?xf32> {
  %zero = arith.constant 0 : index
  %extent = tensor.dim %x, %zero : tensor<?xf32>
  %y = attn.einsum "Y" [m] in (%extent) {
  ^bb0(%m: i64):
    %a = attn.read %x[%m] : tensor<?xf32> -> f32
    %b = attn.map add(%a, %a) : (f32, f32) -> f32
    attn.yield %b : f32
  } : tensor<?xf32>
  return %y : tensor<?xf32>
}
