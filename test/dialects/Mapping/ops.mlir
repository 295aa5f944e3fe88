// Attributes and ops, as text and as bytecode. Attributes stand on attn ops, and removing them leaves the meaning; ops say of a program in tiles where copies
// of matrices are.
// RUN: weir-opt %s | FileCheck %s
// RUN: weir-opt %s | weir-opt > %t.text && weir-opt %s --emit-bytecode | weir-opt > %t.bytecode && diff %t.text %t.bytecode

// CHECK-LABEL: func.func @loops
func.func @loops(%N: index, %x: f32) {
  // CHECK: mapping #mapping.loops<group = 0, shared = [], vector = "">
  %0 = attn.einsum "A" [n] in (%N) mapping #mapping.loops<group = 0, shared = [], vector = ""> {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : tensor<?xf32>
  // CHECK: mapping #mapping.loops<group = 12, shared = ["b", "h"], vector = "n">
  %1 = attn.einsum "B" [b, h, n] in (%N, %N, %N) mapping #mapping.loops<group = 12, shared = ["b", "h"], vector = "n"> {
  ^bb0(%b: i64, %h: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?x?xf32>
  return
}

// CHECK: attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128>}
func.func private @tiles() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128>}
// CHECK: attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128, split = 8>}
func.func private @split() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128, split = 8>}
// CHECK: attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128 step[4], split = 8>}
func.func private @apart() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128 step [4], split = 8>}
// CHECK: attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128>}
func.func private @chosen() attributes {test.mapping = #mapping.tiles<rows = "m", m = 64, n = 128, split = 0>}

// CHECK-LABEL: func.func @copies
func.func @copies(%K: memref<?x64xf32>, %memory: memref<?xbf16>, %at: index, %there: i1) -> memref<?x64xf32> {
  // CHECK: mapping.pack %{{.*}} into %{{.*}}[%{{.*}}] {keys = 64 : i64} : memref<?x64xf32>, memref<?xbf16>
  mapping.pack %K into %memory[%at] {keys = 64 : i64} : memref<?x64xf32>, memref<?xbf16>
  // CHECK: mapping.pack %{{.*}} into %{{.*}}[%{{.*}}] {keys = 64 : i64, turned} : memref<?x64xf32>, memref<?xbf16>
  mapping.pack %K into %memory[%at] {keys = 64 : i64, turned} : memref<?x64xf32>, memref<?xbf16>
  // CHECK: mapping.packed %{{.*}} at %{{.*}}[%{{.*}}] if %{{.*}} : memref<?x64xf32>, memref<?xbf16>
  %0 = mapping.packed %K at %memory[%at] if %there : memref<?x64xf32>, memref<?xbf16>
  // CHECK: mapping.rows %{{.*}}
  mapping.rows %at
  return %0 : memref<?x64xf32>
}
