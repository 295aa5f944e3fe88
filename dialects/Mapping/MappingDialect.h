//===- MappingDialect.h - how a cascade is run ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_DIALECTS_MAPPING_H
#define WEIR_DIALECTS_MAPPING_H
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

#include "dialects/Mapping/MappingDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mapping/MappingAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Mapping/Mapping.h.inc"
namespace weir::mapping {
/// On a product in a stream that tensor cores sum, a TypeAttr: the type to which its terms' factors are rounded first. A 16-bit one is of accumulators, and
/// of left factors (weights included) alone, as right ones have it; tf32 is of both sides of any product. The interpreter's bounds count it.
inline constexpr llvm::StringLiteral kRoundedAttr = "mapping.rounded";
/// Whether that is tf32.
bool isRoundedToTF32(mlir::Operation *product);
/// Of a product in a stream: its right factor is copied into a tile, though it could be read where it lies. An i64: how long its lines are.
inline constexpr llvm::StringLiteral kCopiedAttr = "mapping.copied";
/// Of a product in a stream: a processor's matrix unit, which multiplies bf16, takes it. An i64: in how many pieces its left factor goes. As one it is
/// rounded, beside a right factor of bf16; three hold an f32, and the right factor goes in as many as hold it.
inline constexpr llvm::StringLiteral kMatrixUnitAttr = "mapping.matrix_unit";
/// That number; 0: it is not for one.
int64_t piecesOnMatrixUnit(mlir::Operation *product);
} // namespace weir::mapping

#endif
