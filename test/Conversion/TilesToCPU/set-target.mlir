// RUN: weir-opt %s --set-target="cpu=x86-64-v4 features=+avx512bf16,-vaes vector-bytes=64" | FileCheck %s

// CHECK:      func.func @f()
// CHECK-SAME:   passthrough = {{\[\[}}"prefer-vector-width", "512"]]
// CHECK-SAME:   target_cpu = "x86-64-v4"
// CHECK-SAME:   target_features = #llvm.target_features<["+avx512bf16", "-vaes"]>
func.func @f() {
  return
}

// CHECK:      func.func @own() attributes {target_cpu = "haswell"}
func.func @own() attributes {target_cpu = "haswell"} {
  return
}
