//===- TileLayouts.h - which threads hold which elements of a tile --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TILESTOGPU_TILELAYOUTS_H
#define WEIR_TILESTOGPU_TILELAYOUTS_H
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include <optional>

namespace weir {

/// What an operand of a tile operation is: a tile from its first element on, or part of an argument.
struct TileView {
  mlir::memref::AllocaOp tile;                 ///< null: part of an argument
  llvm::SmallVector<mlir::OpFoldResult> sizes; ///< that are covered
};
TileView viewOf(mlir::Value operand);

/// What uses a tile, parts of it included.
llvm::SmallVector<mlir::Operation *> usersOf(mlir::memref::AllocaOp tile);
/// Whether a tile operation has a tile, or a part of it, for a result.
bool writesTo(mlir::linalg::LinalgOp op, mlir::memref::AllocaOp tile);

/// Layouts of the tiles of a kernel whose rows stay in registers. They follow from which dimensions of tile
/// operations are the same, never from what a program computes:
///   - a row is a dimension that the left factor and the result of every product have and the right factor
///   lacks;
///   - a matrix is a tile without rows that is copied from an argument: of 16-bit elements, widened, or of f32.
/// A warp has 16 or 32 rows. Tensor cores have their operands as mma.sync m16n8k16 says (PTX ISA, "Matrix Fragments
/// for mma.m16n8k16 with floating point type"), or m16n8k8 for tf32: four threads share a row. For multiply-adds eight do, so that a
/// thread's part of 32 rows and 64 columns is a square, for which least is read.
class TileLayouts {
public:
  enum class Kind {
    Fragment, ///< row x column, in registers: thread t of the L of a row has columns R (L j + t) + {0 .. R - 1}, runs of R
    Row,      ///< one value a row, in registers, the same in the threads that have elements of the row
    Matrix,   ///< of an argument, in shared memory
    Common,   ///< one value of whole matrices, in registers, the same in all threads
    Plain     ///< any other without rows: shared memory, element by element
  };
  /// What computes products.
  enum class Unit {
    TensorCores, ///< of 16-bit elements
    TensorFloat, ///< tensor cores, of f32 that is rounded to tf32
    MultiplyAdd  ///< of f32
  };

  /// Nothing where some product or tile operation does not fit; `why` then says what. A tile has 16 or 32 rows for each of `warps`.
  static std::optional<TileLayouts> of(mlir::gpu::GPUFuncOp kernel, unsigned warps, std::string &why);

  int64_t rows() const { return rowsOfTile; }
  Unit unit() const { return unitOfProducts; }
  /// Threads that share a row.
  unsigned lanesOfRow() const { return unitOfProducts == Unit::MultiplyAdd ? 8 : 4; }
  /// How many neighbouring columns a thread has along a dimension of a tile, or of the loops of an operation.
  unsigned runOf(mlir::Operation *op, unsigned dim) const;
  /// The lengths of runs that there may be.
  llvm::ArrayRef<unsigned> runs() const;

  Kind kindOf(mlir::memref::AllocaOp tile) const { return kinds.lookup(tile); }
  bool isInRegisters(mlir::memref::AllocaOp tile) const;
  /// Whether a tile operation works on registers; others are left as they are.
  bool isInRegisters(mlir::linalg::LinalgOp op) const;
  /// Of a tile operation on registers; nullopt: it has none.
  std::optional<unsigned> rowOf(mlir::linalg::LinalgOp op) const;
  /// Where in its tile of rows a part begins; null: at the first.
  mlir::OpFoldResult firstRowOf(mlir::Value operand) const;
  const llvm::MapVector<mlir::memref::AllocaOp, Kind> &tiles() const { return kinds; }
  /// The type of a matrix in memory.
  mlir::Type elementOf(mlir::memref::AllocaOp matrix) const { return elements.lookup(matrix); }

  /// The dimensions of a product left[row, inner] * right: whether right is [inner, column], not [column,
  /// inner].
  static bool isInnerFirst(mlir::linalg::ContractOp op);

private:
  using Dim = std::pair<mlir::Operation *, unsigned>; ///< of a tile, or of the loops of an operation
  void unite(mlir::linalg::LinalgOp op);
  bool findRow(llvm::ArrayRef<mlir::linalg::ContractOp> products);
  void findUnit(llvm::ArrayRef<mlir::linalg::ContractOp> products);
  bool assign(mlir::memref::AllocaOp tile);
  bool isMatrix(mlir::memref::AllocaOp tile);
  bool isCommon(mlir::memref::AllocaOp tile);
  bool check(mlir::linalg::LinalgOp op);
  bool checkProduct(mlir::linalg::ContractOp op);
  bool checkRegion(mlir::linalg::GenericOp op);
  /// What the columns of fragments and matrices are a multiple of.
  int64_t multipleOfColumns() const { return unitOfProducts == Unit::TensorFloat ? 8 : 16; }
  bool isRow(Dim dim) const { return classes.isEquivalent(dim, row); }
  bool refuse(const llvm::Twine &why);

  llvm::EquivalenceClasses<Dim> classes;
  Dim row;
  llvm::MapVector<mlir::memref::AllocaOp, Kind> kinds;
  llvm::DenseMap<mlir::Operation *, mlir::Type> elements;
  std::string reason;
  int64_t rowsOfTile = 0;
  Unit unitOfProducts = Unit::TensorCores;
  llvm::SmallVector<std::pair<Dim, unsigned>> longRuns; ///< dimensions where runs are longer than elsewhere
};

/// Whether an operation copies f32, or copies 16-bit elements and widens them.
bool isCopy(mlir::linalg::LinalgOp op);

/// An operation that fills a tile with widened 16-bit elements, perhaps scaled by the same number all over.
struct NarrowSource {
  mlir::Type element;       ///< bf16 or f16
  mlir::Value wide;         ///< in the region: the widened element
  mlir::Operation *scaling; ///< a division or product of it, that the region yields; null: none
  mlir::Value scale;        ///< from outside; null where `scaling` is
};
std::optional<NarrowSource> narrowSourceOf(mlir::linalg::GenericOp op);
/// The only operation that fills a tile of rows in that way; null: others write to it too.
mlir::linalg::GenericOp narrowFillOf(mlir::memref::AllocaOp tile);

} // namespace weir
#endif
