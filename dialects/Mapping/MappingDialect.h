//===- MappingDialect.h - how a cascade is run ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_DIALECTS_MAPPING_H
#define WEIR_DIALECTS_MAPPING_H
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"

#include "dialects/Mapping/MappingDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Mapping/MappingAttrs.h.inc"
namespace weir::mapping {
/// On an accumulator that tensor cores sum: the 16-bit type to which the terms' factors of row and key (weights included) are
/// rounded first, a TypeAttr. The interpreter's bounds count it.
inline constexpr llvm::StringLiteral kRoundedAttr = "mapping.rounded";
/// Of a product in a stream: its right factor is copied into a tile, though it could be read where it lies. An i64: how long its lines are.
inline constexpr llvm::StringLiteral kCopiedAttr = "mapping.copied";
} // namespace weir::mapping

#endif
