// Every op, as text and as bytecode: what is printed reads back as the same.
// RUN: weir-opt %s | FileCheck %s
// RUN: weir-opt %s | weir-opt > %t.text && weir-opt %s --emit-bytecode | weir-opt > %t.bytecode && diff %t.text %t.bytecode
// RUN: weir-opt %s --mlir-print-op-generic | weir-opt > %t.generic && diff %t.text %t.generic
// RUN: weir-opt %s --mlir-print-debuginfo --emit-bytecode | weir-opt | FileCheck %s

// CHECK-LABEL: func.func @attention
// CHECK-SAME: attn.name = "Q", attn.ranks = ["M", "D"]
// CHECK-SAME: attn.default = "50.0", attn.name = "cap", attn.type = f32
// CHECK-SAME: attributes {attn.cascade}
func.func @attention(%Q: tensor<?x64xbf16> {attn.name = "Q", attn.ranks = ["M", "D"]},
                     %K: tensor<?x64xbf16> {attn.name = "K", attn.ranks = ["N", "D"]},
                     %cap: f32 {attn.name = "cap", attn.type = f32, attn.default = "50.0"})
    -> (tensor<?x?xbf16> {attn.name = "S", attn.ranks = ["M", "N"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %M = tensor.dim %Q, %c0 : tensor<?x64xbf16>
  %N = tensor.dim %K, %c0 : tensor<?x64xbf16>
  %D = arith.constant 64 : index
  // CHECK: attn.given "N > 0" [] in() {
  // CHECK: attn.yield %{{.*}} : i1
  attn.given "N > 0" [] in () {
    %n = arith.index_cast %N : index to i64
    %zero = attn.literal "0" : i64
    %p = attn.map gt(%n, %zero) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  // CHECK: attn.given "D" shape [n] in(%{{.*}}) {
  attn.given "D" shape [n] in (%N) {
  ^bb0(%n: i64):
    %true = attn.literal "true" : i1
    attn.yield %true : i1
  }
  // CHECK: %S = attn.einsum "S" [m, n] in(%{{.*}}, %{{.*}}) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n"> {
  // CHECK-NEXT: ^bb0(%m: i64, %n: i64):
  %S = attn.einsum "S" [m, n] in (%M, %N) mapping #mapping.loops<group = 0, shared = ["m"], vector = "n"> {
  ^bb0(%m: i64, %n: i64):
    // CHECK: attn.reduce sum [d] in(%{{.*}}) {
    // CHECK-NEXT: ^bb0(%d: i64):
    %s = attn.reduce sum [d] in (%D) {
    ^bb0(%d: i64):
      // CHECK: attn.read %arg0[%m, %d] : tensor<?x64xbf16> -> f32
      %q = attn.read %Q[%m, %d] : tensor<?x64xbf16> -> f32
      %k = attn.read %K[%n, %d] : tensor<?x64xbf16> -> f32
      // CHECK: attn.map mul(%{{.*}}, %{{.*}}) : (f32, f32) -> f32
      %qk = attn.map mul(%q, %k) : (f32, f32) -> f32
      attn.yield %qk : f32
    } : f32
    %capped = attn.map min(%s, %cap) : (f32, f32) -> f32
    %p = attn.map le(%n, %m) : (i64, i64) -> i1
    // CHECK: attn.where %{{.*}}, %{{.*}} : f32
    %masked = attn.where %capped, %p : f32
    attn.yield %masked : f32
  } : tensor<?x?xf32>
  // CHECK: attn.materialize %S : tensor<?x?xf32> to tensor<?x?xbf16>
  %out = attn.materialize %S : tensor<?x?xf32> to tensor<?x?xbf16>
  return %out : tensor<?x?xbf16>
}

// CHECK-LABEL: func.func @scalars
func.func @scalars(%X: tensor<?xf64>, %N: index, %i: i64) {
  // CHECK: %C = attn.rank "C" %{{.*}}
  %C = attn.rank "C" %i
  %Y = attn.einsum "Y" [n] in (%C) {
  ^bb0(%n: i64):
    // CHECK: attn.literal "0.1" : f64
    %tenth = attn.literal "0.1" : f64
    %minus = attn.literal "-inf" : f64
    %hex = attn.literal "0xff" : i64
    %x = attn.read %X[%hex] : tensor<?xf64> -> f64
    // CHECK: attn.else %{{.*}}, %{{.*}} : f64
    %y = attn.else %x, %minus : f64
    // CHECK: attn.isabsent %{{.*}} : f64
    %a = attn.isabsent %x : f64
    // CHECK: attn.not
    %b = attn.not %a
    // CHECK: attn.and %{{.*}}, %{{.*}}
    %c = attn.and %a, %b
    // CHECK: attn.or %{{.*}}, %{{.*}}
    %d = attn.or %c, %b
    // CHECK: attn.select %{{.*}}, %{{.*}}, %{{.*}} : f64
    %e = attn.select %d, %y, %tenth : f64
    // CHECK: attn.cast %{{.*}} to i8 : f64 -> i64
    %f = attn.cast %e to i8 : f64 -> i64
    // CHECK: attn.map real(%{{.*}}) : (i64) -> f64
    %g = attn.map real(%f) : (i64) -> f64
    %two = attn.literal "2" : i64
    // CHECK: attn.map powi(%{{.*}}, %{{.*}}) : (f64, i64) -> f64
    %h = attn.map powi(%g, %two) : (f64, i64) -> f64
    attn.yield %h : f64
  } : tensor<?xf64>
  // CHECK: attn.argtopk "I" [j] in(%{{.*}}) over [n] in(%{{.*}}) {
  // CHECK-NEXT: ^bb0(%n: i64):
  %I = attn.argtopk "I" [j] in (%N) over [n] in (%N) {
  ^bb0(%n: i64):
    %x = attn.read %X[%n] : tensor<?xf64> -> f64
    attn.yield %x : f64
  } : tensor<?xi32>
  return
}

// One reads the other, at the same step and a step ago.
// CHECK-LABEL: func.func @recurrence
func.func @recurrence(%X: tensor<?xf32>, %T: index, %F: index) -> tensor<?xf32> {
  // CHECK: %S, %R = attn.recurrence forward "t" {
  %S, %R = attn.recurrence forward "t" {
    %s = attn.einsum "S" [t] in (%T) {
    ^bb0(%t: i64):
      %x = attn.read %X[%t] : tensor<?xf32> -> f32
      %now = attn.read %r[%t] : tensor<?xf32> -> f32
      %y = attn.map add(%x, %now) : (f32, f32) -> f32
      attn.yield %y : f32
    } : tensor<?xf32>
    %r = attn.einsum "R" [t] in (%T) {
    ^bb0(%t: i64):
      %one = attn.literal "1" : i64
      %before = attn.map sub(%t, %one) : (i64, i64) -> i64
      %was = attn.read %s[%before] : tensor<?xf32> -> f32
      %zero = attn.literal "0" : f32
      %y = attn.else %was, %zero : f32
      attn.yield %y : f32
    } : tensor<?xf32>
    // CHECK: attn.yield %{{.*}}, %{{.*}} : tensor<?xf32>, tensor<?xf32>
    attn.yield %s, %r : tensor<?xf32>, tensor<?xf32>
  } : tensor<?xf32>, tensor<?xf32>
  return %S : tensor<?xf32>
}

// Recurrences nest, an inner one along another rank.
// CHECK-LABEL: func.func @nested
func.func @nested(%T: index, %J: index) -> tensor<?x?xf32> {
  // CHECK: attn.recurrence forward "t"
  %S = attn.recurrence forward "t" {
    // CHECK: attn.recurrence backward "j"
    %inner = attn.recurrence backward "j" {
      %s = attn.einsum "S" [t, j] in (%T, %J) {
      ^bb0(%t: i64, %j: i64):
        %x = attn.literal "1" : f32
        attn.yield %x : f32
      } : tensor<?x?xf32>
      attn.yield %s : tensor<?x?xf32>
    } : tensor<?x?xf32>
    attn.yield %inner : tensor<?x?xf32>
  } : tensor<?x?xf32>
  return %S : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%X: tensor<?xf32>, %B: tensor<?xi1>, %N: index) {
  %Y = attn.einsum "Y" [] in () {
    // CHECK: attn.reduce argmax [n] in
    %a = attn.reduce argmax [n] in (%N) {
    ^bb0(%n: i64):
      %x = attn.read %X[%n] : tensor<?xf32> -> f32
      attn.yield %x : f32
    } : i64
    // CHECK: attn.reduce any [n] in
    %b = attn.reduce any [n] in (%N) {
    ^bb0(%n: i64):
      %x = attn.read %B[%n] : tensor<?xi1> -> i1
      attn.yield %x : i1
    } : i1
    // CHECK: attn.reduce count [n, k] in
    %c = attn.reduce count [n, k] in (%N, %N) {
    ^bb0(%n: i64, %k: i64):
      attn.yield %b : i1
    } : i64
    %d = attn.map add(%a, %c) : (i64, i64) -> i64
    attn.yield %d : i64
  } : tensor<i64>
  return
}

// CHECK-LABEL: func.func @stream
// CHECK:         %[[O:.*]] = attn.stream "N" [n] in(%{{.*}}) {
// CHECK:           %[[R:.*]] = attn.accumulate ref "R" [m] in(%{{.*}}) over [n] in(%{{.*}}) {
// CHECK:           attn.accumulate sum "A" [m] in(%{{.*}}) over [n] in(%{{.*}}) reference %[[R]] : tensor<?xf32> [m] lam "1/8" {
// CHECK:             attn.yield %{{.*}}, %{{.*}} : f32, f32
// CHECK:           attn.einsum
// CHECK:           attn.yield
func.func @stream(%Q: tensor<?x64xf32>, %V: tensor<?x?xf32>, %M: index, %N: index, %F: index) -> tensor<?x?xf32> {
  %O = attn.stream "N" [n] in (%N) {
    %S = attn.einsum "S" [m, n] in (%M, %N) {
    ^bb0(%m: i64, %n: i64):
      %q = attn.read %Q[%m, %n] : tensor<?x64xf32> -> f32
      attn.yield %q : f32
    } : tensor<?x?xf32>
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : tensor<?xf32>
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "1/8" {
    ^bb0(%m: i64, %n: i64):
      %one = attn.literal "1" : f32
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %one, %s : f32, f32
    } : tensor<?xf32>
    %B = attn.accumulate sum "B" [m, f] in (%M, %F) over [n] in (%N) reference %R : tensor<?xf32> [m] {
    ^bb0(%m: i64, %f: i64, %n: i64):
      %v = attn.read %V[%n, %f] : tensor<?x?xf32> -> f32
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %v, %s : f32, f32
    } : tensor<?x?xf32>
    %o = attn.einsum "O" [m, f] in (%M, %F) {
    ^bb0(%m: i64, %f: i64):
      %b = attn.read %B[%m, %f] : tensor<?x?xf32> -> f32
      %a = attn.read %A[%m] : tensor<?xf32> -> f32
      %d = attn.map div(%b, %a) : (f32, f32) -> f32
      attn.yield %d : f32
    } : tensor<?x?xf32>
    attn.yield %o : tensor<?x?xf32>
  } : tensor<?x?xf32>
  return %O : tensor<?x?xf32>
}
