//===- Run.cpp - weirc run ------------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"
#include "Results.h"

using namespace weirc;

/// The names asked for; without --out every output.
static std::vector<std::string> namesAskedFor(const Options &options,
                                              const weir::KernelSignature &signature) {
  std::vector<std::string> names;
  for (const NamedText &out : options.out)
    names.push_back(out.first);
  if (names.empty())
    for (const weir::KernelSignature::Tensor &output : signature.outputs)
      names.push_back(output.name);
  return names;
}

/// Puts results that came in the signature's order in the order of `names`. A program below level cascade
/// computes all of its outputs, and nothing else can be asked for.
static llvm::Expected<std::vector<weir::HostTensor>> pick(std::vector<weir::HostTensor> &&results,
                                                          const weir::KernelSignature &signature,
                                                          llvm::ArrayRef<std::string> names) {
  std::vector<weir::HostTensor> picked;
  for (const std::string &name : names) {
    auto found = llvm::find_if(signature.outputs, [&](const auto &output) { return output.name == name; });
    if (found == signature.outputs.end())
      return llvm::createStringError("'" + signature.name + "' has no output '" + name + "'");
    picked.push_back(results[found - signature.outputs.begin()]);
  }
  return picked;
}

static llvm::Error runProgram(Job &job) {
  const Options &options = job.options;
  bool cascade = bool(job.program->cascade());
  // A kernel has its signature only once it is compiled; a cascade's inputs are checked before anything is.
  std::optional<Runner> runner;
  auto compile = [&]() -> llvm::Error {
    llvm::Expected<Runner> created = Runner::create(job);
    if (!created)
      return created.takeError();
    runner = std::move(*created);
    return llvm::Error::success();
  };
  if (!cascade)
    if (llvm::Error error = compile())
      return error;
  weir::KernelSignature signature = cascade ? job.program->signature() : runner->signature();
  std::vector<std::string> names = namesAskedFor(options, signature);
  auto params = requireParams(signature, options);
  if (!params)
    return params.takeError();
  auto given = job.phases.time("load", [&] { return loadInputs(signature, options); });
  if (!given)
    return given.takeError();
  llvm::StringMap<int64_t> extents = given->extents;
  auto inputs = requireAll(signature, std::move(*given));
  if (!inputs)
    return inputs.takeError();
  if (cascade) {
    job.specialize(extents);
    if (llvm::Error error = selectResults(job.program->cascade(), names))
      return error;
    job.useTuned(extents);
    if (llvm::Error error = compile())
      return error;
  }
  auto results = runner->run(job, *inputs, *params);
  if (!results)
    return results.takeError();
  auto picked = pick(std::move(*results), runner->signature(), names);
  if (!picked)
    return picked.takeError();
  if (!options.out.empty())
    return job.phases.time("store", [&] { return writeResults(options.out, *picked, options.raw); });
  for (auto [name, result] : llvm::zip_equal(names, *picked))
    summarize(name, result, llvm::outs());
  return llvm::Error::success();
}

int weirc::runCommand(const Options &options) {
  if (llvm::count_if(options.out, [](const NamedText &out) { return out.second == "-"; }) > 1)
    return usageError("stdout can take one result only");
  Job job(options, "cpu:native", Job::OnGPU::Yes);
  if (job.status)
    return *job.status;
  if (llvm::Error error = runProgram(job))
    return refuse(std::move(error));
  return Success;
}
