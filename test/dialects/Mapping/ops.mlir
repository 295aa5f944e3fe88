// Attributes, as text and as bytecode. The dialect has no ops and no types; its attributes stand on attn ops, and removing them
// leaves the meaning.
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
