//===- Tune.cpp - weirc tune ----------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mappings are tried one setting at a time around the best so far: merged or not, then keys of a tile, rows,
// parts of the keys, and keys once more. The best so far and its challenger run in turns, so that a noisy
// second falls on both.
#include "Commands.h"
#include "Job.h"
#include "Workload.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Pipelines/Compile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>

using namespace weirc;
using llvm::StringRef;

namespace {

constexpr double kGain = 0.98;  ///< a challenger has to be faster than this share of the best's time
constexpr double kHopeless = 2; ///< and is given up after a call of so many times of it
constexpr unsigned kPlanned = 25;
constexpr double kSeconds = 0.3; ///< for both; at least five calls each

double medianOf(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

struct Candidate {
  std::string mapping;
  std::optional<weir::Kernel> kernel;
  std::vector<weir::HostTensor> outputs;
  std::vector<double> seconds;

  double least() const { return *std::min_element(seconds.begin(), seconds.end()); }
  double median() const { return medianOf(seconds); }
};

/// One line of the result: a mapping beside the best one of that time.
struct Trial {
  std::string mapping;
  double least, bestLeast;
};

class Search {
public:
  Search(Job &job, const Workload &work) : job(job), work(work), progress("tune") {}
  /// Leaves the best mapping in `best`.
  llvm::Error run();

  Candidate chosen, best; ///< chosen: without a mapping
  std::vector<Trial> trials;

private:
  llvm::Expected<bool> prepare(Candidate &candidate);
  llvm::Error time(Candidate &candidate);
  llvm::Error compare(Candidate &challenger);
  llvm::Error challenge(std::string mapping);
  llvm::Error vary(StringRef name, llvm::ArrayRef<int64_t> settings);
  std::string withSetting(StringRef name, StringRef setting) const;
  bool isGiven(StringRef name) const {
    return (StringRef("," + job.options.map).contains("," + name.str() + "="));
  }
  bool hasTiles();

  Job &job;
  const Workload &work;
  Progress progress;
  llvm::StringSet<> seen; ///< texts at level tiled: mappings that come to the same are tried once
  unsigned planned = 0;
};

} // namespace

/// Compiles and calls it once, so that threads are started and pages touched. False where the program cannot
/// have the mapping, or has been tried so.
llvm::Expected<bool> Search::prepare(Candidate &candidate) {
  const weir::TargetDescription &target = job.target.versions.front();
  if (!job.program->takeMapping(candidate.mapping, target, false))
    return false;
  auto tiled = job.program->lower(Level::Tiled, target);
  if (!tiled)
    return llvm::createStringError("nothing was compiled");
  std::string text;
  llvm::raw_string_ostream(text) << *tiled;
  if (!seen.insert(text).second)
    return false;
  weir::CompileOptions options;
  options.threads = job.options.threads;
  options.cache = false; // most candidates are never run again
  auto kernels = weir::compileTiled(*tiled, target, options);
  if (!kernels)
    return kernels.takeError();
  candidate.kernel = kernels->back();
  auto outputs = candidate.kernel->makeOutputs(work.inputs, work.params);
  if (!outputs)
    return outputs.takeError();
  candidate.outputs = std::move(*outputs);
  if (llvm::Error error = time(candidate))
    return error;
  candidate.seconds.clear();
  return true;
}

llvm::Error Search::time(Candidate &candidate) {
  weir::CallOptions call;
  call.threads = job.options.threads;
  double before = now();
  if (llvm::Error error = candidate.kernel->call(work.inputs, work.params, candidate.outputs, call))
    return error;
  candidate.seconds.push_back(now() - before);
  return llvm::Error::success();
}

/// Times the best and a challenger in turns.
llvm::Error Search::compare(Candidate &challenger) {
  best.seconds.clear();
  double begin = now();
  while (!isTimedEnough(job.options, challenger.seconds.size(), begin, kSeconds)) {
    if (llvm::Error error = time(best))
      return error;
    if (llvm::Error error = time(challenger))
      return error;
    if (challenger.least() > kHopeless * best.least())
      break;
  }
  return llvm::Error::success();
}

llvm::Error Search::challenge(std::string mapping) {
  progress.update(++planned, std::max(planned, kPlanned));
  Candidate challenger{std::move(mapping), std::nullopt, {}, {}};
  auto isNew = prepare(challenger);
  if (!isNew)
    return isNew.takeError();
  if (!*isNew)
    return llvm::Error::success();
  if (llvm::Error error = compare(challenger))
    return error;
  trials.push_back({challenger.mapping, challenger.least(), best.least()});
  if (challenger.least() < kGain * best.least() && challenger.median() < best.median())
    best = std::move(challenger);
  return llvm::Error::success();
}

/// The best mapping so far with one setting changed.
std::string Search::withSetting(StringRef name, StringRef setting) const {
  llvm::SmallVector<std::string> items;
  for (StringRef item : llvm::split(best.mapping, ','))
    if (StringRef key = item.split('=').first;
        !key.empty() && key != name && (name == "fuse" || key != "fuse"))
      items.push_back(item.str());
  items.push_back((name + "=" + setting).str());
  return llvm::join(items, ",");
}

llvm::Error Search::vary(StringRef name, llvm::ArrayRef<int64_t> settings) {
  if (isGiven(name))
    return llvm::Error::success();
  for (int64_t setting : settings)
    if (llvm::Error error = challenge(withSetting(name, std::to_string(setting))))
      return error;
  return llvm::Error::success();
}

/// Whether the best mapping has a stream in tiles, which is what the other settings are about.
bool Search::hasTiles() {
  const weir::TargetDescription &target = job.target.versions.front();
  bool found = false;
  if (job.program->takeMapping(best.mapping, target, false))
    if (auto streamed = job.program->lower(Level::Streamed, target))
      streamed->walk([&](mlir::Operation *op) {
        found |= bool(op->getAttrOfType<weir::mapping::TilesAttr>("mapping"));
      });
  return found;
}

llvm::Error Search::run() {
  chosen.mapping = job.options.map;
  if (auto isNew = prepare(chosen); !isNew)
    return isNew.takeError();
  best = chosen;
  if (!isGiven("fuse") && !isGiven("m") && !isGiven("n") && !isGiven("split"))
    for (StringRef setting : {"on", "off"})
      if (llvm::Error error = challenge(withSetting("fuse", setting)))
        return error;
  if (hasTiles()) {
    int64_t lanes = job.target.versions.front().vectorBytes / (job.options.dtype == "f64" ? 8 : 4);
    const int64_t keys[] = {32, 64, 128, 256, 512}, parts[] = {1, 2, 4, 8, 16};
    llvm::SmallVector<int64_t> rows = {1, 4};
    for (int64_t vectors : {1, 2, 3, 4, 6, 8})
      rows.push_back(vectors * lanes);
    for (auto &[name, settings] : std::initializer_list<std::pair<StringRef, llvm::ArrayRef<int64_t>>>{
             {"n", keys}, {"m", rows}, {"split", parts}, {"n", keys}})
      if (llvm::Error error = vary(name, settings))
        return error;
  }
  // Of many challengers some win by luck; the last one has to win again.
  std::swap(best, chosen);
  chosen.seconds.clear();
  if (llvm::Error error = compare(chosen))
    return error;
  std::swap(best, chosen);
  if (best.mapping == chosen.mapping || best.least() >= chosen.least() * kGain)
    best = chosen;
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static StringRef orChosen(StringRef mapping) { return mapping.empty() ? "as chosen" : mapping; }

static void printText(const Job &job, const Workload &work, const Search &search, StringRef path) {
  llvm::raw_ostream &os = llvm::outs();
  os << job.program->signature().name << " on " << job.target.name << ", " << job.options.dtype
     << "\nextents:";
  std::map<std::string, int64_t> extents;
  for (const auto &extent : work.extents)
    extents[extent.getKey().str()] = extent.getValue();
  for (const auto &[rank, extent] : extents)
    os << " " << rank << "=" << extent;
  os << "\n";
  for (const Trial &trial : search.trials)
    os << "  " << llvm::left_justify(orChosen(trial.mapping), 32)
       << llvm::format(" %9.4g ms, the best so far %9.4g ms\n", trial.least * 1e3, trial.bestLeast * 1e3);
  os << "best: " << orChosen(search.best.mapping)
     << llvm::format(", %.4g ms; as chosen %.4g ms\n", search.best.least() * 1e3,
                     search.chosen.least() * 1e3);
  os << (path.empty() ? "not remembered\n" : ("remembered in " + path + "\n").str());
}

static void printJSON(const Job &job, const Workload &work, const Search &search, StringRef path) {
  llvm::json::Array trials;
  for (const Trial &trial : search.trials)
    trials.push_back(llvm::json::Object{
        {"mapping", trial.mapping}, {"least_s", trial.least}, {"best_so_far_s", trial.bestLeast}});
  llvm::json::Object extents;
  for (const auto &extent : work.extents)
    extents[extent.getKey()] = extent.getValue();
  llvm::json::Value whole =
      llvm::json::Object{{"cascade", job.program->signature().name},
                         {"target", job.target.name},
                         {"dtype", job.options.dtype},
                         {"extents", std::move(extents)},
                         {"tried", std::move(trials)},
                         {"mapping", mappingToJson(search.best.mapping)},
                         {"best_s", search.best.least()},
                         {"chosen_s", search.chosen.least()},
                         {"remembered", path.empty() ? llvm::json::Value(nullptr) : llvm::json::Value(path)}};
  llvm::outs() << llvm::formatv("{0:2}", whole) << "\n";
}

static llvm::Error tune(Job &job) {
  auto work = drawWorkload(job);
  if (!work)
    return work.takeError();
  std::vector<weir::TunedMapping> entries = job.tunedMappings(work->extents);
  job.specialize(work->extents);
  Search search(job, *work);
  if (llvm::Error error = search.run())
    return error;
  StringRef path;
  if (job.options.cache && !entries.empty()) {
    for (const weir::TunedMapping &entry : entries)
      if (llvm::Error error = entry.store(search.best.mapping))
        return error;
    path = entries.front().getPath();
  }
  (job.options.json ? printJSON : printText)(job, *work, search, path);
  return llvm::Error::success();
}

int weirc::tuneCommand(const Options &options) {
  if (StringRef(options.target) == "interpret")
    return usageError("'tune' times compiled code, not the interpreter");
  Job job(options, "cpu:native");
  if (job.status)
    return *job.status;
  if (job.target.versions.size() != 1)
    return usageError("'tune' finds a mapping for one processor, not for several");
  if (job.program->level != Level::Cascade)
    return refuse("'tune' needs a program at level attn or cascade: what is below has its mapping already");
  if (llvm::Error error = tune(job))
    return refuse(std::move(error));
  return Success;
}
