//===- PrintCosts.cpp - prints arithmetic and bytes -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the analysis in Cost.h, for the command line and tests. It runs at the cascade level and
// changes nothing.
#include "Printers.h"
#include "weir/Analysis/Cost.h"
#include "weir/Analysis/Passes.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {
#define GEN_PASS_DEF_PRINTCOSTS
#include "weir/Analysis/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct PrintCosts : weir::impl::PrintCostsBase<PrintCosts> {
  using PrintCostsBase::PrintCostsBase;
  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (failed(weir::printCascadesAt(extents, getOperation(),
                                     [&](func::FuncOp function, const auto &sizes) { print(function, sizes); })))
      signalPassFailure();
  }
  void print(func::FuncOp cascade, const llvm::StringMap<int64_t> &sizes) {
    weir::CascadeModel model(cascade);
    weir::Domains domains(model);
    weir::Traversals traversals = weir::countTraversals(model, domains);
    weir::Costs costs = weir::computeCosts(model, domains, traversals, sizes);
    llvm::raw_ostream &os = llvm::outs();
    auto amount = [&](const weir::Costs::Amount &a) -> llvm::raw_ostream & {
      return a.value ? os << *a.value : os << a.text;
    };
    os << "costs of @" << cascade.getName() << "\n";
    for (const weir::Costs::EquationCost &cost : costs.equations) {
      os << "  " << cost.equation << ": ";
      amount(cost.flops) << " flops";
      os << (cost.flops.value && !cost.insideDomains ? " over all coordinates\n" : "\n");
    }
    os << "  in all: ";
    amount(costs.flops) << " flops, ";
    amount(costs.compulsoryBytes) << " compulsory bytes, ";
    amount(costs.footprintBytes) << " bytes of footprint\n";
    os.flush();
  }
};
} // namespace
