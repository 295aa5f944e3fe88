//===- RandomWeights.cpp - weights and outputs of random attention --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lib/Reference/RandomAttention.h"
#include "lib/Reference/RandomGenerator.h"

using namespace weir::random_cascade;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Of a score less its maximum: in base e or 2, at a temperature.
TermPtr AttentionGenerator::exponential(TermPtr exponent) {
  switch (random.integer(0, 11)) {
  case 0:
    return call("exp2", mul(std::move(exponent), realAtom("1.4426950408889634")));
  case 1:
    return call("exp", mul(realAtom("0.5"), std::move(exponent)));
  case 2:
    program.params.push_back("tau" + std::to_string(program.params.size()) + ": f32 = 1.25");
    return call("exp", div(std::move(exponent), realAtom("tau" + std::to_string(program.params.size() - 1))));
  case 3:
    return call("exp2", std::move(exponent));
  default:
    return call("exp", std::move(exponent));
  }
}

/// max(n) S, the exponentials, their sum; with a sink logit in the row, or with one added.
AttentionGenerator::Weights AttentionGenerator::explicitSoftmax(const std::string &suffix, Shared score) {
  Weights w;
  w.score = score;
  double named = chance(0.7) ? 0.995 : 0; // statistics are mostly shared where weights are
  bool stable = chance(0.8), sink = chance(0.12), one = !sink && chance(0.08);
  TermPtr exponent = score("n");
  Ranks sinkRanks = lead.empty() ? Ranks{} : Ranks{lead.back()};
  if (sink)
    input("SINK", Kind::Real, sinkRanks);
  if (stable) {
    Shared largest = share("Y" + suffix, rows(), overKeys(Kind::Real, "max", score), named);
    if (sink)
      largest =
          share("X" + suffix, rows(),
                call("max", binary(Kind::Real, "else", largest("n"), read("SINK")), read("SINK")), named);
    w.maximum = largest;
    exponent = sub(std::move(exponent), largest("n"));
  }
  TermPtr numerator = sink || one ? call("exp", std::move(exponent)) : exponential(std::move(exponent));
  if (chance(0.06)) {
    input("KW", Kind::Real, {"N"});
    numerator = mul(std::move(numerator), call("sigmoid", read("KW")));
  }
  w.numerator = share("P" + suffix, rows({"N"}), std::move(numerator), named > 0 ? 1 : 0);
  TermPtr total = overKeys(Kind::Real, "sum", w.numerator);
  if (sink || one) {
    TermPtr shift = w.maximum ? w.maximum("n") : nullptr;
    TermPtr extra = sink ? read("SINK") : realAtom("0.0");
    extra = call("exp", shift ? sub(std::move(extra), std::move(shift)) : std::move(extra));
    total = add(std::move(extra), binary(Kind::Real, "else", std::move(total), realAtom("0.0")));
  }
  w.normaliser = share("Z" + suffix, rows(), std::move(total), 0.8);
  return w;
}

AttentionGenerator::Weights AttentionGenerator::softmax(const std::string &suffix, Shared score) {
  Weights w;
  w.score = score;
  double kind = random.uniform();
  if (kind < 0.55)
    return explicitSoftmax(suffix, score);
  if (kind < 0.8) {
    w.numerator = share("A" + suffix, rows({"N"}), overKeys(Kind::Real, "softmax", score), 0.6);
    return w;
  }
  Shared total;
  if (kind < 0.9) {
    total = share("LSE" + suffix, rows(), overKeys(Kind::Real, "logsumexp", score), 0.8);
  } else {
    w.maximum = share("X" + suffix, rows(), overKeys(Kind::Real, "max", score), 0.8);
    Shared exponentials = [&](const std::string &key) {
      return call("exp", sub(score(key), w.maximum(key)));
    };
    TermPtr sum = overKeys(Kind::Real, "sum", exponentials);
    total = share("LSE" + suffix, rows(), add(w.maximum("n"), call("log", std::move(sum))), 0.8);
  }
  w.numerator = share("A" + suffix, rows({"N"}), call("exp", sub(score("n"), total("n"))), 0.7);
  return w;
}

/// Weights that need no statistic of the row.
AttentionGenerator::Weights AttentionGenerator::elementwise(const std::string &suffix, Shared score) {
  Weights w;
  w.score = score;
  TermPtr value = score("n");
  std::string fn = pick({"sigmoid", "sigmoid", "relu", "relu", "softplus", "tanh", "silu", "gelu", ""});
  if (!fn.empty())
    value = call(fn, std::move(value));
  if (fn == "relu" && chance(0.5))
    value = binary(Kind::Real, "^", std::move(value), integer("2"));
  w.numerator = share("P" + suffix, rows({"N"}), std::move(value), 0.7);
  switch (random.integer(0, 5)) {
  case 0:
    w.normaliser = share("Z" + suffix, rows(),
                         add(call("abs", overKeys(Kind::Real, "sum", w.numerator)), realAtom("0.25")), 0.7);
    break;
  case 1:
    w.normaliser = share("C" + suffix, rows(), overKeys(Kind::Integer, "count", w.score), 0.7);
    break;
  case 2: {
    std::shared_ptr<Term> seen(add(integer("m"), realAtom("1.0")).release());
    w.normaliser = [seen](const std::string &) { return seen->clone(); };
    break;
  }
  default:
    break;
  }
  return w;
}

AttentionGenerator::Weights AttentionGenerator::weights(const std::string &suffix, int depth) {
  if (depth > 0 && chance(0.05)) { // the difference of two
    Weights first = weights("", 0), second = weights("2", 0), w;
    w.score = first.score;
    w.maximum = first.maximum;
    w.numerator =
        share("DIFF", rows({"N"}), sub(weight(first, "n"), mul(realAtom("0.25"), weight(second, "n"))), 0.5);
    return w;
  }
  Shared scores = score(suffix);
  return chance(0.72) ? softmax(suffix, scores) : elementwise(suffix, scores);
}

TermPtr AttentionGenerator::weight(const Weights &w, const std::string &key) {
  return w.normaliser ? div(w.numerator(key), w.normaliser(key)) : w.numerator(key);
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

/// Weighted values: divided one by one, or their sum divided; then perhaps gated, capped or filled.
void AttentionGenerator::valueOutput(const std::string &name, const std::string &values,
                                     const std::string &rank, const Weights &w) {
  input(values, Kind::Real, keys({rank}), factorType());
  Shared value = [&](const std::string &key) {
    TermPtr v = read(values, key);
    if (chance(0.04)) {
      input("SCALE" + rank, Kind::Real, {rank});
      v = mul(std::move(v), read("SCALE" + rank));
    }
    return v;
  };
  double form = random.uniform();
  Shared body = [&](const std::string &key) {
    TermPtr v = value(key), a = form < 0.55 || !w.normaliser ? weight(w, key) : w.numerator(key);
    if (form > 0.9 && w.normaliser) // what divides stands at the value
      v = div(std::move(v), w.normaliser(key));
    return form > 0.3 && form < 0.4 ? mul(std::move(v), std::move(a)) : mul(std::move(a), std::move(v));
  };
  TermPtr result = overKeys(Kind::Real, "sum", body);
  if (form >= 0.55 && form <= 0.9 && w.normaliser)
    result = div(std::move(result), w.normaliser("n"));
  if (chance(0.08)) {
    input("GATE" + rank, Kind::Real, rows({rank}), realType(0.3));
    result = mul(call("sigmoid", read("GATE" + rank)), std::move(result));
  }
  if (chance(0.08))
    result = binary(Kind::Real, "else", std::move(result), realAtom(pick({"0.0", "(-1.0)", "2.0"})));
  output(name, Kind::Real, rows({rank}), std::move(result), realType(0.25));
}

void AttentionGenerator::statistics(const Weights &w) {
  Shared a = [&](const std::string &key) { return weight(w, key); };
  auto filled = [&](TermPtr value) {
    return chance(0.3)
               ? binary(Kind::Real, "else", std::move(value), realAtom(pick({"0.0", "(-inf)", "1.0"})))
               : std::move(value);
  };
  if (chance(0.15))
    output("MAX", Kind::Real, rows(),
           filled(w.maximum ? w.maximum("n") : overKeys(Kind::Real, "max", w.score)));
  if (chance(0.12) && w.normaliser && w.normaliser("n")->kind == Kind::Real)
    output("SUM", Kind::Real, rows(), filled(w.normaliser("n")));
  if (chance(0.15)) {
    bool whole = !w.maximum || !w.normaliser || chance(0.4);
    output("L1", Kind::Real, rows(),
           filled(whole ? overKeys(Kind::Real, "logsumexp", w.score)
                        : add(w.maximum("n"), call("log", w.normaliser("n")))));
  }
  if (chance(0.1)) {
    Shared entropy = [&](const std::string &key) {
      return mul(a(key),
                 chance(0.5) ? call("log", add(call("abs", a(key)), realAtom("0.125"))) : w.score(key));
    };
    output("ENT", Kind::Real, rows(), filled(overKeys(Kind::Real, "sum", entropy)));
  }
  if (chance(0.07)) {
    Shared square = [&](const std::string &key) { return binary(Kind::Real, "^", a(key), integer("2")); };
    output("SQ", Kind::Real, rows(), filled(overKeys(Kind::Real, "sum", square)));
  }
  if (chance(0.03))
    output("MEAN", Kind::Real, rows(), filled(overKeys(Kind::Real, "mean", w.score)));
  if (chance(0.08))
    output("MIN", Kind::Real, rows(), filled(overKeys(Kind::Real, "min", w.score)));
}

void AttentionGenerator::rareOutputs(const Weights &w) {
  Shared a = [&](const std::string &key) { return weight(w, key); };
  if (chance(0.04))
    output("ARG", Kind::Integer, rows(), overKeys(Kind::Integer, pick({"argmax", "argmin"}), w.score),
           pick({"i64", "i32"}));
  if (chance(0.02))
    output("ARGP", Kind::Integer, rows(), overKeys(Kind::Integer, "argmax", a), "i64");
  if (chance(0.03))
    output("CNT", Kind::Integer, rows(), overKeys(Kind::Integer, "count", w.score), pick({"i64", "i32"}));
  if (chance(0.03)) {
    Shared positive = [&](const std::string &key) { return compare(">", w.score(key), realAtom("0.5")); };
    output("SOME", Kind::Bool, rows(), overKeys(Kind::Bool, pick({"any", "all"}), positive), "bool");
  }
  Ranks pairs = rows({"N"}), columns = lead;
  columns.push_back("N");
  if (chance(0.03))
    output("COL", Kind::Real, columns, reduce(Kind::Real, "sum", {"m"}, nullptr, a("n")));
  if (chance(0.03))
    output("ALL", Kind::Real, pairs, a("n"));
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

void AttentionGenerator::run() {
  makeRanks();
  if (keyLead.empty() && chance(0.06)) {
    gathered = true;
    input("TABLE", Kind::Integer, {"N"}, "i32");
  }
  double where = random.uniform();
  placement = where < 0.2    ? Placement::None
              : where < 0.75 ? Placement::Domain
              : where < 0.86 ? Placement::Predicate
              : where < 0.95 ? Placement::Infinity
                             : Placement::Finite;
  if (placement != Placement::None)
    masked = mask();
  Weights w = weights("", 1);
  if (chance(0.93))
    valueOutput("O", "V", "F", w);
  if (chance(0.2))
    valueOutput("O2", "W", "E", w);
  statistics(w);
  rareOutputs(w);
  bool none = true;
  for (const Tensor &tensor : program.tensors)
    none &= !tensor.output;
  if (none)
    valueOutput("O", "V", "F", w);
  for (size_t i = program.equations.size(); i-- > 1;) // their order means nothing
    if (chance(0.3))
      std::swap(program.equations[i], program.equations[random.integer(0, i)]);
  program.prune();
}

std::unique_ptr<Program> weir::random_cascade::generateAttention(uint64_t seed, const std::string &factors) {
  auto program = std::make_unique<Program>();
  AttentionGenerator(seed, factors, *program).run();
  return program;
}
