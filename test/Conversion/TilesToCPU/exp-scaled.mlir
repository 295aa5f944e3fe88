// RUN: weir-opt %s --expand-elementary-functions='has-scale' | FileCheck %s --check-prefixes=CHECK,SCALE
// RUN: weir-opt %s --expand-elementary-functions | FileCheck %s --check-prefixes=CHECK,PLAIN

// exp of 16 f32 leaves the power of two, overflow and underflow to one instruction; of others it is as it always is.
// CHECK-LABEL: func.func @wide
// SCALE-COUNT-2: arith.select
// SCALE:         llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// PLAIN-NOT:     llvm.call_intrinsic
// CHECK:         return
func.func @wide(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func.func @narrow
// CHECK-NOT:     llvm.call_intrinsic
// CHECK:         return
func.func @narrow(%x: vector<8xf32>) -> vector<8xf32> {
  %y = math.exp %x : vector<8xf32>
  return %y : vector<8xf32>
}
