//===- StreamData.cpp - predicates of a stream that read tensors ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamData.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace weir;
using namespace weir::attn;

using Role = StreamTiles::Role;

/// Keys that are asked for together where every one may be different. Fewer follow the edges of a mask more
/// closely, and cost more questions; a question costs as much as a few scores.
constexpr int64_t kStep = 32;
/// Steps of fewer keys cost more questions than they leave out scores.
constexpr int64_t kShortestStep = 8;
/// Runs of fewer rows times keys would be too many to compute one by one: each costs as much as a score or two.
constexpr int64_t kSmallestRun = 64;

/// c, of a value that is floor(coordinate / c) for the row or the key.
static std::optional<int64_t> quotientOf(Value value) {
  if (isa<BlockArgument>(value))
    return 1;
  auto map = value.getDefiningOp<MapOp>();
  if (!map || map.getFn() != Fn::Floordiv)
    return std::nullopt;
  std::optional<int64_t> by = getLiteral(map.getOperands_()[1]), inner = quotientOf(map.getOperands_()[0]);
  if (!inner || !by || *by <= 0 || *by > (1 << 20) / *inner)
    return std::nullopt;
  return *inner * *by;
}

StreamData::Grain StreamData::grainOf(Value value) const {
  if (isa<TensorType>(value.getType()) || plan.isUniform(value))
    return {};
  if (auto by = quotientOf(value)) {
    Grain grain;
    (plan.dependsOn(value, Role::Row) ? grain.row : grain.key) = *by;
    return grain;
  }
  Grain all;
  for (Value operand : value.getDefiningOp()->getOperands()) {
    Grain one = grainOf(operand);
    all = {std::gcd(all.row, one.row), std::gcd(all.key, one.key)};
  }
  return all;
}

/// Whether a value reads a tensor at a row or a key.
bool StreamData::readsTensor(Value value) const {
  Operation *op = value.getDefiningOp();
  if (!op || isa<TensorType>(value.getType()) || plan.isUniform(value))
    return false;
  return isa<ReadOp>(op) || llvm::any_of(op->getOperands(), [&](Value v) { return readsTensor(v); });
}

void StreamData::visit(Value value) {
  if (!readsTensor(value) || !plan.sourcesOf(value).empty() || plan.dependsOn(value, Role::Inner))
    return;
  Grain grain = grainOf(value);
  if (value.getType().isInteger(1) || value.getType().isInteger(64)) {
    if (!grain.row || !grain.key) {
      (grain.row ? ofRows : ofKeys).insert(value);
      return;
    }
    // An entry of a mask is but loaded.
    if (grain.row * grain.key >= kSmallestRun ||
        (isa<ReadOp>(value.getDefiningOp()) && value.getType().isInteger(1))) {
      ofRuns.insert(value);
      return;
    }
  }
  if (isa<AndOp, OrOp, NotOp, MapOp>(value.getDefiningOp()))
    llvm::for_each(value.getDefiningOp()->getOperands(), [&](Value v) { visit(v); });
}

StreamData::StreamData(const StreamTiles &plan) : plan(plan) {
  if (plan.rows.size() != 1 || plan.keys.size() != 1 || plan.isAlone || plan.shared || !plan.residues.empty())
    return; // blocks of tuples are not asked for yet, nor classes, nor what belongs to single blocks of rows
  for (ArrayRef<Value> needed : plan.needed())
    llvm::for_each(needed, [&](Value predicate) { visit(predicate); });
}

int64_t StreamData::stepOf(int64_t n) const {
  int64_t step = 0;
  for (Value v : llvm::concat<const Value>(ofKeys, ofRuns))
    step = std::gcd(step, grainOf(v).key);
  step = std::gcd(step, n);
  return step >= kShortestStep ? step : n % kStep ? n : kStep;
}

int64_t StreamData::rowsFor(int64_t m, int64_t lanes) const {
  int64_t run = 0;
  for (Value v : ofRuns)
    run = std::gcd(run, grainOf(v).row);
  for (int64_t rows = m - m % lanes; run && rows > 0; rows -= lanes)
    if (run % rows == 0 || rows % run == 0)
      return rows;
  return m;
}

StreamTiles::Coordinates StreamData::outerOf(Value value) const {
  StreamTiles::Coordinates found;
  for (auto &coordinate : plan.outer)
    if (plan.dependsOn(value, coordinate.first))
      found.push_back(coordinate);
  return found;
}

StreamTiles::Coordinates StreamData::outerOfAll() const {
  StreamTiles::Coordinates found;
  auto needed = plan.needed();
  for (auto &coordinate : plan.outer)
    if (llvm::any_of(needed, [&](ArrayRef<Value> predicates) {
          return llvm::any_of(predicates, [&](Value v) { return plan.dependsOn(v, coordinate.first); });
        }))
      found.push_back(coordinate);
  return found;
}

bool StreamData::readsInputsOnly() const {
  DenseSet<Value> seen;
  std::function<bool(Value)> isKnown = [&](Value v) {
    Operation *op = v.getDefiningOp();
    if (!op) // an input, a param or a coordinate
      return true;
    if (isa<TensorType>(v.getType()))
      return false;
    if (isa<func::FuncOp>(op->getParentOp()) || !seen.insert(v).second)
      return true;
    return !op->walk([&](Operation *inner) {
                return llvm::all_of(inner->getOperands(), isKnown) ? WalkResult::advance()
                                                                   : WalkResult::interrupt();
              })
                .wasInterrupted();
  };
  return llvm::all_of(plan.needed(), [&](ArrayRef<Value> needed) { return llvm::all_of(needed, isKnown); });
}
