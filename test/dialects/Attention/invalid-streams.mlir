// A negative test for every numbered constraint on streams, named by it.
// RUN: weir-opt %s --verify-diagnostics --split-input-file

func.func @stream_c1(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op goes over no coordinate}}
  %o = attn.stream "N" [] in () {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c2(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has 1 coordinates and 2 extents, expected one extent a coordinate}}
  %o = attn.stream "N" [n] in (%N, %N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c3(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has the coordinate 'n' twice}}
  %o = attn.stream "N" [n, n] in (%N, %N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c4(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has mapping unit, expected an attribute of the mapping dialect}}
  %o = attn.stream "N" [n] in (%N) mapping unit {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c5(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op holds attn.literal, expected attn.einsum and attn.accumulate}}
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    %l = attn.literal "1" : f32
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c6(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %O = attn.einsum "O" [m] in (%M) {
    ^bb0(%m: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op stands after the stream's finish, expected the equations that carry its coordinates first, then accumulators, then the finish}}
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c7(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has results 'tensor<4xf32>', but its body yields 'tensor<?xf32>'}}
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<4xf32>
  return
}

// -----

func.func @stream_c8(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op yields a tensor that is neither an accumulator nor of the finish}}
  %o = attn.stream "N" [n] in (%N) {
    %E = attn.einsum "E" [n] in (%N) {
    ^bb0(%n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %E : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c9(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has the certificate entry 'monoids' = ["$R"], expected a kind of obligation and the names that have one}}
  %o = attn.stream "N" [n] in (%N) certificate {monoids = ["$R"]} {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @stream_c9_names(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  // expected-error@+1 {{'attn.stream' op has the certificate entry 'monoid' = "$R", expected a kind of obligation and the names that have one}}
  %o = attn.stream "N" [n] in (%N) certificate {monoid = "$R"} {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c1(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has 1 coordinates and 2 extents, expected one extent a coordinate}}
    %R = attn.accumulate ref "R" [m] in (%M, %M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c2(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has 1 coordinates, but its result 'tensor<?x?xf32>' has 2 dimensions}}
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?x?xf32>
    attn.yield %R : tensor<?x?xf32>
  } : tensor<?x?xf32>
  return
}

// -----

func.func @accumulate_c3(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has the coordinate 'n' twice}}
    %R = attn.accumulate ref "R" [n] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c4(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %c3 = arith.constant 3 : index
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has extent 3 in dimension 0, but its result is 'tensor<4xf32>'}}
    %R = attn.accumulate ref "R" [m] in (%c3) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<4xf32>
    attn.yield %R : tensor<4xf32>
  } : tensor<4xf32>
  return
}

// -----

func.func @accumulate_c5(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op is not reduced over the stream's coordinate "n"}}
    %R = attn.accumulate ref "R" [m] in (%M) over [k] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c6(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op gives the coordinate of an extremum over 2 coordinates, expected one}}
    %R = attn.accumulate argmax "R" [m] in (%M) over [n, d] in (%N, %N) {
    ^bb0(%m: i64, %n: i64, %d: i64):
      attn.yield %x : f32
    } : tensor<?xi64>
    attn.yield %R : tensor<?xi64>
  } : tensor<?xi64>
  return
}

// -----

func.func @accumulate_c7(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op is an exact 'min', expected a max}}
    %R = attn.accumulate min "R" [m] in (%M) over [n] in (%N) exact {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c8(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op has lam "-1", expected a positive rational, and a reference}}
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] lam "-1" {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x, %x : f32, f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c9(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate sum "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op has a reference, which only a sum may have, and which is a ref or a max of the same stream}}
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [m] {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x, %x : f32, f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c10(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op reads its reference ["m"] at other than as many of its own coordinates}}
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) reference %R : tensor<?xf32> [n] {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x, %x : f32, f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c11(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has a body of 1 arguments, expected 2 of type i64, one a coordinate}}
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c12(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op has a body that does not end in an attn.yield of 1 scalar}}
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x, %x : f32, f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c13(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op is 'any' of 'f32' into 'f32', which it is not defined for}}
    %R = attn.accumulate any "R" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c14(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) from %X : tensor<?xf32> {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op begins anew, other than the stream's first accumulator}}
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c15(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op goes on from 'tensor<?x?xf32>', expected tensors from outside the stream of its shape and of 'f32'}}
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) from %Y : tensor<?x?xf32> {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %R : tensor<?xf32>
  } : tensor<?xf32>
  return
}

// -----

func.func @accumulate_c15_argmax(%X: tensor<?xf32>, %I: tensor<?xi64>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    // expected-error@+1 {{'attn.accumulate' op goes on from 'tensor<?xi64>', expected tensors from outside the stream of its shape and of 'i64', 'f32'}}
    %R = attn.accumulate argmax "R" [m] in (%M) over [n] in (%N) from %I : tensor<?xi64> {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xi64>
    attn.yield %R : tensor<?xi64>
  } : tensor<?xi64>
  return
}

// -----

func.func @accumulate_c15_inside(%X: tensor<?xf32>, %Y: tensor<?x?xf32>, %N: index, %M: index, %x: f32, %p: i1) {
  %o = attn.stream "N" [n] in (%N) {
    %R = attn.accumulate ref "R" [m] in (%M) over [n] in (%N) from %X : tensor<?xf32> {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    // expected-error@+1 {{'attn.accumulate' op goes on from 'tensor<?xf32>', expected tensors from outside the stream of its shape and of 'f32'}}
    %A = attn.accumulate sum "A" [m] in (%M) over [n] in (%N) from %R : tensor<?xf32> {
    ^bb0(%m: i64, %n: i64):
      attn.yield %x : f32
    } : tensor<?xf32>
    attn.yield %A : tensor<?xf32>
  } : tensor<?xf32>
  return
}
