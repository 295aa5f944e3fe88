//===- Tiles.h - tile operations as vector code ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_CONVERSION_TILESTOCPU_TILES_H
#define WEIR_CONVERSION_TILESTOCPU_TILES_H
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weir {

/// What the code of a tile operation may use of the processor.
struct VectorUnit {
  unsigned bytes = 32, registers = 16;
  /// Elements of a type in a register.
  unsigned lanesOf(mlir::Type element) const { return bytes * 8 / element.getIntOrFloatBitWidth(); }
};

/// The fill that stands before a contraction and sets all of its result, if nothing touches memory between.
mlir::linalg::FillOp fillBefore(mlir::linalg::ContractOp op);

/// Emits c += sum a*b in register blocks before `op`, lanes along the innermost dimension of the result.
/// With `start`, c holds that value everywhere before and is not read. False (and nothing emitted) where the
/// operands' layout does not admit it.
bool emitContraction(mlir::linalg::ContractOp op, mlir::Value start, const VectorUnit &unit);

/// The same for a matrix unit: 16 x 16 sums of f32 at a time, of products of bf16, to which factors of f32 are rounded. `op` has
/// kMatrixUnitAttr. False (and nothing emitted) where the operands' layout does not admit it.
bool emitMatrixProduct(mlir::linalg::ContractOp op, mlir::Value start, const VectorUnit &unit);

/// What dividing by a value is: x / d is (x * scale) * inverse.
struct Reciprocal {
  mlir::Value scale, inverse;
  mlir::Value divide(mlir::ImplicitLocOpBuilder &b, mlir::Value value) const;
};
/// Of an f32 or f64, or a vector of them.
Reciprocal invert(mlir::ImplicitLocOpBuilder &b, mlir::Value divisor);

/// Elements of 128 bits, the part of a vector inside which a processor moves them most easily.
int64_t lanesOfPart(unsigned bits);
/// Of as many vectors as a part has elements: element i of each part of vector k becomes element k of that part of vector i.
llvm::SmallVector<mlir::Value> turnInParts(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> vectors);
/// Of as many vectors as one has parts: part i of vector k becomes part k of vector i.
llvm::SmallVector<mlir::Value> turnParts(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<mlir::Value> vectors);

/// Divisions by values from outside of the operation become multiplications by their reciprocals (one rounding more).
void divideByReciprocals(mlir::linalg::GenericOp op);

/// Emits an element-wise or reducing operation before `op`, `lanes` settings of one parallel dimension at a
/// time. False (and nothing emitted) where no dimension of fixed length can be the lanes.
bool emitTileMap(mlir::linalg::LinalgOp op, const VectorUnit &unit);

} // namespace weir
#endif
