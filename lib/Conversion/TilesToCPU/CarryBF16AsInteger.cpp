//===- CarryBF16AsInteger.cpp - bf16 values move as 16-bit integers -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last step of level 6: in the llvm dialect every op that only moves values takes any type, so exchanging
// the type is all there is to do. The module's own attributes (the kernels' signatures) keep bf16.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Conversion/TilesToCPU/Passes.h"

namespace weir {
#define GEN_PASS_DEF_CARRYBF16ASINTEGER
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

bool isBF16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Arithmetic that would read the integers as integers.
bool computes(Operation *op) {
  return isa<LLVM::FAddOp, LLVM::FSubOp, LLVM::FMulOp, LLVM::FDivOp, LLVM::FRemOp, LLVM::FNegOp, LLVM::FCmpOp,
             LLVM::SIToFPOp, LLVM::UIToFPOp, LLVM::FPToSIOp, LLVM::FPToUIOp, LLVM::FMAOp, LLVM::FMulAddOp,
             LLVM::FAbsOp, LLVM::MaxNumOp, LLVM::MinNumOp, LLVM::MaximumOp, LLVM::MinimumOp, LLVM::CopySignOp,
             LLVM::FFloorOp, LLVM::FCeilOp, LLVM::RoundEvenOp, LLVM::SqrtOp, LLVM::vector_reduce_fadd,
             LLVM::vector_reduce_fmul, LLVM::vector_reduce_fmax, LLVM::vector_reduce_fmin,
             LLVM::vector_reduce_fmaximum, LLVM::vector_reduce_fminimum>(op);
}

Attribute asInteger(Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return IntegerAttr::get(IntegerType::get(value.getContext(), 16), number.getValue().bitcastToAPInt());
  if (auto many = dyn_cast<DenseElementsAttr>(value))
    return many.bitcast(IntegerType::get(value.getContext(), 16));
  return value;
}

struct CarryBF16AsInteger : weir::impl::CarryBF16AsIntegerBase<CarryBF16AsInteger> {
  void runOnOperation() override {
    AttrTypeReplacer types;
    types.addReplacement([](Type type) -> std::optional<Type> {
      if (type.isBF16())
        return IntegerType::get(type.getContext(), 16);
      return std::nullopt;
    });
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (op == getOperation())
        return WalkResult::advance();
      return failed(exchange(op, types)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  /// Post-order: an op's operands have been exchanged by then, or will be by a later op's (a block
  /// argument's).
  LogicalResult exchange(Operation *op, AttrTypeReplacer &types) {
    auto touches = [](TypeRange range) { return llvm::any_of(range, isBF16); };
    if (computes(op) && (touches(op->getOperandTypes()) || touches(op->getResultTypes())))
      return op->emitOpError("computes in bf16; widen to f32 first");
    OpBuilder b(op);
    if (auto widen = dyn_cast<LLVM::FPExtOp>(op)) {
      Type type = widen.getArg().getType();
      if (auto narrow = wideningSource(type)) {
        auto bits = LLVM::BitcastOp::create(b, op->getLoc(), narrow, widen.getArg());
        bitcasts.insert(bits);
        widen.getArgMutable().assign(bits);
      }
      return success();
    }
    if (isa<LLVM::FPTruncOp, LLVM::CallIntrinsicOp>(op) && op->getNumResults() == 1 && isBF16(op->getResult(0).getType())) {
      b.setInsertionPointAfter(op);
      auto bits = LLVM::BitcastOp::create(b, op->getLoc(), types.replace(op->getResult(0).getType()),
                                          op->getResult(0));
      op->getResult(0).replaceAllUsesExcept(bits, bits);
      bitcasts.insert(bits);
      return success();
    }
    if (bitcasts.contains(op))
      return success();
    if (auto constant = dyn_cast<LLVM::ConstantOp>(op); constant && isBF16(constant.getType()))
      constant.setValueAttr(asInteger(constant.getValue()));
    types.replaceElementsIn(op, /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/true);
    return success();
  }

  /// The bf16 type that an operand of llvm.fpext had: itself, or where it has been exchanged already, the one
  /// of the same shape.
  static Type wideningSource(Type type) {
    Type element = getElementTypeOrSelf(type);
    Type bf16 = BFloat16Type::get(type.getContext());
    if (!element.isBF16() && !element.isInteger(16))
      return {};
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(bf16)) : bf16;
  }

  DenseSet<Operation *> bitcasts;
};

} // namespace
