// Copies a tensor of each type that travels as bits. Level 4, written by hand.
module {
  func.func @types(%BF: memref<?x?xbf16, strided<[?, 1]>> {attn.name = "BF", attn.ranks = ["M", "N"], attn.type = bf16},
                   %E4: memref<?x?xi8, strided<[?, 1]>> {attn.name = "E4", attn.ranks = ["M", "N"], attn.type = f8E4M3FN},
                   %E5: memref<?x?xi8, strided<[?, 1]>> {attn.name = "E5", attn.ranks = ["M", "N"], attn.type = f8E5M2},
                   %I4: memref<?x?xi8, strided<[?, 1]>> {attn.name = "I4", attn.ranks = ["M", "N"], attn.type = i4},
                   %B: memref<?x?xi8, strided<[?, 1]>> {attn.name = "B", attn.ranks = ["M", "N"], attn.type = i1},
                   %BFO: memref<?x?xbf16, strided<[?, 1]>> {attn.name = "BFO", attn.ranks = ["M", "N"], attn.type = bf16, weir.output},
                   %E4O: memref<?x?xi8, strided<[?, 1]>> {attn.name = "E4O", attn.ranks = ["M", "N"], attn.type = f8E4M3FN, weir.output},
                   %E5O: memref<?x?xi8, strided<[?, 1]>> {attn.name = "E5O", attn.ranks = ["M", "N"], attn.type = f8E5M2, weir.output},
                   %I4O: memref<?x?xi8, strided<[?, 1]>> {attn.name = "I4O", attn.ranks = ["M", "N"], attn.type = i4, weir.output},
                   %BO: memref<?x?xi8, strided<[?, 1]>> {attn.name = "BO", attn.ranks = ["M", "N"], attn.type = i1, weir.output},
                   %ws: memref<?xi8>) attributes {weir.kernel} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %m = memref.dim %BF, %c0 : memref<?x?xbf16, strided<[?, 1]>>
    %n = memref.dim %BF, %c1 : memref<?x?xbf16, strided<[?, 1]>>
    %pairs = arith.ceildivsi %n, %c2 : index
    scf.forall (%i) in (%m) {
      scf.for %j = %c0 to %n step %c1 {
        %BFv = memref.load %BF[%i, %j] : memref<?x?xbf16, strided<[?, 1]>>
        memref.store %BFv, %BFO[%i, %j] : memref<?x?xbf16, strided<[?, 1]>>
        %E4v = memref.load %E4[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        memref.store %E4v, %E4O[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        %E5v = memref.load %E5[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        memref.store %E5v, %E5O[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        %Bv = memref.load %B[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        memref.store %Bv, %BO[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
      }
      scf.for %j = %c0 to %pairs step %c1 {
        %v = memref.load %I4[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
        memref.store %v, %I4O[%i, %j] : memref<?x?xi8, strided<[?, 1]>>
      }
    }
    return
  }
}
