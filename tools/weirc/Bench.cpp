//===- Bench.cpp - weirc bench --------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"
#include "Peak.h"
#include "weir/Analysis/Explain.h"
#include "weir/Reference/Draw.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include <algorithm>
#include <thread>

using namespace weirc;

namespace {

constexpr int64_t kDefaultExtent = 1024, kDefaultContracted = 64;

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
  Peak peak;
  double compileSeconds = 0;

  double median() const {
    size_t half = seconds.size() / 2;
    return seconds.size() % 2 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
  }
  std::optional<double> flopRate() const { return rate(work.flops); }
  std::optional<double> byteRate() const { return rate(work.bytes); }
  std::optional<double> fractionOfPeak() const { return quotient(flopRate(), peak.flops); }
  /// No kernel is faster: all floating-point work at the peak, or the compulsory bytes at the copy's rate.
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

/// Inputs of a gigabyte are drawn in seconds; a hundred are a mistake in the extents.
llvm::Error refuseHugeInputs(const weir::KernelSignature &signature,
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

llvm::Error measure(Job &job, Measurement &measurement) {
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
  for (const auto &extent : drawn->extents)
    measurement.extents[extent.getKey().str()] = extent.getValue();

  double start = now();
  job.specialize(drawn->extents);
  auto kernel = job.program->compile(job.target.versions.front());
  if (!kernel)
    return kernel.takeError();
  measurement.compileSeconds = now() - start;
  measurement.cascade = signature.name;
  measurement.dtype = options.dtype;
  auto equations = job.program->equations();
  measurement.work = countWork(*equations->getOps<mlir::func::FuncOp>().begin(), drawn->extents);

  auto outputs = kernel->makeOutputs(drawn->inputs, drawn->params);
  if (!outputs)
    return outputs.takeError();
  weir::CallOptions call;
  call.threads = options.threads;
  if (llvm::Error error =
          kernel->call(drawn->inputs, drawn->params, *outputs, call)) // threads started, pages touched
    return error;
  unsigned threads = options.threads ? options.threads : std::thread::hardware_concurrency();
  measurement.peak = measurePeak(threads, options.dtype == "f64");
  Progress progress("bench");
  double begin = now();
  auto enough = [&](size_t runs) {
    return options.runs ? runs >= *options.runs : runs >= 1000 || (runs >= 5 && now() - begin > 1);
  };
  while (!enough(measurement.seconds.size())) {
    double before = now();
    if (llvm::Error error = kernel->call(drawn->inputs, drawn->params, *outputs, call))
      return error;
    measurement.seconds.push_back(now() - before);
    progress.update(measurement.seconds.size(), options.runs.value_or(1000));
  }
  std::sort(measurement.seconds.begin(), measurement.seconds.end());
  return llvm::Error::success();
}

void printText(const Job &job, const Measurement &m) {
  llvm::raw_ostream &os = llvm::outs();
  os << m.cascade << " on " << job.target.name << ", " << m.dtype << "\nextents:";
  for (const auto &[rank, extent] : m.extents)
    os << " " << rank << "=" << extent;
  os << llvm::format("\nmedian %.6g ms, min %.6g, max %.6g, of ", m.median() * 1e3, m.seconds.front() * 1e3,
                     m.seconds.back() * 1e3)
     << m.seconds.size() << llvm::format(" runs; compiled in %.6g ms\n", m.compileSeconds * 1e3);
  if (auto rate = m.flopRate())
    os << llvm::format("%.4g GFLOP/s of %.4g at most (%.1f %%)\n", *rate / 1e9, m.peak.flops / 1e9,
                       100 * m.fractionOfPeak().value_or(0));
  if (auto rate = m.byteRate())
    os << llvm::format("%.4g GB/s of compulsory traffic; a copy reaches %.4g\n", *rate / 1e9,
                       m.peak.bytes / 1e9);
  if (auto limit = m.limit())
    os << llvm::format("limit %.6g ms: %.1f %% of it reached\n", *limit * 1e3, 100 * *m.fractionOfLimit());
}

void printJSON(const Job &job, const Measurement &m) {
  auto orNull = [](std::optional<double> value, double unit = 1) {
    return value ? llvm::json::Value(*value / unit) : llvm::json::Value(nullptr);
  };
  llvm::json::OStream json(llvm::outs(), 2);
  json.object([&] {
    json.attribute("cascade", m.cascade);
    json.attribute("target", job.target.name);
    json.attribute("dtype", m.dtype);
    json.attributeObject("extents", [&] {
      for (const auto &[rank, extent] : m.extents)
        json.attribute(rank, extent);
    });
    json.attributeObject("mapping", [&] {
      for (llvm::StringRef item : llvm::split(job.options.map, ',')) {
        auto [name, setting] = item.split('=');
        if (int64_t number; !setting.getAsInteger(10, number))
          json.attribute(name, number);
        else if (!name.empty())
          json.attribute(name, setting);
      }
    });
    json.attribute("runs", static_cast<int64_t>(m.seconds.size()));
    json.attribute("median_s", m.median());
    json.attribute("min_s", m.seconds.front());
    json.attribute("max_s", m.seconds.back());
    json.attribute("flops", orNull(m.work.flops));
    json.attribute("bytes", orNull(m.work.bytes));
    json.attribute("gflops", orNull(m.flopRate(), 1e9));
    json.attribute("gbps", orNull(m.byteRate(), 1e9));
    json.attribute("peak_gflops", m.peak.flops / 1e9);
    json.attribute("peak_gbps", m.peak.bytes / 1e9);
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
  Job job(options, "cpu:native");
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
