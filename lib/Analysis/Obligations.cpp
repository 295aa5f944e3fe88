//===- Obligations.cpp - what a derivation rests on -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mlir/IR/Builders.h"
#include "weir/Analysis/Certificate.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include <map>

using namespace weir;
using llvm::StringRef;

std::vector<Obligation> weir::obligationsOf(const Streaming &streaming, const CascadeModel &model) {
  std::vector<Obligation> obligations;
  auto add = [&](StringRef kind, StringRef of, StringRef law, StringRef by) {
    obligations.push_back({kind, of.str(), law.str(), by});
  };
  for (const Accumulator &a : streaming.accumulators) {
    add("monoid", a.name, a.op + " is associative and commutative with its identity", "table");
    if (!a.exponent)
      continue;
    add("homomorphism", a.name, "exp(u+v) = exp(u)*exp(v)", "algebra");
    add("inverse", a.name, "exp(lam*(rho-rho2)) undoes exp(lam*rho2)/exp(lam*rho)", "algebra");
    add("finite", a.reference, "reference finite where the row is not empty, else correction 0", "guard");
  }
  for (const Finish &f : llvm::concat<const Finish>(streaming.reductions, streaming.wholes)) {
    const CascadeModel::Tensor *tensor = model.getTensor(f.tensor);
    if (!tensor || tensor->equation < 0)
      continue;
    add("factorisation", f.tensor, "finish with every accumulator replaced by its element equals the body",
        "algebra");
    add("distributivity", f.tensor,
        "finish is linear (sum), monotone (max, min) in the accumulators and free of the rank", "algebra");
  }
  return obligations;
}

mlir::DictionaryAttr weir::toAttribute(const Streaming &streaming, const CascadeModel &model) {
  std::map<StringRef, llvm::SetVector<mlir::Attribute>> names;
  mlir::func::FuncOp function = model.function;
  mlir::Builder b(function.getContext());
  for (const Obligation &o : obligationsOf(streaming, model))
    names[o.kind].insert(b.getStringAttr(o.of));
  for (const auto &[input, fact] : streaming.assumed)
    names["assumed"].insert(b.getStringAttr(input));
  llvm::SmallVector<mlir::NamedAttribute> entries;
  for (const auto &[kind, of] : names)
    entries.push_back(b.getNamedAttr(kind, b.getArrayAttr(of.getArrayRef())));
  return b.getDictionaryAttr(entries);
}
