//===- Explain.cpp - what is known of a cascade, for a user ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Explain.h"
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Analysis/Cost.h"
#include "weir/Analysis/StreamCost.h"
#include "weir/Analysis/StreamSplit.h"
#include "weir/Analysis/Streaming.h"
#include "weir/Analysis/Tiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/thread.h"

using namespace llvm;
using namespace weir;

Expected<StringMap<int64_t>> weir::parseExtents(ArrayRef<std::string> pairs) {
  StringMap<int64_t> extents;
  for (StringRef pair : pairs) {
    auto [name, number] = pair.split('=');
    int64_t value;
    if (name.empty() || number.getAsInteger(10, value) || value < 0)
      return createStringError("expected RANK=NUMBER with a number of at least 0, got '" + pair + "'");
    extents[name] = value;
  }
  return extents;
}

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

static std::optional<int64_t> toLine(StringRef text) {
  int64_t line;
  return text.getAsInteger(10, line) ? std::nullopt : std::optional<int64_t>(line);
}

static void addWaits(const CascadeModel &model, const Traversals::Rank &rank,
                     std::vector<Explanation::Reason> &out) {
  for (const Traversals::Wait &wait : rank.waits) {
    std::string reason = formatv("{0} reads {1} again after all of {2}: traversal {3}, as written",
                                 wait.equation, rank.name, wait.tensor, wait.traversal);
    out.push_back({wait.equation, toLine(model.lineOf(wait.op)), wait.tensor, rank.name, reason, ""});
  }
}

static void addDerivation(const Streaming &streaming, Explanation &out) {
  for (const StreamingReason &r : streaming.whyNot)
    out.whyNotFewer.push_back(
        {r.equation, toLine(r.line), join(r.tensors, ", "), streaming.rank, r.text, r.code});
  for (const Accumulator &a : streaming.accumulators)
    out.state.push_back({streaming.rank, a.name, a.op, a.coords, a.level, toText(a, streaming.coordinate)});
}

static void addTraversals(const CascadeModel &model, const Traversals &traversals, Explanation &out) {
  std::vector<std::string> reduced = getStreamedRanks(model);
  for (const Traversals::Rank &rank : traversals.ranks) {
    Explanation::Count counted{rank.name, rank.count, rank.loop, std::nullopt, std::nullopt};
    addWaits(model, rank, out.waits);
    if (!rank.loop && is_contained(reduced, rank.name)) {
      CascadeModel own(model.function); // a derivation adds to its model
      Streaming streaming = deriveStreaming(own, rank.name);
      counted.derived = streaming.derived;
      counted.lowerBound = streaming.lowerBound;
      addDerivation(streaming, out);
    } else {
      addWaits(model, rank, out.whyNotFewer);
    }
    out.traversals.push_back(counted);
  }
}

static void addMapping(mlir::func::FuncOp cascade, Explanation &out) {
  cascade.walk([&](mlir::Operation *op) {
    mlir::Attribute mapping = op->getAttr("mapping");
    if (!mapping)
      return;
    std::string name, text;
    StringRef products;
    if (auto stream = dyn_cast<attn::StreamOp>(op)) {
      name = "stream " + stream.getRank().str();
      stream.walk([&](mlir::Operation *product) {
        products = mapping::isRoundedToTF32(product)                ? ", products in tf32"
                   : product->hasAttr(mapping::kMatrixUnitAttr) ? ", products on the matrix unit"
                                                                : products;
      });
    } else if (auto own = op->getAttrOfType<mlir::StringAttr>("name"))
      name = own.str();
    else
      return; // what is stored of an output goes with its equation
    raw_string_ostream(text) << mapping << products;
    out.mappings.push_back({name, text});
  });
}

static void addMergings(mlir::func::FuncOp cascade, Explanation &out) {
  if (auto refusals = cascade->getAttrOfType<mlir::DictionaryAttr>(kStreamRefusals))
    for (mlir::NamedAttribute refusal : refusals)
      out.refusals.push_back({refusal.getName().str(), cast<mlir::StringAttr>(refusal.getValue()).str()});
  auto choices = cascade->getAttrOfType<mlir::ArrayAttr>(kStreamChoices);
  if (!choices)
    return;
  auto number = [](mlir::DictionaryAttr choice, StringRef name) {
    return choice.getAs<mlir::IntegerAttr>(name);
  };
  auto seconds = [](mlir::DictionaryAttr choice, StringRef name) {
    return choice.getAs<mlir::FloatAttr>(name).getValueAsDouble();
  };
  for (auto choice : choices.getAsRange<mlir::DictionaryAttr>()) {
    Explanation::Merging merging{choice.getAs<mlir::StringAttr>("rank").str(),
                                 choice.getAs<mlir::BoolAttr>("merged").getValue(),
                                 choice.getAs<mlir::BoolAttr>("forced").getValue(),
                                 seconds(choice, "tiled_s"),
                                 seconds(choice, "as_written_s"),
                                 number(choice, "rows_of_tile").getInt(),
                                 std::nullopt,
                                 {}};
    if (auto rows = number(choice, "rows"))
      merging.rows = rows.getInt();
    for (mlir::NamedAttribute extent : choice.getAs<mlir::DictionaryAttr>("assumed"))
      merging.assumed.push_back(
          {extent.getName().str(), cast<mlir::IntegerAttr>(extent.getValue()).getInt()});
    out.mergings.push_back(std::move(merging));
  }
}

static void addTiles(mlir::func::FuncOp cascade, const ExplainOptions &options, Explanation &out) {
  CascadeModel model(cascade);
  model.known = &options.known;
  Extents classes(cascade);
  Dependence dependence;
  Presences presences(classes);
  cascade.walk([&](attn::StreamOp stream) {
    auto sizes = stream->getAttrOfType<mapping::TilesAttr>("mapping");
    auto plan = sizes ? StreamTiles::of(stream, classes, dependence, presences) : std::nullopt;
    if (!plan)
      return;
    Explanation::Tiles tiles;
    tiles.rank = stream.getRank().str();
    tiles.row = plan->nameOfRow();
    tiles.m = sizes.getM();
    tiles.n = sizes.getN();
    append_range(tiles.steps, plan->stepsOfKeys());
    for (auto &[name, extent] : concat<std::pair<StringRef, mlir::Value>>(plan->rows, plan->keys))
      if (int64_t step = plan->stepOf(name); step > 1)
        tiles.apart += formatv(", {0} {1} apart", name, step);
    if (options.target) {
      int64_t concurrent = getConcurrentBlocks(*options.target);
      StreamSplit split = StreamSplit::of(*plan, sizes, classes, concurrent);
      tiles.parts = split.parts;
      tiles.whyParts = toText(split, sizes, concurrent);
    }
    auto found = TileClasses::of(*plan, sizes, classes, presences, model, options.extents);
    if (found && !found->readsData) { // a kernel knows the data
      uint64_t budget = options.budget;
      if (auto counts = found->count(budget)) {
        tiles.full = counts->full;
        tiles.partial = counts->partial;
        tiles.empty = counts->empty;
        tiles.computed = counts->computed;
        if (plan->keys.size() > 1)
          for (auto &[op, product] : plan->products)
            if (!product.right.empty() && !mlir::ShapedType::isDynamic(product.inner))
              (plan->hasRuns(op, sizes.getM()) ? tiles.inRuns : tiles.gathered) +=
                  double(counts->computed) / double(sizes.getM()) * double(product.inner);
      }
      tiles.inside = found->countInside(budget);
    }
    out.tiles.push_back(std::move(tiles));
  });
}

static TiledWork workOf(const Explanation &e) {
  TiledWork work;
  double visited = 0, inside = 0;
  for (const Explanation::Tiles &t : e.tiles) {
    if (!t.computed || !t.inside || *t.inside == 0)
      return {};
    inside += *t.inside;
    visited += *t.computed;
    work.masked += double(*t.computed) * *t.partial / (*t.full + *t.partial);
    work.gathered += t.gathered;
    work.inRuns += t.inRuns;
  }
  if (inside > 0)
    work.visited = visited / inside;
  return work;
}

static void gather(mlir::func::FuncOp cascade, const ExplainOptions &options, mlir::func::FuncOp streamed,
                   Explanation &out) {
  CascadeModel model(cascade);
  model.known = &options.known;
  Domains domains(model);
  Traversals traversals = countTraversals(model, domains);
  Costs costs = computeCosts(model, domains, traversals, options.extents);
  out.cascade = cascade.getName().str();
  for (const std::string &rank : model.ranks)
    out.ranks.push_back({rank, model.evaluate(model.rankExtents.lookup(rank), options.extents)});
  addTraversals(model, traversals, out);
  for (const CascadeModel::Equation &equation : model.equations) {
    Domains::Count count = domains.count(equation.name, options.extents, options.budget);
    out.domains.push_back({equation.name, domains.text(equation.name), count.present, count.total,
                           count.density, domains.isTotal(equation.name)});
  }
  addMapping(streamed ? streamed : cascade, out);
  addMergings(streamed ? streamed : cascade, out);
  addTiles(streamed ? streamed : cascade, options, out);
  if (options.target && !options.target->isGPU)
    out.predicted =
        predictTime(streamed ? streamed : cascade, costs, workOf(out), *options.target, options.threads);
  if (auto rates = options.target && options.target->isGPU ? ratesOfGPU(options.target->cpu) : std::nullopt) {
    out.gpu = rates->name.str();
    out.predictedOnGPU = predictOnGPU(streamed ? streamed : cascade, costs, workOf(out).visited, *rates);
  }
  out.flops = costs.flops.value;
  out.flopsText = costs.flops.text;
  out.compulsoryBytes = costs.compulsoryBytes.value;
  out.compulsoryText = costs.compulsoryBytes.text;
  out.footprintBytes = costs.footprintBytes.value;
  out.footprintText = costs.footprintBytes.text;
}

Explanation weir::explain(mlir::func::FuncOp cascade, const ExplainOptions &options,
                          mlir::func::FuncOp streamed) {
  Explanation out;
  constexpr unsigned stackBytes = 256u << 20;
  llvm::thread worker(std::optional<unsigned>(stackBytes), [&] { gather(cascade, options, streamed, out); });
  worker.join();
  return out;
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

template <typename T> static json::Value orNull(const std::optional<T> &value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

static json::Value predictionToJson(const PredictedTime &time) {
  return json::Object{
      {"seconds", time.seconds()},        {"limit", time.limit()},       {"at_most", time.atMost},
      {"threads", int64_t(time.threads)}, {"products_s", time.products}, {"elementwise_s", time.elementwise},
      {"as_written_s", time.asWritten},   {"reading_s", time.reading},   {"overhead_s", time.overhead}};
}

static json::Value predictionToJson(const GPUTime &time, StringRef gpu) {
  return json::Object{{"gpu", gpu},
                      {"seconds", time.seconds()},
                      {"limit", time.limit()},
                      {"at_most", time.atMost},
                      {"tensor_s", time.tensor},
                      {"exponentials_s", time.exponentials},
                      {"roundings_s", time.roundings},
                      {"arithmetic_s", time.arithmetic},
                      {"shared_s", time.shared},
                      {"memory_s", time.memory},
                      {"mma", time.mmas}};
}

json::Value weir::toJson(const Explanation &e) {
  json::Object ranks, asWritten, derived, lowerBound;
  for (const Explanation::Rank &rank : e.ranks)
    ranks[rank.name] = orNull(rank.extent);
  json::Array loops, reasons, domains, state;
  for (const Explanation::Count &count : e.traversals) {
    asWritten[count.rank] = int64_t(count.asWritten);
    if (count.loop)
      loops.push_back(count.rank);
    if (count.derived)
      derived[count.rank] = int64_t(*count.derived);
    if (count.lowerBound)
      lowerBound[count.rank] = int64_t(*count.lowerBound);
  }
  for (const Explanation::Reason &r : e.whyNotFewer)
    reasons.push_back(json::Object{{"equation", r.equation},
                                   {"line", orNull(r.line)},
                                   {"tensor", r.tensor},
                                   {"rank", r.rank},
                                   {"code", r.code.empty() ? json::Value(nullptr) : json::Value(r.code)},
                                   {"reason", r.reason}});
  for (const Explanation::State &s : e.state)
    state.push_back(json::Object{{"rank", s.rank},
                                 {"name", s.name},
                                 {"operation", s.operation},
                                 {"coordinates", json::Array(s.coords)},
                                 {"traversal", int64_t(s.traversal)},
                                 {"text", s.text}});
  for (const Explanation::Domain &d : e.domains)
    domains.push_back(json::Object{{"tensor", d.tensor},
                                   {"set", d.set},
                                   {"present", orNull(d.present)},
                                   {"total", orNull(d.total)},
                                   {"density", orNull(d.density)}});
  json::Object mapping;
  for (const Explanation::Mapping &m : e.mappings)
    mapping[m.equation] = m.attribute;
  json::Object merging;
  for (const Explanation::Merging &m : e.mergings) {
    json::Object assumed;
    for (auto &[name, extent] : m.assumed)
      assumed[name] = extent;
    merging[m.rank] =
        json::Object{{"merged", m.merged},           {"forced", m.forced},     {"tiled_s", m.tiled},
                     {"as_written_s", m.asWritten},  {"rows", orNull(m.rows)}, {"rows_of_tile", m.rowsOfTile},
                     {"assumed", std::move(assumed)}};
  }
  // Of all streams together.
  std::optional<int64_t> full, partial, empty;
  json::Array streams;
  for (auto [i, t] : enumerate(e.tiles)) {
    auto addTo = [&, first = i == 0](std::optional<int64_t> &sum, std::optional<int64_t> own) {
      sum = first ? own : sum && own ? std::optional(*sum + *own) : std::nullopt;
    };
    addTo(full, t.full);
    addTo(partial, t.partial);
    addTo(empty, t.empty);
    streams.push_back(json::Object{{"rank", t.rank},
                                   {"row", t.row},
                                   {"m", t.m},
                                   {"n", t.n},
                                   {"steps", json::Array(t.steps)},
                                   {"full", orNull(t.full)},
                                   {"partial", orNull(t.partial)},
                                   {"empty", orNull(t.empty)},
                                   {"scores", orNull(t.inside)},
                                   {"computed", orNull(t.computed)},
                                   {"parts", orNull(t.parts)}});
  }
  json::Object refusals;
  for (auto &[rank, why] : e.refusals)
    refusals[rank] = why;
  return json::Object{{"cascade", e.cascade},
                      {"ranks", std::move(ranks)},
                      {"traversals", json::Object{{"as_written", std::move(asWritten)},
                                                  {"loops", std::move(loops)},
                                                  {"derived", std::move(derived)},
                                                  {"lower_bound", std::move(lowerBound)}}},
                      {"why_not_fewer", std::move(reasons)},
                      {"domains", std::move(domains)},
                      {"state", std::move(state)},
                      {"footprint_bytes", orNull(e.footprintBytes)},
                      {"footprint_formula", e.footprintText},
                      {"flops", orNull(e.flops)},
                      {"flops_formula", e.flopsText},
                      {"bytes", json::Object{{"compulsory", orNull(e.compulsoryBytes)},
                                             {"compulsory_formula", e.compulsoryText},
                                             {"mapping", nullptr}}},
                      {"tiles", json::Object{{"full", orNull(full)},
                                             {"partial", orNull(partial)},
                                             {"empty", orNull(empty)},
                                             {"streams", std::move(streams)}}},
                      {"predicted", e.predicted        ? predictionToJson(*e.predicted)
                                    : e.predictedOnGPU ? predictionToJson(*e.predictedOnGPU, e.gpu)
                                                       : json::Value(nullptr)},
                      {"merging", std::move(merging)},
                      {"not_in_tiles", std::move(refusals)},
                      {"mapping_source", e.mappingSource},
                      {"mapping", std::move(mapping)}};
}

static void printReasons(const std::vector<Explanation::Reason> &reasons, StringRef rank, raw_ostream &os) {
  for (const Explanation::Reason &r : reasons)
    if (r.rank == rank)
      os << "    " << (r.line ? "line " + std::to_string(*r.line) + ": " : "") << r.reason << "\n";
}

/// `merged: predicted 0.0012 s in tiles of 64 rows, 0.0044 s as written, with M = 1024, N = 1024`
static void printMerging(const Explanation::Merging &m, raw_ostream &os) {
  os << "    " << (m.merged ? "merged" : "not merged") << (m.forced ? ", as --map says" : "")
     << ": predicted " << format("%.3g s in tiles of ", m.tiled) << m.rowsOfTile
     << format(" rows, %.3g s as written", m.asWritten);
  for (auto [i, extent] : enumerate(m.assumed))
    os << (i ? ", " : ", with ") << extent.first << " = " << extent.second;
  os << (m.rows || m.forced ? "\n" : "; tiles, since the number of rows is open\n");
}

/// `predicted 0.092 s, 1 thread, limited by products: products 0.084 s, elementwise 0.0084 s, reading 0.0003
/// s`
static void printPrediction(const PredictedTime &time, raw_ostream &os) {
  os << "\npredicted " << (time.atMost ? "at most " : "") << format("%.3g s, ", time.seconds())
     << time.threads << (time.threads == 1 ? " thread" : " threads") << ", limited by " << time.limit()
     << ":";
  const char *separator = " ";
  for (auto [what, seconds] : {std::pair<StringRef, double>("products", time.products),
                               {"elementwise", time.elementwise},
                               {"as written", time.asWritten},
                               {"reading", time.reading},
                               {"overhead", time.overhead}})
    if (seconds > 0) {
      os << separator << what << format(" %.3g s", seconds);
      separator = ", ";
    }
  os << (time.atMost ? "; how much of it, the data decide\n" : "\n");
}

/// `predicted at least 0.00013 s on an A100 ..., limited by shared memory: tensor cores 0.0001 s, ...`
static void printPrediction(const GPUTime &time, StringRef gpu, raw_ostream &os) {
  os << "\npredicted at least " << format("%.3g s on ", time.seconds()) << gpu << ", limited by "
     << time.limit() << ":";
  const char *separator = " ";
  for (auto [what, seconds] : {std::pair<StringRef, double>("tensor cores", time.tensor),
                               {"shared memory", time.shared},
                               {"exponentials", time.exponentials},
                               {"roundings", time.roundings},
                               {"arithmetic", time.arithmetic},
                               {"memory", time.memory}})
    if (seconds > 0) {
      os << separator << what << format(" %.3g s", seconds);
      separator = ", ";
    }
  os << (time.atMost ? "; if data leave nothing out\n" : "\n");
}

void weir::print(const Explanation &e, raw_ostream &os) {
  os << "cascade " << e.cascade << "\n\nextents\n";
  for (const Explanation::Rank &rank : e.ranks)
    os << "  " << rank.name << (rank.extent ? " = " + std::to_string(*rank.extent) : ": open") << "\n";
  os << "\ntraversals, as written\n";
  for (const Explanation::Count &count : e.traversals) {
    os << "  " << count.rank << ": " << count.asWritten << (count.loop ? ", a loop" : "") << "\n";
    printReasons(e.waits, count.rank, os);
  }
  os << "\ntraversals, derived\n";
  for (const Explanation::Count &count : e.traversals) {
    if (!count.derived)
      continue;
    os << "  " << count.rank << ": " << *count.derived;
    if (count.lowerBound)
      os << (*count.lowerBound == *count.derived ? ", the fewest"
                                                 : ", at least " + std::to_string(*count.lowerBound));
    os << "\n";
    for (const Explanation::Merging &m : e.mergings)
      if (m.rank == count.rank)
        printMerging(m, os);
    for (auto &[rank, why] : e.refusals)
      if (rank == count.rank)
        os << "    not in tiles: " << why << "\n";
    printReasons(e.whyNotFewer, count.rank, os);
    for (const Explanation::State &s : e.state)
      if (s.rank == count.rank)
        os << "    " << s.text << "\n";
  }
  os << "\ndomains, where every reduced rank has a coordinate\n";
  for (const Explanation::Domain &d : e.domains) {
    os << "  " << d.tensor << " " << d.set;
    if (d.present && d.total && d.density)
      os << formatv("  {0} of {1} ({2:P})", *d.present, *d.total, *d.density);
    os << "\n";
  }
  if (!e.tiles.empty())
    os << "\ntiles\n";
  for (const Explanation::Tiles &t : e.tiles) {
    os << "  stream " << t.rank << ", " << t.m << " of " << t.row << " by " << t.n << " keys" << t.apart;
    if (t.full)
      os << ": " << *t.full << " full, " << *t.partial << " partial, " << *t.empty << " empty";
    if (t.inside)
      os << "; " << *t.inside << " scores inside the mask";
    if (t.computed)
      os << (t.inside ? ", " : "; ") << *t.computed << " computed";
    os << "\n";
    if (!t.whyParts.empty())
      os << "    " << t.whyParts << "\n";
  }
  auto amount = [&](StringRef what, std::optional<int64_t> value, StringRef text) {
    os << "  " << what << " ";
    if (value)
      os << *value << (text == std::to_string(*value) ? "" : (" = " + text).str()) << "\n";
    else
      os << text << "\n";
  };
  os << "\nwork\n";
  std::string inside = e.flops ? std::to_string(*e.flops) : "";
  os << "  flops " << (e.flops && inside != e.flopsText ? inside + " inside the domains, of " : "")
     << e.flopsText << "\n";
  amount("compulsory bytes", e.compulsoryBytes, e.compulsoryText);
  amount("footprint bytes", e.footprintBytes, e.footprintText);
  if (e.predicted)
    printPrediction(*e.predicted, os);
  if (e.predictedOnGPU)
    printPrediction(*e.predictedOnGPU, e.gpu, os);
  if (!e.mappings.empty())
    os << "\nmapping: " << e.mappingSource << "\n";
  for (const Explanation::Mapping &m : e.mappings)
    os << "  " << m.equation << " " << m.attribute << "\n";
}
