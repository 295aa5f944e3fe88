// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-resume-streams))' --split-input-file | FileCheck %s
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-resume-streams,attn-dissolve-streams))' --split-input-file | FileCheck %s --check-prefix=APART

// The description's example: the state is an input and an output.
// CHECK-LABEL: func.func @best(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}
// CHECK-SAME:    %[[IN:[a-z0-9]+]]: tensor<?xf32> {attn.default = "0", attn.name = "X_in", attn.ranks = ["M"]}
// CHECK-SAME:    %[[THERE:[a-z0-9]+]]: tensor<?xi1> {attn.default = "false", attn.name = "X_there_in", attn.ranks = ["M"]}
// CHECK-SAME:    %{{[a-z0-9]+}}: i64 {attn.default = "0", attn.name = "N_start", attn.type = i64})
// CHECK-SAME:    -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}, tensor<?xf32> {attn.name = "X_out", attn.ranks = ["M"]}, tensor<?xi1> {attn.name = "X_there_out", attn.ranks = ["M"]})
// CHECK:         %[[BEFORE:.*]] = attn.einsum "X_before" [m]
// CHECK:           %[[V:.*]] = attn.read %[[IN]]
// CHECK:           %[[P:.*]] = attn.read %[[THERE]]
// CHECK:           attn.where %[[V]], %[[P]]
// CHECK:         %[[B:.*]], %[[X:.*]] = attn.stream "N" [n]
// CHECK:           attn.accumulate max "X" [m] in(%{{.*}}) over [n] in(%{{.*}}) from %[[BEFORE]] : tensor<?xf32> {
// CHECK:         attn.materialize %[[X]]
// CHECK:         attn.einsum "X_there" [m]
// CHECK:           attn.isabsent

// Taken apart: what the keys of the call give, with what was before; where one is absent, the other.
// APART-LABEL: func.func @best(
// APART:         %[[BEFORE:.*]] = attn.einsum "X_before"
// APART:         attn.einsum "X" [m]
// APART:           %[[PART:.*]] = attn.reduce max [n]
// APART:           %[[OLD:.*]] = attn.read %[[BEFORE]]
// APART:           %[[BOTH:.*]] = attn.map max(%[[PART]], %[[OLD]])
// APART:           %[[ONE:.*]] = attn.else %[[PART]], %[[OLD]]
// APART:           attn.else %[[BOTH]], %[[ONE]]
func.func @best(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]})
    -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %B = attn.stream "N" [n] in (%N) {
    %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : tensor<?xf32>
    %b = attn.einsum "B" [m] in (%M) {
    ^bb0(%m: i64):
      %x = attn.read %X[%m] : tensor<?xf32> -> f32
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %b : tensor<?xf32>
  } : tensor<?xf32>
  %out = attn.materialize %B : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

// -----

// Keys are numbered through all calls where the number is a value or indexes what holds no keys; the finish's N is all keys so far, its
// argmax a number among all. What a sum has been is moved to the new reference. A promise about keys is gone, one about queries is not.
// CHECK-LABEL: func.func @numbers(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: tensor<?x?xf32> {attn.name = "S"
// CHECK-SAME:    %[[T:[a-z0-9]+]]: tensor<?xf32> {attn.name = "T"
// CHECK-SAME:    %[[R:[a-z0-9]+]]: tensor<?xf32> {attn.default = "0", attn.name = "R_in"
// CHECK-SAME:    attn.name = "R_there_in"
// CHECK-SAME:    attn.name = "Z_in"
// CHECK-NOT:     attn.name = "Z_there_in"
// CHECK-SAME:    tensor<?xi64> {attn.default = "0", attn.name = "I_in"
// CHECK-SAME:    attn.name = "I_there_in"
// CHECK-SAME:    tensor<?xf32> {attn.default = "0", attn.name = "I_key_in"
// CHECK-SAME:    attn.name = "I_key_there_in"
// CHECK-SAME:    tensor<?xi1> {attn.default = "false", attn.name = "A_in"
// CHECK-SAME:    attn.name = "A_there_in"
// CHECK-SAME:    %[[START:[a-z0-9]+]]: i64 {attn.default = "0", attn.name = "N_start"
// CHECK:         %[[COUNT:.*]] = arith.index_cast
// CHECK-NEXT:    %[[ALL:.*]] = attn.map add(%[[START]], %[[COUNT]])
// CHECK-NOT:     attn.given "keys"
// CHECK:         attn.given "queries"
// CHECK:         attn.einsum "I_before"
// CHECK:           attn.map sub(%{{.*}}, %[[START]])
// CHECK:         attn.einsum "E" [m, n]
// CHECK-NEXT:    ^bb0(%[[M:.*]]: i64, %[[N:.*]]: i64):
// CHECK-NEXT:      %[[NUMBER:.*]] = attn.map add(%[[START]], %[[N]])
// CHECK-NEXT:      attn.read %[[S]][%[[M]], %[[N]]]
// CHECK-NEXT:      attn.read %[[T]][%[[NUMBER]]]
// CHECK:           attn.map le(%[[NUMBER]], %[[M]])
// CHECK:         attn.accumulate sum "Z" {{.*}} lam "2" from %{{.*}} :
// CHECK:         attn.accumulate argmax "I" {{.*}} from %{{.*}}, %[[KEY:.*]] : tensor<?xi64>, tensor<?xf32>
// CHECK:         attn.accumulate max "I_key" {{.*}} exact from %[[KEY]] :
// CHECK:           %[[X:.*]] = attn.read
// CHECK:           %[[NONAN:.*]] = attn.map eq(%[[X]], %[[X]])
// CHECK:           attn.where %[[X]], %[[NONAN]]
// CHECK:         attn.accumulate all "A"
// CHECK:         attn.einsum "O" [m]
// CHECK:           %[[I:.*]] = attn.read %{{.*}} : tensor<?xi64> -> i64
// CHECK-NEXT:      attn.map add(%[[START]], %[[I]])
// CHECK:           attn.map real(%[[ALL]])
// APART-LABEL: func.func @numbers(
// APART:         %[[R:.*]] = attn.einsum "R" [m]
// APART:         attn.einsum "Z" [m]
// APART:           %[[RHO:.*]] = attn.read %[[R]]
// APART:           %[[SUM:.*]] = attn.reduce sum [n]
// APART:           %[[OLD:.*]] = attn.read %Z_before
// APART:           %[[D:.*]] = attn.map sub(%{{.*}}, %[[RHO]])
// APART:           %[[LAM:.*]] = attn.map mul(%{{.*}}, %[[D]])
// APART:           %[[C:.*]] = attn.map exp(%[[LAM]])
// APART:           %[[MOVED:.*]] = attn.map mul(%[[OLD]], %[[C]])
// APART:           attn.map add(%[[SUM]], %[[MOVED]])
func.func @numbers(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]},
                   %T: tensor<?xf32> {attn.name = "T", attn.ranks = ["L"]})
    -> (tensor<?xf32> {attn.name = "O", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %count = arith.index_cast %N : index to i64
  %rows = arith.index_cast %M : index to i64
  attn.given "keys" [] in () {
    %one = attn.literal "1" : i64
    %p = attn.map ge(%count, %one) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  attn.given "queries" [] in () {
    %one = attn.literal "1" : i64
    %p = attn.map ge(%rows, %one) : (i64, i64) -> i1
    attn.yield %p : i1
  }
  %O = attn.stream "N" [n] in (%N) {
    %E = attn.einsum "E" [m, n] in (%M, %N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %t = attn.read %T[%n] : tensor<?xf32> -> f32
      %b = attn.map add(%s, %t) : (f32, f32) -> f32
      %p = attn.map le(%n, %m) : (i64, i64) -> i1
      %e = attn.where %b, %p : f32
      attn.yield %e : f32
    } : tensor<?x?xf32>
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xf32>
    %Z = attn.accumulate sum "Z" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "2" {
    ^bb0(%m: i64, %n: i64):
      %one = attn.literal "1" : f32
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %one, %e : f32, f32
    } : tensor<?xf32>
    %I = attn.accumulate argmax "I" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      attn.yield %e : f32
    } : tensor<?xi64>
    %A = attn.accumulate all "A" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %e = attn.read %E[%m, %n] : tensor<?x?xf32> -> f32
      %zero = attn.literal "0" : f32
      %p = attn.map gt(%e, %zero) : (f32, f32) -> i1
      attn.yield %p : i1
    } : tensor<?xi1>
    %o = attn.einsum "O" [m] in (%M) {
    ^bb0(%m: i64):
      %z = attn.read %Z[%m] : tensor<?xf32> -> f32
      %r = attn.read %R[%m] : tensor<?xf32> -> f32
      %i = attn.read %I[%m] : tensor<?xi64> -> i64
      %a = attn.read %A[%m] : tensor<?xi1> -> i1
      %x = attn.map real(%i) : (i64) -> f32
      %k = attn.map real(%count) : (i64) -> f32
      %zr = attn.map add(%z, %r) : (f32, f32) -> f32
      %xk = attn.map mul(%x, %k) : (f32, f32) -> f32
      %y = attn.select %a, %zr, %xk : f32
      attn.yield %y : f32
    } : tensor<?xf32>
    attn.yield %o : tensor<?xf32>
  } : tensor<?xf32>
  %out = attn.materialize %O : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}
