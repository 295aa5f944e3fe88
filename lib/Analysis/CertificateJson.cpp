//===- CertificateJson.cpp - a derivation as a certificate ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Certificate.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/thread.h"

using namespace llvm;
using namespace weir;

namespace {
/// Writes one certificate. The first tree that cannot be written is the error of all.
class CertificateWriter {
public:
  CertificateWriter(const Streaming &streaming, const CascadeModel &model)
      : streaming(streaming), model(model) {}
  Expected<json::Value> write(const json::Value &cascade);

private:
  const Tree *open(const Tree *t);
  json::Value take(Expected<json::Value> value);
  json::Value tree(const Tree *t) { return take(toJson(open(t))); }
  json::Value rational(StringRef text) { return take(rationalToJson(text)); }
  json::Value accumulator(const Accumulator &a);
  json::Value weight(const Accumulator &a);
  json::Value finish(const Finish &f);
  json::Array accumulators();
  json::Array reductions();
  json::Array reasons();
  json::Array obligations();
  bool isEquation(StringRef tensor) const {
    const CascadeModel::Tensor *found = model.getTensor(tensor);
    return found && found->equation >= 0;
  }

  const Streaming &streaming;
  const CascadeModel &model;
  DenseMap<const Tree *, const Tree *> opened;
  std::string problem;
};
} // namespace

/// Reads of reductions that only the derivation has names for are replaced by the reductions.
const Tree *CertificateWriter::open(const Tree *t) {
  if (t->args.empty())
    return t;
  if (auto known = opened.find(t); known != opened.end())
    return known->second;
  SmallVector<const Tree *> args;
  for (const Tree *arg : t->args)
    args.push_back(open(arg));
  const Tree *result = model.arena->get(t->kind, t->scalar, t->text, args, t->coords);
  auto part = find_if(streaming.parts, [&](const Finish &p) { return p.tensor == t->text; });
  if (t->is(TreeKind::Read) && part != streaming.parts.end()) {
    StringMap<const Tree *> to;
    for (auto [coord, index] : zip(part->coords, args))
      to[coord] = index;
    result = model.arena->substitute(open(part->value), to);
  }
  return opened[t] = result;
}

json::Value CertificateWriter::take(Expected<json::Value> value) {
  if (value)
    return std::move(*value);
  problem = toString(value.takeError());
  return nullptr;
}

static json::Value identityOf(StringRef op) {
  if (op == "argmax" || op == "argmin")
    return json::Array{op == "argmax" ? "-inf" : "+inf", "none"};
  return StringSwitch<json::Value>(op)
      .Case("sum", 0)
      .Case("prod", 1)
      .Cases({"max", "ref"}, "-inf")
      .Case("min", "+inf")
      .Case("any", false)
      .Case("all", true)
      .Default("empty");
}

/// The weight exp(lam*(exponent - reference)), and its correction when the reference moves from rho to rho2.
json::Value CertificateWriter::weight(const Accumulator &a) {
  json::Array difference{"add", json::Array{"param", "rho"},
                         json::Array{"neg", json::Array{"param", "rho2"}}};
  json::Array exponent{"mul", json::Array{"num", rational(a.lam)}, std::move(difference)};
  return json::Object{{"exponent", tree(a.exponent)},
                      {"lam", rational(a.lam)},
                      {"reference", a.reference},
                      {"correction", json::Array{"fn", "exp", json::Array{std::move(exponent)}}},
                      {"guard", "rho absent or -inf -> 0"}};
}

json::Value CertificateWriter::accumulator(const Accumulator &a) {
  json::Object object{{"name", a.name},
                      {"op", a.op},
                      {"coords", json::Array(a.coords)},
                      {"extra", json::Array(a.inner)},
                      {"body", tree(a.body)},
                      {"domain", a.domain ? tree(a.domain) : json::Value(json::Array{"true"})},
                      {"level", int64_t(a.level)},
                      {"identity", identityOf(a.op)},
                      {"exact", a.exact}};
  if (a.exponent)
    object["weight"] = weight(a);
  return object;
}

json::Value CertificateWriter::finish(const Finish &f) {
  if (!f.presence || f.presence->isTrue())
    return tree(f.value);
  return json::Array{"where", tree(f.value), tree(f.presence)};
}

json::Array CertificateWriter::accumulators() {
  json::Array array;
  for (const Accumulator &a : streaming.accumulators)
    array.push_back(accumulator(a));
  return array;
}

json::Array CertificateWriter::reductions() {
  json::Array array;
  for (const Finish &f : concat<const Finish>(streaming.reductions, streaming.wholes))
    if (isEquation(f.tensor))
      array.push_back(
          json::Object{{"equation", f.tensor}, {"level", int64_t(f.level)}, {"finish", finish(f)}});
  return array;
}

json::Array CertificateWriter::reasons() {
  json::Array array;
  for (const StreamingReason &r : streaming.whyNot) {
    int64_t line;
    bool unknown = StringRef(r.line).getAsInteger(10, line);
    array.push_back(json::Object{{"code", r.code},
                                 {"equation", r.equation},
                                 {"line", unknown ? json::Value(nullptr) : json::Value(line)},
                                 {"tensors", json::Array(r.tensors)},
                                 {"traversal", int64_t(r.level)},
                                 {"reason", r.text}});
  }
  return array;
}

json::Array CertificateWriter::obligations() {
  json::Array array;
  for (const Obligation &o : obligationsOf(streaming, model))
    array.push_back(
        json::Object{{"kind", o.kind.str()}, {"of", o.of}, {"law", o.law}, {"by", o.by.str()}});
  return array;
}

Expected<json::Value> CertificateWriter::write(const json::Value &cascade) {
  json::Object levels, outputs, carried;
  for (const auto &[tensor, level] : streaming.levels)
    if (isEquation(tensor))
      levels[tensor] = int64_t(level);
  for (const Finish &f : streaming.outputs)
    outputs[f.tensor] = finish(f);
  for (const Finish &f : streaming.carried) {
    outputs[f.tensor] = finish(f);
    carried[f.tensor] = int64_t(f.level);
  }
  json::Array assumed;
  for (const auto &[input, fact] : streaming.assumed)
    assumed.push_back(json::Object{{"input", input}, {"fact", fact}});
  json::Object traversals{{"as_written", int64_t(streaming.asWritten)},
                          {"derived", int64_t(streaming.derived)},
                          {"lower_bound", nullptr}};
  if (streaming.lowerBound)
    traversals["lower_bound"] = int64_t(*streaming.lowerBound);
  json::Object certificate{{"version", 1},
                           {"cascade", cascade.getAsObject()->getString("name")->str()},
                           {"cascade_digest", digestOf(cascade)},
                           {"rank", streaming.rank},
                           {"coordinate", streaming.coordinate},
                           {"traversals", std::move(traversals)},
                           {"levels", std::move(levels)},
                           {"accumulators", accumulators()},
                           {"reductions", reductions()},
                           {"outputs", std::move(outputs)},
                           {"carried", std::move(carried)},
                           {"assumed", std::move(assumed)},
                           {"laws", json::Array(streaming.laws)},
                           {"why_not", reasons()},
                           {"obligations", obligations()}};
  if (!problem.empty())
    return createStringError(problem);
  return certificate;
}

Expected<json::Value> weir::toJson(const Streaming &streaming, const CascadeModel &model,
                                   const json::Value &cascade) {
  return CertificateWriter(streaming, model).write(cascade);
}

static Expected<json::Value> document(mlir::func::FuncOp function, mlir::func::FuncOp rewritten) {
  CascadeModel model(function);
  Expected<json::Value> before = toJson(model);
  if (!before)
    return before.takeError();
  Expected<json::Value> after = toJson(CascadeModel(rewritten));
  if (!after)
    return after.takeError();
  json::Array certificates;
  for (const std::string &rank : getStreamedRanks(model)) {
    Streaming streaming = deriveStreaming(model, rank);
    if (streaming.accumulators.empty())
      continue; // nothing is claimed of it
    Expected<json::Value> certificate = toJson(streaming, model, *before);
    if (!certificate)
      return certificate.takeError();
    certificates.push_back(std::move(*certificate));
  }
  return json::Object{{"before", std::move(*before)},
                      {"after", std::move(*after)},
                      {"certificates", std::move(certificates)}};
}

Expected<json::Value> weir::certify(mlir::func::FuncOp cascade, mlir::func::FuncOp rewritten) {
  std::optional<Expected<json::Value>> result;
  constexpr unsigned stackBytes = 256u << 20;
  llvm::thread worker(std::optional<unsigned>(stackBytes),
                      [&] { result.emplace(document(cascade, rewritten)); });
  worker.join();
  return std::move(*result);
}
