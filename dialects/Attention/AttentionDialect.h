//===- AttentionDialect.h - cascades of extended Einsums ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attn dialect, its ops, and the names of the attributes that a cascade's function carries.
#ifndef WEIR_DIALECTS_ATTENTION_H
#define WEIR_DIALECTS_ATTENTION_H
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/TilingInterface.h"

#include "dialects/Attention/AttentionDialect.h.inc"
#include "dialects/Attention/AttentionEnums.h.inc"
namespace weir::attn {
class YieldOp;
}
#define GET_OP_CLASSES
#include "dialects/Attention/AttentionOps.h.inc"

namespace weir::attn {

/// Attributes of a cascade's func.func. A function that carries `attn.cascade` is a cascade.
inline constexpr llvm::StringLiteral kCascade = "attn.cascade";
/// On arguments and results: the tensor's or param's name in the source (StringAttr).
inline constexpr llvm::StringLiteral kName = "attn.name";
/// On tensor arguments and results: one StringAttr a dimension, a rank's name ("M") or an expression's text ("2*W+1").
inline constexpr llvm::StringLiteral kRanks = "attn.ranks";
/// On scalar arguments: the declared element type of a param (TypeAttr), and its default (StringAttr, as written; absent if none).
inline constexpr llvm::StringLiteral kType = "attn.type";
inline constexpr llvm::StringLiteral kDefault = "attn.default";

/// The scalar type that a read of element type `t` has: f64 for f64, f32 for other reals, i64 for integers, i1 for i1.
mlir::Type getScalarType(mlir::Type t);

/// Whether `t` is an element type of the language: f64 f32 f16 bf16 f8E4M3FN f8E5M2 i64 i32 i16 i8 i4 ui32 ui8 i1.
bool isElementType(mlir::Type t);

/// Whether a function is a cascade.
bool isCascade(mlir::Operation *op);

/// The reduction that an accumulation is over a whole rank; a reference is taken as the maximum.
Reduction getReduction(Accumulation accumulation);

/// Whether a reduction gives the coordinate of an extremum.
inline bool givesCoordinate(Reduction reduction) {
  return reduction == Reduction::Argmax || reduction == Reduction::Argmin;
}
inline bool givesCoordinate(Accumulation accumulation) { return givesCoordinate(getReduction(accumulation)); }

/// How the language writes a comparison, `<=` of `le`; empty for other functions.
llvm::StringRef getComparisonSign(Fn fn);

} // namespace weir::attn
#endif
