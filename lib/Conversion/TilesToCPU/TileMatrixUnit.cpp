//===- TileMatrixUnit.cpp - products of tiles on a matrix unit ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AMX: a register holds 16 lines of 64 bytes. A step adds to 16 x 16 sums the products of 16 lines of 32 numbers (the narrow operand, whose
// lines lie along the depth) and of 16 lines of 16 pairs (the wide one, which has the lanes: two lines of it, interleaved). So the wide
// operand is rounded and packed in pairs; the narrow one is read where it lies, or turned first where its lines do not lie along the depth. Where
// an extent is no multiple of a register's, what is left is padded with zeros: nothing is read or written past the end.
#include "Tiles.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace {

constexpr int64_t kLines = 16;      ///< of a register, and of sums either way
constexpr int64_t kTerms = 32;      ///< of a step along the depth
constexpr int64_t kMostTerms = 256; ///< of the depth that is packed at once, where it is fixed
constexpr int64_t kOpenTerms = 128; ///< where it is not
constexpr int64_t kPart = 8;        ///< numbers of 128 bits
constexpr int64_t kUnrolled = 4;    ///< steps along a fixed depth that need no loop

class MatrixProduct {
public:
  MatrixProduct(linalg::ContractOp op, Value start) : op(op), start(start), b(op.getLoc(), op) {}

  bool emit() {
    if (!analyse())
      return false;
    if (start && (!isZero(start) || isInChunks())) {
      linalg::FillOp::create(b, ValueRange{start}, ValueRange{out});
      start = nullptr;
    }
    if (!isInChunks()) {
      packOnce();
      emitChunk(index(0), extentOf(narrow, narrowDepth));
      return true;
    }
    Value end = extentOf(narrow, narrowDepth);
    loopOver(index(0), end, chunk, [&](Value first) {
      Value rest = b.createOrFold<arith::SubIOp>(end, first);
      emitChunk(first, b.createOrFold<arith::MinUIOp>(rest, index(chunk)));
    });
    return true;
  }

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value add(Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  Value scaled(Value x, int64_t by) { return b.createOrFold<arith::MulIOp>(x, index(by)); }
  Value divided(Value x, int64_t by) { return b.createOrFold<arith::DivUIOp>(x, index(by)); }
  Value wholeOf(Value x, int64_t by) { return scaled(divided(x, by), by); }
  Value extentOf(Value memory, unsigned place) {
    auto type = cast<MemRefType>(memory.getType());
    if (!type.isDynamicDim(place))
      return index(type.getDimSize(place));
    return memref::DimOp::create(b, memory, place);
  }
  static bool isZero(Value value) {
    auto constant = value.getDefiningOp<arith::ConstantOp>();
    auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
    return number && number.getValue().isPosZero();
  }

  void loopOver(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> inside) {
    auto begin = getConstantIntValue(from), end = getConstantIntValue(to);
    if (begin && end && *begin >= *end)
      return;
    if (begin && end && *begin + step >= *end)
      return inside(from);
    auto loop = scf::ForOp::create(b, from, to, index(step));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    inside(loop.getInductionVar());
  }

  /// The dimensions: lanes (in the result and the wide operand), row (in the result and the narrow one), depth (in both operands).
  bool analyse() {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    if (maps[0].getNumDims() != 3 || maps[2].getNumResults() != 2 ||
        !llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation() && map.getNumResults() == 2; }))
      return false;
    out = op->getOperand(2);
    AffineExpr row = maps[2].getResult(0), lane = maps[2].getResult(1);
    bool isFirst = maps[0].getResultPosition(lane).has_value();
    wide = op->getOperand(isFirst ? 0 : 1);
    narrow = op->getOperand(isFirst ? 1 : 0);
    AffineMap wideMap = maps[isFirst ? 0 : 1], narrowMap = maps[isFirst ? 1 : 0];
    auto isDense = [](Value memory) {
      SmallVector<int64_t> strides;
      int64_t offset;
      return succeeded(cast<MemRefType>(memory.getType()).getStridesAndOffset(strides, offset)) && strides.back() == 1;
    };
    auto place = narrowMap.getResultPosition(row);
    if (wideMap.getResultPosition(lane) != 1u || !place || !isDense(wide) || !isDense(narrow) || !isDense(out))
      return false;
    narrowDepth = 1 - *place;
    auto narrowType = cast<MemRefType>(narrow.getType()), outType = cast<MemRefType>(out.getType());
    int64_t depth = narrowType.getDimSize(narrowDepth), rows = outType.getDimSize(0);
    lanes = outType.getDimSize(1);
    isTurned = narrowDepth == 0;
    bool isFixed = !ShapedType::isDynamic(depth) && depth <= kMostTerms;
    chunk = isFixed ? llvm::alignTo(depth, kTerms) : kOpenTerms;
    return outType.getElementType().isF32() && cast<MemRefType>(wide.getType()).getElementType().isF32() &&
           narrowType.getElementType().isBF16() && !ShapedType::isDynamic(lanes) && lanes % kLines == 0 &&
           (isTurned ? !ShapedType::isDynamic(rows) && rows % kLines == 0 : isFixed && depth % kTerms == 0);
  }

  bool isInChunks() { return ShapedType::isDynamic(depthOf()) ? !isBounded() : depthOf() > kMostTerms; }
  int64_t depthOf() { return cast<MemRefType>(narrow.getType()).getDimSize(narrowDepth); }

  /// Whether an open depth is at most a chunk: the wide operand is a view of a tile that is no deeper.
  bool isBounded() {
    auto type = cast<MemRefType>(rootOf(wide).getType());
    return type.getRank() == 2 && !type.isDynamicDim(0) && type.getDimSize(0) <= kOpenTerms;
  }

  Value makeTile(ArrayRef<int64_t> shape, Type element) {
    auto tile = memref::AllocaOp::create(b, MemRefType::get(shape, element));
    tile.setAlignment(64);
    return tile;
  }

  //===--------------------------------------------------------------------===//
  // Packing
  //===--------------------------------------------------------------------===//

  static Value rootOf(Value memory) { return memref::skipViewLikeOps(cast<MemrefValue>(memory)); }

  static bool writes(Operation *loop, Value root) {
    return loop->walk([&](Operation *inner) {
                 if (inner->getNumRegions() && !isa<linalg::LinalgOp>(inner))
                   return WalkResult::advance();
                 SmallVector<Value> outs;
                 if (auto tile = dyn_cast<linalg::LinalgOp>(inner))
                   llvm::append_range(outs, tile.getDpsInits());
                 else if (!isMemoryEffectFree(inner) && !hasSingleEffect<MemoryEffects::Read>(inner))
                   llvm::copy_if(inner->getOperands(), std::back_inserter(outs), [](Value v) { return isa<MemRefType>(v.getType()); });
                 bool isOut = llvm::any_of(outs, [&](Value out) { return rootOf(out) == root; });
                 return isOut ? WalkResult::interrupt() : WalkResult::advance();
               }).wasInterrupted();
  }

  /// The outermost loop around the product, or the product, before which `memory` can be read for all of them: it is there and not written
  /// in them. Loops that may have no turns only where `isAlwaysThere`.
  Operation *placeToPack(Value memory, bool isAlwaysThere) {
    Operation *place = op;
    while (auto loop = dyn_cast<scf::ForOp>(place->getParentOp())) {
      auto from = getConstantIntValue(loop.getLowerBound()), to = getConstantIntValue(loop.getUpperBound());
      bool hasTurns = from && to && *from < *to;
      if (!loop.isDefinedOutsideOfLoop(memory) || !(hasTurns || isAlwaysThere) || writes(loop, rootOf(memory)))
        break;
      place = loop;
    }
    return place;
  }

  /// Packs what loops around the product share before them: of a strip of rows all rows.
  void packOnce() {
    OpBuilder::InsertionGuard guard(b);
    Value all = wide, offset;
    auto strip = wide.getDefiningOp<memref::SubViewOp>();
    if (strip && !strip.getDroppedDims().any() && isConstantIntValue(strip.getMixedOffsets()[0], 0) && strip.getSourceType().getRank() == 2 &&
        isEqualConstantIntOrValue(strip.getMixedSizes()[0], memref::getMixedSize(b, b.getLoc(), strip.getSource(), 0))) {
      all = strip.getSource();
      offset = getValueOrCreateConstantIndexOp(b, b.getLoc(), strip.getMixedOffsets()[1]);
    }
    Operation *place = placeToPack(all, isa_and_nonnull<memref::AllocaOp>(rootOf(all).getDefiningOp()));
    if (place != op) {
      if (offset)
        firstGroup = divided(offset, kLines);
      b.setInsertionPoint(place);
      packed = packWide(all, index(0), extentOf(all, 0));
    }
    if (!isTurned)
      return;
    b.setInsertionPoint(placeToPack(narrow, false));
    turned = turnNarrow(index(0), extentOf(narrow, 0));
  }

  VectorType vectorOf(int64_t length, Type element) { return VectorType::get({length}, element); }

  /// Two lines of f32 as pairs of bf16.
  Value pair(Value low, Value high) {
    auto type = vectorOf(kTerms, b.getBF16Type());
    auto name = b.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512");
    Value both = LLVM::CallIntrinsicOp::create(b, type, name, ValueRange{high, low}).getResult(0);
    SmallVector<int64_t> places;
    for (int64_t k = 0; k < kLines; ++k)
      places.append({k, kLines + k});
    return vector::ShuffleOp::create(b, both, both, places);
  }

  /// `count` lines of `wide` from `first` on, in pairs, by the lanes of a register; zeros up to a whole step.
  Value packWide(Value wide, Value first, Value count) {
    int64_t lanes = cast<MemRefType>(wide.getType()).getDimSize(1);
    Value tile = makeTile({lanes / kLines, chunk / 2, kTerms}, b.getBF16Type());
    auto line = vectorOf(kLines, b.getF32Type());
    Value none = arith::ConstantOp::create(b, b.getZeroAttr(line));
    auto load = [&](Value at, int64_t lane) { return vector::LoadOp::create(b, line, wide, ValueRange{at, index(lane)}).getResult(); };
    auto packAt = [&](Value number, bool isPair) {
      Value at = add(first, scaled(number, 2));
      for (int64_t k = 0; k < lanes / kLines; ++k) {
        Value low = load(at, k * kLines), high = isPair ? load(add(at, 1), k * kLines) : none;
        vector::StoreOp::create(b, pair(low, high), tile, ValueRange{index(k), number, index(0)});
      }
    };
    Value pairs = divided(count, 2);
    loopOver(index(0), pairs, 1, [&](Value number) { packAt(number, true); });
    if (auto fixed = getConstantIntValue(count); fixed && *fixed % kTerms == 0)
      return tile;
    Value some = divided(add(count, 1), 2); // with the line that has no other
    loopOver(pairs, some, 1, [&](Value number) { packAt(number, false); });
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(vectorOf(kTerms, b.getBF16Type())));
    loopOver(some, divided(paddedOf(count), 2), 1, [&](Value number) {
      for (int64_t k = 0; k < lanes / kLines; ++k)
        vector::StoreOp::create(b, zeros, tile, ValueRange{index(k), number, index(0)});
    });
    return tile;
  }

  /// `count`, up to whole steps.
  Value paddedOf(Value count) { return wholeOf(add(count, kTerms - 1), kTerms); }

  /// Of 8 vectors: element i of each part of vector k becomes element k of that part of vector i. Three times the lower and the upper halves
  /// of the parts of two vectors are interleaved, one instruction each.
  SmallVector<Value> turnWords(SmallVector<Value> vectors) {
    for (int64_t turn = 0; turn < 3; ++turn) {
      SmallVector<Value> next;
      for (int64_t k = 0; k < kPart / 2; ++k)
        for (int64_t half : {int64_t(0), kPart / 2}) {
          SmallVector<int64_t> places;
          for (int64_t part = 0; part < kTerms; part += kPart)
            for (int64_t i = 0; i < kPart / 2; ++i)
              places.append({part + half + i, kTerms + part + half + i});
          next.push_back(vector::ShuffleOp::create(b, vectors[k], vectors[k + kPart / 2], places));
        }
      vectors = next;
    }
    return vectors;
  }

  /// Numbers of `from` from line `first` and column `column` on: 32 lines of 8, turned into 8 lines of 32, at `to`.
  void turn(Value from, Value first, Value column, Value to, Value step) {
    auto part = vectorOf(kPart, b.getBF16Type()), line = vectorOf(kTerms, b.getBF16Type());
    SmallVector<Value> vectors;
    for (int64_t k = 0; k < kPart; ++k) {
      Value all = arith::ConstantOp::create(b, b.getZeroAttr(line));
      for (int64_t p = 0; p < kTerms / kPart; ++p) {
        Value own = vector::LoadOp::create(b, part, from, ValueRange{add(first, p * kPart + k), column});
        all = vector::InsertStridedSliceOp::create(b, own, all, ArrayRef<int64_t>{p * kPart}, ArrayRef<int64_t>{1});
      }
      vectors.push_back(all);
    }
    for (auto [k, own] : llvm::enumerate(turnWords(vectors)))
      vector::StoreOp::create(b, own, to, ValueRange{step, add(column, k), index(0)});
  }

  /// `count` lines of the narrow operand from `first` on, turned: by steps of the depth, a line for each row; zeros up to a whole step.
  Value turnNarrow(Value first, Value count) {
    int64_t rows = cast<MemRefType>(narrow.getType()).getDimSize(1);
    Value tile = makeTile({chunk / kTerms, rows, kTerms}, b.getBF16Type());
    Value whole = divided(count, kTerms);
    loopOver(index(0), whole, 1, [&](Value step) {
      Value line = add(first, scaled(step, kTerms));
      loopOver(index(0), index(rows), kPart, [&](Value column) { turn(narrow, line, column, tile, step); });
    });
    Value done = scaled(whole, kTerms), left = b.createOrFold<arith::SubIOp>(count, done);
    if (getConstantIntValue(left) == 0)
      return tile;
    Value isSome = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, left, index(0));
    auto branch = scf::IfOp::create(b, isSome, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value rest = makeTile({kTerms, rows}, b.getBF16Type());
    auto line = vectorOf(kLines, b.getBF16Type());
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(line));
    loopOver(index(0), index(kTerms), 1, [&](Value k) {
      Value isThere = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, k, left);
      auto choice = scf::IfOp::create(b, isThere, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      for (bool there : {true, false}) {
        b.setInsertionPointToStart(there ? choice.thenBlock() : choice.elseBlock());
        loopOver(index(0), index(rows), kLines, [&](Value column) {
          Value own = there ? vector::LoadOp::create(b, line, narrow, ValueRange{add(add(first, done), k), column}).getResult() : zeros;
          vector::StoreOp::create(b, own, rest, ValueRange{k, column});
        });
      }
    });
    loopOver(index(0), index(rows), kPart, [&](Value column) { turn(rest, index(0), column, tile, whole); });
    return tile;
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  using Load = llvm::function_ref<Value(int64_t tile, Value depth)>;

  amx::TileType sumType() { return amx::TileType::get({kLines, kLines}, b.getF32Type()); }
  amx::TileType termType() { return amx::TileType::get({kLines, kTerms}, b.getBF16Type()); }

  /// Adds the products of `depth` terms to `high` x `side` registers of sums in `sums`, from (row, lane) on; the narrow operand's by `load`.
  void emitBlock(Value sums, Value row, Value lane, Value group, int64_t high, int64_t side, Value depth, Load load) {
    auto placeOf = [&](int64_t k) { return SmallVector<Value>{add(row, k / side * kLines), add(lane, k % side * kLines)}; };
    SmallVector<Value> state;
    for (int64_t k = 0; k < high * side; ++k) // each its own zero, or LLVM copies registers through memory
      state.push_back(start ? amx::TileZeroOp::create(b, sumType()).getResult()
                            : amx::TileLoadOp::create(b, sumType(), sums, placeOf(k)).getResult());
    auto step = [&](Value at, SmallVector<Value> state) {
      SmallVector<Value> right;
      Value line = divided(at, 2);
      for (int64_t j = 0; j < side; ++j)
        right.push_back(amx::TileLoadOp::create(b, termType(), packed, ValueRange{add(group, j), line, index(0)}));
      for (int64_t i = 0; i < high; ++i) {
        Value left = load(i, at);
        for (int64_t j = 0; j < side; ++j)
          state[i * side + j] = amx::TileMulFOp::create(b, sumType(), left, right[j], state[i * side + j]);
      }
      return state;
    };
    if (auto fixed = getConstantIntValue(depth); fixed && *fixed <= kUnrolled * kTerms) {
      for (int64_t at = 0; at < *fixed; at += kTerms)
        state = step(index(at), state);
    } else {
      auto loop = scf::ForOp::create(b, index(0), depth, index(kTerms), state);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      scf::YieldOp::create(b, step(loop.getInductionVar(), SmallVector<Value>(loop.getRegionIterArgs())));
      state.assign(loop.result_begin(), loop.result_end());
    }
    for (auto [k, sum] : llvm::enumerate(state))
      amx::TileStoreOp::create(b, sums, placeOf(k), sum);
  }

  /// All lanes of `high` registers of rows: `side` registers at a time.
  void emitLanes(Value sums, Value row, int64_t high, Value depth, Load load) {
    int64_t groups = lanes / kLines, side = std::min<int64_t>(groups, 2);
    int64_t whole = groups / side * side;
    auto groupAt = [&](Value group) { return firstGroup ? add(firstGroup, group) : group; };
    loopOver(index(0), index(whole), side, [&](Value group) {
      emitBlock(sums, row, scaled(group, kLines), groupAt(group), high, side, depth, load);
    });
    if (whole < groups)
      emitBlock(sums, row, index(whole * kLines), groupAt(index(whole)), high, 1, depth, load);
  }

  /// All rows, for `count` terms from `first` on.
  void emitChunk(Value first, Value count) {
    Value depth = paddedOf(count);
    if (!packed || isInChunks())
      packed = packWide(wide, first, count);
    if (isTurned && (!turned || isInChunks()))
      turned = turnNarrow(first, count);
    Value rows = extentOf(out, 0), turned = this->turned;
    int64_t most = lanes == kLines ? 4 : 2;
    // Where lines lie apart by what only the caller knows, places are sums of few products: what LLVM cannot keep in registers it reads from the
    // stack, and such reads wait for stores of sums to addresses that end alike.
    Value flat, begin, apart, registerApart;
    if (!isTurned) {
      auto meta = memref::ExtractStridedMetadataOp::create(b, narrow);
      apart = meta.getStrides()[0];
      begin = meta.getOffset();
      registerApart = scaled(apart, kLines);
      auto type = MemRefType::get({ShapedType::kDynamic}, b.getBF16Type());
      Value length = add(begin, b.createOrFold<arith::MulIOp>(extentOf(narrow, 0), apart));
      flat = memref::ReinterpretCastOp::create(b, type, meta.getBaseBuffer(), OpFoldResult(b.getIndexAttr(0)), ArrayRef<OpFoldResult>{length},
                                               ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    }
    auto loadAt = [&](Value row) {
      return [=](int64_t tile, Value at) -> Value {
        if (isTurned)
          return amx::TileLoadOp::create(b, termType(), turned, ValueRange{divided(at, kTerms), add(row, tile * kLines), index(0)});
        Value place = add(begin, b.createOrFold<arith::MulIOp>(row, apart));
        if (tile)
          place = add(place, scaled(registerApart, tile));
        return amx::TileLoadOp::create(b, termType(), flat, ValueRange{add(add(place, first), at)}, apart);
      };
    };
    Value blocks = wholeOf(rows, most * kLines), whole = wholeOf(rows, kLines);
    loopOver(index(0), blocks, most * kLines, [&](Value row) { emitLanes(out, row, most, depth, loadAt(row)); });
    loopOver(blocks, whole, kLines, [&](Value row) { emitLanes(out, row, 1, depth, loadAt(row)); });
    if (isTurned)
      return; // whole registers of rows
    Value left = b.createOrFold<arith::SubIOp>(rows, whole);
    if (getConstantIntValue(left) == 0)
      return;
    Value isSome = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, left, index(0));
    auto branch = scf::IfOp::create(b, isSome, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emitRest(first, whole, left, depth);
  }

  /// Copies `count` of 16 lines of `columns` elements; others of `to` become 0.
  void copyLines(Value from, Value firstFrom, Value column, Value to, Value count, int64_t columns, Type element) {
    auto line = vectorOf(kLines, element);
    Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(line));
    loopOver(index(0), count, 1, [&](Value k) {
      for (int64_t at = 0; at < columns; at += kLines) {
        Value own = vector::LoadOp::create(b, line, from, ValueRange{add(firstFrom, k), add(column, at)});
        vector::StoreOp::create(b, own, to, ValueRange{k, index(at)});
      }
    });
    loopOver(count, index(kLines), 1, [&](Value k) {
      for (int64_t at = 0; at < columns; at += kLines)
        vector::StoreOp::create(b, zeros, to, ValueRange{k, index(at)});
    });
  }

  /// The last rows, fewer than a register has lines.
  void emitRest(Value first, Value row, Value left, Value depth) {
    Value lines = makeTile({kLines, chunk}, b.getBF16Type()), sums = makeTile({kLines, lanes}, b.getF32Type());
    copyLines(narrow, row, first, lines, left, chunk, b.getBF16Type());
    if (!start)
      copyLines(out, row, index(0), sums, left, lanes, b.getF32Type());
    emitLanes(sums, index(0), 1, depth, [&](int64_t, Value at) -> Value {
      return amx::TileLoadOp::create(b, termType(), lines, ValueRange{index(0), at});
    });
    auto line = vectorOf(kLines, b.getF32Type());
    loopOver(index(0), left, 1, [&](Value k) {
      for (int64_t at = 0; at < lanes; at += kLines) {
        Value own = vector::LoadOp::create(b, line, sums, ValueRange{k, index(at)});
        vector::StoreOp::create(b, own, out, ValueRange{add(row, k), index(at)});
      }
    });
  }

  linalg::ContractOp op;
  Value start; ///< 0, where the result is new; else null
  ImplicitLocOpBuilder b;
  Value out, wide, narrow;
  Value packed, turned; ///< the wide and the narrow operand
  Value firstGroup;     ///< of the lanes that are packed, in registers, where others are packed too; null: 0
  unsigned narrowDepth = 0;
  bool isTurned = false; ///< the narrow operand's lines lie along the rows
  int64_t lanes = 0, chunk = 0;
};

} // namespace

bool weir::emitMatrixProduct(linalg::ContractOp op, Value start, const VectorUnit &unit) {
  return unit.bytes == 64 && MatrixProduct(op, start).emit();
}
