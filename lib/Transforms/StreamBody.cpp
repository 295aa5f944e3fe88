//===- StreamBody.cpp - which equations stand in a stream, in what order --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Transforms/StreamBody.h"
#include "weir/Analysis/Bodies.h"

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

/// Whether the equation carries the stream's coordinate and is read inside the stream at that very coordinate, so
/// that a tile of it is all that a tile of the stream needs.
static bool mayMoveIn(EinsumOp einsum, StreamOp stream, ArrayRef<Attribute> rows) {
  auto name = stream.getOver()[0];
  auto at = llvm::find(einsum.getCoords(), name);
  if (at == einsum.getCoords().end())
    return false;
  unsigned dim = at - einsum.getCoords().begin();
  Extents extents(stream->getParentOfType<func::FuncOp>());
  if (extents.of(einsum.getExtents()[dim]) != extents.of(stream.getExtents()[0]))
    return false;
  if (!llvm::all_of(rows, [&](Attribute row) { return llvm::is_contained(einsum.getCoords(), row); }))
    return false; // what all rows share, as projected keys, is computed once
  return llvm::all_of(einsum.getResult().getUsers(), [&](Operation *user) {
    if (!stream->isProperAncestor(user))
      return true;
    auto read = dyn_cast<ReadOp>(user);
    if (!read)
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

/// Whether a coordinate of an operation, or of a reduction in it, has the name.
static bool hasCoordinate(Operation *op, Attribute name) {
  bool found = false;
  op->walk([&](Operation *inner) {
    for (StringRef list : {"coords", "over"})
      if (auto names = inner->getAttrOfType<ArrayAttr>(list))
        found |= llvm::is_contained(names, name);
  });
  return found;
}

void weir::alignCoordinates(StreamOp stream) {
  Block &block = stream.getBody().front();
  for (Operation &op : block.without_terminator()) {
    bool isState = isa<AccumulateOp>(op);
    StringRef list = isState ? "over" : "coords"; // others of the state name those of its reference
    unsigned first = isState ? cast<AccumulateOp>(op).getCoords().size() : 0;
    op.walk([&](ReadOp read) {
      auto source = read.getSource().getDefiningOp<EinsumOp>();
      if (!source || source->getBlock() != &block)
        return;
      for (auto [index, name] : llvm::zip_equal(read.getIndices(), source.getCoords())) {
        auto argument = dyn_cast<BlockArgument>(index);
        if (!argument || argument.getOwner()->getParentOp() != &op || argument.getArgNumber() < first)
          continue;
        SmallVector<Attribute> names(op.getAttrOfType<ArrayAttr>(list).getValue());
        if (names[argument.getArgNumber() - first] == name || hasCoordinate(&op, name))
          continue;
        names[argument.getArgNumber() - first] = name;
        op.setAttr(list, ArrayAttr::get(op.getContext(), names));
      }
    });
  }
}

void weir::moveAccumulatorsOut(StreamOp stream) {
  Block &block = stream.getBody().front();
  for (auto accumulator : llvm::make_early_inc_range(block.getOps<AccumulateOp>())) {
    bool isOwn = accumulator.getReference() || !accumulator.getFrom().empty() || accumulator.getAccumulation() == Accumulation::Ref;
    accumulator.walk([&](ReadOp read) {
      Operation *from = read.getSource().getDefiningOp();
      isOwn |= from && from->getBlock() == &block;
    });
    if (!isOwn)
      dissolveAccumulator(accumulator)->moveBefore(stream);
  }
}

void weir::moveEquationsIn(StreamOp stream, bool copies) {
  Block &block = stream.getBody().front();
  SmallVector<EinsumOp> outside(stream->getBlock()->getOps<EinsumOp>());
  SmallVector<EinsumOp> all = outside;
  llvm::append_range(all, block.getOps<EinsumOp>());
  SmallVector<Attribute> rows = rowsOf(stream, all);
  for (EinsumOp einsum : llvm::reverse(outside)) {
    auto isInside = [&](Operation *user) { return stream->isProperAncestor(user); };
    auto users = einsum.getResult().getUsers();
    if (llvm::none_of(users, isInside) || !mayMoveIn(einsum, stream, rows))
      continue;
    if (llvm::all_of(users, isInside)) {
      einsum->moveBefore(&block, block.begin());
    } else if (copies) {
      Operation *copy = OpBuilder(&block, block.begin()).clone(*einsum);
      einsum.getResult().replaceUsesWithIf(copy->getResult(0),
                                           [&](OpOperand &use) { return isInside(use.getOwner()); });
    }
  }
}
