// Y[m,n] = a * X[m,n] + W[n], and Z[m] = sum(n) Y[m,n]; rows in parallel. Level 4, written by hand.
#strided = strided<[?, 1]>
module {
  func.func @scale(%X: memref<?x?xf32, #strided> {attn.name = "X", attn.ranks = ["M", "N"]},
                   %W: memref<?xf32, strided<[1]>> {attn.name = "W", attn.ranks = ["N"]},
                   %a: f32 {attn.name = "a", attn.default = "2.0"},
                   %flip: i1 {attn.name = "flip", attn.default = "false"},
                   %k: i64 {attn.name = "k", attn.default = "1"},
                   %Y: memref<?x?xf32, #strided> {attn.name = "Y", attn.ranks = ["M", "N"], weir.output},
                   %Z: memref<?xf32, strided<[1]>> {attn.name = "Z", attn.ranks = ["M"], weir.output},
                   %ws: memref<?xi8>) attributes {weir.kernel, weir.checks = ["N % 2 == 0"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %m = memref.dim %X, %c0 : memref<?x?xf32, #strided>
    %n = memref.dim %X, %c1 : memref<?x?xf32, #strided>
    %neg = arith.negf %a : f32
    %factor = arith.select %flip, %neg, %a : f32
    %kf = arith.sitofp %k : i64 to f32
    scf.forall (%i) in (%m) {
      %acc = memref.alloca() : memref<f32>
      memref.store %zero, %acc[] : memref<f32>
      scf.for %j = %c0 to %n step %c1 {
        %x = memref.load %X[%i, %j] : memref<?x?xf32, #strided>
        %w = memref.load %W[%j] : memref<?xf32, strided<[1]>>
        %t = arith.mulf %x, %factor : f32
        %u = arith.mulf %t, %kf : f32
        %y = arith.addf %u, %w : f32
        memref.store %y, %Y[%i, %j] : memref<?x?xf32, #strided>
        %old = memref.load %acc[] : memref<f32>
        %new = arith.addf %old, %y : f32
        memref.store %new, %acc[] : memref<f32>
      }
      %sum = memref.load %acc[] : memref<f32>
      memref.store %sum, %Z[%i] : memref<?xf32, strided<[1]>>
    }
    return
  }
  func.func @scale.check(%X: memref<?x?xf32, #strided>, %W: memref<?xf32, strided<[1]>>, %a: f32, %flip: i1, %k: i64,
                         %Y: memref<?x?xf32, #strided>, %Z: memref<?xf32, strided<[1]>>) -> i64 {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %X, %c1 : memref<?x?xf32, #strided>
    %r = arith.remui %n, %c2 : index
    %broken = arith.index_cast %r : index to i64
    return %broken : i64
  }
  func.func @scale.workspace(%X: memref<?x?xf32, #strided>, %W: memref<?xf32, strided<[1]>>, %a: f32, %flip: i1, %k: i64,
                             %Y: memref<?x?xf32, #strided>, %Z: memref<?xf32, strided<[1]>>) -> i64 {
    %c1 = arith.constant 1 : index
    %n = memref.dim %X, %c1 : memref<?x?xf32, #strided>
    %bytes = arith.index_cast %n : index to i64
    return %bytes : i64
  }
}
