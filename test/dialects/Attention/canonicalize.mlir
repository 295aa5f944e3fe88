// What holds for every operand, absent ones too; what would not hold stays.
// RUN: weir-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @where
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>, %[[I:.*]]: i64, %[[P:.*]]: i1
func.func @where(%X: tensor<?xf32>, %i: i64, %p: i1) -> (f32, f32, f32) {
  // CHECK: %[[V:.*]] = attn.read
  %x = attn.read %X[%i] : tensor<?xf32> -> f32
  %true = attn.literal "true" : i1
  %a = attn.where %x, %true : f32
  // CHECK: %[[W:.*]] = attn.where %[[V]], %[[P]] : f32
  %b = attn.where %x, %p : f32
  %c = attn.where %b, %p : f32
  %n = attn.not %p
  %nn = attn.not %n
  // CHECK: %[[D:.*]] = attn.where %[[V]], %[[P]] : f32
  %d = attn.where %x, %nn : f32
  // CHECK: return %[[V]], %[[W]], %[[D]]
  return %a, %c, %d : f32, f32, f32
}

// CHECK-LABEL: func.func @else
// CHECK-SAME: (%[[X:.*]]: tensor<?xf32>, %[[I:.*]]: i64, %[[Y:.*]]: f32
func.func @else(%X: tensor<?xf32>, %i: i64, %y: f32) -> (f32, f32, f32, f32, i64) {
  // CHECK: %[[V:.*]] = attn.read
  %x = attn.read %X[%i] : tensor<?xf32> -> f32
  %same = attn.else %x, %x : f32
  %present = attn.else %y, %x : f32
  // A read may be absent: this stays.
  // CHECK: %[[E:.*]] = attn.else %[[V]], %[[Y]] : f32
  %maybe = attn.else %x, %y : f32
  %twice = attn.else %maybe, %x : f32
  // A quotient by a number that may be 0 may be absent.
  // CHECK: %[[Q:.*]] = attn.map floordiv
  // CHECK: %[[EQ:.*]] = attn.else %[[Q]]
  %q = attn.map floordiv(%i, %i) : (i64, i64) -> i64
  %eq = attn.else %q, %i : i64
  // CHECK: return %[[V]], %[[Y]], %[[E]], %[[E]], %[[EQ]]
  return %same, %present, %maybe, %twice, %eq : f32, f32, f32, f32, i64
}

// CHECK-LABEL: func.func @select
// CHECK-SAME: (%[[P:.*]]: i1, %[[X:.*]]: f32, %[[Y:.*]]: f32
func.func @select(%p: i1, %x: f32, %y: f32) -> (f32, f32, f32, f32) {
  %true = attn.literal "true" : i1
  %false = attn.literal "false" : i1
  %a = attn.select %true, %x, %y : f32
  %b = attn.select %false, %x, %y : f32
  %c = attn.select %p, %x, %x : f32
  %n = attn.not %p
  // CHECK: %[[D:.*]] = attn.select %[[P]], %[[Y]], %[[X]] : f32
  %d = attn.select %n, %x, %y : f32
  // CHECK: return %[[X]], %[[Y]], %[[X]], %[[D]]
  return %a, %b, %c, %d : f32, f32, f32, f32
}

// CHECK-LABEL: func.func @logic
// CHECK-SAME: (%[[B:.*]]: tensor<?xi1>, %[[I:.*]]: i64, %[[P:.*]]: i1
func.func @logic(%B: tensor<?xi1>, %i: i64, %p: i1) -> (i1, i1, i1, i1, i1, i1, i1, i1) {
  %true = attn.literal "true" : i1
  // CHECK-DAG: %[[FALSE:.*]] = attn.literal "false" : i1
  %false = attn.literal "false" : i1
  // CHECK-DAG: %[[V:.*]] = attn.read
  %v = attn.read %B[%i] : tensor<?xi1> -> i1
  %a = attn.and %v, %true
  %b = attn.and %false, %v
  %c = attn.or %v, %v
  %d = attn.or %false, %v
  %n = attn.not %p
  %nn = attn.not %n
  // p may be absent, where `not not p` is false: this stays.
  // CHECK: %[[N:.*]] = attn.not %[[V]]
  // CHECK: %[[NN:.*]] = attn.not %[[N]]
  %m = attn.not %v
  %mm = attn.not %m
  // CHECK: %[[NT:.*]] = attn.literal "false" : i1
  %nt = attn.not %true
  // CHECK: %[[NA:.*]] = attn.literal "false" : i1
  %na = attn.isabsent %m : i1
  // CHECK: return %[[V]], %[[FALSE]], %[[V]], %[[V]], %[[P]], %[[NN]], %[[NT]], %[[NA]]
  return %a, %b, %c, %d, %nn, %mm, %nt, %na : i1, i1, i1, i1, i1, i1, i1, i1
}

// CHECK-LABEL: func.func @maps
// CHECK-SAME: (%[[I:.*]]: i64, %[[X:.*]]: f32
func.func @maps(%i: i64, %x: f32) -> (i64, i64, f32, f32) {
  %zero = attn.literal "0" : i64
  %one = attn.literal "1" : i64
  %a = attn.map add(%zero, %i) : (i64, i64) -> i64
  %b = attn.map sub(%a, %zero) : (i64, i64) -> i64
  %c = attn.map floordiv(%i, %one) : (i64, i64) -> i64
  %d = attn.map real(%x) : (f32) -> f32
  // x stands for a real number: this rounds it.
  // CHECK: %[[C:.*]] = attn.cast %[[X]] to f32 : f32 -> f32
  %e = attn.cast %x to f32 : f32 -> f32
  // CHECK: return %[[I]], %[[I]], %[[X]], %[[C]]
  return %b, %c, %d, %e : i64, i64, f32, f32
}

// An equation that nobody reads goes, a promise and a declared rank stay.
// CHECK-LABEL: func.func @dead
// CHECK-NOT: attn.einsum
// CHECK: attn.given
// CHECK: attn.rank
// CHECK-NOT: attn.recurrence
// CHECK: return
func.func @dead(%N: index, %i: i64, %x: f32, %p: i1) {
  %Y = attn.einsum "Y" [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : tensor<?xf32>
  attn.given "p" [] in () {
    attn.yield %p : i1
  }
  %C = attn.rank "C" %i
  %R = attn.recurrence forward "t" {
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      %s = attn.read %S[%t] : tensor<?xf32> -> f32
      attn.yield %s : f32
    } : tensor<?xf32>
    attn.yield %S : tensor<?xf32>
  } : tensor<?xf32>
  return
}
