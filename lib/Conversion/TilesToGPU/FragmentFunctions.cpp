//===- FragmentFunctions.cpp - functions by the GPU's own instructions ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Beside products whose weights are rounded to 16 bits or tf32, an error of a few units of f32's last place is nothing. Beside those of f32
// only e^x is computed so, and the rounding of its argument made good.
#include "FragmentFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;


static Value constant(ImplicitLocOpBuilder &b, float value) {
  return arith::ConstantFloatOp::create(b, b.getF32Type(), APFloat(value));
}

static Value call(ImplicitLocOpBuilder &b, StringRef intrinsic, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, b.getF32Type(), b.getStringAttr(intrinsic), operands).getResult(0);
}

/// 2^(x factor), by an instruction whose relative error is below 2^-22. Denormal results are 0.
static Value exponential(ImplicitLocOpBuilder &b, Value x, float factor) {
  return call(b, "llvm.nvvm.ex2.approx.ftz", Value(arith::MulFOp::create(b, x, constant(b, factor))));
}

/// e^x to an error of 2^-21.4: that of the instruction, 2^-22, and two roundings. What rounding x log2 e to f32 loses is taken into the result. Beyond
/// the bounds, where that would be no number, e^x is infinite, or 0 as denormal results are.
static Value exactExponential(ImplicitLocOpBuilder &b, Value x) {
  constexpr double log2e = llvm::numbers::log2e, least = -104, most = 89;
  x = LLVM::MaximumOp::create(b, LLVM::MinimumOp::create(b, x, constant(b, most)), constant(b, least));
  Value high = constant(b, log2e), power = arith::MulFOp::create(b, x, high);
  Value rest = math::FmaOp::create(b, x, high, arith::NegFOp::create(b, power));
  rest = math::FmaOp::create(b, x, constant(b, log2e - static_cast<float>(log2e)), rest);
  Value result = call(b, "llvm.nvvm.ex2.approx.ftz", power);
  return arith::MulFOp::create(b, result, math::FmaOp::create(b, rest, constant(b, llvm::numbers::ln2), constant(b, 1)));
}

/// An error of two units, for all operands.
static Value quotient(ImplicitLocOpBuilder &b, Value x, Value y) { return call(b, "llvm.nvvm.div.full", {x, y}); }

/// 1 - 2 / (e^2a + 1) for a = |x|; below 0.45, where that would lose digits, a polynomial whose relative error is 2^-21.
static Value tanh(ImplicitLocOpBuilder &b, Value x) {
  Value a = math::AbsFOp::create(b, x), square = arith::MulFOp::create(b, x, x), one = constant(b, 1);
  Value sum = arith::AddFOp::create(b, exponential(b, a, 2 * llvm::numbers::log2ef), one);
  Value inverse = call(b, "llvm.nvvm.rcp.approx.ftz.f", sum); // 0 of infinity
  Value far = math::CopySignOp::create(b, math::FmaOp::create(b, inverse, constant(b, -2), one), x);
  Value tail = constant(b, -0.04634874f);
  for (float coefficient : {0.13247409f, -0.33330532f})
    tail = math::FmaOp::create(b, tail, square, constant(b, coefficient));
  Value near = math::FmaOp::create(b, arith::MulFOp::create(b, x, square), tail, x);
  Value isFar = arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, a, constant(b, 0.45f));
  return arith::SelectOp::create(b, isFar, far, near);
}

Value weir::emitByInstruction(ImplicitLocOpBuilder &b, Operation *op, ValueRange operands, bool isExact) {
  if (op->getNumResults() != 1 || !op->getResult(0).getType().isF32())
    return nullptr;
  if (isa<arith::MaximumFOp>(op)) // one instruction since sm_80
    return LLVM::MaximumOp::create(b, operands[0], operands[1]);
  if (isa<arith::MinimumFOp>(op))
    return LLVM::MinimumOp::create(b, operands[0], operands[1]);
  if (isExact)
    return isa<math::ExpOp>(op) ? exactExponential(b, operands[0]) : Value();
  if (isa<math::ExpOp>(op))
    return exponential(b, operands[0], llvm::numbers::log2ef);
  if (isa<math::TanhOp>(op))
    return tanh(b, operands[0]);
  if (isa<arith::DivFOp>(op))
    return quotient(b, operands[0], operands[1]);
  return nullptr;
}
