// A negative test for every numbered constraint of dialects/Attention/README.md on the scalar ops of bodies, named by it.
// RUN: weir-opt %s --verify-diagnostics --split-input-file

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
