//===- DeriveTraversals.cpp - prints derived traversals and their state ---===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A printer of the derivation in Streaming.h. It changes nothing.
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
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
std::string named(llvm::StringRef name, const std::vector<std::string> &coords) {
  return coords.empty() ? name.str() : name.str() + "[" + llvm::join(coords, ",") + "]";
}

void print(const weir::Accumulator &a, llvm::StringRef coordinate, llvm::raw_ostream &os) {
  os << "    " << named(a.name, a.coords) << " = " << a.op << "(" << coordinate;
  for (const std::string &inner : a.inner)
    os << ", " << inner;
  if (!a.domain->isTrue())
    os << " | " << weir::toText(a.domain);
  os << ") " << weir::toText(a.body);
  if (a.exponent)
    os << " weighted by exp(" << (a.lam == "1" ? "" : a.lam + "*") << "(" << weir::toText(a.exponent) << " - "
       << a.reference << "))";
  os << (a.exact ? "" : ", any value") << "\n";
}

void print(llvm::StringRef what, const std::vector<weir::Finish> &finishes, llvm::raw_ostream &os) {
  for (const weir::Finish &f : finishes) {
    os << "    " << what << " " << named(f.tensor, f.coords) << " = " << weir::toText(f.value);
    if (!f.presence->isTrue())
      os << " where " << weir::toText(f.presence);
    os << "\n";
  }
}

struct DeriveTraversals : weir::impl::DeriveTraversalsBase<DeriveTraversals> {
  using DeriveTraversalsBase::DeriveTraversalsBase;
  void runOnOperation() override {
    markAllAnalysesPreserved();
    getOperation().walk([&](func::FuncOp function) {
      if (weir::attn::isCascade(function) && !function.isExternal())
        printCascade(function);
    });
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
        print(a, s.coordinate, os);
      }
      print("finish", s.outputs, os);
      print("carried", s.carried, os);
      for (const weir::StreamingReason &reason : s.whyNot)
        os << "    " << reason.equation << " waits for " << llvm::join(reason.tensors, ", ") << " ("
           << reason.code << "): " << reason.text << "\n";
    }
    os.flush();
  }
};
} // namespace
