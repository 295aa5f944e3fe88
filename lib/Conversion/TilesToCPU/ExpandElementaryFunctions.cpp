//===- ExpandElementaryFunctions.cpp - math ops become polynomials ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs on a tiled kernel before any conversion to the llvm dialect: there a math op that is left becomes a
// call of libm, one a lane, which is ten to fifty times slower and, in a shared library, a dependency. Leaves
// the math ops that are one instruction (sqrt, fma, absf, floor, ceil, roundeven, copysign), and ops on other
// types.
#include "ElementaryFunctions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace weir {
#define GEN_PASS_DEF_EXPANDELEMENTARYFUNCTIONS
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;
using namespace weir;

/// f32, f64, or a 1-D vector of them.
static bool isExpandable(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  if (vector && vector.getRank() != 1)
    return false;
  return isa<Float32Type, Float64Type>(getElementTypeOrSelf(type));
}

/// The formula for `op` at the builder's place; null if it has none.
static Value expand(Operation *op, ImplicitLocOpBuilder &b, bool hasScale) {
  auto operand = [&](unsigned i) { return Real(b, op->getOperand(i)); };
  auto unary = [&](Real (*build)(Real)) { return build(operand(0)).value(); };
  auto binary = [&](Real (*build)(Real, Real)) { return build(operand(0), operand(1)).value(); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<math::ExpOp>([&](auto) {
        auto vector = dyn_cast<VectorType>(op->getResult(0).getType());
        if (hasScale && vector && vector.getNumElements() == 16 && vector.getElementType().isF32())
          return buildExpScaled(operand(0), b).value();
        return unary(buildExp);
      })
      .Case<math::Exp2Op>([&](auto) { return unary(buildExp2); })
      .Case<math::ExpM1Op>([&](auto) { return unary(buildExpm1); })
      .Case<math::LogOp>([&](auto) { return unary(buildLog); })
      .Case<math::Log2Op>([&](auto) { return unary(buildLog2); })
      .Case<math::Log1pOp>([&](auto) { return unary(buildLog1p); })
      .Case<math::TanhOp>([&](auto) { return unary(buildTanh); })
      .Case<math::ErfOp>([&](auto) { return unary(buildErf); })
      .Case<math::SinOp>([&](auto) { return unary(buildSin); })
      .Case<math::CosOp>([&](auto) { return unary(buildCos); })
      .Case<math::RsqrtOp>([&](auto) { return unary(buildRsqrt); })
      .Case<math::Atan2Op>([&](auto) { return binary(buildAtan2); })
      .Case<math::PowFOp>([&](auto) { return binary(buildPow); })
      .Default([](Operation *) { return Value(); });
}

namespace {
struct ExpandElementaryFunctions : weir::impl::ExpandElementaryFunctionsBase<ExpandElementaryFunctions> {
  using ExpandElementaryFunctionsBase::ExpandElementaryFunctionsBase;

  void runOnOperation() override {
    SmallVector<Operation *> candidates;
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) && op->getNumResults() == 1 &&
          isExpandable(op->getResult(0).getType()))
        candidates.push_back(op);
    });
    for (Operation *op : candidates) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      Value value = expand(op, b, hasScale);
      if (!value)
        continue;
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
    }
  }
};
} // namespace
