//===- TileReductions.cpp - lanes that are what is reduced ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where results are too short for vectors, each lane reduces its own share of the dimension that is reduced;
// the shares are joined at the end.
#include "TileMap.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;
using namespace weir;

/// Lanes where the only result is a single number, made of all of one dimension.
bool TileMap::chooseScalar() {
  if (op.getNumDpsInits() != 1 || maps[0].getNumDims() != 1 || !isVectorisable() || !chooseReduction())
    return false;
  width = unit.lanesOf(typeOf(op->getNumOperands() - 1).getElementType());
  return true;
}

/// Takes the dimension that is reduced for the lanes, if there is one and every result is joined by an
/// operation that does not ask in which order.
bool TileMap::chooseReduction() {
  SmallVector<unsigned> reduced;
  for (auto [dim, type] : llvm::enumerate(op.getIteratorTypesArray()))
    if (type == utils::IteratorType::reduction)
      reduced.push_back(dim);
  if (reduced.size() != 1)
    return false;
  Block *block = op.getBlock();
  SmallVector<Operation *> found;
  for (auto [k, value] : llvm::enumerate(block->getTerminator()->getOperands())) {
    Operation *join = value.getDefiningOp();
    Value old = block->getArgument(op.getNumDpsInputs() + k);
    if (!isa_and_nonnull<arith::AddFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp>(join) ||
        !llvm::is_contained(join->getOperands(), old) || !old.hasOneUse() || !value.hasOneUse())
      return false;
    found.push_back(join);
  }
  joins = found;
  lane = reduced[0];
  return true;
}

/// The value that changes nothing when it is joined.
static double identityOf(Operation *join) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return isa<arith::AddFOp>(join) ? 0 : isa<arith::MinimumFOp>(join) ? infinity : -infinity;
}

Value TileMap::joinBy(Operation *join, Value x, Value y) {
  OperationState state(join->getLoc(), join->getName(), {x, y}, x.getType(), join->getAttrs());
  return b.create(state)->getResult(0);
}

/// All lanes of a vector joined, halves with each other.
Value TileMap::joinLanes(Operation *join, Value v) {
  while (cast<VectorType>(v.getType()).getNumElements() > 1) {
    int64_t half = cast<VectorType>(v.getType()).getNumElements() / 2;
    auto part = [&](int64_t from) {
      return vector::ExtractStridedSliceOp::create(b, v, ArrayRef<int64_t>{from}, ArrayRef<int64_t>{half},
                                                   ArrayRef<int64_t>{1})
          .getResult();
    };
    Value low = part(0), high = part(half);
    v = joinBy(join, low, high);
  }
  return vector::ExtractOp::create(b, v, ArrayRef<int64_t>{0});
}

/// Loops over what is not reduced around two over the lanes: of whole vectors, and of the rest one by one.
void TileMap::emitReduction(ArrayRef<Value> ends, unsigned dim) {
  if (dim < ends.size()) {
    if (dim == lane)
      return emitReduction(ends, dim + 1);
    auto loop = scf::ForOp::create(b, constant(0), ends[dim], constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at[dim] = loop.getInductionVar();
    return emitReduction(ends, dim + 1);
  }
  int64_t whole = width;
  unsigned inputs = op.getNumDpsInputs();
  SmallVector<Value> results;
  for (unsigned k = 0; k < joins.size(); ++k)
    results.push_back(memref::LoadOp::create(b, op->getOperand(inputs + k), indicesOf(maps[inputs + k])));
  Value middle = wholeOf(ends[lane]);
  for (auto [from, to, step] :
       {std::tuple(constant(0), middle, whole), std::tuple(middle, ends[lane], int64_t(1))}) {
    width = step;
    SmallVector<Value> state;
    for (auto [k, join] : llvm::enumerate(joins)) {
      auto type = VectorType::get({width}, results[k].getType());
      auto value = b.getFloatAttr(results[k].getType(), identityOf(join));
      state.push_back(arith::ConstantOp::create(b, DenseElementsAttr::get(type, value)));
    }
    auto loop = scf::ForOp::create(b, from, to, constant(step), state);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      at[lane] = loop.getInductionVar();
      scf::YieldOp::create(b, emitBody({}, loop.getRegionIterArgs()));
    }
    for (auto [k, join] : llvm::enumerate(joins))
      results[k] = joinBy(join, results[k], joinLanes(join, loop.getResult(k)));
  }
  for (unsigned k = 0; k < joins.size(); ++k)
    memref::StoreOp::create(b, results[k], op->getOperand(inputs + k), indicesOf(maps[inputs + k]));
  width = whole;
}
