//===- PrintDomains.cpp - prints domains ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the analysis in Domains.h, for the command line and tests. It runs at the cascade level and changes nothing.
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Analysis/Domains.h"
#include "weir/Analysis/Explain.h"
#include "weir/Analysis/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {
#define GEN_PASS_DEF_PRINTDOMAINS
#include "weir/Analysis/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct PrintDomains : weir::impl::PrintDomainsBase<PrintDomains> {
  using PrintDomainsBase::PrintDomainsBase;
  void runOnOperation() override {
    func::FuncOp cascade = getOperation();
    markAllAnalysesPreserved();
    if (!weir::attn::isCascade(cascade) || cascade.isExternal())
      return;
    auto sizes = weir::parseExtents(extents);
    if (!sizes) {
      cascade.emitError(llvm::toString(sizes.takeError()));
      return signalPassFailure();
    }
    weir::CascadeModel model(cascade);
    weir::Domains domains(model);
    std::string text; // printed at once: functions run in parallel
    llvm::raw_string_ostream os(text);
    os << "domains of @" << cascade.getName() << "\n";
    for (const weir::CascadeModel::Equation &equation : model.equations) {
      os << "  " << equation.name << ": " << domains.text(equation.name);
      if (domains.isTotal(equation.name))
        os << " total";
      if (std::vector<std::string> needs = domains.inhabitedRanks(equation.name); !needs.empty())
        os << " needs " << llvm::join(needs, ", ");
      auto count = domains.count(equation.name, *sizes, budget);
      if (count.present)
        os << ", " << *count.present << " of " << *count.total;
      os << "\n";
    }
    llvm::outs() << text;
    llvm::outs().flush();
  }
};
} // namespace
