//===- StreamMatrices.cpp - keys that lie side by side in memory ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamTiles.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

std::optional<StreamTiles::Matrix> StreamTiles::matrixOf(Operation *op) const {
  const Product &product = products.find(op)->second;
  auto read = product.right.size() == 1 ? product.right[0].getDefiningOp<ReadOp>() : ReadOp();
  if (!read || !product.rightDivisors.empty())
    return std::nullopt;
  StringRef innermost = keys.back().first;
  std::optional<unsigned> keyAt, innerAt;
  for (auto [k, index] : llvm::enumerate(read.getIndices())) {
    bool isOfKey = dependsOn(index, innermost);
    if (!isOfKey && !dependsOn(index, Role::Inner))
      continue;
    std::optional<unsigned> &place = isOfKey ? keyAt : innerAt;
    if (place || !isa<BlockArgument>(index) || !presences->isInside(read, k))
      return std::nullopt;
    place = k;
  }
  if (!keyAt || !innerAt || *innerAt + 1 != read.getIndices().size())
    return std::nullopt;
  return Matrix{read, *keyAt};
}

std::optional<StreamTiles::Matrix> StreamTiles::sharedMatrixOf(Operation *op) const {
  std::optional<Matrix> matrix = matrixOf(op);
  bool isShared = matrix && !products.find(op)->second.partialRight && isa<BlockArgument>(matrix->read.getSource()) && keys.size() == 1 &&
                  stepOf(keys[0].first) == 1 && startsAtFirstKey();
  return isShared ? matrix : std::nullopt;
}

bool StreamTiles::widens(Type element, int64_t rows) const {
  constexpr int64_t fewRows = 4;
  return real.isF32() && (element.isBF16() || element.isF16()) && rows <= fewRows;
}

/// Shorter runs are copied: what a product of few keys takes beside its turns costs more than that.
constexpr int64_t kShortRun = 3;

/// A sum over keys loads and stores its rows once a run: with more rows than this, or than a run is known to have keys, that costs more than
/// a copy of the run does.
constexpr int64_t kMostRows = 16;

bool StreamTiles::hasRuns(Operation *op, int64_t rows) const {
  if (keys.size() < 2)
    return false;
  std::optional<int64_t> length = Extents::constant(extents->of(keys.back().second));
  if (length)
    length = llvm::divideCeil(*length, stepOf(keys.back().first));
  if ((length && *length <= kShortRun) || (isa<AccumulateOp>(op) && rows > std::max(length.value_or(0), kMostRows)))
    return false;
  std::optional<Matrix> matrix = matrixOf(op);
  if (!matrix || !presences->ofTensor(matrix->read.getSource()))
    return false;
  Type element = cast<RankedTensorType>(matrix->read.getSource().getType()).getElementType();
  return element == real || widens(element, rows);
}
