//===- FragmentElements.cpp - tile operations element by element ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A region is repeated for each element that a thread has. A reduction along rows goes over a thread's own
// columns first, in two chains, then over the threads of the row.
#include "FragmentEmitter.h"
#include "FragmentFunctions.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include <limits>

using namespace mlir;
using namespace weir;
using Kind = TileLayouts::Kind;

Value FragmentEmitter::constant(Builder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

static Value constantInt(ImplicitLocOpBuilder &b, int32_t value) {
  return arith::ConstantIntOp::create(b, value, 32);
}

static Value constantFloat(ImplicitLocOpBuilder &b, float value) {
  return arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(value));
}

Value FragmentEmitter::element(Builder &b, Value fragment, unsigned at) {
  return memref::LoadOp::create(b, fragment, constant(b, at));
}

void FragmentEmitter::setElement(Builder &b, Value value, Value fragment, unsigned at) {
  memref::StoreOp::create(b, value, fragment, constant(b, at));
}

Value FragmentEmitter::butterfly(Builder &b, Value x, unsigned distance) {
  return NVVM::ShflOp::create(b, x.getType(), constantInt(b, -1), x, constantInt(b, distance),
                              constantInt(b, 31), NVVM::ShflKind::bfly, UnitAttr());
}

Value FragmentEmitter::columnAt(Builder &b, unsigned at, unsigned run) {
  return arith::AddIOp::create(b, lanes.columnBases.at(run), constant(b, columnsBefore(at, run)));
}

/// Asked of numbers of 32 bits, with one for the thread: how many columns there are from its first one on.
Value FragmentEmitter::isBelow(Builder &b, unsigned at, unsigned run, Value count) {
  auto narrow = [&](Value x) { return arith::IndexCastOp::create(b, b.getI32Type(), x); };
  Value rest = arith::SubIOp::create(b, narrow(count), narrow(lanes.columnBases.at(run)));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, rest, constantInt(b, columnsBefore(at, run)));
}

/// By which bits of their numbers the threads of a row differ.
ArrayRef<unsigned> FragmentEmitter::membersApart() const {
  static constexpr unsigned four[] = {1, 2}, eight[] = {2, 8, 16};
  if (layouts.lanesOfRow() == 4)
    return four;
  return eight;
}

/// The thread of this row that is its number `at`.
Value FragmentEmitter::laneOf(Builder &b, Value at) {
  auto add = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, x, y); };
  auto kept = [&](int64_t bits) -> Value { return arith::AndIOp::create(b, lanes.lane, constant(b, bits)); };
  if (layouts.lanesOfRow() == 4)
    return add(kept(28), at);
  Value low = arith::MulIOp::create(b, arith::RemUIOp::create(b, at, constant(b, 2)), constant(b, 2));
  Value high = arith::MulIOp::create(b, arith::DivUIOp::create(b, at, constant(b, 2)), constant(b, 8));
  return add(kept(5), add(low, high));
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The sizes that a loop counts through: of each tile, of how many there really are and for how many it has room.
static SmallVector<std::pair<OpFoldResult, int64_t>> sizesAlong(linalg::LinalgOp op, unsigned loop) {
  SmallVector<std::pair<OpFoldResult, int64_t>> sizes;
  for (OpOperand &operand : op->getOpOperands()) {
    TileView view = isa<MemRefType>(operand.get().getType()) ? viewOf(operand.get()) : TileView();
    if (!view.tile)
      continue;
    for (auto [k, result] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (cast<AffineDimExpr>(result).getPosition() == loop)
        sizes.push_back({view.sizes[k], view.tile.getType().getDimSize(k)});
  }
  return sizes;
}

/// How many of a loop's iterations tiles have room for: all that threads hold. 0 where it counts through none.
static int64_t heldOf(linalg::LinalgOp op, unsigned loop) {
  auto sizes = sizesAlong(op, loop);
  return sizes.empty() ? 0 : sizes.front().second;
}

/// The elements of one row that a thread has.
unsigned FragmentEmitter::columnsOf(linalg::GenericOp op, unsigned loop) {
  int64_t held = heldOf(op, loop);
  assert(held > 0 && "every loop counts through a tile");
  return held / layouts.lanesOfRow();
}

Value FragmentEmitter::limitOf(Builder &b, OpFoldResult size, int64_t held) {
  if (auto open = dyn_cast<Value>(size))
    return open;
  int64_t known = *getConstantIntValue(size);
  return known < held ? constant(b, known) : Value();
}

Value FragmentEmitter::countOf(Builder &b, linalg::LinalgOp op, unsigned loop) {
  for (auto [size, held] : sizesAlong(op, loop))
    if (Value count = limitOf(b, size, held))
      return count;
  return nullptr;
}

/// Whether a tile operation reads memory other than registers, where indices have to be inside.
static bool readsMemory(linalg::GenericOp op, const TileLayouts &layouts) {
  auto isMemory = [&](Value operand) {
    TileView view = viewOf(operand);
    return !view.tile || !layouts.isInRegisters(view.tile);
  };
  return llvm::any_of(op.getInputs(), isMemory) ||
         op.getRegion().walk([](memref::LoadOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// A row of a thread among those of an operation, which may begin inside its tiles: what lies before wraps around.
Value FragmentEmitter::rowAt(Builder &b, linalg::LinalgOp op, unsigned half) {
  Value row = arith::AddIOp::create(b, lanes.rowBase, constant(b, rowsBefore(half)));
  for (Value operand : op->getOperands())
    if (OpFoldResult first = layouts.firstRowOf(operand))
      return arith::SubIOp::create(b, row, getValueOrCreateConstantIndexOp(b, b.getLoc(), first));
  return row;
}

FragmentEmitter::Place FragmentEmitter::placeAt(Builder &b, linalg::GenericOp op, unsigned half,
                                                ArrayRef<unsigned> columns) {
  Place place{half, SmallVector<unsigned>(columns), {}};
  unsigned row = *layouts.rowOf(op);
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
    if (loop == row) {
      place.indices.push_back(rowAt(b, op, half));
      continue;
    }
    unsigned at = columns[loop];
    Value index = columnAt(b, at, layouts.runOf(op, loop));
    if (Value count = countOf(b, op, loop); count && readsMemory(op, layouts))
      index = arith::MinUIOp::create(b, index, arith::SubIOp::create(b, count, constant(b, 1)));
    place.indices.push_back(index);
  }
  return place;
}

Value FragmentEmitter::load(Builder &b, OpOperand &operand, const Place &place) {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  TileView view = viewOf(operand.get());
  Kind kind = view.tile ? layouts.kindOf(view.tile) : Kind::Plain;
  if (kind == Kind::Row)
    return element(b, memories.lookup(view.tile), place.half);
  if (kind == Kind::Fragment) {
    unsigned at = place.columns[map.getDimPosition(1)];
    return element(b, memories.lookup(view.tile), elementAt(place.half, at));
  }
  SmallVector<Value> indices;
  for (unsigned k = 0; k < map.getNumResults(); ++k)
    indices.push_back(place.indices[map.getDimPosition(k)]);
  if (kind != Kind::Matrix) {
    // Of an argument's part there may be fewer rows than a tile has.
    for (auto [k, index] : llvm::enumerate(indices))
      if (!view.tile && k < view.sizes.size())
        if (Value count = limitOf(b, view.sizes[k], heldOf(op, map.getDimPosition(k))))
          index = arith::MinUIOp::create(b, index, arith::SubIOp::create(b, count, constant(b, 1)));
    return memref::LoadOp::create(b, operand.get(), indices);
  }
  Value element = memref::LoadOp::create(b, memories.lookup(view.tile), indices);
  return element.getType().isF32() ? element : arith::ExtFOp::create(b, b.getF32Type(), element);
}

/// Writes an element of a tile in registers, or of an argument where the row is one of its rows.
void FragmentEmitter::store(Builder &b, Value value, OpOperand &operand, const Place &place) {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  TileView view = viewOf(operand.get());
  if (view.tile && layouts.kindOf(view.tile) == Kind::Row)
    return setElement(b, value, memories.lookup(view.tile), place.half);
  if (view.tile) {
    unsigned at = place.columns[map.getDimPosition(1)];
    return setElement(b, value, memories.lookup(view.tile), elementAt(place.half, at));
  }
  SmallVector<Value> indices;
  Value inside;
  if (map.getNumResults() == 1) // of the threads of a row one writes what they all have
    inside = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lanes.columnBases.begin()->second, constant(b, 0));
  for (unsigned k = 0; k < map.getNumResults(); ++k) {
    unsigned loop = map.getDimPosition(k);
    indices.push_back(place.indices[loop]);
    Value size = view.sizes.empty() ? Value() : limitOf(b, view.sizes[k], heldOf(op, loop));
    if (!size)
      continue;
    if (loop != *layouts.rowOf(op)) // may have been kept inside
      indices.back() = columnAt(b, place.columns[loop], layouts.runOf(op, loop));
    Value one = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, indices.back(), size);
    inside = inside ? arith::AndIOp::create(b, inside, one).getResult() : one;
  }
  if (!inside) {
    memref::StoreOp::create(b, value, operand.get(), indices);
    return;
  }
  auto branch = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  memref::StoreOp::create(b, value, operand.get(), indices);
}

SmallVector<Value> FragmentEmitter::loadInputs(Builder &b, linalg::GenericOp op, const Place &place) {
  SmallVector<Value> args;
  for (OpOperand *input : op.getDpsInputOperands())
    args.push_back(op.getMatchingBlockArgument(input).use_empty() ? Value() : load(b, *input, place));
  return args;
}

/// The region for one element, but for operations `without`; what its values have become, those that are `known` among them.
IRMapping FragmentEmitter::cloneBody(Builder &b, linalg::GenericOp op, ValueRange args, const Place &place,
                                     function_ref<bool(Operation *)> without, IRMapping known) {
  IRMapping mapping = std::move(known);
  for (auto [parameter, arg] : llvm::zip(op.getBody()->getArguments(), args))
    if (arg)
      mapping.map(parameter, arg);
  for (Operation &inside : op.getBody()->without_terminator()) {
    if (without && without(&inside))
      continue;
    if (auto index = dyn_cast<linalg::IndexOp>(inside)) {
      mapping.map(index.getResult(), place.indices[index.getDim()]);
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : inside.getOperands())
      operands.push_back(mapping.lookupOrDefault(operand));
    if (Value value = emitByInstruction(b, &inside, operands, isExact())) {
      mapping.map(inside.getResult(0), value);
      continue;
    }
    if (auto compare = dyn_cast<arith::CmpIOp>(inside))
      if (Value value = compareWithBound(b, compare, op, place, mapping)) {
        mapping.map(compare.getResult(), value);
        continue;
      }
    auto read = dyn_cast<memref::LoadOp>(inside);
    auto tile = read ? read.getMemRef().getDefiningOp<memref::AllocaOp>() : memref::AllocaOp();
    if (!tile || !layouts.isInRegisters(tile)) {
      b.clone(inside, mapping);
      continue;
    }
    unsigned at = place.half;
    if (read.getIndices().size() == 2) {
      unsigned loop = read.getIndices()[1].getDefiningOp<linalg::IndexOp>().getDim();
      at = elementAt(place.half, place.columns[loop]);
    }
    mapping.map(read.getResult(), element(b, memories.lookup(tile), at));
  }
  return mapping;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

void FragmentEmitter::fill(Builder &b, linalg::FillOp op) {
  Value memory = memories.lookup(viewOf(op.getOutputs()[0]).tile);
  for (int64_t k = 0; k < cast<MemRefType>(memory.getType()).getDimSize(0); ++k)
    setElement(b, op.getInputs()[0], memory, k);
}

void FragmentEmitter::elementwise(Builder &b, linalg::GenericOp op) {
  unsigned row = *layouts.rowOf(op), loops = op.getNumLoops();
  unsigned columns = loops == 1 ? 1 : columnsOf(op, 1 - row);
  SmallVector<Value> yielded(op.getBody()->getTerminator()->getOperands());
  Operation *without = nullptr; // a scale that is applied to sums of products
  if (memref::AllocaOp tile = viewOf(op.getOutputs()[0]).tile; tile && scales.contains(tile)) {
    NarrowSource source = *narrowSourceOf(op);
    without = source.scaling;
    yielded[0] = source.wide;
  }
  for (unsigned half = 0; half < halves; ++half) {
    for (unsigned column = 0; column < columns; ++column) {
      Place place = placeAt(b, op, half, SmallVector<unsigned>(loops, column));
      SmallVector<Value> args = loadInputs(b, op, place);
      for (OpOperand &out : op.getDpsInitsMutable())
        args.push_back(op.getMatchingBlockArgument(&out).use_empty() ? Value() : load(b, out, place));
      IRMapping values = cloneBody(b, op, args, place, [&](Operation *inside) { return inside == without; });
      for (auto [value, out] : llvm::zip_equal(yielded, op.getDpsInitsMutable()))
        store(b, values.lookupOrDefault(value), out, place);
    }
  }
}

float FragmentEmitter::identityOf(Operation *combiner) {
  if (isa<arith::AddFOp>(combiner))
    return 0;
  if (isa<arith::MulFOp>(combiner))
    return 1;
  float infinity = std::numeric_limits<float>::infinity();
  return isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner) ? -infinity : infinity;
}

Value FragmentEmitter::combine(Builder &b, Operation *combiner, Value x, Value y) {
  if (!x)
    return y;
  if (Value value = emitByInstruction(b, combiner, {x, y}, /*isExact=*/true))
    return value;
  IRMapping mapping;
  mapping.map(combiner->getOperand(0), x);
  mapping.map(combiner->getOperand(1), y);
  return b.clone(*combiner, mapping)->getResult(0);
}

/// The condition that chooses between the constants of a maximum's term, the larger one if it holds; null: there is none.
static Value choiceOf(Operation *combiner, Value term) {
  auto choice = term.getDefiningOp<arith::SelectOp>();
  FloatAttr high, low;
  bool isChoice = choice && isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner) &&
                  matchPattern(choice.getTrueValue(), m_Constant(&high)) &&
                  matchPattern(choice.getFalseValue(), m_Constant(&low)) && high.getValue() > low.getValue();
  return isChoice ? choice.getCondition() : Value();
}

/// A reduction along rows; of columns behind `count`, if given, nothing is taken. A maximum of choices is one choice: whether a condition holds anywhere.
void FragmentEmitter::reduceColumns(Builder &b, linalg::GenericOp op, Value count) {
  SmallVector<Operation *> combiners;
  Value term = matchReduction(op.getRegionOutputArgs(), 0, combiners);
  Operation *combiner = combiners[0];
  Value choice = choiceOf(combiner, term);
  unsigned loops = op.getNumLoops(), column = 1 - *layouts.rowOf(op), columns = columnsOf(op, column);
  unsigned run = layouts.runOf(op, column);
  OpOperand &out = *op.getDpsInitOperand(0);
  for (unsigned half = 0; half < halves; ++half) {
    Value chains[2], all;
    Place place;
    IRMapping values;
    for (unsigned at = 0; at < columns; ++at) {
      place = placeAt(b, op, half, SmallVector<unsigned>(loops, at));
      values = cloneBody(b, op, loadInputs(b, op, place), place, [&](Operation *inside) { return inside == combiner; });
      Value &chain = chains[at % 2];
      if (choice) {
        Value holds = values.lookupOrDefault(choice);
        if (count)
          holds = arith::AndIOp::create(b, holds, isBelow(b, at, run, count));
        chain = chain ? arith::OrIOp::create(b, chain, holds).getResult() : holds;
        continue;
      }
      Value value = values.lookupOrDefault(term);
      if (count)
        value =
            arith::SelectOp::create(b, isBelow(b, at, run, count), value, constantFloat(b, identityOf(combiner)));
      chain = combine(b, combiner, chain, value);
    }
    if (choice) {
      auto select = term.getDefiningOp<arith::SelectOp>();
      all = arith::SelectOp::create(b, arith::OrIOp::create(b, chains[0], chains[1]), values.lookupOrDefault(select.getTrueValue()),
                                    values.lookupOrDefault(select.getFalseValue()));
    } else {
      all = combine(b, combiner, chains[0], chains[1]);
    }
    for (unsigned distance : membersApart())
      all = combine(b, combiner, all, butterfly(b, all, distance));
    store(b, combine(b, combiner, load(b, out, place), all), out, place);
  }
}

/// What is done if all columns of a tile are there, and what if only `count` are.
void FragmentEmitter::inVersions(Builder &b, Value count, unsigned columns, function_ref<void(Value)> emit) {
  if (!count)
    return emit(Value());
  Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, count, constant(b, layouts.lanesOfRow() * columns));
  auto branch = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emit(Value());
  b.setInsertionPointToStart(branch.elseBlock());
  bounds.clear();
  emit(count);
}

/// Whether a sum may take in what is behind its last column: there are zeros.
bool FragmentEmitter::sumsCleared(linalg::GenericOp op) {
  SmallVector<Operation *> combiners;
  Value term = matchReduction(op.getRegionOutputArgs(), 0, combiners);
  auto input = dyn_cast<BlockArgument>(term);
  return isa<arith::AddFOp>(combiners[0]) && input && cleared.contains(viewOf(op->getOperand(input.getArgNumber())).tile);
}

void FragmentEmitter::reduce(Builder &b, linalg::GenericOp op) {
  if (op.getNumLoops() == 3)
    return sumProducts(b, op);
  unsigned column = 1 - *layouts.rowOf(op);
  inVersions(b, sumsCleared(op) ? Value() : countOf(b, op, column), columnsOf(op, column),
             [&](Value count) { reduceColumns(b, op, count); });
}

/// What of a region depends on a loop's number, on what is read with it, or on what is written.
static llvm::SmallPtrSet<Operation *, 16> dependentOn(linalg::GenericOp op, unsigned loop) {
  llvm::SmallPtrSet<Operation *, 16> dependent;
  auto isDependent = [&](Value value) {
    auto parameter = dyn_cast<BlockArgument>(value);
    if (!parameter || parameter.getOwner() != op.getBody())
      return dependent.contains(value.getDefiningOp());
    OpOperand &operand = op->getOpOperand(parameter.getArgNumber());
    return op.isDpsInit(&operand) || op.getMatchingIndexingMap(&operand).isFunctionOfDim(loop);
  };
  for (Operation &inside : op.getBody()->without_terminator()) {
    llvm::SetVector<Value> values(inside.operand_begin(), inside.operand_end());
    getUsedValuesDefinedAbove(inside.getRegions(), values);
    auto index = dyn_cast<linalg::IndexOp>(inside);
    if ((index && index.getDim() == loop) || llvm::any_of(values, isDependent))
      dependent.insert(&inside);
  }
  return dependent;
}

/// A reduction of row, summed and kept columns. Fragments of row and summed column come from the thread of
/// the row that has them. It stands where a product has conditions, and is not meant to be fast, but to leave registers to the
/// product without: a loop over columns whose fragments lie in the thread's own memory.
void FragmentEmitter::sumProducts(Builder &b, linalg::GenericOp op) {
  unsigned row = *layouts.rowOf(op), summed = 0;
  while (op.getIteratorTypesArray()[summed] != utils::IteratorType::reduction)
    ++summed;
  unsigned kept = 3 - row - summed;
  OpOperand &out = *op.getDpsInitOperand(0);
  Value yielded = op.getBody()->getTerminator()->getOperand(0), count = countOf(b, op, summed);
  if (!count)
    count = constant(b, heldOf(op, summed));
  llvm::SmallMapVector<Value, Value, 4> spread; // fragments, and where they lie meanwhile
  auto isFragment = [&](OpOperand &operand) {
    TileView view = viewOf(operand.get());
    return view.tile && layouts.kindOf(view.tile) == Kind::Fragment;
  };
  for (OpOperand &operand : op->getOpOperands())
    if (isFragment(operand) && !op.getMatchingBlockArgument(&operand).use_empty())
      spread[memories.lookup(viewOf(operand.get()).tile)] = nullptr;
  auto copy = [&](Value from, Value to) {
    for (int64_t at = 0; at < cast<MemRefType>(from.getType()).getDimSize(0); ++at)
      setElement(b, element(b, from, at), to, at);
  };
  for (auto &[fragment, memory] : spread) {
    memory = memref::AllocaOp::create(b, cast<MemRefType>(fragment.getType()));
    copy(fragment, memory);
  }
  /// A column of a thread: a number that is known at run time and is the first of a run, and how far behind it.
  struct Column {
    Value first;
    unsigned behind;
  };
  auto elementOf = [&](OpOperand &operand, unsigned half, ArrayRef<Column> columns) -> Value {
    Column at = columns[op.getMatchingIndexingMap(&operand).getDimPosition(1)];
    Value pair = arith::MulIOp::create(b, arith::DivUIOp::create(b, at.first, constant(b, 2)), constant(b, 2 * halves));
    Value odd = arith::AddIOp::create(b, arith::RemUIOp::create(b, at.first, constant(b, 2)), constant(b, elementAt(half, at.behind)));
    return arith::AddIOp::create(b, pair, odd);
  };
  auto memoryOf = [&](OpOperand &operand) { return spread.lookup(memories.lookup(viewOf(operand.get()).tile)); };
  auto dependent = dependentOn(op, kept);
  auto each = [&](Value end, unsigned step) {
    auto loop = scf::ForOp::create(b, constant(b, 0), end, constant(b, step));
    b.setInsertionPointToStart(loop.getBody());
    return loop.getInductionVar();
  };
  {
    OpBuilder::InsertionGuard guard(b);
    unsigned run = layouts.runOf(op, summed), members = layouts.lanesOfRow(), keptRun = layouts.runOf(op, kept);
    auto div = [&](Value x, unsigned by) -> Value { return arith::DivUIOp::create(b, x, constant(b, by)); };
    auto rem = [&](Value x, unsigned by) -> Value { return arith::RemUIOp::create(b, x, constant(b, by)); };
    auto mulAdd = [&](Value x, unsigned by, Value y) -> Value { return arith::AddIOp::create(b, arith::MulIOp::create(b, x, constant(b, by)), y); };
    Value index = each(count, 1);
    Value source = arith::IndexCastOp::create(b, b.getI32Type(), laneOf(b, rem(div(index, run), members)));
    SmallVector<Column> columns(3);
    columns[summed] = {mulAdd(div(index, members * run), run, rem(index, run)), 0};
    SmallVector<Place> places;
    SmallVector<SmallVector<Value>> shared(halves, SmallVector<Value>(op.getNumDpsInputs()));
    SmallVector<IRMapping> common(halves); // of a row's columns
    for (unsigned half = 0; half < halves; ++half) {
      Place &place = places.emplace_back(placeAt(b, op, half, SmallVector<unsigned>(3, 0)));
      place.indices[summed] = index;
      for (auto [input, value] : llvm::zip(op.getDpsInputOperands(), shared[half])) {
        TileView view = viewOf(input->get());
        if (!view.tile || !layouts.isInRegisters(view.tile) || op.getMatchingIndexingMap(input).isFunctionOfDim(kept) ||
            op.getMatchingBlockArgument(input).use_empty())
          continue;
        if (!isFragment(*input)) {
          value = load(b, *input, place);
          continue;
        }
        value = memref::LoadOp::create(b, memoryOf(*input), elementOf(*input, half, columns));
        value = NVVM::ShflOp::create(b, value.getType(), constantInt(b, -1), value, source, constantInt(b, 31), NVVM::ShflKind::idx, UnitAttr());
      }
      common[half] = cloneBody(b, op, shared[half], place, [&](Operation *inside) { return dependent.contains(inside); });
    }
    columns[kept].first = each(constant(b, columnsOf(op, kept)), keptRun);
    Value first = mulAdd(columns[kept].first, members, lanes.columnBases.at(keptRun));
    for (unsigned &behind = columns[kept].behind; behind < keptRun; ++behind)
      for (auto [half, place] : llvm::enumerate(places)) {
        place.indices[kept] = arith::AddIOp::create(b, first, constant(b, behind));
        if (Value most = countOf(b, op, kept))
          place.indices[kept] = arith::MinUIOp::create(b, place.indices[kept], arith::SubIOp::create(b, most, constant(b, 1)));
        SmallVector<Value> args = shared[half];
        for (auto [input, arg] : llvm::zip(op.getDpsInputOperands(), args))
          if (!arg && !op.getMatchingBlockArgument(input).use_empty())
            arg = isFragment(*input) ? memref::LoadOp::create(b, memoryOf(*input), elementOf(*input, half, columns)).getResult()
                                     : load(b, *input, place);
        Value memory = memoryOf(out), at = elementOf(out, half, columns);
        args.push_back(memref::LoadOp::create(b, memory, at));
        auto isCommon = [&](Operation *inside) { return !dependent.contains(inside); };
        memref::StoreOp::create(b, cloneBody(b, op, args, place, isCommon, common[half]).lookupOrDefault(yielded), memory, at);
      }
  }
  copy(memoryOf(out), memories.lookup(viewOf(out.get()).tile));
}
