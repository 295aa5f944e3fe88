//===- DeriveTraversals.cpp - prints derived traversals and their state ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the derivation in Streaming.h. It changes nothing.
#include "Printers.h"
#include "weir/Analysis/Passes.h"
#include "weir/Analysis/Streaming.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {
#define GEN_PASS_DEF_DERIVETRAVERSALS
#include "weir/Analysis/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {
struct DeriveTraversals : weir::impl::DeriveTraversalsBase<DeriveTraversals> {
  using DeriveTraversalsBase::DeriveTraversalsBase;
  void runOnOperation() override {
    markAllAnalysesPreserved();
    weir::printCascades(getOperation(), [&](func::FuncOp function) { printCascade(function); });
  }
  void printCascade(func::FuncOp cascade) {
    weir::CascadeModel model(cascade);
    llvm::raw_ostream &os = llvm::outs();
    os << "derived traversals of @" << cascade.getName() << "\n";
    for (const std::string &name : weir::getStreamedRanks(model)) {
      if (!rank.empty() && name != rank)
        continue;
      weir::Streaming s = weir::deriveStreaming(model, name);
      os << "  " << name << ": " << s.derived << ", as written " << s.asWritten;
      if (s.lowerBound)
        os << ", at least " << *s.lowerBound;
      os << "\n";
      unsigned traversal = 0;
      for (const weir::Accumulator &a : s.accumulators) {
        if (a.level != traversal)
          os << "   traversal " << (traversal = a.level) << "\n";
        os << "    " << weir::toText(a, s.coordinate) << "\n";
      }
      for (const weir::Finish &finish : s.outputs)
        os << "    finish " << weir::toText(finish) << "\n";
      for (const weir::Finish &carried : s.carried)
        os << "    carried " << weir::toText(carried) << "\n";
      for (const weir::StreamingReason &reason : s.whyNot)
        if (reason.equation.empty()) // all of the rank
          os << "    (" << reason.code << "): " << reason.text << "\n";
        else
          os << "    " << reason.equation << " waits for " << llvm::join(reason.tensors, ", ") << " ("
             << reason.code << "): " << reason.text << "\n";
    }
    os.flush();
  }
};
} // namespace
