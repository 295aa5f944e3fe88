//===- Constraints.h - what the verifiers share ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_DIALECTS_ATTENTION_CONSTRAINTS_H
#define WEIR_DIALECTS_ATTENTION_CONSTRAINTS_H
#include "dialects/Attention/AttentionDialect.h"

namespace weir::attn {

/// Whether `type` is a scalar of a cascade: f32, f64, i64 or i1.
inline bool isScalar(mlir::Type type) {
  return type && (type.isF32() || type.isF64() || type.isInteger(64) || type.isInteger(1));
}

/// Whether `text` spells a number of scalar type `type`: `true false`; `3 0xff -7`; `3 0.5 1e6 inf nan`, a
/// minus before it.
bool isLiteral(llvm::StringRef text, mlir::Type type);

/// No coordinate stands twice in the lists, and none is empty.
mlir::LogicalResult verifyDistinct(mlir::Operation *op, llvm::ArrayRef<mlir::ArrayAttr> lists);
/// As many extents as coordinates.
mlir::LogicalResult verifyExtentCount(mlir::Operation *op, mlir::ArrayAttr coords,
                                      mlir::OperandRange extents);
/// The result has a dimension for each coordinate.
mlir::LogicalResult verifyRank(mlir::Operation *op, mlir::RankedTensorType type, mlir::ArrayAttr coords);
/// A static dimension and an extent that is a constant are the same number.
mlir::LogicalResult verifyStaticExtents(mlir::Operation *op, mlir::RankedTensorType type,
                                        mlir::OperandRange extents);
/// The mapping, if any, is an attribute of the mapping dialect.
mlir::LogicalResult verifyMapping(mlir::Operation *op, std::optional<mlir::Attribute> attribute);
/// The body's arguments are `coordinates` many i64.
mlir::LogicalResult verifyBodyArguments(mlir::Operation *op, mlir::Region &body, size_t coordinates);
/// The body ends in an attn.yield of one scalar, whose type is returned.
mlir::FailureOr<mlir::Type> verifyYieldsOne(mlir::Operation *op, mlir::Region &body);

} // namespace weir::attn
#endif
