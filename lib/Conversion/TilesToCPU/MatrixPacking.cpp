//===- MatrixPacking.cpp - factors as a matrix unit takes them ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "MatrixPacking.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "weir/Support/KernelContract.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace weir;

namespace {
constexpr int64_t kPart = 8;         ///< numbers of 128 bits
constexpr double kLittle = 0x1p-40;  ///< of a piece, which the rest has more: far below an f32's rounding
} // namespace

void MatrixPacking::loopOver(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> inside) {
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

Value MatrixPacking::makeTile(ArrayRef<int64_t> shape, Type element) {
  auto tile = memref::AllocaOp::create(b, MemRefType::get(shape, element));
  tile.setAlignment(64);
  return tile;
}

Value MatrixPacking::zeros(int64_t length, Type element) { return arith::ConstantOp::create(b, b.getZeroAttr(vectorOf(length, element))); }

/// `length` numbers as f32.
Value MatrixPacking::loadReals(Value memory, ValueRange at, int64_t length) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  Value own = vector::LoadOp::create(b, vectorOf(length, element), memory, at);
  return element.isF32() ? own : arith::ExtFOp::create(b, vectorOf(length, b.getF32Type()), own).getResult();
}

/// Two vectors of 16 f32 one after the other, rounded to bf16.
Value MatrixPacking::round(Value low, Value high) {
  auto name = b.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512");
  return LLVM::CallIntrinsicOp::create(b, vectorOf(kTerms, b.getBF16Type()), name, ValueRange{high, low}).getResult(0);
}

/// The pieces of two vectors of 16 f32; number k of a piece is that of number places[k] of both. `isForInfinities`: no piece of a number is 0 unless
/// the number is, and of an infinity only the first is infinite: the products of pieces have the sign of their numbers' product, and are no NaN unless
/// that is.
SmallVector<Value> MatrixPacking::cut(Value low, Value high, int64_t pieces, ArrayRef<int64_t> places, bool isForInfinities) {
  auto words = vectorOf(kTerms, b.getBF16Type()), bits = vectorOf(kLines, b.getI32Type());
  SmallVector<int64_t> upper; // an f32 begins as the bf16 does
  for (int64_t place : places)
    upper.push_back(2 * place + 1);
  Value mask = arith::ConstantOp::create(b, DenseElementsAttr::get(bits, b.getI32IntegerAttr(0xffff0000)));
  auto reals = cast<VectorType>(low.getType());
  auto all = [&](double number) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(reals, b.getF32FloatAttr(number)));
  };
  Value little = all(kLittle), most = all(llvm::APFloat::getLargest(llvm::APFloat::IEEEsingle()).convertToDouble()), least;
  auto bound = [&](Value x) -> Value {
    least = least ? least : arith::NegFOp::create(b, most).getResult();
    x = arith::SelectOp::create(b, arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, most), x, most);
    return arith::SelectOp::create(b, arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, least), x, least);
  };
  auto rest = [&](Value x) -> Value {
    Value first = arith::AndIOp::create(b, vector::BitCastOp::create(b, bits, x), mask);
    first = vector::BitCastOp::create(b, reals, first);
    Value own = arith::SubFOp::create(b, x, first);
    return isForInfinities ? math::FmaOp::create(b, first, little, own).getResult() : own;
  };
  SmallVector<Value> cuts;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    if (piece == 1 && isForInfinities) {
      low = bound(low);
      high = bound(high);
    }
    if (piece) {
      low = rest(low);
      high = rest(high);
    }
    cuts.push_back(vector::ShuffleOp::create(b, vector::BitCastOp::create(b, words, low), vector::BitCastOp::create(b, words, high), upper));
  }
  return cuts;
}

Value MatrixPacking::packPairs(Value wide, Value first, Value count, int64_t depth, int64_t pieces, bool isForInfinities) {
  int64_t lanes = cast<MemRefType>(wide.getType()).getDimSize(1);
  Value tile = makeTile({lanes / kLines, depth / kTerms, pieces, kLines, kTerms}, b.getBF16Type());
  SmallVector<int64_t> pairs;
  for (int64_t k = 0; k < kLines; ++k)
    pairs.append({k, kLines + k});
  auto store = [&](Value own, int64_t group, int64_t piece, Value line) {
    vector::StoreOp::create(b, own, tile, ValueRange{index(group), divided(line, kLines), index(piece), restOf(line, kLines), index(0)});
  };
  auto packAt = [&](Value number, bool isPair) {
    Value at = add(first, scaled(number, 2));
    for (int64_t k = 0; k < lanes / kLines; ++k) {
      Value low = loadReals(wide, {at, index(k * kLines)}, kLines);
      Value high = isPair ? loadReals(wide, {add(at, 1), index(k * kLines)}, kLines) : zeros(kLines, b.getF32Type());
      if (pieces == 1) {
        Value both = round(low, high);
        store(vector::ShuffleOp::create(b, both, both, pairs), k, 0, number);
        continue;
      }
      for (auto [piece, own] : llvm::enumerate(cut(low, high, pieces, pairs, isForInfinities)))
        store(own, k, piece, number);
    }
  };
  Value whole = divided(count, 2);
  loopOver(index(0), whole, 1, [&](Value number) { packAt(number, true); });
  if (auto fixed = getConstantIntValue(count); fixed && *fixed % kTerms == 0)
    return tile;
  Value some = divided(add(count, 1), 2); // with the line that has no other
  loopOver(whole, some, 1, [&](Value number) { packAt(number, false); });
  loopOver(some, divided(paddedOf(count, kTerms), 2), 1, [&](Value number) {
    for (int64_t k = 0; k < lanes / kLines; ++k)
      for (int64_t piece = 0; piece < pieces; ++piece)
        store(zeros(kTerms, b.getBF16Type()), k, piece, number);
  });
  return tile;
}

/// A line of 32 terms, at their place along the depth.
void MatrixPacking::store(Value line, const Registers &to, Value step, int64_t piece, Value row) {
  Value place = add(add(to.begin, scaled(step, to.ofStep())), scaled(divided(row, kLines), to.ofGroup()));
  place = add(add(place, scaled(restOf(row, kLines), kTerms)), piece * kLines * kTerms);
  vector::StoreOp::create(b, line, to.memory, ValueRange{place});
}

void MatrixPacking::packLines(Value narrow, Value count, const Registers &to) {
  int64_t depth = cast<MemRefType>(narrow.getType()).getDimSize(1);
  auto places = llvm::to_vector(llvm::seq<int64_t>(0, kTerms));
  loopOver(index(0), count, 1, [&](Value row) {
    for (int64_t step = 0; step < depth / kTerms; ++step) {
      Value at = index(step * kTerms);
      if (to.pieces == 1) {
        auto line = vectorOf(kTerms, b.getBF16Type());
        store(vector::LoadOp::create(b, line, narrow, ValueRange{row, at}), to, index(step), 0, row);
        continue;
      }
      Value low = loadReals(narrow, {row, at}, kLines), high = loadReals(narrow, {row, add(at, kLines)}, kLines);
      for (auto [piece, own] : llvm::enumerate(cut(low, high, to.pieces, places, /*isForInfinities=*/true)))
        store(own, to, index(step), piece, row);
    }
  });
  loopOver(count, paddedOf(count, kLines), 1, [&](Value row) {
    for (int64_t step = 0; step < depth / kTerms; ++step)
      for (int64_t piece = 0; piece < to.pieces; ++piece)
        store(zeros(kTerms, b.getBF16Type()), to, index(step), piece, row);
  });
}

/// Of 8 vectors: element i of each part of vector k becomes element k of that part of vector i. Three times the lower and the upper halves
/// of the parts of two vectors are interleaved, one instruction each.
SmallVector<Value> MatrixPacking::turnWords(SmallVector<Value> vectors) {
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
void MatrixPacking::turn(Value from, Value first, Value column, const Registers &to, Value step) {
  Type element = cast<MemRefType>(from.getType()).getElementType();
  int64_t pieces = to.pieces;
  auto places = llvm::to_vector(llvm::seq<int64_t>(0, kTerms));
  auto gather = [&](Value line, int64_t parts, Type type) {
    Value all = zeros(parts * kPart, type);
    for (int64_t p = 0; p < parts; ++p) {
      SmallVector<Value> at{add(line, p * kPart), column};
      Value own = pieces == 1 ? vector::LoadOp::create(b, vectorOf(kPart, type), from, at).getResult() : loadReals(from, at, kPart);
      all = vector::InsertStridedSliceOp::create(b, own, all, ArrayRef<int64_t>{p * kPart}, ArrayRef<int64_t>{1});
    }
    return all;
  };
  SmallVector<SmallVector<Value>> vectors(pieces);
  for (int64_t k = 0; k < kPart; ++k) {
    Value line = add(first, k);
    if (pieces == 1) {
      vectors[0].push_back(gather(line, kTerms / kPart, element));
      continue;
    }
    Value low = gather(line, kLines / kPart, b.getF32Type()), high = gather(add(line, kLines), kLines / kPart, b.getF32Type());
    for (auto [piece, own] : llvm::enumerate(cut(low, high, pieces, places, /*isForInfinities=*/true)))
      vectors[piece].push_back(own);
  }
  for (int64_t piece = 0; piece < pieces; ++piece)
    for (auto [k, own] : llvm::enumerate(turnWords(vectors[piece])))
      store(own, to, step, piece, add(column, k));
}

/// `count` lines of `narrow` from `first` on as columns: 32 at a time, of which the last may be beside zeros.
void MatrixPacking::packTurned(Value narrow, Value count, const Registers &to) {
  auto type = cast<MemRefType>(narrow.getType());
  Type element = type.getElementType();
  int64_t rows = type.getDimSize(1);
  MemRefType any = anyLines(type);
  Value rest = makeTile({kTerms, rows}, element), lines = memref::CastOp::create(b, any, narrow), other = memref::CastOp::create(b, any, rest);
  loopOver(index(0), divided(paddedOf(count, kTerms), kTerms), 1, [&](Value step) {
    Value line = scaled(step, kTerms), left = arith::SubIOp::create(b, count, line);
    Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::uge, left, index(kTerms));
    auto choice = scf::IfOp::create(b, TypeRange{any, b.getIndexType()}, isWhole, /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      scf::YieldOp::create(b, ValueRange{lines, line});
      b.setInsertionPointToStart(choice.elseBlock());
      auto fill = [&](Value from, Value to, llvm::function_ref<Value(Value, Value)> make) {
        loopOver(from, to, 1, [&](Value k) {
          loopOver(index(0), index(rows), kLines,
                   [&](Value column) { vector::StoreOp::create(b, make(k, column), rest, ValueRange{k, column}); });
        });
      };
      auto own = vectorOf(kLines, element);
      fill(index(0), left, [&](Value k, Value column) {
        return vector::LoadOp::create(b, own, narrow, ValueRange{add(line, k), column}).getResult();
      });
      fill(left, index(kTerms), [&](Value, Value) { return zeros(kLines, element); });
      scf::YieldOp::create(b, ValueRange{other, index(0)});
    }
    loopOver(index(0), index(rows), kPart, [&](Value column) { turn(choice.getResult(0), choice.getResult(1), column, to, step); });
  });
}

MemRefType MatrixPacking::anyLines(MemRefType type) {
  auto layout = StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, {ShapedType::kDynamic, 1});
  return MemRefType::get({ShapedType::kDynamic, type.getDimSize(1)}, type.getElementType(), layout);
}

void MatrixPacking::emit(mapping::PackOp op) {
  MatrixPacking code(op);
  auto type = cast<MemRefType>(op.getSource().getType());
  int64_t rows = op.getTurned() ? type.getDimSize(1) : op.getKeys();
  Registers to{op.getPacked(), op.getOffset(), llvm::divideCeilSigned(rows, kLines), piecesOf(type.getElementType())};
  Value count = code.b.createOrFold<memref::DimOp>(op.getSource(), 0);
  if (op.getTurned())
    code.packTurned(op.getSource(), count, to);
  else
    code.packLines(op.getSource(), count, to);
}

namespace {
/// What tells how a block is packed: all that are alike in it are packed by one function.
struct Kind {
  MemRefType lines;
  int64_t keys;
  bool isTurned;
  /// Where registers are depends on how many rows there are: turned, on the columns.
  bool operator==(const Kind &other) const { return lines == other.lines && isTurned == other.isTurned && (isTurned || keys == other.keys); }
};
} // namespace

static func::FuncOp makePacker(func::FuncOp kernel, mapping::PackOp op, const Kind &kind, size_t number) {
  OpBuilder b(kernel);
  b.setInsertionPointAfter(kernel);
  auto type = b.getFunctionType({kind.lines, op.getPacked().getType(), b.getIndexType()}, {});
  auto function = func::FuncOp::create(b, op.getLoc(), (kernel.getName() + ".pack" + Twine(number)).str(), type);
  function.setPrivate();
  function->setAttr("passthrough", b.getStrArrayAttr({kBlockedAttr, "noinline"}));
  b.setInsertionPointToStart(function.addEntryBlock());
  auto own = mapping::PackOp::create(b, op.getLoc(), function.getArgument(0), function.getArgument(1), function.getArgument(2), kind.keys, kind.isTurned);
  func::ReturnOp::create(b, op.getLoc());
  MatrixPacking::emit(own);
  own->erase();
  return function;
}

void MatrixPacking::emitAll(func::FuncOp kernel) {
  SmallVector<std::pair<Kind, func::FuncOp>> packers;
  kernel.walk([&](mapping::PackOp op) {
    Kind kind{anyLines(cast<MemRefType>(op.getSource().getType())), int64_t(op.getKeys()), op.getTurned()};
    auto packer = llvm::find_if(packers, [&](auto &packer) { return packer.first == kind; });
    if (packer == packers.end())
      packer = &packers.emplace_back(kind, makePacker(kernel, op, kind, packers.size()));
    OpBuilder b(op);
    Value source = b.createOrFold<memref::CastOp>(op.getLoc(), kind.lines, op.getSource());
    func::CallOp::create(b, op.getLoc(), packer->second, ValueRange{source, op.getPacked(), op.getOffset()});
    op->erase();
  });
}
