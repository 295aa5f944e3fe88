//===- StreamRuns.cpp - keys that are tuples, where they lie --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Along a line of the box of keys, whose outer coordinates stand still, the right factor of a product may be a matrix in memory: a line of an
// image, or a page of a cache, wherever a table says that it lies. So the product of a tile is taken a run at a time: what a line has in
// common with the tile. Whether what the indices of a run say lies inside its tensor is asked once a run.
#include "StreamEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

/// Whether a product's right factors are read run by run. A GPU's threads copy keys together.
bool StreamEmitter::takesRuns(Operation *op) const {
  return lanesOfRows && plan.hasRuns(op, sizes.getM()) && storageOfMatrix(op);
}

Value StreamEmitter::coordinateOfRun(StringRef key) {
  auto found = llvm::find_if(plan.keys, [&](auto &entry) { return entry.first == key; });
  return run->at[found - plan.keys.begin()];
}

Value StreamEmitter::inRuns(Builder &b, Value state, function_ref<Value(Value)> inside) {
  return forKeyLines(b, state, [&](const Line &line, Value state) {
    auto scope = emitter.scope();
    run = line;
    Value next = inside(state);
    run.reset();
    return next;
  });
}

Value StreamEmitter::conditionOfRun(Builder &b, Operation *op) {
  bindCoordinates(b, bodyOf(op), {});
  ReadOp read = plan.matrixOf(op)->read;
  Value there = emitter.arePositive(b, *presences.ofTensor(read.getSource()));
  for (auto [k, index] : llvm::enumerate(read.getIndices()))
    if (!presences.isInside(read, k) && !plan.isUniform(index))
      there = conjunction(b, emitter, there, isInside(b, index, extents.ofDim(read.getSource(), k)));
  return there;
}

/// Of how few rows runs are fetched, how many keys ahead of their use, how long such runs are at most, and bytes that come at a time.
constexpr int64_t kRowsOfFetch = 4, kAhead = 32, kLongest = 64, kLineOfCache = 64;

/// Asks for a line of keys some way behind that at hand. Where runs lie no processor foresees, and few rows are done with keys sooner than
/// memory brings others.
void StreamEmitter::fetchRun(Builder &b, Operation *op) {
  Value length = keyRange.back().count, lines = keyRange[0].count, one = constantIndex(b, 1);
  for (const Span &span : ArrayRef(keyRange).drop_front().drop_back())
    lines = arith::MulIOp::create(b, lines, span.count);
  Value number = arith::AddIOp::create(b, run->number, arith::CeilDivUIOp::create(b, constantIndex(b, kAhead), length));
  Value isThere = arith::AndIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, lines),
                                        arith::CmpIOp::create(b, arith::CmpIPredicate::ule, length, constantIndex(b, kLongest)));
  Line here = *run;
  guarded(b, isThere, [&] {
    run = Line{number, Value(), length, lineAt(b, number)};
    guarded(b, conditionOfRun(b, op), [&] {
      Value matrix = openInPlace(b, op, run->at.back(), length).memory, zero = constantIndex(b, 0);
      Value width = memref::DimOp::create(b, matrix, 1);
      unsigned bits = cast<MemRefType>(matrix.getType()).getElementTypeBitWidth();
      auto fetch = [&](Value key, Value at) {
        memref::PrefetchOp::create(b, matrix, ValueRange{key, at}, /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
      };
      OpBuilder::InsertionGuard guard(b);
      auto keys = scf::ForOp::create(b, zero, length, one);
      b.setInsertionPointToStart(keys.getBody());
      fetch(keys.getInductionVar(), arith::SubIOp::create(b, width, one)); // a key need not begin where a line does
      auto parts = scf::ForOp::create(b, zero, width, constantIndex(b, kLineOfCache * 8 / bits));
      b.setInsertionPointToStart(parts.getBody());
      fetch(keys.getInductionVar(), parts.getInductionVar());
    });
  });
  run = here;
}

void StreamEmitter::forRuns(Builder &b, Operation *op, function_ref<void(const View &)> inside, function_ref<void()> absent) {
  View &bits = rightBits[op];
  if (plan.products.find(op)->second.partialRight && !bits.memory)
    bits = makeTile(Role::Key);
  auto say = [&](double there) {
    if (bits.memory)
      fill(b, inBlock(b, bits), there);
  };
  auto open = [&] {
    say(1);
    inside(openInPlace(b, op, run->at.back(), run->count));
  };
  inRuns(b, Value(), [&](Value) -> Value {
    if (sizes.getM() <= kRowsOfFetch)
      fetchRun(b, op);
    Value there = conditionOfRun(b, op);
    if (!there) {
      open();
      return nullptr;
    }
    auto choice = scf::IfOp::create(b, there, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    open();
    b.setInsertionPointToStart(choice.elseBlock());
    say(0);
    if (absent)
      absent();
    return nullptr;
  });
}

Value StreamEmitter::isThereInRuns(Builder &b, AccumulateOp op) {
  auto isAsked = [&](Operation *product) { return takesRuns(product); };
  std::optional<StreamTiles::Needs> needs = run ? std::nullopt : plan.needsBeside(op, isAsked);
  if (!needs || llvm::none_of(needs->products, isAsked))
    return nullptr;
  bool isKnown = true;
  Value all = inRuns(b, constantInt(b, b.getI1Type(), 1), [&](Value state) {
    Value there = judgeRun(b, op);
    isKnown = bool(there);
    for (Operation *product : needs->products)
      if (plan.products.find(product)->second.partialRight)
        there = conjunction(b, emitter, there, conditionOfRun(b, product));
    return conjunction(b, emitter, state, there);
  });
  if (isKnown)
    return conjunction(b, emitter, all, isThereBesidePredicates(b, *needs));
  all.getDefiningOp()->erase();
  return nullptr;
}
