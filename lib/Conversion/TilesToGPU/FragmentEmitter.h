//===- FragmentEmitter.h - tile operations on registers and tensor cores --===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_FRAGMENTEMITTER_H
#define WEIR_TILESTOGPU_FRAGMENTEMITTER_H
#include "TileLayouts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include <map>

namespace weir {

/// Rewrites the tile operations of a kernel whose tiles have layouts: what one thread does with its elements.
/// A warp has 16 rows, or 32, of which a thread has H: those of number row + 32/L * h, for L threads of a row. A fragment of N columns is a private
/// array of N/L * H elements: index 2Hj + 2h + c is the thread's row h and its column 2j + c, of which TileLayouts says which it is. All
/// indices are constants, so that LLVM keeps the array in registers. Lines of a matrix lie 16 bytes further apart than they are long: an odd number
/// of 16-byte columns, so that eight lines that are read at a time lie in different banks.
class FragmentEmitter {
public:
  using Builder = mlir::ImplicitLocOpBuilder;
  FragmentEmitter(mlir::gpu::GPUFuncOp kernel, const TileLayouts &layouts, unsigned threads)
      : kernel(kernel), layouts(layouts), threads(threads), halves(layouts.rows() * layouts.lanesOfRow() / threads) {}
  void run();
  /// Elements that are copied at a time: 16 bytes.
  static int64_t pieceOf(mlir::Type element) { return 128 / element.getIntOrFloatBitWidth(); }

private:
  /// Where an element is: a value for each loop of the operation, and which element of the thread's share.
  struct Place {
    unsigned half = 0;                      ///< of the thread's rows
    llvm::SmallVector<unsigned> columns;    ///< for each loop: of the thread's columns; unused for rows
    llvm::SmallVector<mlir::Value> indices; ///< for each loop
  };

  /// The numbers of a thread that layouts are made of.
  struct Lanes {
    mlir::Value thread, lane, rowBase;           ///< the thread's first row
    mlir::Value firstRow;                        ///< of the warp
    mlir::Value member;                          ///< the thread's number among those of its row
    std::map<unsigned, mlir::Value> columnBases; ///< the thread's first column, by the length of runs
    mlir::Value line, second, third; ///< for ldmatrix: lane % 8, 8 * (lane / 8 % 2), 8 * (lane / 16)
  };
  mlir::Value readThread(Builder &b);
  Lanes describeLanes(Builder &b);
  void describeLanes(mlir::Block &block, std::optional<Lanes> known);
  void replaceTile(mlir::memref::AllocaOp tile);
  void deferScale(mlir::memref::AllocaOp left);
  void readMatrices(mlir::linalg::GenericOp op);
  void rewrite(mlir::linalg::LinalgOp op);

  // FragmentElements.cpp: element by element
  void fill(Builder &b, mlir::linalg::FillOp op);
  void elementwise(Builder &b, mlir::linalg::GenericOp op);
  void reduce(Builder &b, mlir::linalg::GenericOp op);
  void reduceColumns(Builder &b, mlir::linalg::GenericOp op, mlir::Value count);
  bool sumsCleared(mlir::linalg::GenericOp op);
  void inVersions(Builder &b, mlir::Value count, unsigned columns,
                  llvm::function_ref<void(mlir::Value)> emit);
  void sumProducts(Builder &b, mlir::linalg::GenericOp op);
  llvm::ArrayRef<unsigned> membersApart() const;
  mlir::Value laneOf(Builder &b, mlir::Value at);
  bool isExact() const { return layouts.unit() == TileLayouts::Unit::MultiplyAdd; }
  mlir::Value rowAt(Builder &b, mlir::linalg::LinalgOp op, unsigned half);
  Place placeAt(Builder &b, mlir::linalg::GenericOp op, unsigned half, llvm::ArrayRef<unsigned> columns);
  mlir::Value load(Builder &b, mlir::OpOperand &operand, const Place &place);
  void store(Builder &b, mlir::Value value, mlir::OpOperand &operand, const Place &place);
  llvm::SmallVector<mlir::Value> loadInputs(Builder &b, mlir::linalg::GenericOp op, const Place &place);
  mlir::IRMapping cloneBody(Builder &b, mlir::linalg::GenericOp op, mlir::ValueRange args, const Place &place,
                            llvm::function_ref<bool(mlir::Operation *)> without = nullptr, mlir::IRMapping known = {});
  unsigned columnsOf(mlir::linalg::GenericOp op, unsigned loop);
  /// How many columns there really are, where fewer than the tile has may be; null: all of them.
  mlir::Value countOf(Builder &b, mlir::linalg::LinalgOp op, unsigned loop);
  /// A size that is open, or less than the `held` elements that threads have.
  mlir::Value limitOf(Builder &b, mlir::OpFoldResult size, int64_t held);
  unsigned elementAt(unsigned half, unsigned column) const {
    return 2 * halves * (column / 2) + 2 * half + column % 2;
  }
  mlir::Value columnAt(Builder &b, unsigned at, unsigned run);
  mlir::Value isBelow(Builder &b, unsigned at, unsigned run, mlir::Value count);
  /// How far column `at` of a thread is behind its first one.
  unsigned columnsBefore(unsigned at, unsigned run) const { return layouts.lanesOfRow() * run * (at / run) + at % run; }
  /// How far row `half` of a thread is behind its first one.
  unsigned rowsBefore(unsigned half) const { return 32 / layouts.lanesOfRow() * half; }

  static float identityOf(mlir::Operation *combiner);
  static mlir::Value combine(Builder &b, mlir::Operation *combiner, mlir::Value x, mlir::Value y); ///< x may be null

  // FragmentConditions.cpp: asked of columns' numbers
  mlir::Value compareWithBound(Builder &b, mlir::arith::CmpIOp compare, mlir::linalg::GenericOp op, const Place &place,
                               const mlir::IRMapping &values);

  // FragmentProducts.cpp: tensor cores
  void contract(Builder &b, mlir::linalg::ContractOp op);
  mlir::Value bitsBelow(Builder &b, mlir::Value count, unsigned run);
  void clearBehind(Builder &b, mlir::Value left);
  void findCleared(llvm::ArrayRef<mlir::linalg::LinalgOp> ops);
  mlir::Value packLeft(Builder &b, mlir::Value fragment, unsigned element, mlir::Type narrow);
  llvm::SmallVector<mlir::Value> loadRight(Builder &b, mlir::Value matrix, bool innerFirst, unsigned inner,
                                           unsigned column);
  llvm::SmallVector<mlir::Value> multiply(Builder &b, mlir::ValueRange left, mlir::ValueRange right,
                                          mlir::ValueRange sums, mlir::Type type);

  // FragmentTensorFloats.cpp: tensor cores, of f32
  mlir::Value roundToTF32(Builder &b, mlir::Value x);
  llvm::SmallVector<mlir::Value> roundLeft(Builder &b, mlir::memref::AllocaOp tile, unsigned block, unsigned step);
  llvm::SmallVector<mlir::Value> roundRight(Builder &b, mlir::Value matrix, bool innerFirst, unsigned run, unsigned step, unsigned steps,
                                            unsigned column);
  void contractInTF32(Builder &b, mlir::linalg::ContractOp op);

  // FragmentLefts.cpp: left factors in shared memory
  bool fitsLefts(llvm::ArrayRef<mlir::linalg::ContractOp> products);
  void placeLefts(llvm::ArrayRef<mlir::linalg::LinalgOp> ops);
  void shareLeft(Builder &b, mlir::memref::AllocaOp tile);

  // FragmentMultiplyAdds.cpp: products by multiply-adds
  void multiplyAdd(Builder &b, mlir::linalg::ContractOp op);
  // MatrixReductions.cpp
  void reduceMatrix(Builder &b, mlir::linalg::GenericOp op);

  // MatrixCopies.cpp: into shared memory
  void copyMatrix(Builder &b, mlir::linalg::GenericOp op);
  mlir::Value isAligned(mlir::Value view);
  void copyLines(Builder &b, mlir::Value thread, mlir::Value from, mlir::Value to, mlir::Value count, mlir::Value aligned);
  void copyPieces(Builder &b, mlir::Value thread, mlir::Value from, mlir::Value to, mlir::Value count);
  void copyElements(Builder &b, mlir::Value thread, mlir::Value from, mlir::Value to, mlir::Value count);
  std::pair<mlir::Value, mlir::Value> pieceAt(Builder &b, mlir::Value at, mlir::MemRefType matrix);
  llvm::SmallVector<mlir::linalg::GenericOp> copiesOf(mlir::scf::ForOp loop,
                                                      llvm::SetVector<mlir::Operation *> &values);
  void copyAhead(mlir::scf::ForOp loop);
  /// Tiles of a loop of which the last may have fewer lines: `count` of `lines`. What follows `whole` uses them.
  struct Ragged {
    mlir::Value count, whole;
    int64_t lines;
  };
  void splitWhole(const Ragged &tiles);

  mlir::Value element(Builder &b, mlir::Value fragment, unsigned at);
  void setElement(Builder &b, mlir::Value value, mlir::Value fragment, unsigned at);
  mlir::Value constant(Builder &b, int64_t value);
  mlir::Value butterfly(Builder &b, mlir::Value x, unsigned distance);

  mlir::gpu::GPUFuncOp kernel;
  const TileLayouts &layouts;
  unsigned threads, halves;
  llvm::DenseMap<mlir::Operation *, mlir::Value> memories; ///< what a tile has become
  llvm::DenseMap<mlir::Operation *, mlir::Value>
      scales; ///< of left factors' tiles, that their sums are multiplied by instead
  llvm::DenseMap<mlir::Operation *, mlir::Value> lefts; ///< of left factors' tiles: where the warp's threads read each other's
  llvm::DenseSet<mlir::Operation *> lasting; ///< of them, those that are written once for many products
  llvm::DenseSet<mlir::Operation *> cleared; ///< tiles of left factors, see findCleared
  llvm::DenseMap<std::pair<mlir::Operation *, unsigned>, mlir::Value> bounds; ///< of comparisons and halves, where an operation is rewritten
  llvm::DenseMap<mlir::Value, mlir::Value> alignments; ///< of arguments
  llvm::SmallVector<Ragged> ragged;
  llvm::DenseMap<mlir::Operation *, Lanes> lanesOf; ///< a tile operation's
  Lanes lanes;                                      ///< of the one that is rewritten
};

} // namespace weir
#endif
