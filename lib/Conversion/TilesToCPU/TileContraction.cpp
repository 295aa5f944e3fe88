//===- TileContraction.cpp - register-blocked products of tiles -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block keeps `rows` x `columns` vectors of the result in registers. For each k it loads `columns` vectors
// of the operand that has the lanes and broadcasts `rows` scalars of the other, which is read where it lies:
// no packing, no horizontal operation. Where rows fill no vector and both operands lie along the depth, lanes
// are the depth: as many sums as a register has lanes, which then become one register.
#include "Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "weir/Support/KernelContract.h"
#include <numeric>

using namespace mlir;

namespace {

Value index(ImplicitLocOpBuilder &b, int64_t value) { return arith::ConstantIndexOp::create(b, value); }

/// An operand of a contraction of three dimensions.
struct Side {
  Value memory;
  AffineMap map;
  /// Indices of the element at the given values of the dimensions.
  SmallVector<Value> at(ArrayRef<Value> dims) const {
    SmallVector<Value> list;
    for (AffineExpr result : map.getResults())
      list.push_back(dims[cast<AffineDimExpr>(result).getPosition()]);
    return list;
  }
  std::optional<unsigned> placeOf(unsigned dim) const {
    return map.getResultPosition(getAffineDimExpr(dim, map.getContext()));
  }
  MemRefType type() const { return cast<MemRefType>(memory.getType()); }
};

/// Rows of the blocks that follow those that fill the registers.
constexpr int64_t kFewRows = 4;

/// How many multiply-adds a turn of the loop over the depth has in blocks that fill the registers. In others, which are for what is left
/// of an extent or for few keys, unrolling is code to compile which gains nothing.
constexpr int64_t kTurn = 48, kMostUnrolled = 4;

class Contraction {
public:
  Contraction(linalg::ContractOp op, Value start, const weir::VectorUnit &unit)
      : op(op), start(start), unit(unit), b(op.getLoc(), op) {}

  bool emit() {
    if (!analyse())
      return emitDots();
    int64_t width = unit.lanesOf(out.type().getElementType());
    int64_t total = out.type().getDimSize(out.map.getNumResults() - 1) / width;
    int64_t height = out.type().getDimSize(0), most = unit.registers == 32 ? 4 : 3;
    if (height == 1 || (!ShapedType::isDynamic(height) && height <= 4 && unit.registers == 32))
      most = 8; // chains of sums enough, and a whole line of memory at a time
    int64_t columns = 1;
    for (int64_t c = 1; c <= std::min(most, total); ++c)
      if (total % c == 0)
        columns = c;
    int64_t rows = std::min<int64_t>((unit.registers - 1 - columns) / columns, unit.registers * 3 / 4);
    if (auto blocks = op->getAttrOfType<IntegerAttr>(weir::kBlocksOfAttr))
      multiple = blocks.getInt();
    if (rows > kFewRows)
      rows -= rows % 2;
    if (multiple > 1) // then blocks of one size
      rows = std::gcd(multiple, int64_t(llvm::bit_floor(uint64_t(rows))));
    if (!ShapedType::isDynamic(height))
      rows = std::clamp<int64_t>(height, 1, std::max<int64_t>(rows, 1));
    vector = VectorType::get({width}, out.type().getElementType());
    if (total == columns)
      return emitRows(index(b, 0), columns, rows), true;
    auto loop = scf::ForOp::create(b, index(b, 0), index(b, total * width), index(b, columns * width));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    emitRows(loop.getInductionVar(), columns, rows);
    return true;
  }

private:
  /// Finds the dimensions: lanes (in the result and one operand), row (in the result and the other), depth
  /// (in both operands).
  bool analyse() {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (maps[0].getNumDims() != 3 ||
        !llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }))
      return false;
    Side sides[2] = {{op->getOperand(0), maps[0]}, {op->getOperand(1), maps[1]}};
    out = {op->getOperand(2), maps[2]};
    if (out.map.getNumResults() != 2)
      return false;
    lane = cast<AffineDimExpr>(out.map.getResult(1)).getPosition();
    row = cast<AffineDimExpr>(out.map.getResult(0)).getPosition();
    depth = 3 - lane - row;
    bool first = sides[0].placeOf(lane).has_value();
    wide = sides[first ? 0 : 1];
    narrow = sides[first ? 1 : 0];
    if (wide.map.getNumResults() != 2 || narrow.map.getNumResults() != 2 || wide.placeOf(lane) != 1u ||
        !wide.placeOf(depth) || !narrow.placeOf(row) || !narrow.placeOf(depth))
      return false;
    Type element = out.type().getElementType();
    int64_t extent = out.type().getDimSize(1);
    auto isDense = [&](const Side &side) {
      SmallVector<int64_t> strides;
      int64_t offset;
      return hasElements(side, element, side.memory == wide.memory) &&
             succeeded(side.type().getStridesAndOffset(strides, offset)) && strides.back() == 1;
    };
    return (element.isF32() || element.isF64()) && !ShapedType::isDynamic(extent) &&
           extent % unit.lanesOf(element) == 0 && isDense(wide) && isDense(out) &&
           narrow.type().getElementType() == element;
  }

  Value extentOf(const Side &side, unsigned dim) {
    unsigned place = *side.placeOf(dim);
    if (!side.type().isDynamicDim(place))
      return index(b, side.type().getDimSize(place));
    return memref::DimOp::create(b, side.memory, place);
  }

  /// All rows, in blocks of `rows`, then of `kFewRows`, then one by one. Blocks of two rows would not have sums enough to hide the
  /// latency of an addition: where they would be left after blocks of six, one of these is taken apart too.
  void emitRows(Value lanes, int64_t columns, int64_t rows) {
    SmallVector<int64_t> sizes{rows};
    if (columns == 1 && rows > 2 * kFewRows) // four sums would not hide that latency either, and runs of keys are short
      sizes.push_back(2 * kFewRows);
    if (rows > kFewRows)
      sizes.push_back(kFewRows);
    if (rows > 1)
      sizes.push_back(1);
    Value end = extentOf(out, row), from = index(b, 0);
    for (int64_t size : sizes) {
      Value left = b.createOrFold<arith::SubIOp>(end, from);
      Value rest = restOf(left, size);
      if (size > kFewRows && size % kFewRows == 2) {
        Value pairs = b.createOrFold<arith::DivUIOp>(rest, index(b, 2));
        Value isPair = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, pairs, index(b, 1));
        Value isLong = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::uge, left, index(b, size));
        Value more = b.createOrFold<arith::AddIOp>(rest, index(b, size));
        rest = b.createOrFold<arith::SelectOp>(b.createOrFold<arith::AndIOp>(isPair, isLong), more, rest);
      }
      Value whole = b.createOrFold<arith::SubIOp>(end, rest);
      if (getConstantIntValue(whole) && getConstantIntValue(whole) == getConstantIntValue(from))
        continue;
      auto loop = scf::ForOp::create(b, from, whole, index(b, size));
      from = whole;
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      int64_t unroll = llvm::PowerOf2Ceil(llvm::divideCeil(kTurn, size * columns));
      bool isFull = size == rows && multiple == 1;
      emitBlock(loop.getInductionVar(), lanes, size, columns, isFull ? std::min(unroll, kMostUnrolled) : 1);
      if (getConstantIntValue(rest) == 0)
        break;
    }
  }

  /// What is left of an extent after whole blocks.
  Value restOf(Value extent, int64_t size) {
    return multiple % size ? b.createOrFold<arith::RemUIOp>(extent, index(b, size)) : index(b, 0);
  }

  /// A vector of the wide operand; one of 16 bits is widened.
  Value loadWide(ArrayRef<Value> place) {
    Type element = wide.type().getElementType();
    auto type = VectorType::get(vector.getShape(), element);
    Value stored = vector::LoadOp::create(b, type, wide.memory, wide.at(place));
    return element == vector.getElementType() ? stored : arith::ExtFOp::create(b, vector, stored).getResult();
  }

  /// Whether elements of `side` can be operands: those of the result's type, and with f32 those of 16 bits.
  static bool hasElements(const Side &side, Type element, bool mayBeNarrow) {
    Type own = side.type().getElementType();
    return own == element || (mayBeNarrow && element.isF32() && (own.isBF16() || own.isF16()));
  }

  SmallVector<Value> dims(Value r, Value l, Value k) {
    SmallVector<Value> list(3);
    list[row] = r;
    list[lane] = l;
    list[depth] = k;
    return list;
  }

  void emitBlock(Value firstRow, Value firstLane, int64_t rows, int64_t columns, int64_t unroll) {
    SmallVector<Value> atRow, atLane, sums;
    for (int64_t r = 0; r < rows; ++r)
      atRow.push_back(r ? arith::AddIOp::create(b, firstRow, index(b, r)).getResult() : firstRow);
    for (int64_t c = 0; c < columns; ++c)
      atLane.push_back(
          c ? arith::AddIOp::create(b, firstLane, index(b, c * vector.getNumElements())).getResult()
            : firstLane);
    for (Value r : atRow)
      for (Value l : atLane)
        sums.push_back(
            start ? vector::BroadcastOp::create(b, vector, start).getResult()
                  : vector::LoadOp::create(b, vector, out.memory, out.at(dims(r, l, nullptr))).getResult());
    auto step = [&](Value k, SmallVector<Value> state) {
      SmallVector<Value> loaded;
      for (Value l : atLane)
        loaded.push_back(loadWide(dims(nullptr, l, k)));
      for (int64_t r = 0; r < rows; ++r) {
        Value scalar = memref::LoadOp::create(b, narrow.memory, narrow.at(dims(atRow[r], nullptr, k)));
        Value spread = vector::BroadcastOp::create(b, vector, scalar);
        for (int64_t c = 0; c < columns; ++c) {
          Value &sum = state[r * columns + c];
          sum = vector::FMAOp::create(b, spread, loaded[c], sum);
        }
      }
      return state;
    };
    sums = emitDepth(sums, unroll, step);
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        vector::StoreOp::create(b, sums[r * columns + c], out.memory,
                                out.at(dims(atRow[r], atLane[c], nullptr)));
  }

  SmallVector<Value> emitDepth(SmallVector<Value> state, int64_t unroll,
                               llvm::function_ref<SmallVector<Value>(Value, SmallVector<Value>)> step) {
    Value end = extentOf(narrow, depth);
    Value whole = b.createOrFold<arith::SubIOp>(end, restOf(end, unroll));
    auto loopOver = [&](Value from, Value to, int64_t by) {
      auto loop = scf::ForOp::create(b, from, to, index(b, by), state);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> inner(loop.getRegionIterArgs());
      for (int64_t u = 0; u < by; ++u) {
        Value k = u ? arith::AddIOp::create(b, loop.getInductionVar(), index(b, u)).getResult()
                    : loop.getInductionVar();
        inner = step(k, inner);
      }
      scf::YieldOp::create(b, inner);
      state.assign(loop.result_begin(), loop.result_end());
    };
    int64_t fixed = narrow.type().getDimSize(*narrow.placeOf(depth));
    loopOver(index(b, 0), whole, unroll);
    if (multiple % unroll && (ShapedType::isDynamic(fixed) || fixed % unroll))
      loopOver(whole, end, 1);
    return state;
  }

  //===--------------------------------------------------------------------===//
  // Few rows
  //===--------------------------------------------------------------------===//

  /// Products of rows of two operands that lie along the depth, which whole vectors cover.
  bool emitDots() {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (maps[0].getNumDims() != 3 || out.map.getNumResults() != 2)
      return false;
    Side left{op->getOperand(0), maps[0]}, right{op->getOperand(1), maps[1]};
    Type element = out.type().getElementType();
    int64_t width = unit.lanesOf(element);
    for (const Side &side : {left, right}) {
      SmallVector<int64_t> strides;
      int64_t offset;
      if (side.map.getNumResults() != 2 || side.placeOf(depth) != 1u ||
          !hasElements(side, element, side.memory == right.memory) ||
          failed(side.type().getStridesAndOffset(strides, offset)) || strides.back() != 1 ||
          side.type().isDynamicDim(1) || side.type().getDimSize(1) % width)
        return false;
    }
    if (!left.placeOf(row) || !right.placeOf(lane) || out.type().isDynamicDim(0) ||
        !(element.isF32() || element.isF64()))
      return false;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(out.type().getStridesAndOffset(strides, offset)) || strides.back() != 1)
      return false;
    narrow = left;
    wide = right;
    vector = VectorType::get({width}, element);
    int64_t height = out.type().getDimSize(0);
    for (int64_t r = 0; r < height;) {
      int64_t rows = std::min<int64_t>(height - r, 4);
      emitDotRows(r, rows);
      r += rows;
    }
    return true;
  }

  /// `rows` rows from `first` on with all of the other operand: as many keys at a time as one register has lanes
  /// for each row, then one by one.
  void emitDotRows(int64_t first, int64_t rows) {
    int64_t share = vector.getNumElements() / int64_t(llvm::PowerOf2Ceil(rows));
    Value end = extentOf(out, lane), step = index(b, share);
    Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, end, step), step);
    for (auto [from, to, by] : {std::tuple(index(b, 0), whole, share), std::tuple(whole, end, int64_t(1))}) {
      auto loop = scf::ForOp::create(b, from, to, index(b, by));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      emitDotBlock(first, rows, loop.getInductionVar(), by, share);
    }
  }

  void emitDotBlock(int64_t first, int64_t rows, Value key, int64_t keys, int64_t share) {
    int64_t width = vector.getNumElements();
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vector));
    // Sum (r, j) goes to lane r * share + j. Key by key: memory is read in the order in which it lies, which is
    // all that the processor's own reading ahead asks for.
    SmallVector<Value> lanes(width, zero);
    for (int64_t j = 0; j < keys; ++j) {
      Value at = j ? arith::AddIOp::create(b, key, index(b, j)).getResult() : key;
      for (auto [r, sum] : llvm::enumerate(emitDotsOfKey(first, rows, at)))
        lanes[r * share + j] = sum;
    }
    Value all = sumEach(lanes);
    for (int64_t r = 0; r < rows; ++r) {
      auto part = VectorType::get({keys}, vector.getElementType());
      Value sum =
          vector::ShuffleOp::create(b, all, all, llvm::to_vector(llvm::seq(r * share, r * share + keys)));
      SmallVector<Value> place = out.at(dims(index(b, first + r), key, nullptr));
      Value before = start ? vector::BroadcastOp::create(b, part, start).getResult()
                           : vector::LoadOp::create(b, part, out.memory, place).getResult();
      vector::StoreOp::create(b, arith::AddFOp::create(b, before, sum), out.memory, place);
    }
  }

  /// The products of one key with each row, a sum in each lane, in several chains of sums where rows are too few for that.
  SmallVector<Value> emitDotsOfKey(int64_t first, int64_t rows, Value key) {
    int64_t width = vector.getNumElements(), pieces = narrow.type().getDimSize(1) / width, chains = 4 / rows;
    int64_t unroll = std::gcd<int64_t>(pieces, 4);
    chains = std::min(chains, unroll);
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vector));
    SmallVector<Value> zeros(rows * chains, zero), sums;
    auto loop = scf::ForOp::create(b, index(b, 0), extentOf(narrow, depth), index(b, unroll * width), zeros);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> state(loop.getRegionIterArgs());
      for (int64_t u = 0; u < unroll; ++u) {
        Value k = arith::AddIOp::create(b, loop.getInductionVar(), index(b, u * width));
        Value right = loadWide(dims(nullptr, key, k));
        for (int64_t r = 0; r < rows; ++r) {
          Value left = vector::LoadOp::create(b, vector, narrow.memory,
                                              narrow.at(dims(index(b, first + r), nullptr, k)));
          Value &sum = state[r * chains + u % chains];
          sum = vector::FMAOp::create(b, left, right, sum);
        }
      }
      scf::YieldOp::create(b, state);
    }
    for (int64_t r = 0; r < rows; ++r) {
      Value sum = loop.getResult(r * chains);
      for (int64_t c = 1; c < chains; ++c)
        sum = arith::AddFOp::create(b, sum, loop.getResult(r * chains + c));
      sums.push_back(sum);
    }
    return sums;
  }

  /// A vector whose lane i is the sum of all lanes of vector i. Two vectors that hold `n` sums each, in as many
  /// pieces, become one that holds 2n, in turns: the lower halves of their pieces plus the upper ones.
  Value sumEach(ArrayRef<Value> vectors) {
    if (vectors.size() == 1)
      return vectors[0];
    SmallVector<Value> even, odd;
    for (auto [i, v] : llvm::enumerate(vectors))
      (i % 2 ? odd : even).push_back(v);
    Value x = sumEach(even), y = sumEach(odd);
    if (x == y) // nothing but zeros
      return x;
    int64_t width = vector.getNumElements(), piece = width / even.size(), half = piece / 2;
    SmallVector<int64_t> low, high;
    for (int64_t at = 0; at < width; at += piece)
      for (int64_t side : {int64_t(0), width})
        for (int64_t k = 0; k < half; ++k) {
          low.push_back(side + at + k);
          high.push_back(side + at + half + k);
        }
    return arith::AddFOp::create(b, vector::ShuffleOp::create(b, x, y, low),
                                 vector::ShuffleOp::create(b, x, y, high));
  }

  linalg::ContractOp op;
  Value start; ///< what the result holds before, where it is one value
  const weir::VectorUnit &unit;
  ImplicitLocOpBuilder b;
  Side out, wide, narrow;
  unsigned lane = 0, row = 0, depth = 0;
  int64_t multiple = 1; ///< of which all extents are
  VectorType vector;
};

} // namespace

bool weir::emitContraction(linalg::ContractOp op, Value start, const VectorUnit &unit) {
  return Contraction(op, start, unit).emit();
}
