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

/// Emits c += sum a*b in register blocks before `op`, lanes along the innermost dimension of the result.
/// With `start`, c holds that value everywhere before and is not read. False (and nothing emitted) where the
/// operands' layout does not admit it.
bool emitContraction(mlir::linalg::ContractOp op, mlir::Value start, const VectorUnit &unit);

/// Divisions by values from outside of the operation become multiplications by their reciprocals (one rounding more).
void divideByReciprocals(mlir::linalg::GenericOp op);

/// Emits an element-wise or reducing operation before `op`, `lanes` settings of one parallel dimension at a
/// time. False (and nothing emitted) where no dimension of fixed length can be the lanes.
bool emitTileMap(mlir::linalg::LinalgOp op, const VectorUnit &unit);

} // namespace weir
#endif
