//===- InCalls.cpp - a cascade in several calls ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "InCalls.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Transforms/Passes.h"
#include <random>

using namespace mlir;
using namespace weir;

bool resume(func::FuncOp cascade) {
  OwningOpRef<func::FuncOp> copy = cascade.clone();
  ScopedDiagnosticHandler quiet(cascade.getContext(), [](Diagnostic &) { return success(); });
  PassManager merge(cascade.getContext(), func::FuncOp::getOperationName());
  merge.addPass(createMergeTraversals());
  PassManager goOn(cascade.getContext(), func::FuncOp::getOperationName());
  goOn.addPass(createResumeStreams());
  if (failed(merge.run(*copy)) || copy->getOps<attn::StreamOp>().empty())
    return false;
  StringRef rank = (*copy->getOps<attn::StreamOp>().begin()).getRank();
  for (const attn::Signature::Tensor &output : attn::getSignature(*copy).outputs)
    if (llvm::is_contained(output.ranks, rank))
      return false;
  if (failed(goOn.run(*copy)))
    return false;
  cascade->setAttrs((*copy)->getAttrs());
  cascade.getBody().takeBody(copy->getBody());
  return true;
}

/// Coordinates begin .. end-1 of one dimension.
static HostTensor slice(const HostTensor &tensor, unsigned dim, int64_t begin, int64_t end) {
  SmallVector<int64_t> shape(tensor.shape);
  shape[dim] = end - begin;
  HostTensor part(tensor.type, shape);
  int64_t inner = 1;
  for (int64_t extent : ArrayRef<int64_t>(shape).drop_front(dim + 1))
    inner *= extent;
  for (int64_t i = 0, size = part.size(); i < size; ++i) {
    int64_t within = i % inner, at = i / inner % shape[dim], outer = i / inner / shape[dim];
    part.set(i, tensor.get((outer * tensor.shape[dim] + begin + at) * inner + within));
  }
  return part;
}

namespace {
class Calls {
public:
  Calls(const attn::Signature &resumed, StringRef rank, ArrayRef<HostTensor> inputs)
      : signature(resumed), rank(rank), whole(inputs) {
    for (auto [tensor, input] : llvm::zip(signature.inputs, whole))
      for (auto [name, extent] : llvm::zip(tensor.ranks, input.shape))
        extents[name] = extent;
    for (const attn::Signature::Tensor &tensor : llvm::ArrayRef(signature.inputs).drop_front(whole.size()))
      state.push_back(emptyState(tensor));
  }
  int64_t keys() const { return extents.lookup(rank); }

  /// The inputs of the call with keys begin .. end-1.
  std::vector<HostTensor> inputsOf(int64_t begin, int64_t end) const {
    std::vector<HostTensor> inputs;
    for (auto [tensor, input] : llvm::zip(signature.inputs, whole)) {
      HostTensor part = input;
      for (auto [dim, name] : llvm::enumerate(tensor.ranks))
        if (name == rank)
          part = slice(part, dim, begin, end);
      inputs.push_back(std::move(part));
    }
    inputs.insert(inputs.end(), state.begin(), state.end());
    return inputs;
  }

  /// Takes the state out of the outputs: `A_out` becomes `A_in`.
  void goOn(std::vector<HostTensor> &outputs) {
    size_t first = outputs.size() - state.size();
    std::move(outputs.begin() + first, outputs.end(), state.begin());
    outputs.resize(first);
  }

private:
  HostTensor emptyState(const attn::Signature::Tensor &tensor) const {
    SmallVector<int64_t> shape;
    for (auto [name, extent] : llvm::zip(tensor.ranks, tensor.shape))
      shape.push_back(ShapedType::isDynamic(extent) ? extents.lookup(name) : extent);
    return HostTensor(*fromMLIR(tensor.elementType), shape);
  }

  const attn::Signature &signature;
  StringRef rank;
  ArrayRef<HostTensor> whole;
  llvm::StringMap<int64_t> extents;
  std::vector<HostTensor> state;
};
} // namespace

RandomKernel inCalls(RandomKernel kernel, const attn::Signature &resumed, std::string rank, unsigned seed) {
  return [=](auto inputs, auto params) -> llvm::Expected<std::vector<HostTensor>> {
    Calls calls(resumed, rank, inputs);
    std::mt19937 random(seed);
    int64_t keys = calls.keys(), longest = seed % 3 == 0 ? 1 : std::max<int64_t>(keys / 2, 4);
    llvm::SmallVector<long double> all(params.begin(), params.end());
    size_t start = all.size();
    all.push_back(0);
    if (all.size() < resumed.params.size())
      all.push_back(keys); // what is folded reads how many there are
    for (int64_t begin = 0;;) {
      int64_t left = std::min(keys - begin, longest);
      int64_t end = begin + (longest == 1 ? left : static_cast<int64_t>(random() % (left + 1)));
      all[start] = begin;
      std::vector<HostTensor> given = calls.inputsOf(begin, end);
      auto outputs = kernel(given, all);
      if (!outputs)
        return outputs.takeError();
      calls.goOn(*outputs);
      begin = end;
      if (begin == keys)
        return std::move(*outputs);
    }
  };
}
