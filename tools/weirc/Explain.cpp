//===- Explain.cpp - weirc explain ----------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Explain.h"
#include "Commands.h"
#include "ExplainGPU.h"
#include "Job.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Analysis/Certificate.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace weirc;

/// What was derived of the cascade, for scripts/check_certificate.py; `streamed` is the program at level
/// streamed, whose streams it takes apart into the equations that they stand for.
static int explainCertificate(Job &job, mlir::ModuleOp streamed) {
  streamed.walk([](weir::attn::StreamOp stream) { stream.removeMappingAttr(); });
  mlir::PassManager passes(streamed.getContext());
  passes.addNestedPass<mlir::func::FuncOp>(weir::createDissolveStreams());
  if (failed(passes.run(streamed)))
    return refuse("could not take the program's streams apart");
  auto rewritten = *streamed.getOps<mlir::func::FuncOp>().begin();
  auto document =
      job.phases.time("certificate", [&] { return weir::certify(job.program->cascade(), rewritten); });
  if (!document)
    return refuse(document.takeError());
  return writeOutput(job.options, llvm::formatv("{0}\n", *document).str());
}

int weirc::explainCommand(const Options &options) {
  if (llvm::StringRef(options.target) == "interpret")
    return usageError("'explain' speaks of compiled code; '--target interpret' has no mapping");
  if (options.certificate && options.json)
    return usageError("'--certificate' and '--json' each print one object; ask for one of them");
  if (options.certificate && weir::getResumedRanks(options.map))
    return usageError(
        "'--certificate' is of the cascade as it is written, not of its calls; leave out 'resume='");
  Job job(options, "cpu:native", Job::OnGPU::Yes);
  if (job.status)
    return *job.status;
  if (!job.program->cascade())
    return refuse(
        "'explain' needs a program at level cascade or streamed: what is below does not show its equations");
  weir::ExplainOptions explain;
  auto given = loadInputs(job.program->signature(), options);
  if (!given)
    return refuse(given.takeError());
  explain.extents = given->extents;
  explain.known = given->known(job.program->signature());
  explain.target = job.target.versions.front();
  explain.threads = options.threadCount();
  // The mapping is chosen on the way to level streamed, where equations may have been merged.
  job.useTuned(explain.extents);
  auto streamed = job.program->lower(Level::Streamed, job.target.versions.front());
  if (!streamed)
    return Refused;
  if (options.certificate)
    return explainCertificate(job, *streamed);
  auto mapped = *streamed->getOps<mlir::func::FuncOp>().begin();
  auto equations = job.program->equations();
  auto cascade = *equations->getOps<mlir::func::FuncOp>().begin();
  weir::Explanation explanation =
      job.phases.time("explain", [&] { return weir::explain(cascade, explain, mapped); });
  explanation.mappingSource = job.program->isTuned() ? "tuned" : options.map.empty() ? "chosen" : "given";
  std::vector<GPUFunction> functions;
  if (explain.target->isGPU) {
    auto described = describeGPUFunctions(job);
    if (!described)
      return refuse(described.takeError()), Usage; // what a GPU's road refuses is not there yet
    functions = std::move(*described);
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  if (options.json) {
    llvm::json::Value object = weir::toJson(explanation);
    if (explain.target->isGPU)
      (*object.getAsObject())["functions"] = toJson(functions);
    os << llvm::formatv("{0:2}", object) << "\n";
  } else {
    weir::print(explanation, os);
    if (explain.target->isGPU)
      print(functions, os);
  }
  return writeOutput(options, text);
}
