// RUN: weir-opt %s --carry-bf16-as-integer --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: module attributes {weir.kernels = bf16}
module attributes {weir.kernels = bf16} {
  // The rewrite box of the manual.
  // CHECK-LABEL: llvm.func @take(
  // CHECK-SAME:    %[[V:.*]]: vector<8xi16>, %[[I:.*]]: i64)
  // CHECK:         %[[X:.*]] = llvm.extractelement %[[V]][%[[I]] : i64] : vector<8xi16>
  // CHECK:         %[[B:.*]] = llvm.bitcast %[[X]] : i16 to bf16
  // CHECK:         llvm.fpext %[[B]] : bf16 to f32
  llvm.func @take(%v: vector<8xbf16>, %i: i64) -> f32 {
    %x = llvm.extractelement %v[%i : i64] : vector<8xbf16>
    %y = llvm.fpext %x : bf16 to f32
    llvm.return %y : f32
  }

  // CHECK-LABEL: llvm.func @narrow(
  // CHECK:         %[[ONE:.*]] = llvm.mlir.constant(dense<16256> : vector<8xi16>) : vector<8xi16>
  // CHECK:         %[[N:.*]] = llvm.fptrunc %{{.*}} : vector<8xf32> to vector<8xbf16>
  // CHECK:         %[[B:.*]] = llvm.bitcast %[[N]] : vector<8xbf16> to vector<8xi16>
  // CHECK:         %[[S:.*]] = llvm.select %{{.*}}, %[[B]], %[[ONE]] : vector<8xi1>, vector<8xi16>
  // CHECK:         llvm.getelementptr %{{.*}} : (!llvm.ptr, i64) -> !llvm.ptr, i16
  // CHECK:         llvm.store %[[S]], %{{.*}} : vector<8xi16>, !llvm.ptr
  llvm.func @narrow(%v: vector<8xf32>, %m: vector<8xi1>, %p: !llvm.ptr, %i: i64) {
    %one = llvm.mlir.constant(dense<1.0> : vector<8xbf16>) : vector<8xbf16>
    %n = llvm.fptrunc %v : vector<8xf32> to vector<8xbf16>
    %s = llvm.select %m, %n, %one : vector<8xi1>, vector<8xbf16>
    %q = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, bf16
    llvm.store %s, %q : vector<8xbf16>, !llvm.ptr
    llvm.return
  }

  // Through a block's argument, and a scalar constant.
  // CHECK-LABEL: llvm.func @loop(
  // CHECK:         llvm.mlir.constant(16384 : i16) : i16
  // CHECK:       ^bb1(%[[A:.*]]: i16):
  // CHECK:         %[[B:.*]] = llvm.bitcast %[[A]] : i16 to bf16
  // CHECK:         llvm.fpext %[[B]]
  llvm.func @loop(%c: i1) -> f32 {
    %two = llvm.mlir.constant(2.0 : bf16) : bf16
    llvm.br ^bb1(%two : bf16)
  ^bb1(%a: bf16):
    %y = llvm.fpext %a : bf16 to f32
    llvm.cond_br %c, ^bb1(%a : bf16), ^bb2
  ^bb2:
    llvm.return %y : f32
  }
}

// -----

llvm.func @computes(%a: bf16, %b: bf16) -> bf16 {
  // expected-error @below {{computes in bf16; widen to f32 first}}
  %c = llvm.fadd %a, %b : bf16
  llvm.return %c : bf16
}
