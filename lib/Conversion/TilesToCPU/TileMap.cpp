//===- TileMap.cpp - element-wise and reducing tile operations ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One parallel dimension is the lanes; the loop over its blocks stands outside all others, so that what an
// operation reduces into stays in registers. What does not depend on the lanes stays scalar until a vector
// needs it. Where the results are too short for that (few rows), lanes are the dimension that is reduced: each
// lane reduces its own share, and the shares are joined at the end.
#include "Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include <limits>

using namespace mlir;

namespace {

/// Vectors side by side where the body is short. Elementary functions need the registers for themselves.
constexpr int64_t kShortJam = 4;

/// How often a loop around elementary functions is unrolled, so that chains of them overlap, and up to how many operations of a body.
constexpr int64_t kUnroll = 4, kUnrolledOps = 12;

class TileMap {
public:
  TileMap(linalg::LinalgOp op, const weir::VectorUnit &unit) : op(op), unit(unit), b(op.getLoc(), op) {}

  bool emit() {
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
    chooseJam();
    emitLoops(ends, -1);
    if (innermost && isUnrolled)
      (void)loopUnrollByFactor(innermost, kUnroll);
    return true;
  }

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  MemRefType typeOf(unsigned operand) { return dyn_cast<MemRefType>(op->getOperand(operand).getType()); }

  static bool isDense(MemRefType type) {
    SmallVector<int64_t> strides;
    int64_t offset;
    return succeeded(type.getStridesAndOffset(strides, offset)) && (strides.empty() || strides.back() == 1);
  }

  /// The lanes: a parallel dimension that is innermost in every result, of a fixed length that whole vectors
  /// cover or that is shorter than one, or open; or the only one that is reduced.
  bool chooseLanes() {
    unsigned inputs = op.getNumDpsInputs();
    if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return false;
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (!typeOf(i) && !op->getOperand(i).getType().isIntOrFloat())
        return false;
    if (maps.back().getNumResults() == 0)
      return false;
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
  bool isReadAlongLanes() {
    for (int64_t i = 0; i < op.getNumDpsInputs(); ++i) {
      auto place = maps[i].getResultPosition(getAffineDimExpr(lane, op.getContext()));
      if (place && (*place + 1 != maps[i].getNumResults() || !isDense(typeOf(i))))
        return false;
    }
    return true;
  }

  /// Takes the dimension that is reduced for the lanes, if there is one and every result is joined by an
  /// operation that does not ask in which order.
  bool chooseReduction() {
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

  /// Where a loop over another dimension runs inside, several vectors go through it side by side: their
  /// chains of reductions overlap, and a row of a tile is read in one go. Elementary functions need the
  /// registers for themselves and go a few turns of the loop at a time; reads of memory, one a lane, are code
  /// enough.
  void chooseJam() {
    if (maps[0].getNumDims() < 2 || isOpen)
      return;
    bool reads = false, computes = false;
    int64_t size = 0;
    for (Operation &inner : op.getBlock()->without_terminator()) {
      reads |= isa<memref::LoadOp>(inner) || getGuarded(inner);
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

  /// A read of memory where a condition holds, else a constant.
  static memref::LoadOp getGuarded(Operation &inner) {
    auto branch = dyn_cast<scf::IfOp>(inner);
    if (!branch || branch.getNumResults() != 1)
      return {};
    auto load = branch.thenYield().getOperand(0).getDefiningOp<memref::LoadOp>();
    bool isPlain = load && load->getBlock() == branch.thenBlock() && branch.thenBlock()->getOperations().size() == 2 &&
                   matchPattern(branch.elseYield().getOperand(0), m_Constant());
    return isPlain ? load : memref::LoadOp();
  }

  /// The body holds nothing but scalar arithmetic, reads of memory, guarded or not, and coordinates.
  bool isVectorisable() {
    return llvm::all_of(op.getBlock()->without_terminator(), [](Operation &inner) {
      return isa<linalg::IndexOp, memref::LoadOp>(inner) || getGuarded(inner) ||
             (inner.getNumRegions() == 0 && inner.getNumResults() == 1 &&
              (OpTrait::hasElementwiseMappableTraits(&inner) || inner.hasTrait<OpTrait::ConstantLike>()));
    });
  }

  Value endOf(unsigned dim) {
    for (auto [i, map] : llvm::enumerate(maps))
      if (auto place = map.getResultPosition(getAffineDimExpr(dim, map.getContext()))) {
        if (!typeOf(i).isDynamicDim(*place))
          return constant(typeOf(i).getDimSize(*place));
        return memref::DimOp::create(b, op->getOperand(i), *place);
      }
    llvm_unreachable("every dimension of a tile operation is one of an operand");
  }

  void emitLoops(ArrayRef<Value> ends, int dim) {
    if (dim == int(ends.size()))
      return emitBodies();
    unsigned own = dim < 0 ? lane : unsigned(dim);
    if (dim >= 0 && own == lane)
      return emitLoops(ends, dim + 1);
    auto loopOver = [&](Value from, Value to, int64_t step) {
      auto loop = scf::ForOp::create(b, from, to, constant(step));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      at[own] = loop.getInductionVar();
      emitLoops(ends, dim + 1);
      if (own != lane && !innermost)
        innermost = loop;
    };
    if (own != lane || !isOpen)
      return loopOver(constant(0), ends[own], own == lane ? width * jam : 1);
    Value middle = wholeOf(ends[own]);
    loopOver(constant(0), middle, width);
    int64_t whole = std::exchange(width, 1);
    loopOver(middle, ends[own], 1);
    width = whole;
  }

  /// What whole vectors cover of a length.
  Value wholeOf(Value end) {
    Value count = arith::DivUIOp::create(b, end, constant(width));
    return arith::MulIOp::create(b, count, constant(width));
  }

  /// The value that changes nothing when it is joined.
  static double identityOf(Operation *join) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return isa<arith::AddFOp>(join) ? 0 : isa<arith::MinimumFOp>(join) ? infinity : -infinity;
  }

  Value joinBy(Operation *join, Value x, Value y) {
    OperationState state(join->getLoc(), join->getName(), {x, y}, x.getType(), join->getAttrs());
    return b.create(state)->getResult(0);
  }

  /// All lanes of a vector joined, halves with each other.
  Value joinLanes(Operation *join, Value v) {
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
  void emitReduction(ArrayRef<Value> ends, unsigned dim) {
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
    for (auto [from, to, step] : {std::tuple(constant(0), middle, whole), std::tuple(middle, ends[lane], int64_t(1))}) {
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
        scf::YieldOp::create(b, emitBody(loop.getRegionIterArgs()));
      }
      for (auto [k, join] : llvm::enumerate(joins))
        results[k] = joinBy(join, results[k], joinLanes(join, loop.getResult(k)));
    }
    for (unsigned k = 0; k < joins.size(); ++k)
      memref::StoreOp::create(b, results[k], op->getOperand(inputs + k), indicesOf(maps[inputs + k]));
    width = whole;
  }

  bool varies(Value value) { return isa<VectorType>(value.getType()); }
  Value spread(Value value) {
    return varies(value)
               ? value
               : vector::BroadcastOp::create(b, VectorType::get({width}, value.getType()), value).getResult();
  }

  SmallVector<Value> indicesOf(AffineMap map) {
    SmallVector<Value> list;
    for (AffineExpr result : map.getResults())
      list.push_back(at[cast<AffineDimExpr>(result).getPosition()]);
    return list;
  }

  /// The elements of an operand: one scalar, or one a lane.
  Value read(unsigned operand) {
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

  Value gather(VectorType type, llvm::function_ref<Value(int64_t)> one) {
    SmallVector<Value> elements;
    for (int64_t k = 0; k < width; ++k)
      elements.push_back(one(k));
    return vector::FromElementsOp::create(b, type, elements);
  }

  void emitBodies() {
    Value first = at[lane];
    for (int64_t k = 0; k < jam; ++k) {
      at[lane] = k ? arith::AddIOp::create(b, first, constant(k * width)).getResult() : first;
      for (auto [i, value] : llvm::enumerate(emitBody())) {
        unsigned operand = op.getNumDpsInputs() + i;
        vector::StoreOp::create(b, spread(value), op->getOperand(operand), indicesOf(maps[operand]));
      }
    }
    at[lane] = first;
  }

  /// What the body yields; with `state` in the places of the results, if it is given.
  SmallVector<Value> emitBody(ValueRange state = {}) {
    IRMapping values;
    Block *block = op.getBlock();
    unsigned inputs = op.getNumDpsInputs();
    for (auto [i, arg] : llvm::enumerate(block->getArguments()))
      if (i >= inputs && !state.empty())
        values.map(arg, state[i - inputs]);
      else if (!arg.use_empty())
        values.map(arg, read(i));
    for (Operation &inner : block->without_terminator())
      values.map(inner.getResult(0), emitOp(inner, values));
    SmallVector<Value> yielded;
    for (Value value : block->getTerminator()->getOperands())
      yielded.push_back(values.lookupOrDefault(value));
    return yielded;
  }

  /// A vector of reads, each at its own place, where the mask allows them.
  Value emitGuarded(Operation &inner, memref::LoadOp load, IRMapping &values) {
    Value mask = values.lookupOrDefault(cast<scf::IfOp>(inner).getCondition());
    SmallVector<Value> indices;
    for (Value index : load.getIndices())
      indices.push_back(values.lookupOrDefault(index));
    if (!varies(mask) && llvm::none_of(indices, [&](Value v) { return varies(v); }))
      return b.clone(inner, values)->getResult(0);
    if (!varies(mask) && isLineOfLanes(load, values)) {
      auto branch = scf::IfOp::create(b, VectorType::get({width}, load.getType()), mask, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(b, loadLine(load, values));
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, spread(b.clone(*cast<scf::IfOp>(inner).elseYield().getOperand(0).getDefiningOp())->getResult(0)));
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

  /// Whether a read's last index is the lane and no other varies: lanes lie side by side.
  bool isLineOfLanes(memref::LoadOp load, IRMapping &values) {
    if (load.getIndices().empty() || !isDense(load.getMemRefType()))
      return false;
    Value last = load.getIndices().back();
    while (auto cast = last.getDefiningOp<arith::IndexCastOp>())
      last = cast.getIn();
    auto index = last.getDefiningOp<linalg::IndexOp>();
    return index && index.getDim() == lane && llvm::none_of(load.getIndices().drop_back(), [&](Value v) {
             return varies(values.lookupOrDefault(v));
           });
  }

  Value loadLine(memref::LoadOp load, IRMapping &values) {
    SmallVector<Value> indices;
    for (Value v : load.getIndices().drop_back())
      indices.push_back(values.lookupOrDefault(v));
    indices.push_back(at[lane]);
    auto type = VectorType::get({width}, load.getType());
    return vector::LoadOp::create(b, type, values.lookupOrDefault(load.getMemRef()), indices);
  }

  Value emitOp(Operation &inner, IRMapping &values) {
    if (memref::LoadOp load = getGuarded(inner))
      return emitGuarded(inner, load, values);
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      Value first = at[index.getDim()];
      if (index.getDim() != lane)
        return first;
      auto type = VectorType::get({width}, b.getIndexType());
      return arith::AddIOp::create(b, vector::BroadcastOp::create(b, type, first),
                                   vector::StepOp::create(b, type));
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
    for (Value &operand : operands)
      operand = spread(operand);
    OperationState state(inner.getLoc(), inner.getName(), operands, type, inner.getAttrs());
    return b.create(state)->getResult(0);
  }

  linalg::LinalgOp op;
  const weir::VectorUnit &unit;
  ImplicitLocOpBuilder b;
  SmallVector<AffineMap> maps;
  SmallVector<Value> at; ///< the value of each iteration dimension; the first lane's for the lanes
  unsigned lane = 0;
  int64_t width = 1, jam = 1; ///< lanes of a vector, vectors side by side
  bool isUnrolled = false;    ///< the innermost loop goes several turns at a time
  scf::ForOp innermost;       ///< of the loops that are not over the lanes
  bool isOpen = false;        ///< the lanes' length is not known: whole vectors, then one by one
  SmallVector<Operation *> joins; ///< what joins each result, where the lanes are reduced
};

} // namespace

bool weir::emitTileMap(linalg::LinalgOp op, const VectorUnit &unit) { return TileMap(op, unit).emit(); }
