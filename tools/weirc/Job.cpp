//===- Job.cpp - what every subcommand with a FILE begins with ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Job.h"
#include "Results.h"
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Support/StagedFiles.h"
#include "llvm/ADT/StringSet.h"

using namespace weirc;
using llvm::StringRef;

static bool isText(const Options &options) {
  return options.from.value_or(levelOf(options.file).value_or(Level::Attn)) == Level::Attn;
}

/// What cannot be done yet, or makes no sense together, whatever the file.
static std::optional<int> checkOptions(const Options &options, const Target &target, Job::OnGPU onGPU) {
  if (!options.grad.empty())
    return usageError("'--grad' is not there yet");
  if (!target.interpret && target.versions.front().isGPU) {
    if (!options.emit && onGPU == Job::OnGPU::Yes)
      return std::nullopt;
    if (!options.emit)
      return usageError("target '" + target.name + "' is not there yet for '" + options.command + "'");
    if (!isForGPU(*options.emit) && *options.emit > Level::Tiled)
      return usageError("target '" + target.name + "' has no level " + getName(*options.emit) +
                        "; it has gpu, ptx and cubin");
  } else if (options.emit && isForGPU(*options.emit)) {
    return usageError("level " + getName(*options.emit) + " is for GPUs; add --target cuda:sm_80");
  }
  if (options.traceNonfinite && !target.interpret)
    return usageError("'--trace-nonfinite' needs '--target interpret'");
  if (!isText(options) && !options.importDirs.empty())
    return usageError("'-I' is for files in the language, not for MLIR");
  if (target.interpret && options.emit && *options.emit > Level::Cascade)
    return usageError("'--target interpret' has no level " + getName(*options.emit));
  return std::nullopt;
}

Job::Job(const Options &options, StringRef defaultTarget, OnGPU onGPU)
    : options(options), phases(options.timing) {
  status = begin(defaultTarget, onGPU);
}

std::optional<int> Job::begin(StringRef defaultTarget, OnGPU onGPU) {
  // What --emit prints should not depend on the machine that prints it.
  StringRef forLevel = options.emit && isForGPU(*options.emit) ? "cuda:sm_80" : "cpu:x86-64-v3";
  auto parsed = parseTarget(options.target, options.emit ? forLevel : defaultTarget);
  if (!parsed)
    return usageError(llvm::toString(parsed.takeError()));
  target = *parsed;
  if (std::optional<int> wrong = checkOptions(options, target, onGPU))
    return wrong;
  auto leading = ellipsisFromInputs(options);
  if (!leading)
    return refuse(leading.takeError());
  defines = *leading;
  program = Program::read(options, phases, defines, llvm::errs());
  if (!program)
    return Refused;
  if (!options.emit)
    return std::nullopt;
  std::string text;
  llvm::raw_string_ostream os(text);
  if (int failed = program->print(*options.emit, target, os))
    return failed;
  return writeOutput(options, text);
}

void Job::specialize(const llvm::StringMap<int64_t> &extents) {
  constexpr int64_t kLargest = 512, kFewRows = 16;
  if (target.interpret || !isText(options) || options.file == "-")
    return;
  llvm::StringSet<> streamed; // calls that go on from a state have any number of keys each
  if (weir::getResumedRanks(options.map))
    for (auto stream : program->cascade().getOps<weir::attn::StreamOp>())
      streamed.insert(stream.getRank());
  std::vector<std::pair<std::string, int64_t>> more = defines;
  for (const weir::KernelSignature::Tensor &input : program->signature().inputs) {
    if (input.ranks.size() < 2 || !weir::isReal(input.type))
      continue;
    auto fix = [&](size_t dim, int64_t largest) {
      auto known = extents.find(input.ranks[dim]);
      if (input.shape[dim] != mlir::ShapedType::kDynamic || known == extents.end() ||
          known->second > largest || streamed.contains(known->first()))
        return;
      std::pair<std::string, int64_t> define(known->first().str(), known->second);
      if (!llvm::is_contained(more, define))
        more.push_back(define);
    };
    fix(input.ranks.size() - 1, kLargest);
    fix(input.ranks.size() - 2, kFewRows);
  }
  // What the frontend has to say, it has said the first time.
  if (more.size() > defines.size())
    if (auto specialized = Program::read(options, phases, more, llvm::nulls()))
      program = std::move(specialized);
}

llvm::Expected<Runner> Runner::create(Job &job, bool withoutGPU) {
  Runner runner;
  if (job.target.interpret) {
    runner.interpreted = job.program->cascade();
    if (!runner.interpreted)
      return llvm::createStringError("the interpreter runs programs at level cascade, not " +
                                     getName(job.program->level));
    runner.described = job.program->signature();
    return runner;
  }
  if (job.target.versions.front().isGPU && withoutGPU) {
    auto text = job.program->emitPTX(job.target.versions.front());
    if (!text)
      return text.takeError();
    auto ptx = weir::PTXKernel::create(job.program->signature(), *text);
    if (!ptx)
      return ptx.takeError();
    runner.described = ptx->signature();
    runner.ptx = std::move(*ptx);
    return runner;
  }
  auto kernel = job.program->compile(job.target.versions.front());
  if (!kernel)
    return kernel.takeError();
  runner.described = kernel->signature();
  runner.compiled = std::move(*kernel);
  return runner;
}

llvm::Expected<std::vector<weir::HostTensor>> Runner::run(Job &job, llvm::ArrayRef<weir::HostTensor> inputs,
                                                          llvm::ArrayRef<long double> params,
                                                          uint64_t schedule) const {
  if (ptx)
    return job.phases.time("run", [&] { return ptx->run(inputs, params, schedule); });
  if (!compiled) {
    weir::InterpreterOptions options;
    options.traceNonfinite = job.options.traceNonfinite ? &llvm::errs() : nullptr;
    auto result =
        job.phases.time("run", [&] { return weir::interpret(interpreted, inputs, params, options); });
    if (!result)
      return result.takeError();
    std::vector<weir::HostTensor> outputs;
    for (const weir::PartialTensor &output : result->outputs)
      outputs.push_back(toHostTensor(output));
    return outputs;
  }
  auto outputs = compiled->makeOutputs(inputs, params);
  if (!outputs)
    return outputs.takeError();
  weir::CallOptions call;
  call.threads = job.options.threads;
  if (llvm::Error error =
          job.phases.time("run", [&] { return compiled->call(inputs, params, *outputs, call); }))
    return error;
  return std::move(*outputs);
}

int weirc::writeOutput(const Options &options, StringRef bytes) {
  if (options.output.empty() || options.output == "-") {
    llvm::outs() << bytes;
    return Success;
  }
  weir::StagedFiles files;
  if (llvm::Error error = files.add(options.output, [&](llvm::raw_ostream &file) { file << bytes; }))
    return refuse(std::move(error));
  if (llvm::Error error = files.commit())
    return refuse(std::move(error));
  return Success;
}
