//===- StreamBody.cpp - which equations stand in a stream, in what order --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/StreamBody.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;

void weir::sortBody(StreamOp stream) {
  Block &block = stream.getBody().front();
  Attribute coordinate = stream.getOver()[0];
  auto stage = [&](Operation &op) {
    if (isa<AccumulateOp>(op))
      return 1;
    auto einsum = dyn_cast<EinsumOp>(op);
    return !einsum ? 3 : llvm::is_contained(einsum.getCoords(), coordinate) ? 0 : 2;
  };
  for (int k = 1; k < 4; ++k) {
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      if (stage(op) == k)
        ops.push_back(&op);
    for (Operation *op : ops)
      op->moveBefore(&block, block.end());
  }
}

/// The coordinates of a row: those that every component of the state has, and with them some equation that
/// carries the stream's coordinate. A feature of a sum is none of them, even where there is no other sum.
static SmallVector<Attribute> rowsOf(StreamOp stream, ArrayRef<EinsumOp> equations) {
  std::optional<SmallVector<Attribute>> rows;
  for (auto accumulate : stream.getBody().front().getOps<AccumulateOp>()) {
    auto coords = accumulate.getCoords();
    if (!rows && !coords.empty())
      rows = SmallVector<Attribute>(coords.begin(), coords.end());
    else if (!coords.empty())
      llvm::erase_if(*rows, [&](Attribute c) { return !llvm::is_contained(coords, c); });
  }
  if (!rows)
    return {};
  llvm::erase_if(*rows, [&](Attribute c) {
    return llvm::none_of(equations, [&](EinsumOp equation) {
      return llvm::is_contained(equation.getCoords(), stream.getOver()[0]) &&
             llvm::is_contained(equation.getCoords(), c);
    });
  });
  return *rows;
}

/// Whether the equation carries the stream's coordinate, is read inside the stream only, and there at that
/// very coordinate, so that a tile of it is all that a tile of the stream needs.
static bool mayMoveIn(EinsumOp einsum, StreamOp stream, ArrayRef<Attribute> rows) {
  auto name = stream.getOver()[0];
  auto at = llvm::find(einsum.getCoords(), name);
  if (at == einsum.getCoords().end() || einsum.getResult().use_empty())
    return false;
  unsigned dim = at - einsum.getCoords().begin();
  if (einsum.getExtents()[dim] != stream.getExtents()[0])
    return false;
  if (!llvm::all_of(rows, [&](Attribute row) { return llvm::is_contained(einsum.getCoords(), row); }))
    return false; // what all rows share, as projected keys, is computed once
  return llvm::all_of(einsum.getResult().getUsers(), [&](Operation *user) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !stream->isProperAncestor(read))
      return false;
    auto index = dyn_cast<BlockArgument>(read.getIndices()[dim]);
    if (!index)
      return false;
    Operation *owner = index.getOwner()->getParentOp();
    if (auto inner = dyn_cast<EinsumOp>(owner))
      return inner.getCoords()[index.getArgNumber()] == name;
    if (auto accumulate = dyn_cast<AccumulateOp>(owner)) {
      unsigned kept = accumulate.getCoords().size();
      return index.getArgNumber() >= kept && accumulate.getOver()[index.getArgNumber() - kept] == name;
    }
    return false;
  });
}

void weir::moveEquationsIn(StreamOp stream) {
  Block &block = stream.getBody().front();
  SmallVector<EinsumOp> outside(stream->getBlock()->getOps<EinsumOp>());
  SmallVector<EinsumOp> all = outside;
  llvm::append_range(all, block.getOps<EinsumOp>());
  SmallVector<Attribute> rows = rowsOf(stream, all);
  for (EinsumOp einsum : llvm::reverse(outside))
    if (mayMoveIn(einsum, stream, rows))
      einsum->moveBefore(&block, block.begin());
}
