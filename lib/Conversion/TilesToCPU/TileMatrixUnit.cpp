//===- TileMatrixUnit.cpp - products of tiles on a matrix unit ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// AMX: a step adds to 16 x 16 sums the products of 16 lines of 32 numbers (the narrow operand, whose lines lie along the depth) and of 16 lines
// of 16 pairs (the wide one, which has the lanes: two lines of it, interleaved). So the wide operand is packed in pairs; the narrow one is
// packed in lines, turned where its lines do not lie along the depth, or read where it lies. Of numbers in pieces (MatrixPacking.h) products of
// pieces i and j with i + j < 3 are taken: what is left out is below the rounding of an f32. Where an extent is no multiple of a
// register's, what is left is padded with zeros: nothing is read or written past the end.
#include "MatrixPacking.h"
#include "Tiles.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "weir/Support/KernelContract.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

namespace {

constexpr int64_t kMostTerms = 256; ///< of the depth that is packed at once, where it is fixed
constexpr int64_t kOpenTerms = 128; ///< where it is not
constexpr int64_t kPieces = 3;      ///< that hold an f32
constexpr int64_t kUnrolled = 4;    ///< steps along a fixed depth that need no loop

class MatrixProduct : MatrixPacking {
public:
  MatrixProduct(linalg::ContractOp op, Value start) : MatrixPacking(op), op(op), start(start) {}

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
    widePieces = op->getAttrOfType<IntegerAttr>(kMatrixUnitAttr).getInt();
    Type element = narrowType.getElementType();
    narrowPieces = piecesOf(element);
    isInPlace = !isTurned && narrowPieces == 1;
    // A tile of sums says how many rows there are at most.
    auto all = cast<MemRefType>(rootOf(out).getType());
    mostRows = !ShapedType::isDynamic(rows) ? rows : all.getRank() == 2 ? all.getDimSize(0) : ShapedType::kDynamic;
    return outType.getElementType().isF32() && cast<MemRefType>(wide.getType()).getElementType().isF32() &&
           (element.isBF16() || element.isF16() || element.isF32()) && !ShapedType::isDynamic(lanes) && lanes % kLines == 0 &&
           (isInPlace || !ShapedType::isDynamic(mostRows)) && (isTurned ? !ShapedType::isDynamic(rows) && rows % kLines == 0 : isFixed && depth % kTerms == 0);
  }

  /// Scores may be infinite, and weights then 0. Weights are cut for each product, and infinite values are rare: there a NaN may stand for an infinity.
  bool isForInfinities() const { return !isTurned; }
  bool isInPieces() const { return widePieces > 1; }
  bool isInChunks() { return ShapedType::isDynamic(depthOf()) ? !isBounded() : depthOf() > kMostTerms; }
  int64_t depthOf() { return cast<MemRefType>(narrow.getType()).getDimSize(narrowDepth); }

  /// Whether an open depth is at most a chunk: the wide operand is a view of a tile that is no deeper.
  bool isBounded() {
    auto type = cast<MemRefType>(rootOf(wide).getType());
    return type.getRank() == 2 && !type.isDynamicDim(0) && type.getDimSize(0) <= kOpenTerms;
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
      pairs = packPairs(all, index(0), extentOf(all, 0), chunk, widePieces, isForInfinities());
    }
    b.setInsertionPoint(placeToPack(narrow, false));
    lines = openLines(index(0), extentOf(narrow, narrowDepth));
  }

  /// Where lines of the narrow operand are, in elements: how far apart lines are, and groups of 16 rows, and steps along the depth.
  struct Lines {
    Value memory, begin, apart, ofGroup, ofStep;
  };

  Registers makeRegisters() {
    int64_t rows = isTurned ? cast<MemRefType>(narrow.getType()).getDimSize(1) : mostRows;
    return {Value(), index(0), llvm::divideCeilSigned(rows, kLines), narrowPieces};
  }
  MemRefType flatType() { return MemRefType::get({ShapedType::kDynamic}, b.getBF16Type()); }
  Lines linesOf(const Registers &own) { return {own.memory, own.begin, index(kTerms), index(own.ofGroup()), index(own.ofStep())}; }

  /// `count` lines from `first` on of the narrow operand that is turned, or all that lie along the depth.
  Value part(Value first, Value count) {
    if (!isTurned || !isInChunks())
      return narrow;
    OpFoldResult one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets{getAsOpFoldResult(first), b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes{getAsOpFoldResult(count), b.getIndexAttr(cast<MemRefType>(narrow.getType()).getDimSize(1))};
    return memref::SubViewOp::create(b, narrow, offsets, sizes, SmallVector<OpFoldResult>{one, one});
  }

  /// `count` terms from `first` on of the narrow operand: where they lie, or packed.
  Lines openHere(Value first, Value count) {
    if (!isInPlace) {
      Registers own = makeRegisters();
      own.memory = memref::CastOp::create(b, flatType(), makeTile({chunk / kTerms * own.ofStep()}, b.getBF16Type()));
      mapping::PackOp::create(b, part(first, count), own.memory, own.begin, isTurned ? chunk : own.groups * kLines, isTurned);
      return linesOf(own);
    }
    auto meta = memref::ExtractStridedMetadataOp::create(b, narrow);
    Value apart = meta.getStrides()[0], begin = meta.getOffset();
    Value length = add(begin, b.createOrFold<arith::MulIOp>(extentOf(narrow, 0), apart));
    Value flat = memref::ReinterpretCastOp::create(b, flatType(), meta.getBaseBuffer(), OpFoldResult(b.getIndexAttr(0)),
                                                   ArrayRef<OpFoldResult>{length}, ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
    return {flat, add(begin, first), apart, scaled(apart, kLines), index(kTerms)};
  }

  /// The same of what may have been packed before the kernel's loops.
  Lines openLines(Value first, Value count) {
    auto packed = narrow.getDefiningOp<mapping::PackedOp>();
    if (!packed || isInChunks())
      return openHere(first, count);
    Registers ahead = makeRegisters();
    ahead.memory = packed.getPacked();
    ahead.begin = packed.getOffset();
    Lines known = linesOf(ahead);
    Type place = b.getIndexType();
    auto choice = scf::IfOp::create(b, TypeRange{flatType(), place, place, place, place}, packed.getIsThere(), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    for (bool isThere : {true, false}) {
      b.setInsertionPointToStart(isThere ? choice.thenBlock() : choice.elseBlock());
      Lines own = isThere ? known : openHere(first, count);
      scf::YieldOp::create(b, ValueRange{own.memory, own.begin, own.apart, own.ofGroup, own.ofStep});
    }
    auto results = choice.getResults();
    if (isInPlace)
      return {results[0], results[1], results[2], results[3], results[4]};
    known.memory = results[0];
    known.begin = results[1];
    return known;
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  using Load = llvm::function_ref<Value(int64_t tile, int64_t piece, Value depth)>;

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
      Value number = divided(at, kTerms);
      for (int64_t j = 0; j < side; ++j)
        for (int64_t piece = 0; piece < widePieces; ++piece)
          right.push_back(amx::TileLoadOp::create(b, termType(), pairs, ValueRange{add(group, j), number, index(piece), index(0), index(0)}));
      for (int64_t i = 0; i < high; ++i)
        for (int64_t piece = 0; piece < narrowPieces; ++piece) {
          Value left = load(i, piece, at);
          for (int64_t k = 0; k < side * widePieces; ++k)
            if (Value &sum = state[i * side + k / widePieces]; piece + k % widePieces < kPieces)
              sum = amx::TileMulFOp::create(b, sumType(), left, right[k], sum);
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
    int64_t groups = lanes / kLines, side = isInPieces() || groups == 1 ? 1 : 2;
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
    Value depth = paddedOf(count, kTerms);
    if (!pairs || isInChunks())
      pairs = packPairs(wide, first, count, chunk, widePieces, isForInfinities());
    if (!lines.memory || isInChunks())
      lines = openLines(first, count);
    Value rows = extentOf(out, 0);
    int64_t most = lanes == kLines || isInPieces() ? 4 : 2;
    // Where lines lie apart by what only the caller knows, places are sums of few products: what LLVM cannot keep in registers it reads from the
    // stack, and such reads wait for stores of sums to addresses that end alike.
    auto loadAt = [&](Value row) {
      Value begin = add(lines.begin, b.createOrFold<arith::MulIOp>(divided(row, kLines), lines.ofGroup));
      return [=, lines = lines](int64_t tile, int64_t piece, Value at) -> Value {
        Value place = tile ? add(begin, scaled(lines.ofGroup, tile)) : begin;
        place = add(place, b.createOrFold<arith::MulIOp>(divided(at, kTerms), lines.ofStep));
        return amx::TileLoadOp::create(b, termType(), lines.memory, ValueRange{add(place, piece * kLines * kTerms)}, lines.apart);
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
    emitRest(first, whole, left, depth, loadAt(whole));
  }

  /// Copies `count` of 16 lines of `columns` elements; others of `to` become 0.
  void copyLines(Value from, Value firstFrom, Value column, Value to, Value count, int64_t columns, Type element) {
    auto line = VectorType::get({kLines}, element);
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

  /// The last rows, fewer than a register has lines. What lies in place is copied beside zeros.
  void emitRest(Value first, Value row, Value left, Value depth, Load load) {
    Value sums = makeTile({kLines, lanes}, b.getF32Type());
    if (!start)
      copyLines(out, row, index(0), sums, left, lanes, b.getF32Type());
    if (!isInPlace) {
      emitLanes(sums, index(0), 1, depth, load);
    } else {
      Value own = makeTile({kLines, chunk}, b.getBF16Type());
      copyLines(narrow, row, first, own, left, chunk, b.getBF16Type());
      emitLanes(sums, index(0), 1, depth, [&](int64_t, int64_t, Value at) -> Value {
        return amx::TileLoadOp::create(b, termType(), own, ValueRange{index(0), at});
      });
    }
    auto line = VectorType::get({kLines}, b.getF32Type());
    loopOver(index(0), left, 1, [&](Value k) {
      for (int64_t at = 0; at < lanes; at += kLines) {
        Value own = vector::LoadOp::create(b, line, sums, ValueRange{k, index(at)});
        vector::StoreOp::create(b, own, out, ValueRange{add(row, k), index(at)});
      }
    });
  }

  linalg::ContractOp op;
  Value start; ///< 0, where the result is new; else null
  Value out, wide, narrow;
  Value pairs;          ///< the wide operand, packed
  Lines lines;
  Value firstGroup;     ///< of the lanes that are packed, in registers, where others are packed too; null: 0
  unsigned narrowDepth = 0;
  bool isTurned = false;  ///< the narrow operand's lines lie along the rows
  bool isInPlace = false; ///< the narrow operand is read where it lies
  int64_t lanes = 0, chunk = 0, widePieces = 1, narrowPieces = 1, mostRows = 0;
};

} // namespace

bool weir::emitMatrixProduct(linalg::ContractOp op, Value start, const VectorUnit &unit) {
  return unit.bytes == 64 && MatrixProduct(op, start).emit();
}
