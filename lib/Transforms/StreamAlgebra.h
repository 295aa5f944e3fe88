//===- StreamAlgebra.h - what becomes of a stream's state, in ops ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_TRANSFORMS_STREAMALGEBRA_H
#define WEIR_LIB_TRANSFORMS_STREAMALGEBRA_H
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace weir {

/// A number written `3`, `0.25` or `3/2`, of a real type or, without a denominator, of any.
mlir::Value numberOf(mlir::ImplicitLocOpBuilder &b, llvm::StringRef text, mlir::Type type);

/// A function of operands of one type, whose result has it too.
mlir::Value mapOf(mlir::ImplicitLocOpBuilder &b, attn::Fn fn, llvm::ArrayRef<mlir::Value> operands);

/// exp(lam * (exponent - reference)), lam being the accumulator's: what a term of it weighs, and by what it
/// changes when its reference moves from `exponent`.
mlir::Value powerOf(mlir::ImplicitLocOpBuilder &b, attn::AccumulateOp op, mlir::Value exponent,
                    mlir::Value reference);

/// A reference is finite: no exponent is the difference of two infinities.
mlir::Value clampReference(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// `reference`, a tensor over the coordinates of the accumulator's reference, at `coordinates` of the
/// accumulator.
mlir::Value readReference(mlir::ImplicitLocOpBuilder &b, attn::AccumulateOp op, mlir::Value reference,
                          mlir::ValueRange coordinates);

/// What an accumulator that is no argmax or argmin is, where `part` and `before` are it of some keys and of
/// others: where one is absent, the other.
mlir::Value combine(mlir::ImplicitLocOpBuilder &b, attn::Accumulation accumulation, mlir::Value part,
                    mlir::Value before);

/// An equation of the element type over the coordinates that an accumulator keeps; `body` gets them.
attn::EinsumOp emitEquation(mlir::ImplicitLocOpBuilder &b, attn::AccumulateOp like, const llvm::Twine &name,
                            mlir::Type element, llvm::function_ref<mlir::Value(mlir::ValueRange)> body);

/// Puts a stream's equations in its place (attn-dissolve-streams).
void dissolveStream(attn::StreamOp stream);

} // namespace weir
#endif
