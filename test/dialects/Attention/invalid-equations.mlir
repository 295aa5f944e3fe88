// A negative test for every numbered constraint of dialects/Attention/README.md on equations and recurrences, named by it.
// RUN: weir-opt %s --verify-diagnostics --split-input-file

func.func @einsum_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has 2 coordinates and 1 extents, expected one extent a coordinate}}
  %Y = attn.einsum "Y" [m, n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xf32>
  return
}

// -----

func.func @einsum_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has 1 coordinates, but its result 'tensor<?x?xf32>' has 2 dimensions}}
  %Y = attn.einsum "Y" [m] in (%N) {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<?x?xf32>
  return
}

// -----

func.func @einsum_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has the coordinate 'm' twice}}
  %Y = attn.einsum "Y" [m, m] in (%N, %N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xf32>
  return
}

// -----

func.func @einsum_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  %c4 = arith.constant 4 : index
  // expected-error@+1 {{'attn.einsum' op has extent 4 in dimension 0, but its result is 'tensor<5xf32>'}}
  %Y = attn.einsum "Y" [m] in (%c4) {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<5xf32>
  return
}

// -----

func.func @einsum_c5(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has element type 'f80', expected f64 f32 f16 bf16 f8E4M3FN f8E5M2 i64 i32 i16 i8 i4 ui32 ui8 or i1}}
  %Y = attn.einsum "Y" [m] in (%N) {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<?xf80>
  return
}

// -----

func.func @einsum_c6(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has a body of 1 arguments, expected 1 of type i64, one a coordinate}}
  %Y = attn.einsum "Y" [m] in (%N) {
  ^bb0(%m: index):
    attn.yield %x : f32
  } : tensor<?xf32>
  return
}

// -----

func.func @einsum_c7(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has a body that yields 'f32', 'f32', expected one scalar (f32, f64, i64 or i1)}}
  %Y = attn.einsum "Y" [m] in (%N) {
  ^bb0(%m: i64):
    attn.yield %x, %x : f32, f32
  } : tensor<?xf32>
  return
}

// -----

func.func @einsum_c8(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has mapping 3 : i64, expected an attribute of the mapping dialect}}
  %Y = attn.einsum "Y" [m] in (%N) mapping 3 : i64 {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<?xf32>
  return
}

// -----

func.func @einsum_c9(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.einsum' op has a bool result, but its body yields 'f32'}}
  %Y = attn.einsum "Y" [m] in (%N) {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<?xi1>
  return
}

// -----

func.func @argtopk_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has no coordinate, expected the list's as the last}}
  %I = attn.argtopk "I" [] in () over [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : tensor<i64>
  return
}

// -----

func.func @argtopk_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op goes over 2 coordinates, expected one}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n, l] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xi64>
  return
}

// -----

func.func @argtopk_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has 2 coordinates and 1 extents, expected one extent a coordinate}}
  %I = attn.argtopk "I" [m, j] in (%N) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xi64>
  return
}

// -----

func.func @argtopk_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has 2 coordinates, but its result 'tensor<?xi64>' has 1 dimensions}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?xi64>
  return
}

// -----

func.func @argtopk_c5(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has the coordinate 'n' twice}}
  %I = attn.argtopk "I" [n, j] in (%N, %N) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xi64>
  return
}

// -----

func.func @argtopk_c6(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  %c4 = arith.constant 4 : index
  // expected-error@+1 {{'attn.argtopk' op has extent 4 in dimension 1, but its result is 'tensor<?x5xi64>'}}
  %I = attn.argtopk "I" [m, j] in (%N, %c4) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x5xi64>
  return
}

// -----

func.func @argtopk_c7(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has element type 'f32', but coordinates are integers}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xf32>
  return
}

// -----

func.func @argtopk_c8(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has a body of 1 arguments, expected 2 of type i64, one a coordinate}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n] in (%N) {
  ^bb0(%m: i64):
    attn.yield %x : f32
  } : tensor<?x?xi64>
  return
}

// -----

func.func @argtopk_c9(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has a body that yields 'tensor<?xf32>', expected one scalar (f32, f64, i64 or i1)}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n] in (%N) {
  ^bb0(%m: i64, %n: i64):
    attn.yield %X : tensor<?xf32>
  } : tensor<?x?xi64>
  return
}

// -----

func.func @argtopk_c10(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.argtopk' op has mapping "fast", expected an attribute of the mapping dialect}}
  %I = attn.argtopk "I" [m, j] in (%N, %N) over [n] in (%N) mapping "fast" {
  ^bb0(%m: i64, %n: i64):
    attn.yield %x : f32
  } : tensor<?x?xi64>
  return
}

// -----

func.func @recurrence_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.recurrence' op holds arith.constant, expected equations (attn.einsum, attn.argtopk, attn.recurrence)}}
  %R = attn.recurrence forward "t" {
    %c = arith.constant 0 : index
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %S : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @recurrence_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  %R = attn.recurrence backward "u" {
    // expected-error@+1 {{'attn.einsum' op stands in a recurrence along 'u' and does not have that coordinate}}
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %S : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @recurrence_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.recurrence' op has results 'tensor<4xf32>', but its body yields 'tensor<?xf32>'}}
  %R = attn.recurrence forward "t" {
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %S : tensor<?xf32>
  } : tensor<4xf32>
  return
}

// -----

func.func @recurrence_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.recurrence' op yields a tensor that is not made in its body}}
  %R = attn.recurrence forward "t" {
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %X : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @recurrence_c5(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.recurrence' op has mapping unit, expected an attribute of the mapping dialect}}
  %R = attn.recurrence forward "t" mapping unit {
    %S = attn.einsum "S" [t] in (%N) {
    ^bb0(%t: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %S : tensor<?xf32>
  } : tensor<?xf32>
  return
}
