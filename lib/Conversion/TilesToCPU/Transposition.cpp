//===- Transposition.cpp - a square of vectors, turned --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of two vectors one is made of their pieces with even numbers, one of those with odd numbers, and so on with
// either half: a step for each bit of a number. Pieces are elements inside 128 bits first, then 128 bits
// inside the vector, so that each step is one instruction.
#include "Tiles.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

/// Of vectors in blocks of `block` elements, in pieces of `size`, as many as there are vectors: piece i of
/// each block of vector k becomes piece k of that of vector i.
static SmallVector<Value> turnPieces(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors, int64_t size,
                                     int64_t block) {
  if (vectors.size() == 1)
    return SmallVector<Value>(vectors);
  int64_t width = cast<VectorType>(vectors[0].getType()).getNumElements();
  SmallVector<Value> halves[2];
  for (int64_t parity : {0, 1}) {
    SmallVector<int64_t> places;
    for (int64_t begin = 0; begin < width; begin += block)
      for (int64_t side : {int64_t(0), width})
        for (int64_t at = parity * size; at < block; at += 2 * size)
          for (int64_t k = 0; k < size; ++k)
            places.push_back(side + begin + at + k);
    for (size_t k = 0; k < vectors.size(); k += 2)
      halves[parity].push_back(vector::ShuffleOp::create(b, vectors[k], vectors[k + 1], places));
    halves[parity] = turnPieces(b, halves[parity], size, block);
  }
  SmallVector<Value> turned;
  for (auto [even, odd] : llvm::zip_equal(halves[0], halves[1]))
    turned.append({even, odd});
  return turned;
}

int64_t weir::lanesOfPart(unsigned bits) { return 128 / bits; }

SmallVector<Value> weir::turnInParts(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors) {
  return turnPieces(b, vectors, 1, vectors.size());
}

SmallVector<Value> weir::turnParts(ImplicitLocOpBuilder &b, ArrayRef<Value> vectors) {
  int64_t width = cast<VectorType>(vectors[0].getType()).getNumElements();
  return turnPieces(b, vectors, width / vectors.size(), width);
}
