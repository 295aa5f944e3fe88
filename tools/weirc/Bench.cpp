//===- Bench.cpp - weirc bench --------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"
#include "Peak.h"
#include "Workload.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/Explain.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include <algorithm>

using namespace weirc;

namespace {

/// Floating-point operations inside the domains, and the bytes that any kernel must move. Nothing where the
/// analysis has no answer.
struct Work {
  std::optional<double> flops, bytes;
};

Work countWork(mlir::func::FuncOp cascade, const llvm::StringMap<int64_t> &extents) {
  weir::ExplainOptions options;
  options.extents = extents;
  options.budget = uint64_t(1) << 28; // a second or two; less would count what the domains leave out
  weir::Explanation explanation = weir::explain(cascade, options);
  return {explanation.flops, explanation.compulsoryBytes};
}

struct Measurement {
  std::string cascade, dtype;
  std::map<std::string, int64_t> extents;
  std::vector<double> seconds; ///< sorted
  Work work;
  Peak peak = {};  ///< 0 where nobody knows
  std::string gpu; ///< whose nominal figures the peak is of; empty: it is measured
  double compileSeconds = 0;

  double median() const {
    size_t half = seconds.size() / 2;
    return seconds.size() % 2 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
  }
  std::optional<double> flopRate() const { return rate(work.flops); }
  std::optional<double> byteRate() const { return rate(work.bytes); }
  std::optional<double> fractionOfPeak() const { return quotient(flopRate(), peak.flops); }
  /// No kernel is faster, but one on a processor's matrix unit: all floating-point work at the peak, or the
  /// compulsory bytes at the rate of reading.
  std::optional<double> limit() const {
    if (!work.flops || !work.bytes || peak.flops <= 0)
      return std::nullopt;
    return std::max(*work.flops / peak.flops, *work.bytes / peak.bytes);
  }
  std::optional<double> fractionOfLimit() const { return quotient(limit(), median()); }

private:
  std::optional<double> rate(std::optional<double> amount) const { return quotient(amount, median()); }
  static std::optional<double> quotient(std::optional<double> a, double b) {
    return a && b > 0 ? std::optional<double>(*a / b) : std::nullopt;
  }
};

/// Of the GPU that the target is first for; another that runs its code has others.
void lookUpPeak(Job &job, Measurement &measurement) {
  const weir::TargetDescription &target = job.target.versions.front();
  std::optional<weir::GPURates> rates = weir::ratesOfGPU(target.cpu);
  auto streamed = rates ? job.program->lower(Level::Streamed, target) : nullptr;
  if (!streamed)
    return;
  double flops = 2 * rates->operations;
  streamed->walk([&](mlir::Operation *op) {
    if (op->hasAttr(weir::mapping::kRoundedAttr)) // it is for tensor cores
      flops = weir::mapping::isRoundedToTF32(op) ? rates->tensorFlops / 2 : rates->tensorFlops;
  });
  measurement.gpu = rates->name.str();
  measurement.peak = {flops * rates->multiprocessors * rates->clock, rates->memoryRate};
}

llvm::Error measure(Job &job, Measurement &measurement) {
  const Options &options = job.options;
  auto work = drawWorkload(job);
  if (!work)
    return work.takeError();
  for (const auto &extent : work->extents)
    measurement.extents[extent.getKey().str()] = extent.getValue();

  double start = now();
  job.specialize(work->extents);
  job.useTuned(work->extents);
  auto kernel = job.program->compile(job.target.versions.front());
  if (!kernel)
    return kernel.takeError();
  measurement.compileSeconds = now() - start;
  measurement.cascade = job.program->signature().name;
  measurement.dtype = options.dtype;
  auto equations = job.program->equations();
  measurement.work = countWork(*equations->getOps<mlir::func::FuncOp>().begin(), work->extents);

  auto outputs = kernel->makeOutputs(work->inputs, work->params);
  if (!outputs)
    return outputs.takeError();
  weir::CallOptions call;
  call.threads = options.threads;
  if (llvm::Error error =
          kernel->call(work->inputs, work->params, *outputs, call)) // threads started, pages touched
    return error;
  if (job.target.versions.front().isGPU)
    lookUpPeak(job, measurement);
  else
    measurement.peak = measurePeak(options.threadCount(), options.dtype == "f64");
  Progress progress("bench");
  double begin = now();
  auto again = [&](double seconds) {
    measurement.seconds.push_back(seconds);
    progress.update(measurement.seconds.size(), options.runs.value_or(1000));
    return !isTimedEnough(options, measurement.seconds.size(), begin, 1);
  };
  if (llvm::Error error = kernel->callRepeatedly(work->inputs, work->params, *outputs, call, again))
    return error;
  std::sort(measurement.seconds.begin(), measurement.seconds.end());
  return llvm::Error::success();
}

void printText(const Job &job, const Measurement &m) {
  llvm::raw_ostream &os = llvm::outs();
  os << m.cascade << " on " << job.target.name << ", " << m.dtype << "\nextents:";
  for (const auto &[rank, extent] : m.extents)
    os << " " << rank << "=" << extent;
  if (job.program->isTuned())
    os << "\nmapping: tuned, " << job.program->mapping();
  os << llvm::format("\nmedian %.6g ms, min %.6g, max %.6g, of ", m.median() * 1e3, m.seconds.front() * 1e3,
                     m.seconds.back() * 1e3)
     << m.seconds.size() << llvm::format(" runs; compiled in %.6g ms\n", m.compileSeconds * 1e3);
  if (auto rate = m.flopRate(); rate && m.peak.flops > 0)
    os << llvm::format("%.4g GFLOP/s of %.4g at most%s (%.1f %%)", *rate / 1e9, m.peak.flops / 1e9,
                       m.gpu.empty() ? " by multiply-adds" : "", 100 * m.fractionOfPeak().value_or(0))
       << (m.gpu.empty() ? "" : ", nominal of " + m.gpu) << "\n";
  if (auto rate = m.byteRate(); rate && m.peak.bytes > 0)
    os << llvm::format("%.4g GB/s of compulsory traffic; reading reaches %.4g\n", *rate / 1e9,
                       m.peak.bytes / 1e9);
  if (auto limit = m.limit())
    os << llvm::format("limit %.6g ms: %.1f %% of it reached\n", *limit * 1e3, 100 * *m.fractionOfLimit());
}

void printJSON(const Job &job, const Measurement &m) {
  auto orNull = [](std::optional<double> value, double unit = 1) {
    return value ? llvm::json::Value(*value / unit) : llvm::json::Value(nullptr);
  };
  auto known = [](double peak) { return peak > 0 ? std::optional<double>(peak) : std::nullopt; };
  llvm::json::OStream json(llvm::outs(), 2);
  json.object([&] {
    json.attribute("cascade", m.cascade);
    json.attribute("target", job.target.name);
    json.attribute("dtype", m.dtype);
    json.attributeObject("extents", [&] {
      for (const auto &[rank, extent] : m.extents)
        json.attribute(rank, extent);
    });
    json.attribute("mapping", mappingToJson(job.program->mapping()));
    json.attribute("runs", static_cast<int64_t>(m.seconds.size()));
    json.attribute("median_s", m.median());
    json.attribute("min_s", m.seconds.front());
    json.attribute("max_s", m.seconds.back());
    json.attribute("flops", orNull(m.work.flops));
    json.attribute("bytes", orNull(m.work.bytes));
    json.attribute("gflops", orNull(m.flopRate(), 1e9));
    json.attribute("gbps", orNull(m.byteRate(), 1e9));
    json.attribute("peak_gflops", orNull(known(m.peak.flops), 1e9));
    json.attribute("peak_gbps", orNull(known(m.peak.bytes), 1e9));
    json.attribute("fraction_of_peak", orNull(m.fractionOfPeak()));
    json.attribute("limit_s", orNull(m.limit()));
    json.attribute("fraction_of_limit", orNull(m.fractionOfLimit()));
    json.attribute("compile_s", m.compileSeconds);
  });
  llvm::outs() << "\n";
}

} // namespace

int weirc::benchCommand(const Options &options) {
  if (llvm::StringRef(options.target) == "interpret")
    return usageError("'bench' times compiled code, not the interpreter");
  Job job(options, "cpu:native", Job::OnGPU::Yes);
  if (job.status)
    return *job.status;
  if (!job.program->cascade())
    return refuse(
        "'bench' draws inputs for a program at level cascade or streamed; what is below does not say how");
  Measurement measurement;
  if (llvm::Error error = measure(job, measurement))
    return refuse(std::move(error));
  (options.json ? printJSON : printText)(job, measurement);
  return Success;
}
