// RUN: weir-opt %s --pass-pipeline='builtin.module(gpu.module(gpu-math-to-intrinsics))' | FileCheck %s

// CHECK-LABEL: func.func @functions(
gpu.module @kernels {
  func.func @functions(%x: f32, %y: f64) -> (f32, f64, f32, f32) {
    // CHECK: llvm.call_intrinsic "llvm.sqrt"(%{{.*}}) : (f32) -> f32
    %r = math.sqrt %x : f32
    // CHECK: llvm.call_intrinsic "llvm.copysign"(%{{.*}}, %{{.*}}) : (f64, f64) -> f64
    %s = math.copysign %y, %y : f64
    // CHECK: llvm.call_intrinsic "llvm.fma"(%{{.*}}, %{{.*}}, %{{.*}}) : (f32, f32, f32) -> f32
    %f = math.fma %x, %x, %r : f32
    // No instruction: expanded earlier, or refused later.
    // CHECK: math.sinh
    %t = math.sinh %x : f32
    return %r, %s, %f, %t : f32, f64, f32, f32
  }
}
