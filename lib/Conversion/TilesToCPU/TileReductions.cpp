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
  std::optional<unsigned> reduced = findJoins();
  if (reduced)
    lane = *reduced;
  return reduced.has_value();
}

/// The only dimension that is reduced, if there is one and every result is joined by an operation that does not ask in which order.
std::optional<unsigned> TileMap::findJoins() {
  SmallVector<unsigned> reduced;
  for (auto [dim, type] : llvm::enumerate(op.getIteratorTypesArray()))
    if (type == utils::IteratorType::reduction)
      reduced.push_back(dim);
  if (reduced.size() != 1)
    return std::nullopt;
  Block *block = op.getBlock();
  SmallVector<Operation *> found;
  for (auto [k, value] : llvm::enumerate(block->getTerminator()->getOperands())) {
    Operation *join = value.getDefiningOp();
    Value old = block->getArgument(op.getNumDpsInputs() + k);
    if (!isa_and_nonnull<arith::AddFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp>(join) ||
        !llvm::is_contained(join->getOperands(), old) || !old.hasOneUse() || !value.hasOneUse())
      return std::nullopt;
    found.push_back(join);
  }
  joins = found;
  return reduced[0];
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
      return vector::ShuffleOp::create(b, v, v, llvm::to_vector(llvm::seq(from, from + half))).getResult();
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

/// Several chains of what is joined along the other dimension, for each vector of lanes: one alone would wait for itself.
void TileMap::emitChains(ArrayRef<Value> ends, unsigned other) {
  constexpr int64_t chains = 4;
  unsigned inputs = op.getNumDpsInputs();
  auto loop = scf::ForOp::create(b, constant(0), ends[lane], constant(width));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at[lane] = loop.getInductionVar();
  emitShared();
  size_t count = joins.size();
  SmallVector<Value> state;
  for (int64_t chain = 0; chain < chains; ++chain)
    for (auto [k, join] : llvm::enumerate(joins)) {
      Type element = typeOf(inputs + k).getElementType();
      auto type = VectorType::get({width}, element);
      Attribute identity = DenseElementsAttr::get(type, b.getFloatAttr(element, identityOf(join)));
      state.push_back(chain ? arith::ConstantOp::create(b, cast<TypedAttr>(identity)).getResult()
                            : vector::LoadOp::create(b, type, op->getOperand(inputs + k), indicesOf(maps[inputs + k])).getResult());
    }
  Value middle = b.createOrFold<arith::MulIOp>(b.createOrFold<arith::DivUIOp>(ends[other], constant(chains)), constant(chains));
  for (auto [from, to, step] : {std::tuple(constant(0), middle, chains), std::tuple(middle, ends[other], int64_t(1))}) {
    auto along = scf::ForOp::create(b, from, to, constant(step), state);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(along.getBody());
    SmallVector<Value> next(along.getRegionIterArgs());
    for (int64_t chain = 0; chain < step; ++chain) {
      at[other] = chain ? arith::AddIOp::create(b, along.getInductionVar(), constant(chain)).getResult() : along.getInductionVar();
      SmallVector<Value> own = emitBody(known.empty() ? IRMapping() : known[0], ValueRange(next).slice(chain * count, count));
      llvm::copy(own, next.begin() + chain * count);
    }
    scf::YieldOp::create(b, next);
    state.assign(along.result_begin(), along.result_end());
  }
  for (auto [k, join] : llvm::enumerate(joins)) {
    Value all = state[k];
    for (int64_t chain = 1; chain < chains; ++chain)
      all = joinBy(join, all, state[chain * count + k]);
    vector::StoreOp::create(b, all, op->getOperand(inputs + k), indicesOf(maps[inputs + k]));
  }
}

/// The factor of the lanes alone by which the operation multiplies its only result; null: it does something else.
Value TileMap::findRescaling() {
  Block *block = op.getBlock();
  auto product = block->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  if (op.getNumDpsInputs() != 1 || op.getNumDpsInits() != 1 || !product || &block->front() != product || !typeOf(0) ||
      !llvm::all_of(maps[0].getResults(), [&](AffineExpr e) { return e.isFunctionOfDim(lane); }) || maps[0].getNumResults() != 1)
    return nullptr;
  Value in = block->getArgument(0), out = block->getArgument(1);
  bool isProduct = (product.getLhs() == in && product.getRhs() == out) || (product.getLhs() == out && product.getRhs() == in);
  return isProduct ? in : nullptr;
}

/// Lines whose factors are all 1 stay as they are: a reference moves with few keys.
void TileMap::emitRescaling(ArrayRef<Value> ends, Value factor) {
  unsigned other = 1 - lane;
  auto loop = scf::ForOp::create(b, constant(0), ends[lane], constant(width));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at[lane] = loop.getInductionVar();
  auto type = VectorType::get({width}, factor.getType());
  Value own = vector::LoadOp::create(b, type, op->getOperand(0), ValueRange{at[lane]});
  Value one = arith::ConstantOp::create(b, DenseElementsAttr::get(type, b.getFloatAttr(factor.getType(), 1)));
  Value isOther = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, own, one);
  Value any = vector::ReductionOp::create(b, vector::CombiningKind::OR, isOther);
  b.setInsertionPointToStart(scf::IfOp::create(b, any, /*withElseRegion=*/false).thenBlock());
  constexpr int64_t lines = 4;
  Value whole = b.createOrFold<arith::MulIOp>(b.createOrFold<arith::DivUIOp>(ends[other], constant(lines)), constant(lines));
  for (auto [from, to, step] : {std::tuple(constant(0), whole, lines), std::tuple(whole, ends[other], int64_t(1))}) {
    auto along = scf::ForOp::create(b, from, to, constant(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(along.getBody());
    for (int64_t k = 0; k < step; ++k) {
      at[other] = k ? arith::AddIOp::create(b, along.getInductionVar(), constant(k)).getResult() : along.getInductionVar();
      SmallVector<Value> place = indicesOf(maps[1]);
      Value before = vector::LoadOp::create(b, type, op->getOperand(1), place);
      vector::StoreOp::create(b, arith::MulFOp::create(b, before, own), op->getOperand(1), place);
    }
  }
}
