//===- TileMap.cpp - element-wise and reducing tile operations ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "TileMap.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "weir/Support/KernelContract.h"

using namespace mlir;
using namespace weir;

/// Vectors side by side where the body is short. Elementary functions need the registers for themselves.
constexpr int64_t kShortJam = 4;

/// How often a loop around elementary functions is unrolled, so that chains of them overlap, and up to how
/// many operations of a body.
constexpr int64_t kUnroll = 4, kUnrolledOps = 12;

bool TileMap::emit() {
  maps = op.getIndexingMapsArray();
  if (!chooseLanes())
    return false;
  SmallVector<Value> ends(maps[0].getNumDims());
  for (unsigned dim = 0; dim < ends.size(); ++dim)
    ends[dim] = endOf(dim);
  at.assign(ends.size(), Value());
  if (!joins.empty()) {
    emitReduction(ends, 0);
    return true;
  }
  if (op->hasAttr(kStripAttr) && maps[0].getNumDims() == 2 && !isOpen) {
    chooseShared();
    if (auto reduced = findJoins(); reduced && *reduced != lane) {
      emitChains(ends, *reduced);
      return true;
    }
    joins.clear();
    shared.clear();
    if (Value factor = findRescaling())
      return emitRescaling(ends, factor), true;
  }
  chooseTurn();
  chooseJam();
  chooseShared();
  if (llvm::any_of(shared, [](Value v) { return v.getDefiningOp<memref::LoadOp>(); }))
    ends[lane] = unlessEmpty(ends);
  SmallVector<unsigned> order;
  for (unsigned dim = 0; dim < ends.size(); ++dim)
    if (dim != lane)
      order.push_back(dim);
  // Squares go along what lies behind each other in memory, which is how equations are written.
  order.insert(turned.empty() ? order.begin() : order.begin() + lane, lane);
  emitLoops(ends, order);
  if (innermost && isUnrolled)
    (void)loopUnrollByFactor(innermost, kUnroll);
  return true;
}

bool TileMap::isDense(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  return succeeded(type.getStridesAndOffset(strides, offset)) && (strides.empty() || strides.back() == 1);
}

/// The lanes: a parallel dimension that is innermost in every result, of a fixed length that whole vectors
/// cover or that is shorter than one, or open; or the only one that is reduced.
bool TileMap::chooseLanes() {
  unsigned inputs = op.getNumDpsInputs();
  if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
    return false;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (!typeOf(i) && !op->getOperand(i).getType().isIntOrFloat())
      return false;
  if (maps.back().getNumResults() == 0)
    return chooseScalar();
  unsigned bits = 32;
  for (unsigned i = inputs; i < op->getNumOperands(); ++i)
    bits = std::max(bits, typeOf(i).getElementTypeBitWidth());
  width = unit.bytes * 8 / bits;
  lane = cast<AffineDimExpr>(maps.back().getResults().back()).getPosition();
  if (op.getIteratorTypesArray()[lane] != utils::IteratorType::parallel)
    return false;
  for (unsigned i = inputs; i < op->getNumOperands(); ++i) {
    if (maps[i].getNumResults() == 0)
      return false;
    auto last = dyn_cast<AffineDimExpr>(maps[i].getResults().back());
    if (!last || last.getPosition() != lane || !isDense(typeOf(i)))
      return false;
  }
  int64_t length = typeOf(inputs).getShape().back();
  isOpen = ShapedType::isDynamic(length);
  if (isOpen ? maps.back().getNumResults() < 2 || !isReadAlongLanes() : length > width && length % width)
    return false;
  if (!isVectorisable())
    return false;
  if (!isOpen && length < width && !chooseReduction())
    width = length;
  return true;
}

/// Whether inputs that have the lanes have them side by side.
bool TileMap::isReadAlongLanes() {
  for (int64_t i = 0; i < op.getNumDpsInputs(); ++i) {
    auto place = maps[i].getResultPosition(getAffineDimExpr(lane, op.getContext()));
    if (place && (*place + 1 != maps[i].getNumResults() || !isDense(typeOf(i))))
      return false;
  }
  return true;
}

/// Where a loop over another dimension runs inside, several vectors go through it side by side: their
/// chains of reductions overlap, and a row of a tile is read in one go. Elementary functions need the
/// registers for themselves and go a few turns of the loop at a time; reads of memory, one a lane, are code
/// enough.
void TileMap::chooseJam() {
  if (maps[0].getNumDims() < 2 || isOpen || !turned.empty())
    return;
  bool reads = false, computes = false;
  int64_t size = 0;
  for (Operation &inner : op.getBlock()->without_terminator()) {
    auto load = dyn_cast<memref::LoadOp>(inner);
    reads |= (load && !isReadAtOnce(load)) || getGuarded(inner);
    computes |= isa_and_nonnull<math::MathDialect>(inner.getDialect());
    size += !inner.hasTrait<OpTrait::ConstantLike>();
  }
  isUnrolled = computes && !reads && size <= kUnrolledOps;
  if (reads || computes)
    return;
  int64_t vectors = typeOf(op->getNumOperands() - 1).getShape().back() / width;
  for (int64_t candidate = kShortJam; candidate > 1; --candidate)
    if (vectors % candidate == 0) {
      jam = candidate;
      return;
    }
}

bool TileMap::variesByLane(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return argument.getOwner() == op.getBlock() &&
           maps[argument.getArgNumber()].getResultPosition(getAffineDimExpr(lane, op.getContext()));
  Operation *def = value.getDefiningOp();
  if (def->getBlock() != op.getBlock())
    return false;
  if (auto index = dyn_cast<linalg::IndexOp>(def))
    return index.getDim() == lane;
  return llvm::any_of(def->getOperands(), [&](Value operand) { return variesByLane(operand); });
}

/// Whether a read is one for all lanes, or the lanes lie side by side.
bool TileMap::isReadAtOnce(memref::LoadOp load) {
  auto indices = isLineOf(load, lane) ? load.getIndices().drop_back() : load.getIndices();
  return llvm::none_of(indices, [&](Value index) { return variesByLane(index); });
}

/// A read of memory where a condition holds, else a constant.
memref::LoadOp TileMap::getGuarded(Operation &inner) {
  auto branch = dyn_cast<scf::IfOp>(inner);
  if (!branch || branch.getNumResults() != 1)
    return {};
  auto load = branch.thenYield().getOperand(0).getDefiningOp<memref::LoadOp>();
  bool isPlain = load && load->getBlock() == branch.thenBlock() &&
                 branch.thenBlock()->getOperations().size() == 2 &&
                 matchPattern(branch.elseYield().getOperand(0), m_Constant());
  return isPlain ? load : memref::LoadOp();
}

/// The body holds nothing but scalar arithmetic, reads of memory, guarded or not, and coordinates.
bool TileMap::isVectorisable() {
  return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
    return isa<linalg::IndexOp, memref::LoadOp>(inner) || getGuarded(inner) ||
           (inner.getNumRegions() == 0 && inner.getNumResults() == 1 &&
            (OpTrait::hasElementwiseMappableTraits(&inner) || inner.hasTrait<OpTrait::ConstantLike>()));
  });
}

/// The memory behind views.
static Value baseOf(Value memory) {
  while (auto view = memory.getDefiningOp<ViewLikeOpInterface>())
    memory = view.getViewSource();
  return memory;
}

/// Whether memory that the operation reads is not what it writes.
bool TileMap::isOnlyRead(Value memory) {
  return llvm::none_of(op.getDpsInits(), [&](Value out) { return baseOf(out) == baseOf(memory); });
}

/// What all turns of the loops inside that over the lanes share: what reads and computes by lanes alone.
void TileMap::chooseShared() {
  if (maps[0].getNumDims() < 2)
    return;
  for (int64_t i = 0; i < op.getNumDpsInputs(); ++i) {
    bool isOfLanes =
        llvm::all_of(maps[i].getResults(), [&](AffineExpr e) { return e.isFunctionOfDim(lane); });
    if (!typeOf(i) || (isOfLanes && isOnlyRead(op->getOperand(i))))
      shared.insert(op.getBlock()->getArgument(i));
  }
  auto isKnown = [&](Value v) {
    return shared.contains(v) || !op->getRegion(0).isAncestor(v.getParentRegion());
  };
  for (Operation &inner : op.getBlock()->without_terminator()) {
    auto index = dyn_cast<linalg::IndexOp>(inner);
    auto load = dyn_cast<memref::LoadOp>(inner);
    if (index ? index.getDim() == lane
              : inner.getNumRegions() == 0 && llvm::all_of(inner.getOperands(), isKnown) &&
                    (!load || isOnlyRead(load.getMemRef())))
      shared.insert(inner.getResult(0));
  }
}

Value TileMap::endOf(unsigned dim) {
  for (auto [i, map] : llvm::enumerate(maps))
    if (auto place = map.getResultPosition(getAffineDimExpr(dim, map.getContext()))) {
      if (!typeOf(i).isDynamicDim(*place))
        return constant(typeOf(i).getDimSize(*place));
      return memref::DimOp::create(b, op->getOperand(i), *place);
    }
  llvm_unreachable("every dimension of a tile operation is one of an operand");
}

/// Loops over `dims`, the first outermost.
void TileMap::emitLoops(ArrayRef<Value> ends, ArrayRef<unsigned> dims) {
  if (dims.empty())
    return isSquare ? emitSquare() : emitBodies();
  unsigned own = dims[0];
  auto loopOver = [&](Value from, Value to, int64_t step) {
    auto loop = scf::ForOp::create(b, from, to, constant(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    at[own] = loop.getInductionVar();
    if (own == lane)
      emitShared();
    emitLoops(ends, dims.drop_front());
    if (own != lane && !innermost)
      innermost = loop;
  };
  bool isCut = own == lane ? isOpen : !turned.empty(); // into whole vectors or squares, and a rest
  if (!isCut)
    return loopOver(constant(0), ends[own], own == lane ? width * jam : 1);
  Value middle = wholeOf(ends[own]);
  bool isWhole = getConstantIntValue(middle) && getConstantIntValue(middle) == getConstantIntValue(ends[own]);
  if (own != lane) {
    isSquare = true;
    bool hasRoom = !isWhole && llvm::all_of(turned, [&](Value what) { return isInWholeSquares(what); });
    endOfColumns = hasRoom ? ends[own] : Value();
    loopOver(constant(0), hasRoom ? ends[own] : middle, width);
    isSquare = false;
    if (!isWhole && !hasRoom)
      loopOver(middle, ends[own], 1);
    return;
  }
  loopOver(constant(0), middle, width);
  int64_t whole = std::exchange(width, 1);
  loopOver(middle, ends[own], 1);
  width = whole;
}

/// The end of the lanes, 0 where a loop inside has no turns: then nothing may be read.
Value TileMap::unlessEmpty(ArrayRef<Value> ends) {
  Value end = ends[lane];
  for (auto [dim, length] : llvm::enumerate(ends))
    if (dim != lane && !getConstantIntValue(length)) {
      Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, length, constant(0));
      end = arith::SelectOp::create(b, some, end, constant(0));
    }
  return end;
}

/// What whole vectors cover of a length.
Value TileMap::wholeOf(Value end) {
  Value count = b.createOrFold<arith::DivUIOp>(end, constant(width));
  return b.createOrFold<arith::MulIOp>(count, constant(width));
}

Value TileMap::spread(Value value) {
  return varies(value)
             ? value
             : vector::BroadcastOp::create(b, VectorType::get({width}, value.getType()), value).getResult();
}

SmallVector<Value> TileMap::indicesOf(AffineMap map) {
  SmallVector<Value> list;
  for (AffineExpr result : map.getResults())
    list.push_back(at[cast<AffineDimExpr>(result).getPosition()]);
  return list;
}

/// The elements of an operand: one scalar, or one a lane.
Value TileMap::read(unsigned operand) {
  Value memory = op->getOperand(operand);
  MemRefType type = typeOf(operand);
  if (!type)
    return memory;
  AffineMap map = maps[operand];
  SmallVector<Value> indices = indicesOf(map);
  auto place = map.getResultPosition(getAffineDimExpr(lane, map.getContext()));
  if (!place)
    return memref::LoadOp::create(b, memory, indices);
  auto vector = VectorType::get({width}, type.getElementType());
  if (*place + 1 == map.getNumResults() && isDense(type))
    return vector::LoadOp::create(b, vector, memory, indices);
  Value first = indices[*place];
  return gather(vector, [&](int64_t k) {
    indices[*place] = arith::AddIOp::create(b, first, constant(k));
    return memref::LoadOp::create(b, memory, indices).getResult();
  });
}

Value TileMap::gather(VectorType type, llvm::function_ref<Value(int64_t)> one) {
  SmallVector<Value> elements;
  for (int64_t k = 0; k < width; ++k)
    elements.push_back(one(k));
  return vector::FromElementsOp::create(b, type, elements);
}

/// Emits `each` for the vectors side by side.
void TileMap::forVectors(llvm::function_ref<void(int64_t)> each) {
  Value first = at[lane];
  for (int64_t k = 0; k < jam; ++k) {
    at[lane] = k ? arith::AddIOp::create(b, first, constant(k * width)).getResult() : first;
    each(k);
  }
  at[lane] = first;
}

void TileMap::emitBodies() {
  forVectors([&](int64_t k) {
    for (auto [i, value] : llvm::enumerate(emitBody(known.empty() ? IRMapping() : known[k]))) {
      unsigned operand = op.getNumDpsInputs() + i;
      vector::StoreOp::create(b, spread(value), op->getOperand(operand), indicesOf(maps[operand]));
    }
  });
}

void TileMap::emitShared() {
  known.clear();
  inverses.clear();
  if (shared.empty())
    return;
  known.resize(jam);
  forVectors([&](int64_t k) {
    Block *block = op.getBlock();
    for (int64_t i = 0; i < op.getNumDpsInputs(); ++i)
      if (Value arg = block->getArgument(i); shared.contains(arg) && !arg.use_empty())
        known[k].map(arg, read(i));
    for (Operation &inner : block->without_terminator())
      if (shared.contains(inner.getResult(0)))
        known[k].map(inner.getResult(0), emitOp(inner, known[k]));
  });
  for (Operation &inner : op.getBlock()->without_terminator())
    if (auto division = dyn_cast<arith::DivFOp>(inner); division && isInverted(division))
      for (IRMapping &values : known)
        if (Value divisor = values.lookupOrDefault(division.getRhs()); !inverses.contains(divisor))
          inverses[divisor] = weir::invert(b, spread(divisor));
}

/// Whether all turns of the inner loops divide by the same, and not one constant.
bool TileMap::isInverted(arith::DivFOp division) {
  return shared.contains(division.getRhs()) && !shared.contains(division.getResult()) &&
         (division.getType().isF32() || division.getType().isF64());
}

/// What the body yields, of which `values` are known; with `state` in the places of the results, if it is
/// given.
SmallVector<Value> TileMap::emitBody(IRMapping values, ValueRange state) {
  Block *block = op.getBlock();
  unsigned inputs = op.getNumDpsInputs();
  for (auto [what, vector] : column)
    values.map(what, vector);
  for (auto [i, arg] : llvm::enumerate(block->getArguments()))
    if (i >= inputs && !state.empty())
      values.map(arg, state[i - inputs]);
    else if (!arg.use_empty() && !values.contains(arg))
      values.map(arg, read(i));
  for (Operation &inner : block->without_terminator())
    if (!values.contains(inner.getResult(0)))
      values.map(inner.getResult(0), emitOp(inner, values));
  SmallVector<Value> yielded;
  for (Value value : block->getTerminator()->getOperands())
    yielded.push_back(values.lookupOrDefault(value));
  return yielded;
}

/// A vector of reads, each at its own place, where the mask allows them.
Value TileMap::emitGuarded(Operation &inner, memref::LoadOp load, IRMapping &values) {
  Value mask = values.lookupOrDefault(cast<scf::IfOp>(inner).getCondition());
  SmallVector<Value> indices;
  for (Value index : load.getIndices())
    indices.push_back(values.lookupOrDefault(index));
  if (!varies(mask) && llvm::none_of(indices, [&](Value v) { return varies(v); }))
    return b.clone(inner, values)->getResult(0);
  if (!varies(mask) && isLineOfLanes(load, values)) {
    auto branch =
        scf::IfOp::create(b, VectorType::get({width}, load.getType()), mask, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, loadLine(load, values));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(
        b, spread(b.clone(*cast<scf::IfOp>(inner).elseYield().getOperand(0).getDefiningOp())->getResult(0)));
    return branch.getResult(0);
  }
  Value memory = values.lookupOrDefault(load.getMemRef());
  auto meta = memref::ExtractStridedMetadataOp::create(b, memory);
  Value offset = vector::BroadcastOp::create(b, VectorType::get({width}, b.getIndexType()), constant(0));
  for (auto [index, stride] : llvm::zip(indices, meta.getStrides()))
    offset = arith::AddIOp::create(b, offset, arith::MulIOp::create(b, spread(index), spread(stride)));
  auto places = VectorType::get({width}, b.getI64Type());
  offset = arith::IndexCastOp::create(b, places, offset);
  auto type = VectorType::get({width}, load.getType());
  Attribute other;
  matchPattern(cast<scf::IfOp>(inner).elseYield().getOperand(0), m_Constant(&other));
  SmallVector<Value> first(indices.size(), constant(0));
  return vector::GatherOp::create(b, type, memory, first, offset, spread(mask),
                                  arith::ConstantOp::create(b, DenseElementsAttr::get(type, other)));
}

/// Whether a read's last index is a dimension, along which elements lie side by side.
bool TileMap::isLineOf(memref::LoadOp load, unsigned dim) {
  if (load.getIndices().empty() || !isDense(load.getMemRefType()))
    return false;
  Value last = load.getIndices().back();
  while (auto cast = last.getDefiningOp<arith::IndexCastOp>())
    last = cast.getIn();
  auto index = last.getDefiningOp<linalg::IndexOp>();
  return index && index.getDim() == dim;
}

/// Whether a read's last index is the lane and no other varies: lanes lie side by side.
bool TileMap::isLineOfLanes(memref::LoadOp load, IRMapping &values) {
  return isLineOf(load, lane) && llvm::none_of(load.getIndices().drop_back(),
                                               [&](Value v) { return varies(values.lookupOrDefault(v)); });
}

Value TileMap::loadLine(memref::LoadOp load, IRMapping &values) {
  SmallVector<Value> indices;
  for (Value v : load.getIndices().drop_back())
    indices.push_back(values.lookupOrDefault(v));
  indices.push_back(at[lane]);
  auto type = VectorType::get({width}, load.getType());
  return vector::LoadOp::create(b, type, values.lookupOrDefault(load.getMemRef()), indices);
}

Value TileMap::emitOp(Operation &inner, IRMapping &values) {
  if (memref::LoadOp load = getGuarded(inner))
    return emitGuarded(inner, load, values);
  if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
    Value first = at[index.getDim()];
    if (index.getDim() != lane)
      return first;
    auto type = VectorType::get({width}, b.getIndexType());
    Value steps = arith::ConstantOp::create(b, b.getIndexVectorAttr(llvm::to_vector(llvm::seq(width))));
    return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first), steps);
  }
  SmallVector<Value> operands;
  for (Value operand : inner.getOperands())
    operands.push_back(values.lookupOrDefault(operand));
  if (llvm::none_of(operands, [&](Value v) { return varies(v); }))
    return b.clone(inner, values)->getResult(0);
  auto type = VectorType::get({width}, inner.getResult(0).getType());
  if (auto load = dyn_cast<memref::LoadOp>(inner); load && isLineOfLanes(load, values))
    return loadLine(load, values);
  if (auto load = dyn_cast<memref::LoadOp>(inner))
    return gather(type, [&](int64_t k) {
      SmallVector<Value> indices;
      for (Value v : ArrayRef<Value>(operands).drop_front())
        indices.push_back(varies(v) ? vector::ExtractOp::create(b, v, k).getResult() : v);
      return memref::LoadOp::create(b, load.getMemRef(), indices).getResult();
    });
  if (auto compare = dyn_cast<arith::CmpIOp>(inner))
    if (Value narrow = emitComparison(compare, values))
      return narrow;
  if (auto division = dyn_cast<arith::DivFOp>(inner))
    if (auto inverse = inverses.find(operands[1]); inverse != inverses.end() && isInverted(division))
      return inverse->second.divide(b, spread(operands[0]));
  for (Value &operand : operands)
    operand = spread(operand);
  OperationState state(inner.getLoc(), inner.getName(), operands, type, inner.getAttrs());
  return b.create(state)->getResult(0);
}

bool weir::emitTileMap(linalg::LinalgOp op, const VectorUnit &unit) { return TileMap(op, unit).emit(); }
