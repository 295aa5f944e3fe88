//===- SetTarget.cpp - which processor a function is compiled for ---------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last step of level 5. func.func carries the attributes unprefixed: convert-func-to-llvm takes exactly
// these over.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "llvm/ADT/StringExtras.h"

namespace weir {
#define GEN_PASS_DEF_SETTARGET
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

struct SetTarget : weir::impl::SetTargetBase<SetTarget> {
  using SetTargetBase::SetTargetBase;

  void runOnOperation() override {
    Builder b(&getContext());
    SmallVector<StringRef> list;
    StringRef(features.getValue()).split(list, ',', -1, /*KeepEmpty=*/false);
    std::string bits = llvm::utostr(vectorBytes * 8);
    Attribute width = b.getStrArrayAttr({"prefer-vector-width", bits});
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function->hasAttr("target_cpu"))
        continue;
      function->setAttr("target_cpu", b.getStringAttr(cpu.getValue()));
      if (!list.empty())
        function->setAttr("target_features", LLVM::TargetFeaturesAttr::get(&getContext(), list));
      SmallVector<Attribute> passthrough;
      if (auto old = function->getAttrOfType<ArrayAttr>("passthrough"))
        llvm::append_range(passthrough, old);
      passthrough.push_back(width);
      function->setAttr("passthrough", b.getArrayAttr(passthrough));
    }
  }
};

} // namespace
