// A negative test for every numbered constraint of dialects/Attention/README.md on what stands beside equations, and on cascades, named by it.
// RUN: weir-opt %s --verify-diagnostics --split-input-file

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
