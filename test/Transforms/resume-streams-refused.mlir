// What one call cannot know of the keys of others.
// RUN: weir-opt %s --pass-pipeline='builtin.module(func.func(attn-resume-streams))' --verify-diagnostics --split-input-file

func.func @reduces(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %T = attn.einsum "T" [m] in (%M) {
  ^bb0(%m: i64):
    // expected-error@+1 {{the stream over "N" cannot be resumed: 'k' runs over its keys too, and a call has only its own}}
    %t = attn.reduce sum [k] in (%N) {
    ^bb0(%k: i64):
      %s = attn.read %S[%m, %k] : tensor<?x?xf32> -> f32
      attn.yield %s : f32
    } : f32
    attn.yield %t : f32
  } : tensor<?xf32>
  %B = attn.stream "N" [n] in (%N) {
    %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %t = attn.read %T[%m] : tensor<?xf32> -> f32
      %d = attn.map sub(%s, %t) : (f32, f32) -> f32
      attn.yield %d : f32
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

func.func @rank(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %count = arith.index_cast %N : index to i64
  // expected-error@+1 {{the stream over "N" cannot be resumed: another rank's extent is made of the number of keys}}
  %L = attn.rank "L" %count
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

func.func @inside(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %B = attn.stream "N" [n] in (%N) {
    %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      // expected-error@+1 {{the stream over "N" cannot be resumed: 'k' runs over its keys too, and a call has only its own}}
      %t = attn.reduce sum [k] in (%N) {
      ^bb0(%k: i64):
        %u = attn.read %S[%m, %k] : tensor<?x?xf32> -> f32
        attn.yield %u : f32
      } : f32
      %d = attn.map sub(%s, %t) : (f32, f32) -> f32
      attn.yield %d : f32
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

func.func @first(%S: tensor<?x?xf32> {attn.name = "S", attn.ranks = ["M", "N"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %S, %c0 : tensor<?x?xf32>
  %N = tensor.dim %S, %c1 : tensor<?x?xf32>
  %B = attn.stream "N" [n] in (%N) {
    %X = attn.accumulate max "X" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %zero = attn.literal "0" : i64
      // expected-error@+1 {{the stream over "N" cannot be resumed: a key is read at another coordinate than its own, and may be of another call}}
      %t = attn.read %S[%m, %zero] : tensor<?x?xf32> -> f32
      %d = attn.map sub(%s, %t) : (f32, f32) -> f32
      attn.yield %d : f32
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

// expected-error@+1 {{no state to go on from: the cascade has no stream, expected one}}
func.func @none(%S: tensor<?xf32> {attn.name = "S", attn.ranks = ["M"]}) -> (tensor<?xf32> {attn.name = "B", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %out = attn.materialize %S : tensor<?xf32> to tensor<?xf32>
  return %out : tensor<?xf32>
}

// -----

// Functions that are no cascades are left alone.
func.func @host(%x: f32) -> f32 {
  return %x : f32
}
