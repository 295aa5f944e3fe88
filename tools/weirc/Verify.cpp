//===- Verify.cpp - weirc verify ------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"
#include "dialects/Attention/Signature.h"
#include "weir/Reference/Compare.h"
#include "weir/Reference/Draw.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include <cmath>

using namespace weirc;

namespace {

/// All trials of one run.
struct Report {
  unsigned trials = 0, skipped = 0;
  int64_t compared = 0, undecided = 0, differences = 0;
  std::optional<unsigned> firstFailure, worstTrial;
  weir::Comparison worst;
  std::string failure;            ///< what the first failing trial says
  std::vector<std::string> unmet; ///< promises that could not be kept, each once
  bool passed() const { return !firstFailure && skipped < trials; }
};

/// Who executes a kernel for a GPU.
constexpr llvm::StringLiteral kPTX = "PTX interpreter", kGPU = "GPU";

class Verifier {
public:
  /// Every one of `runners` is compared with the interpreter of cascades.
  Verifier(Job &job, llvm::ArrayRef<Runner> runners)
      : job(job), runners(runners), cascade(job.program->cascade()) {}

  llvm::Error run(Report &report) {
    const Options &options = job.options;
    signature = job.program->signature();
    if (llvm::Error error = bindGiven())
      return error;
    unsigned first = options.trial.value_or(0),
             last = options.trial ? first + 1 : options.trials.value_or(isGPU() ? 3 : 10);
    Progress progress("verify");
    for (unsigned trial = first; trial < last; ++trial) {
      progress.update(trial - first, last - first);
      if (llvm::Error error = runTrial(trial, report))
        return llvm::createStringError("trial " + llvm::Twine(trial) + ": " +
                                       llvm::toString(std::move(error)));
    }
    return llvm::Error::success();
  }

private:
  bool isGPU() const { return job.target.versions.front().isGPU; }

  llvm::Error bindGiven() {
    auto tensors = loadInputs(signature, job.options);
    if (!tensors)
      return tensors.takeError();
    given = std::move(*tensors);
    auto values = readParams(signature, job.options);
    if (!values)
      return values.takeError();
    params = std::move(*values);
    return llvm::Error::success();
  }

  /// Drawn inputs with the given ones in their places; nothing where a promise could not be kept.
  llvm::Expected<std::optional<weir::DrawnInputs>> drawInputs(unsigned trial, Report &report) {
    weir::DrawOptions options;
    options.seed = job.options.seed.value_or(0) * 1000003 + trial;
    options.trial = trial;
    options.extents = given.extents;
    if (isGPU()) // PTX is executed instruction by instruction
      options.work /= 4;
    auto drawn = job.phases.time("draw", [&] { return weir::draw(cascade, options); });
    if (!drawn)
      return drawn.takeError();
    for (auto &[index, tensor] : given.tensors)
      drawn->inputs[index] = tensor;
    for (auto &[index, value] : params)
      drawn->params[index] = value;
    for (const std::string &promise : drawn->unmet)
      if (!llvm::is_contained(report.unmet, promise))
        report.unmet.push_back(promise);
    if (drawn->unmet.empty())
      return std::move(*drawn);
    return std::nullopt;
  }

  llvm::Error runTrial(unsigned trial, Report &report) {
    ++report.trials;
    auto drawn = drawInputs(trial, report);
    if (!drawn)
      return drawn.takeError();
    if (!*drawn) {
      ++report.skipped;
      return llvm::Error::success();
    }
    const weir::DrawnInputs &inputs = **drawn;
    weir::InterpreterOptions interpreter;
    interpreter.errorBounds = true;
    auto expected = job.phases.time(
        "interpret", [&] { return weir::interpret(cascade, inputs.inputs, inputs.params, interpreter); });
    if (!expected)
      return expected.takeError();
    for (const Runner &runner : runners)
      if (llvm::Error error = check(runner, trial, inputs, *expected, report))
        return error;
    return llvm::Error::success();
  }

  llvm::Error check(const Runner &runner, unsigned trial, const weir::DrawnInputs &inputs,
                    const weir::InterpreterResult &expected, Report &report) {
    auto actual = runner.run(job, inputs.inputs, inputs.params, /*schedule=*/trial);
    if (!actual) {
      std::string message = llvm::toString(actual.takeError());
      fail(trial,
           isGPU() ? where(runner) + message : "the kernel refused what the interpreter runs: " + message,
           report);
      return llvm::Error::success();
    }
    weir::CompareOptions compare;
    compare.tolerance = job.options.tolerance.value_or(0);
    weir::attn::Signature tensors = weir::attn::getSignature(cascade);
    if (job.target.interpret) {
      record(trial, weir::compare(tensors, expected, *actual, compare), "", report);
      return llvm::Error::success();
    }
    auto comparison = job.phases.time("compare", [&] {
      return weir::compareRewritten(
          tensors, expected, *actual, compare, [&] { return rewritten(); }, inputs.inputs, inputs.params);
    });
    if (!comparison)
      return comparison.takeError();
    record(trial, *comparison, where(runner), report);
    return llvm::Error::success();
  }

  /// The equations as the kernel was made of them.
  llvm::Expected<mlir::func::FuncOp> rewritten() {
    if (!streamed)
      streamed = job.program->lower(Level::Streamed, job.target.versions.front());
    if (!streamed)
      return llvm::createStringError("the program at level streamed cannot be made");
    return *streamed->getOps<mlir::func::FuncOp>().begin();
  }

  static void fail(unsigned trial, std::string message, Report &report) {
    if (report.firstFailure)
      return;
    report.firstFailure = trial;
    report.failure = std::move(message);
  }

  /// What a failure begins with where there are two that may fail.
  std::string where(const Runner &runner) const {
    return runners.size() == 1 ? "" : runner.kernel() ? "on the GPU: " : "as PTX: ";
  }

  static void record(unsigned trial, const weir::Comparison &comparison, std::string where, Report &report) {
    report.compared += comparison.compared;
    report.undecided += comparison.undecided;
    report.differences += comparison.differences;
    if (!comparison.tensor.empty() &&
        (!report.worstTrial || comparison.worstRatio > report.worst.worstRatio)) {
      report.worst = comparison;
      report.worstTrial = trial;
    }
    if (!comparison.agrees())
      fail(trial, where + comparison.describe(), report);
  }

  Job &job;
  llvm::ArrayRef<Runner> runners;
  mlir::func::FuncOp cascade;
  mlir::OwningOpRef<mlir::ModuleOp> streamed; ///< made when it is asked for
  weir::KernelSignature signature;
  GivenInputs given;
  std::map<size_t, long double> params;
};

void printText(const Job &job, llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> executors,
               const Report &report) {
  llvm::raw_ostream &os = llvm::outs();
  os << name << " on " << job.target.name;
  for (auto [i, who] : llvm::enumerate(executors))
    os << (i ? " and " : ", executed by ") << (who == kPTX ? "the interpreter of PTX" : "the GPU");
  os << ": " << report.trials << " trials, seed " << job.options.seed.value_or(0) << ", " << report.compared
     << " values compared, " << report.undecided << " undecided by rounding\n";
  for (const std::string &promise : report.unmet)
    os << "  not drawn: inputs that keep 'given " << promise << "'\n";
  if (report.skipped)
    os << "  " << report.skipped << " trials were left out\n";
  if (report.worstTrial)
    os << "  worst error, " << llvm::format("%.3g", report.worst.worstRatio)
       << " of what is allowed, in trial " << *report.worstTrial << ": " << report.worst.describe() << "\n";
  if (report.firstFailure)
    os << "  trial " << *report.firstFailure << " failed: " << report.failure << "\n  again: weirc verify "
       << job.options.file << (job.options.target.empty() ? "" : " --target " + job.options.target)
       << " --seed " << job.options.seed.value_or(0) << " --trial " << *report.firstFailure << "\n";
  os << (report.passed() ? "passed\n" : "failed\n");
}

/// JSON has no infinity.
llvm::json::Value number(long double value) {
  if (std::isfinite(value))
    return static_cast<double>(value);
  return nullptr;
}

void printJSON(const Job &job, llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> executors,
               const Report &report) {
  llvm::json::OStream json(llvm::outs(), 2);
  json.object([&] {
    json.attribute("cascade", name);
    json.attribute("target", job.target.name);
    if (!executors.empty())
      json.attribute("executed_by", llvm::join(executors, ", "));
    json.attribute("trials", report.trials);
    json.attribute("seed", static_cast<int64_t>(job.options.seed.value_or(0)));
    json.attribute("passed", report.passed());
    json.attribute("skipped", report.skipped);
    json.attribute("compared", report.compared);
    json.attribute("undecided", report.undecided);
    json.attribute("differences", report.differences);
    json.attributeArray("unmet", [&] {
      for (const std::string &promise : report.unmet)
        json.value(promise);
    });
    if (report.firstFailure) {
      json.attribute("failed_trial", *report.firstFailure);
      json.attribute("failure", report.failure);
    }
    if (report.worstTrial)
      json.attributeObject("worst", [&] {
        json.attribute("trial", *report.worstTrial);
        json.attribute("tensor", report.worst.tensor);
        json.attributeArray("coordinates", [&] {
          for (int64_t coordinate : report.worst.coordinates)
            json.value(coordinate);
        });
        json.attribute("expected", number(report.worst.expected));
        json.attribute("actual", number(report.worst.actual));
        json.attribute("allowed", number(report.worst.allowed));
        json.attribute("ratio", number(report.worst.worstRatio));
      });
  });
  llvm::outs() << "\n";
}

} // namespace

int weirc::verifyCommand(const Options &options) {
  if (llvm::StringRef(options.target) == "interpret")
    return usageError("'verify' compares compiled code with the interpreter; '--target interpret' leaves "
                      "nothing to compare");
  Job job(options, "cpu:native", Job::OnGPU::Yes);
  if (job.status)
    return *job.status;
  if (!job.program->cascade())
    return refuse("'verify' needs a program at level cascade or streamed: what is below has no interpreter");
  const weir::TargetDescription &target = job.target.versions.front();
  llvm::SmallVector<Runner, 2> runners;
  llvm::SmallVector<llvm::StringRef, 2> executors;
  auto add = [&](bool withoutGPU) {
    auto runner = Runner::create(job, withoutGPU);
    if (!runner)
      return refuse(runner.takeError());
    runners.push_back(std::move(*runner));
    if (!job.target.interpret && target.isGPU)
      executors.push_back(withoutGPU ? kPTX : kGPU);
    return 0;
  };
  if (add(/*withoutGPU=*/true)) // what a GPU's road refuses is not there yet
    return target.isGPU ? Usage : Refused;
  if (target.isGPU && weir::hasGPUFor(target))
    if (int failed = add(/*withoutGPU=*/false))
      return failed;
  Report report;
  if (llvm::Error error = Verifier(job, runners).run(report))
    return refuse(std::move(error));
  (options.json ? printJSON : printText)(job, runners.front().signature().name, executors, report);
  return report.passed() ? Success : Refused;
}
