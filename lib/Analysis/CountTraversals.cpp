//===- CountTraversals.cpp - prints traversals as written -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the analysis in Traversals.h, for the command line and tests. It runs at the cascade level and
// changes nothing.
#include "Printers.h"
#include "weir/Analysis/Passes.h"
#include "weir/Analysis/Traversals.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {
#define GEN_PASS_DEF_COUNTTRAVERSALS
#include "weir/Analysis/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct CountTraversals : weir::impl::CountTraversalsBase<CountTraversals> {
  using CountTraversalsBase::CountTraversalsBase;
  void runOnOperation() override {
    markAllAnalysesPreserved();
    weir::printCascades(getOperation(), [&](func::FuncOp function) { print(function); });
  }
  void print(func::FuncOp cascade) {
    weir::CascadeModel model(cascade);
    weir::Domains domains(model);
    weir::Traversals traversals = weir::countTraversals(model, domains);
    llvm::raw_ostream &os = llvm::outs();
    os << "traversals of @" << cascade.getName() << "\n";
    for (const weir::Traversals::Rank &found : traversals.ranks) {
      if (!rank.empty() && found.name != rank)
        continue;
      os << "  " << found.name << ": " << found.count << (found.loop ? ", a loop" : "") << "\n";
      for (const weir::Traversals::Wait &wait : found.waits)
        os << "    " << wait.equation << " waits for " << wait.tensor << ", starts traversal "
           << wait.traversal << "\n";
    }
    os.flush();
  }
};
} // namespace
