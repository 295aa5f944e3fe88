//===- RandomAttention.h - makes random attention variants ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Programs of one family, so that most of them merge into one traversal of the keys and run in tiles. Every
// choice is drawn; what is called shared is an equation of its own in some programs and written out wherever
// it is read in others, and equations stand in a random order.
//
//   program  = [leading ranks: none | B | H | B,H | H with key heads G > 0], D > 0, F, E constant or open
//   scores   = product of Q and K [scaled inside or outside] [+ bias | ALiBi | distance]* [softcap], masked
//   product  = sum(d) Q*K, of inputs, of projected ones, of gathered keys, sometimes two products or a
//   distance mask     = affine (causal, window, prefix, blocks, residues, slices) | of data (lengths, keep,
//   documents,
//              a matrix, blocks) | and, or of two; as a domain, as a predicate of every reduction, or as -inf or -1e9
//   weights  = softmax by name | by max, exp and sum | by logsumexp | without a maximum | with a sink logit |
//              with one added | of a temperature or of base 2 | sigmoid, relu, relu^2, softplus, ... with any
//              normaliser | difference of two; times a factor of the keys
//   outputs  = some of: weighted sums of V[N,F] and W[N,E], log-sum-exp, entropy, maximum, minimum, sum,
//   count,
//              argmax, argmin, second moment, mean score, sums over queries, the weights themselves
#ifndef WEIR_LIB_REFERENCE_RANDOMATTENTION_H
#define WEIR_LIB_REFERENCE_RANDOMATTENTION_H
#include "lib/Reference/Random.h"
#include "lib/Reference/RandomProgram.h"
#include "llvm/ADT/ArrayRef.h"
#include <functional>

namespace weir::random_cascade {

class AttentionGenerator {
public:
  AttentionGenerator(uint64_t seed, std::string factors, Program &program)
      : random(seed), program(program), factors(std::move(factors)) {}
  void run();

private:
  using Ranks = std::vector<std::string>;
  /// What may be read several times, as a tensor or written out: at the key coordinate of this name.
  using Shared = std::function<TermPtr(const std::string &key)>;
  /// Weights of the keys: numerator over normaliser, which may be missing, and what they are made of.
  struct Weights {
    Shared numerator, normaliser, score, maximum;
  };
  enum class Placement { None, Domain, Predicate, Infinity, Finite };

  // Declarations
  void makeRanks();
  void declareSecondKey(); ///< L, over the same extent
  void makeConstantRank(const std::string &rank, double constant);
  std::string realType(double typed);
  std::string factorType(); ///< of queries, keys, and values
  void input(const std::string &name, Kind kind, Ranks ranks, const std::string &type = "");
  std::string define(const std::string &name, Kind kind, const Ranks &ranks, TermPtr value,
                     TermPtr domain = nullptr);
  void output(const std::string &name, Kind kind, const Ranks &ranks, TermPtr value,
              const std::string &type = "");
  Ranks rows(Ranks more = {}) const; ///< the leading ranks, M, and more
  Ranks keys(Ranks more) const;      ///< leading ranks of keys, N, and more

  // Scores
  TermPtr product(const std::string &suffix);
  TermPtr scaled(TermPtr value);
  TermPtr added(TermPtr value, const std::string &suffix);
  Shared score(const std::string &suffix);
  TermPtr mask();
  TermPtr affineMask();
  TermPtr dataMask();

  // Weights
  Weights weights(const std::string &suffix, int depth);
  Weights softmax(const std::string &suffix, Shared score);
  Weights explicitSoftmax(const std::string &suffix, Shared score);
  Weights elementwise(const std::string &suffix, Shared score);
  TermPtr exponential(TermPtr exponent);

  // Outputs
  void valueOutput(const std::string &name, const std::string &values, const std::string &rank,
                   const Weights &w);
  void statistics(const Weights &w);
  void rareOutputs(const Weights &w);
  TermPtr weight(const Weights &w, const std::string &key);

  // Terms
  TermPtr read(const std::string &name, const std::string &key = "n");
  TermPtr overKeys(Kind kind, const std::string &op, Shared body);
  Shared share(const std::string &name, const Ranks &ranks, TermPtr value, double defined,
               TermPtr domain = nullptr);
  TermPtr integer(const std::string &text) { return atom(Kind::Integer, text); }
  TermPtr realAtom(const std::string &text) { return atom(Kind::Real, text); }
  TermPtr mul(TermPtr a, TermPtr b) { return binary(Kind::Real, "*", std::move(a), std::move(b)); }
  TermPtr add(TermPtr a, TermPtr b) { return binary(Kind::Real, "+", std::move(a), std::move(b)); }
  TermPtr sub(TermPtr a, TermPtr b) { return binary(Kind::Real, "-", std::move(a), std::move(b)); }
  TermPtr div(TermPtr a, TermPtr b) { return binary(Kind::Real, "/", std::move(a), std::move(b)); }
  TermPtr call(const std::string &fn, TermPtr a, TermPtr b = nullptr);
  TermPtr compare(const std::string &op, TermPtr a, TermPtr b);
  std::string number(int64_t low, int64_t high) { return std::to_string(random.integer(low, high)); }
  bool chance(double p) { return random.chance(p); }
  std::string pick(llvm::ArrayRef<std::string> from) { return random.pick(from); }

  weir::reference::Random random;
  Program &program;
  Ranks lead, keyLead; ///< leading ranks of queries and of keys
  bool wide = false;   ///< the kernel is of f64
  std::string factors; ///< the type of queries, keys and values, with features in numbers that matrix units take; empty: any
  bool gathered = false;
  Placement placement = Placement::None;
  TermPtr masked; ///< the mask, if any
};

} // namespace weir::random_cascade
#endif
