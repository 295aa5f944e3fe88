//===- MatrixPacking.h - factors as a matrix unit takes them --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register of AMX holds 16 lines of 64 bytes: of the narrow operand lines of 32 bf16 along the depth, of the wide one 16 pairs of lines. A
// number of more bits goes in pieces, each the first 8 bits of what the pieces before it leave: an f32 is three, an f16 two, and their sum is
// the number (where no piece is too small for a normal bf16). Whatever is packed has zeros up to whole registers.
#ifndef WEIR_CONVERSION_TILESTOCPU_MATRIXPACKING_H
#define WEIR_CONVERSION_TILESTOCPU_MATRIXPACKING_H
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace weir {

class MatrixPacking {
public:
  static constexpr int64_t kLines = 16; ///< of a register, and of sums either way
  static constexpr int64_t kTerms = 32; ///< of a step along the depth

  /// How many pieces hold a bf16, f16 or f32.
  static int64_t piecesOf(mlir::Type element) { return element.isBF16() ? 1 : element.isF16() ? 2 : 3; }

  /// Where registers of the narrow operand are, in elements: of `groups` by 16 rows, for one step along the depth after the other, the pieces of
  /// one group side by side.
  struct Registers {
    mlir::Value memory, begin; ///< one dimension of bf16
    int64_t groups, pieces;
    int64_t ofGroup() const { return pieces * kLines * kTerms; }
    int64_t ofStep() const { return groups * ofGroup(); }
  };

  explicit MatrixPacking(mlir::Operation *op) : b(op->getLoc(), op) {}

  /// The code of a mapping.pack, before it.
  static void emit(mapping::PackOp op);
  /// All that a kernel packs, as calls of functions that follow it: alike ones are of one.
  static void emitAll(mlir::func::FuncOp kernel);

  /// Lines `first` to `first + count` of `wide` (depth x lanes, f32) as registers of `depth` lines at most, by [lanes / 16][depth / 32][pieces].
  /// One piece is rounded.
  mlir::Value packPairs(mlir::Value wide, mlir::Value first, mlir::Value count, int64_t depth, int64_t pieces, bool isForInfinities);
protected:
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, value); }
  mlir::Value add(mlir::Value x, mlir::Value y) { return b.createOrFold<mlir::arith::AddIOp>(x, y); }
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  mlir::Value scaled(mlir::Value x, int64_t by) { return b.createOrFold<mlir::arith::MulIOp>(x, index(by)); }
  mlir::Value divided(mlir::Value x, int64_t by) { return b.createOrFold<mlir::arith::DivUIOp>(x, index(by)); }
  mlir::Value restOf(mlir::Value x, int64_t by) { return b.createOrFold<mlir::arith::RemUIOp>(x, index(by)); }
  mlir::Value wholeOf(mlir::Value x, int64_t by) { return scaled(divided(x, by), by); }
  mlir::Value paddedOf(mlir::Value x, int64_t by) { return wholeOf(add(x, by - 1), by); }
  /// A loop from `from` to `to`, or its one turn.
  void loopOver(mlir::Value from, mlir::Value to, int64_t step, llvm::function_ref<void(mlir::Value)> inside);
  mlir::Value makeTile(llvm::ArrayRef<int64_t> shape, mlir::Type element);

  mlir::ImplicitLocOpBuilder b;

private:
  mlir::VectorType vectorOf(int64_t length, mlir::Type element) { return mlir::VectorType::get({length}, element); }
  mlir::Value zeros(int64_t length, mlir::Type element);
  mlir::Value loadReals(mlir::Value memory, mlir::ValueRange at, int64_t length);
  mlir::Value round(mlir::Value low, mlir::Value high);
  mlir::SmallVector<mlir::Value> cut(mlir::Value low, mlir::Value high, int64_t pieces, llvm::ArrayRef<int64_t> places, bool isForInfinities);
  mlir::SmallVector<mlir::Value> turnWords(mlir::SmallVector<mlir::Value> vectors);
  void packLines(mlir::Value narrow, mlir::Value count, const Registers &to);
  void packTurned(mlir::Value narrow, mlir::Value count, const Registers &to);
  static mlir::MemRefType anyLines(mlir::MemRefType type);
  void store(mlir::Value line, const Registers &to, mlir::Value step, int64_t piece, mlir::Value row);
  void turn(mlir::Value from, mlir::Value first, mlir::Value column, const Registers &to, mlir::Value step);
};

} // namespace weir
#endif
