//===- TileMap.h - element-wise and reducing tile operations --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One parallel dimension is the lanes; the loop over its blocks stands outside all others, so that what an
// operation reduces into stays in registers. What does not depend on the lanes stays scalar until a vector
// needs it; what depends on nothing else is read and computed once, outside the other loops.
#ifndef WEIR_CONVERSION_TILESTOCPU_TILEMAP_H
#define WEIR_CONVERSION_TILESTOCPU_TILEMAP_H
#include "Tiles.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace weir {

/// The code of one tile operation.
class TileMap {
public:
  TileMap(mlir::linalg::LinalgOp op, const VectorUnit &unit) : op(op), unit(unit), b(op.getLoc(), op) {}

  /// False, and nothing emitted, where no dimension can be the lanes.
  bool emit();

private:
  using Value = mlir::Value;
  template <typename T> using List = llvm::SmallVector<T>;

  Value constant(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, value); }
  mlir::MemRefType typeOf(unsigned operand) {
    return mlir::dyn_cast<mlir::MemRefType>(op->getOperand(operand).getType());
  }
  bool varies(Value value) { return mlir::isa<mlir::VectorType>(value.getType()); }
  static bool isDense(mlir::MemRefType type);
  static mlir::memref::LoadOp getGuarded(mlir::Operation &inner);
  bool isOnlyRead(Value memory);
  bool variesByLane(Value value);
  bool isReadAtOnce(mlir::memref::LoadOp load);
  static bool isLineOf(mlir::memref::LoadOp load, unsigned dim);
  bool isLineOfLanes(mlir::memref::LoadOp load, mlir::IRMapping &values);

  // Choices.
  bool chooseLanes();
  bool isReadAlongLanes();
  bool isVectorisable();
  void chooseJam();
  void chooseShared();

  // Loops.
  Value endOf(unsigned dim);
  Value unlessEmpty(llvm::ArrayRef<Value> ends);
  Value wholeOf(Value end);
  void emitLoops(llvm::ArrayRef<Value> ends, llvm::ArrayRef<unsigned> dims);
  void forVectors(llvm::function_ref<void(int64_t)> each);
  void emitShared();

  // Bodies.
  void emitBodies();
  List<Value> emitBody(mlir::IRMapping values = {}, mlir::ValueRange state = {});
  Value emitOp(mlir::Operation &inner, mlir::IRMapping &values);
  Value emitGuarded(mlir::Operation &inner, mlir::memref::LoadOp load, mlir::IRMapping &values);
  bool isInverted(mlir::arith::DivFOp division);
  Value spread(Value value);
  List<Value> indicesOf(mlir::AffineMap map);
  Value read(unsigned operand);
  Value loadLine(mlir::memref::LoadOp load, mlir::IRMapping &values);
  Value gather(mlir::VectorType type, llvm::function_ref<Value(int64_t)> one);

  // TileComparisons.cpp.
  struct Sum {
    List<std::pair<Value, int64_t>> places; ///< of lanes, in the body, and how often
    List<std::pair<Value, int64_t>>
        rest; ///< what is the same for all lanes, as it is emitted, added or taken away
  };
  bool isPlace(Value v);
  bool addTo(Sum &sum, Value v, int64_t factor, mlir::IRMapping &values);
  Value emitComparison(mlir::arith::CmpIOp compare, mlir::IRMapping &values);

  // TileReductions.cpp.
  bool chooseScalar();
  bool chooseReduction();
  std::optional<unsigned> findJoins();
  Value findRescaling();
  void emitRescaling(llvm::ArrayRef<Value> ends, Value factor);
  void emitChains(llvm::ArrayRef<Value> ends, unsigned other);
  void emitReduction(llvm::ArrayRef<Value> ends, unsigned dim);
  Value joinBy(mlir::Operation *join, Value x, Value y);
  Value joinLanes(mlir::Operation *join, Value v);

  // TileSquares.cpp.
  void chooseTurn();
  bool isOfLanes(Value v, bool &asksLane);
  bool isInWholeSquares(Value what);
  Value lineAt(Value what, Value place);
  void emitSquare();

  mlir::linalg::LinalgOp op;
  const VectorUnit &unit;
  mlir::ImplicitLocOpBuilder b;
  List<mlir::AffineMap> maps;
  List<Value> at; ///< the value of each iteration dimension; the first lane's for the lanes
  unsigned lane = 0;
  int64_t width = 1, jam = 1;    ///< lanes of a vector, vectors side by side
  bool isUnrolled = false;       ///< the innermost loop goes several turns at a time
  mlir::scf::ForOp innermost;    ///< of the loops that are not over the lanes
  bool isOpen = false;           ///< the lanes' length is not known: whole vectors, then one by one
  List<mlir::Operation *> joins; ///< what joins each result, where the lanes are reduced

  llvm::SmallDenseSet<Value> shared; ///< of the body, what the loops inside that over the lanes share
  List<mlir::IRMapping> known;       ///< that, of each of the vectors side by side
  llvm::SmallDenseMap<Value, Reciprocal> inverses; ///< of what is divided by there

  llvm::SmallSetVector<Value, 2> turned; ///< elements that are read in squares
  bool isSquare = false;                 ///< the loops at hand go through squares
  Value endOfColumns;                    ///< of squares of which the last may be a part; null: all are whole
  llvm::SmallDenseMap<Value, Value> column; ///< of the square at hand
};

} // namespace weir
#endif
