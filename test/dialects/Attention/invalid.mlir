// A negative test for every numbered constraint of dialects/Attention/README.md, named by it.
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

// -----

func.func @materialize_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.materialize' op makes 'tensor<?x?xf32>' of 'tensor<?xf32>', expected the same shape}}
  %0 = attn.materialize %X : tensor<?xf32> to tensor<?x?xf32>
  return
}

// -----

func.func @materialize_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.materialize' op has element type 'i7', expected f64 f32 f16 bf16 f8E4M3FN f8E5M2 i64 i32 i16 i8 i4 ui32 ui8 or i1}}
  %0 = attn.materialize %X : tensor<?xf32> to tensor<?xi7>
  return
}

// -----

func.func @materialize_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.materialize' op makes a tensor of bools of 'tensor<?xf32>'}}
  %0 = attn.materialize %X : tensor<?xf32> to tensor<?xi1>
  return
}

// -----

func.func @materialize_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.materialize' op has mapping false, expected an attribute of the mapping dialect}}
  %0 = attn.materialize %X {mapping = false} : tensor<?xf32> to tensor<?xf32>
  return
}

// -----

func.func @given_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.given' op has 1 coordinates and 0 extents, expected one extent a coordinate}}
  attn.given "p" [n] in () {
  ^bb0(%n: i64):
    attn.yield %p : i1
  }
  return
}

// -----

func.func @given_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.given' op has the coordinate 'n' twice}}
  attn.given "p" [n, n] in (%N, %N) {
  ^bb0(%n: i64, %k: i64):
    attn.yield %p : i1
  }
  return
}

// -----

func.func @given_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.given' op has a body of 2 arguments, expected 1 of type i64, one a coordinate}}
  attn.given "p" [n] in (%N) {
  ^bb0(%n: i64, %k: i64):
    attn.yield %p : i1
  }
  return
}

// -----

func.func @given_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.given' op promises a value of type 'f32', expected i1}}
  attn.given "p" [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  }
  return
}

// -----

func.func @rank_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.rank' op has no name}}
  %C = attn.rank "" %i
  return
}

// -----

func.func @rank_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  attn.given "p" [] in () {
    // expected-error@+1 {{'attn.rank' op stands in the body of attn.given, expected a function's}}
    %C = attn.rank "C" %i
    attn.yield %p : i1
  }
  return
}

// -----

func.func @literal_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.literal' op has the text "0.5", which is no literal of type 'i64'}}
  %0 = attn.literal "0.5" : i64
  return
}

// -----

func.func @read_c1(%Z: tensor<?xi7>, %i: i64) {
  // expected-error@+1 {{'attn.read' op reads from 'tensor<?xi7>', whose element type is none of the language's}}
  %0 = attn.read %Z[%i] : tensor<?xi7> -> i64
  return
}

// -----

func.func @read_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.read' op has 2 indices for 'tensor<?xf32>'}}
  %0 = attn.read %X[%i, %i] : tensor<?xf32> -> f32
  return
}

// -----

func.func @read_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.read' op gives 'f64', but an entry of 'tensor<?xf32>' reads as 'f32'}}
  %0 = attn.read %X[%i] : tensor<?xf32> -> f64
  return
}

// -----

func.func @cast_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.cast' op rounds to 'f80', which is no element type of the language}}
  %0 = attn.cast %x to f80 : f32 -> f32
  return
}

// -----

func.func @cast_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.cast' op gives 'f32', but a value of type 'i8' is held as 'i64'}}
  %0 = attn.cast %x to i8 : f32 -> f32
  return
}

// -----

func.func @cast_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.cast' op makes a bool of 'f32', write a comparison}}
  %0 = attn.cast %x to i1 : f32 -> i1
  return
}

// -----

func.func @map_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op applies add to 1 operands, expected 2}}
  %0 = attn.map add(%x) : (f32) -> f32
  return
}

// -----

func.func @map_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op applies mul to ('f32', 'i64'); operands have one type, convert with `real` or `integer`}}
  %0 = attn.map mul(%x, %i) : (f32, i64) -> f32
  return
}

// -----

func.func @map_c2_kinds(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op applies exp to ('i64'); operands have one type, convert with `real` or `integer`}}
  %0 = attn.map exp(%i) : (i64) -> i64
  return
}

// -----

func.func @map_c2_bools(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op applies lt to ('i1', 'i1'); operands have one type, convert with `real` or `integer`}}
  %0 = attn.map lt(%p, %p) : (i1, i1) -> i1
  return
}

// -----

func.func @map_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op gives 'f32', but lt gives 'i1'}}
  %0 = attn.map lt(%x, %x) : (f32, f32) -> f32
  return
}

// -----

func.func @map_c3_narrows(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op gives 'f32', but real gives 'f64'}}
  %0 = attn.map real(%d) : (f64) -> f32
  return
}

// -----

func.func @map_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.map' op has an exponent that is no literal, write pow}}
  %0 = attn.map powi(%x, %i) : (f32, i64) -> f32
  return
}

// -----

func.func @reduce_c1(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op has no coordinate}}
  %0 = attn.reduce sum [] in () {
    attn.yield %x : f32
  } : f32
  return
}

// -----

func.func @reduce_c2(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op has 2 coordinates and 1 extents, expected one extent a coordinate}}
  %0 = attn.reduce sum [n, m] in (%N) {
  ^bb0(%n: i64, %m: i64):
    attn.yield %x : f32
  } : f32
  return
}

// -----

func.func @reduce_c3(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op has the coordinate 'n' twice}}
  %0 = attn.reduce sum [n, n] in (%N, %N) {
  ^bb0(%n: i64, %m: i64):
    attn.yield %x : f32
  } : f32
  return
}

// -----

func.func @reduce_c4(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op gives the coordinate of an extremum over 2 coordinates, expected one}}
  %0 = attn.reduce argmax [n, m] in (%N, %N) {
  ^bb0(%n: i64, %m: i64):
    attn.yield %x : f32
  } : i64
  return
}

// -----

func.func @reduce_c5(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op has a body of 2 arguments, expected 1 of type i64, one a coordinate}}
  %0 = attn.reduce sum [n] in (%N) {
  ^bb0(%n: i64, %m: i64):
    attn.yield %x : f32
  } : f32
  return
}

// -----

func.func @reduce_c6(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op has a body that yields 'index', expected one scalar (f32, f64, i64 or i1)}}
  %0 = attn.reduce sum [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %N : index
  } : f32
  return
}

// -----

func.func @reduce_c7(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op is 'any' of 'f32', which it is not defined for}}
  %0 = attn.reduce any [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : i1
  return
}

// -----

func.func @reduce_c8(%X: tensor<?xf32>, %N: index, %i: i64, %x: f32, %d: f64, %p: i1) {
  // expected-error@+1 {{'attn.reduce' op gives 'f32', but 'count' of 'f32' gives 'i64'}}
  %0 = attn.reduce count [n] in (%N) {
  ^bb0(%n: i64):
    attn.yield %x : f32
  } : f32
  return
}

// -----

// expected-error@+1 {{attribute 'attn.causal' is none of the attn dialect's on an op}}
func.func @cascade_c1() attributes {attn.causal} {
  return
}

// -----

// expected-error@+1 {{'attn.cascade' is a unit attribute of func.func}}
func.func @cascade_c2() attributes {attn.cascade = true} {
  return
}

// -----

// expected-error@+1 {{a cascade takes tensors of the language's element types and scalars (f32, f64, i64, i1), not 'f16'}}
func.func @cascade_c3(%a: f16) attributes {attn.cascade} {
  return
}

// -----

// expected-error@+1 {{a cascade gives tensors of the language's element types, not 'f32'}}
func.func @cascade_c4(%a: f32) -> f32 attributes {attn.cascade} {
  return %a : f32
}

// -----

// expected-error@+1 {{'attn.name' is a name, not ""}}
func.func @cascade_c5(%a: f32 {attn.name = ""}) {
  return
}

// -----

// expected-error@+1 {{'attn.ranks' has 2 entries for 'tensor<?xf32>'}}
func.func @cascade_c6(%a: tensor<?xf32> {attn.ranks = ["M", "N"]}) {
  return
}

// -----

// expected-error@+1 {{'attn.ranks' is a list of strings, not [3]}}
func.func @cascade_c6_result(%a: tensor<?xf32>) -> (tensor<?xf32> {attn.ranks = [3 : i64]}) {
  return %a : tensor<?xf32>
}

// -----

// expected-error@+1 {{a param of type 'i32' is passed as 'i64', not 'f32'}}
func.func @cascade_c7(%a: f32 {attn.type = i32}) {
  return
}

// -----

// expected-error@+1 {{'attn.default' is a literal, not "fifty"}}
func.func @cascade_c8(%a: f32 {attn.default = "fifty"}) {
  return
}

// -----

// expected-error@+1 {{a cascade has a body, and this is a declaration}}
func.func private @cascade_c9(%a: tensor<?xf32>) -> tensor<?xf32> attributes {attn.cascade}
