//===- Workload.cpp - what a kernel is timed on ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Workload.h"
#include "weir/Reference/Draw.h"
#include "llvm/ADT/StringExtras.h"

using namespace weirc;

constexpr int64_t kDefaultExtent = 1024, kDefaultContracted = 64;

/// Inputs of a gigabyte are drawn in seconds; a hundred are a mistake in the extents.
static llvm::Error refuseHugeInputs(const weir::KernelSignature &signature,
                                    const llvm::StringMap<int64_t> &extents) {
  constexpr double kMost = double(int64_t(4) << 30);
  double total = 0;
  for (const auto &tensor : signature.inputs) {
    double bytes = weir::getBits(tensor.type) / 8.0;
    for (auto [dim, rank] : llvm::enumerate(tensor.ranks)) {
      auto known = extents.find(rank);
      int64_t fallback = dim + 1 == tensor.ranks.size() ? kDefaultContracted : kDefaultExtent;
      bytes *= static_cast<double>(known != extents.end()                            ? known->second
                                   : tensor.shape[dim] != mlir::ShapedType::kDynamic ? tensor.shape[dim]
                                                                                     : fallback);
    }
    total += bytes;
  }
  if (total <= kMost)
    return llvm::Error::success();
  std::string open;
  for (const auto &tensor : signature.inputs)
    for (llvm::StringRef rank : tensor.ranks)
      if (!extents.count(rank) && !llvm::StringRef(open).contains(" -D " + rank.str() + "="))
        open += " -D " + rank.str() + "=...";
  return llvm::createStringError("the inputs would take " + llvm::Twine(int64_t(total / (1 << 30))) +
                                 " GiB; fix more extents:" + open);
}

llvm::Expected<Workload> weirc::drawWorkload(Job &job) {
  const Options &options = job.options;
  weir::KernelSignature signature = job.program->signature();
  auto given = loadInputs(signature, options);
  if (!given)
    return given.takeError();
  auto params = readParams(signature, options);
  if (!params)
    return params.takeError();
  if (llvm::Error error = refuseHugeInputs(signature, given->extents))
    return error;
  weir::DrawOptions draw;
  draw.seed = options.seed.value_or(0);
  draw.extents = given->extents;
  draw.defaultExtent = kDefaultExtent;
  draw.defaultContracted = kDefaultContracted;
  auto drawn = job.phases.time("draw", [&] { return weir::draw(job.program->cascade(), draw); });
  if (!drawn)
    return drawn.takeError();
  for (const std::string &promise : drawn->unmet)
    llvm::errs() << "warning: the inputs do not keep 'given " << promise << "'\n";
  for (auto &[index, tensor] : given->tensors)
    drawn->inputs[index] = tensor;
  for (auto &[index, value] : *params)
    drawn->params[index] = value;
  return Workload{std::move(drawn->inputs), std::move(drawn->params), std::move(drawn->extents)};
}

bool weirc::isTimedEnough(const Options &options, size_t runs, double begin, double seconds) {
  return options.runs ? runs >= *options.runs : runs >= 1000 || (runs >= 5 && now() - begin > seconds);
}

llvm::json::Object weirc::mappingToJson(llvm::StringRef mapping) {
  llvm::json::Object object;
  for (llvm::StringRef item : llvm::split(mapping, ',')) {
    auto [name, setting] = item.split('=');
    if (int64_t number; !setting.getAsInteger(10, number))
      object[name] = number;
    else if (!name.empty())
      object[name] = setting;
  }
  return object;
}
