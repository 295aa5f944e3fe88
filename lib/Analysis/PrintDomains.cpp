//===- PrintDomains.cpp - prints domains ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the analysis in Domains.h, for the command line and tests. It runs at the cascade level and
// changes nothing.
#include "Printers.h"
#include "weir/Analysis/Domains.h"
#include "weir/Analysis/Passes.h"
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
    markAllAnalysesPreserved();
    if (failed(weir::printCascadesAt(extents, getOperation(),
                                     [&](func::FuncOp function, const auto &sizes) { print(function, sizes); })))
      signalPassFailure();
  }
  void print(func::FuncOp cascade, const llvm::StringMap<int64_t> &sizes) {
    weir::CascadeModel model(cascade);
    weir::Domains domains(model);
    llvm::raw_ostream &os = llvm::outs();
    os << "domains of @" << cascade.getName() << "\n";
    for (const weir::CascadeModel::Equation &equation : model.equations) {
      os << "  " << equation.name << ": " << domains.text(equation.name);
      if (domains.isTotal(equation.name))
        os << " total";
      if (std::vector<std::string> needs = domains.inhabitedRanks(equation.name); !needs.empty())
        os << " needs " << llvm::join(needs, ", ");
      auto count = domains.count(equation.name, sizes, budget);
      if (count.present)
        os << ", " << *count.present << " of " << *count.total;
      os << "\n";
    }
    os.flush();
  }
};
} // namespace
