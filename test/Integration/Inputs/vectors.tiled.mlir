// What level 4 may hold, in one kernel: vectors with tails, gathers, reductions, narrow types, scratch memory, while loops.
// Of X[N] (f32), I[N] (i32, places in X): E = exp(X) through the workspace; G[n] = X[I[n]] where I[n] is in range, else -1, as bf16;
// S = [sum X, max X, number of halvings of N to 0].
#row = strided<[1]>
module {
  func.func @vectors(%X: memref<?xf32, #row> {attn.name = "X", attn.ranks = ["N"]},
                     %I: memref<?xi32, #row> {attn.name = "I", attn.ranks = ["N"]},
                     %E: memref<?xf32, #row> {attn.name = "E", attn.ranks = ["N"], weir.output},
                     %G: memref<?xbf16, #row> {attn.name = "G", attn.ranks = ["N"], weir.output},
                     %S: memref<3xf32, #row> {attn.name = "S", attn.ranks = ["3"], weir.output},
                     %ws: memref<?xi8>) attributes {weir.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %low = arith.constant 0xFF800000 : f32
    %n = memref.dim %X, %c0 : memref<?xf32, #row>
    %scratch = memref.view %ws[%c0][%n] : memref<?xi8> to memref<?xf32>
    %blocks = arith.ceildivui %n, %c8 : index
    scf.forall (%b) in (%blocks) {
      %at = arith.muli %b, %c8 : index
      %left = arith.subi %n, %at : index
      %mask = vector.create_mask %left : vector<8xi1>
      %pad = arith.constant dense<0.0> : vector<8xf32>
      %x = vector.maskedload %X[%at], %mask, %pad : memref<?xf32, #row>, vector<8xi1>, vector<8xf32> into vector<8xf32>
      %e = math.exp %x : vector<8xf32>
      vector.maskedstore %scratch[%at], %mask, %e : memref<?xf32>, vector<8xi1>, vector<8xf32>
      %part = memref.subview %I[%at] [%left] [1] : memref<?xi32, #row> to memref<?xi32, strided<[1], offset: ?>>
      %izero = arith.constant 0 : i32
      %i = vector.transfer_read %part[%c0], %izero : memref<?xi32, strided<[1], offset: ?>>, vector<8xi32>
      %n32 = arith.index_cast %n : index to i32
      %ns = vector.broadcast %n32 : i32 to vector<8xi32>
      %zeros = arith.constant dense<0> : vector<8xi32>
      %ok0 = arith.cmpi sge, %i, %zeros : vector<8xi32>
      %ok1 = arith.cmpi slt, %i, %ns : vector<8xi32>
      %ok2 = arith.andi %ok0, %ok1 : vector<8xi1>
      %ok = arith.andi %ok2, %mask : vector<8xi1>
      %none = arith.constant dense<-1.0> : vector<8xf32>
      %g = vector.gather %X[%c0] [%i], %ok, %none : memref<?xf32, #row>, vector<8xi32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
      %narrow = arith.truncf %g : vector<8xf32> to vector<8xbf16>
      %last = arith.minui %left, %c8 : index
      scf.for %k = %c0 to %last step %c1 {
        %v = vector.extract %narrow[%k] : bf16 from vector<8xbf16>
        %p = arith.addi %at, %k : index
        memref.store %v, %G[%p] : memref<?xbf16, #row>
      }
    }
    %half = arith.divui %n, %c8 : index
    scf.forall (%b) in (%blocks) {
      %at = arith.muli %b, %c8 : index
      %left = arith.subi %n, %at : index
      %mask = vector.create_mask %left : vector<8xi1>
      %pad = arith.constant dense<0.0> : vector<8xf32>
      %e = vector.maskedload %scratch[%at], %mask, %pad : memref<?xf32>, vector<8xi1>, vector<8xf32> into vector<8xf32>
      vector.maskedstore %E[%at], %mask, %e : memref<?xf32, #row>, vector<8xi1>, vector<8xf32>
    }
    %lows = vector.broadcast %low : f32 to vector<8xf32>
    %zs = vector.broadcast %zero : f32 to vector<8xf32>
    %r:2 = scf.for %at = %c0 to %n step %c8 iter_args(%sum = %zero, %max = %low) -> (f32, f32) {
      %left = arith.subi %n, %at : index
      %mask = vector.create_mask %left : vector<8xi1>
      %x = vector.maskedload %X[%at], %mask, %zs : memref<?xf32, #row>, vector<8xi1>, vector<8xf32> into vector<8xf32>
      %y = arith.select %mask, %x, %lows : vector<8xi1>, vector<8xf32>
      %s1 = vector.reduction <add>, %x, %sum : vector<8xf32> into f32
      %m1 = vector.reduction <maximumf>, %y, %max : vector<8xf32> into f32
      scf.yield %s1, %m1 : f32, f32
    }
    %halvings:2 = scf.while (%v = %n, %steps = %zero) : (index, f32) -> (index, f32) {
      %more = arith.cmpi ugt, %v, %c0 : index
      scf.condition(%more) %v, %steps : index, f32
    } do {
    ^bb0(%v: index, %steps: f32):
      %w = arith.floordivsi %v, %c2 : index
      %one = arith.constant 1.0 : f32
      %t = arith.addf %steps, %one : f32
      scf.yield %w, %t : index, f32
    }
    memref.store %r#0, %S[%c0] : memref<3xf32, #row>
    memref.store %r#1, %S[%c1] : memref<3xf32, #row>
    memref.store %halvings#1, %S[%c2] : memref<3xf32, #row>
    return
  }
  func.func @vectors.workspace(%X: memref<?xf32, #row>, %I: memref<?xi32, #row>, %E: memref<?xf32, #row>,
                               %G: memref<?xbf16, #row>, %S: memref<3xf32, #row>) -> i64 {
    %c0 = arith.constant 0 : index
    %c4 = arith.constant 4 : index
    %n = memref.dim %X, %c0 : memref<?xf32, #row>
    %bytes = arith.muli %n, %c4 : index
    %r = arith.index_cast %bytes : index to i64
    return %r : i64
  }
}
