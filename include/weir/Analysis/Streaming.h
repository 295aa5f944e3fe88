//===- Streaming.h - the fewest traversals of a rank, derived -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A traversal reads every coordinate of a rank once, in any tiling. Equations that reduce over the rank are
// separated, f(x, r) = sum_j g_j(x) h_j(r), into accumulators (which read keys x only) and a finish (which reads
// completed accumulators only), so that as many of them as the algebra allows share a traversal. Exponentials are
// kept relative to a reference: any value of it is valid, the running maximum is what a kernel uses.
//
// Example: X = max(n) S, Z = sum(n) exp(S-X), O = sum(n) exp(S-X)/Z*V is written with three traversals of N; it
// derives to one, with the state R (any reference of S), A = sum(n) exp(S-R), B = sum(n) V*exp(S-R), and the
// finish O = B/A.
#ifndef WEIR_ANALYSIS_STREAMING_H
#define WEIR_ANALYSIS_STREAMING_H
#include "weir/Analysis/CascadeModel.h"
#include "llvm/ADT/StringSet.h"
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// One component of the state that a traversal carries.
struct Accumulator {
  std::string name;                ///< "$S4"; trees read it as a tensor of that name
  std::string op;                  ///< sum prod max min any all argmax argmin argtopk argsort ref
  std::vector<std::string> coords; ///< kept, in the order of its reads
  std::vector<std::string> inner;  ///< coordinates reduced together with the streamed one
  const Tree *body = nullptr;      ///< what one coordinate contributes
  const Tree *domain = nullptr;    ///< formula: which coordinates take part
  const Tree *exponent = nullptr;  ///< weighted: the contribution is body * exp(lam * (exponent - reference))
  std::string lam = "1";           ///< a positive rational, "3/2"
  std::string reference;           ///< weighted: the accumulator that is its reference
  unsigned level = 1;              ///< the traversal, from 1
  bool exact = true;               ///< false for a reference, of which any value will do
};

/// What a reduction, or an output, is once the accumulators are complete.
struct Finish {
  std::string tensor;
  std::vector<std::string> coords;  ///< of the tensor
  const Tree *value = nullptr;      ///< over accumulators of its level or lower, inputs, coordinates
  const Tree *presence = nullptr;   ///< formula; absent where it does not hold
  unsigned level = 0;               ///< the traversal after which it is known (carried: in which it is produced)
};

/// Why an equation needs one more traversal.
struct StreamingReason {
  std::string code; ///< "carried-output", "clip-after-statistic", ...
  std::string equation, line; ///< no equation: nothing is derived of the rank
  std::vector<std::string> tensors; ///< the statistics that it waits for
  unsigned level;                   ///< the traversal that it forces
  std::string text;                 ///< in the user's terms
};

/// The derivation of one cascade over one rank. Trees live in the model's arena.
struct Streaming {
  std::string rank, coordinate;
  unsigned asWritten = 1, derived = 1;
  /// The traversal of the first accumulators. One after those in which tensors are made of blocks of the rank that the
  /// accumulators read whole, as they read an input.
  unsigned first = 1;
  std::optional<unsigned> lowerBound; ///< proved, or none
  std::vector<std::pair<std::string, unsigned>> levels; ///< of every tensor that depends on the rank
  std::vector<Accumulator> accumulators;                ///< live ones, by level
  std::vector<Finish> parts;                            ///< reductions inside expressions, which trees read by name
  std::vector<Finish> reductions;                       ///< of every reduction over the rank
  std::vector<Finish> wholes;                           ///< of every equation that has one inside its expression
  std::vector<Finish> outputs;                          ///< outputs without the coordinate
  std::vector<Finish> carried;                          ///< outputs that carry it
  std::vector<StreamingReason> whyNot;
  std::vector<std::string> laws;                            ///< of the algebra, that were used
  std::vector<std::pair<std::string, std::string>> assumed; ///< input, fact (from `given`)
};

/// Derives over one rank (its name, "N"). A cascade that never reduces over it has no accumulators.
/// Of tensors in `kept` an element is an input: how they are made is not looked at.
Streaming deriveStreaming(CascadeModel &model, llvm::StringRef rank, const llvm::StringSet<> &kept = {});

/// The ranks worth streaming, in the order in which they are taken: each that a reduction's result feeds back to,
/// and each with a lone reduction.
std::vector<std::string> getStreamedRanks(const CascadeModel &model);

/// `$S4[m] = sum(n | n <= m) 1 weighted by exp((S[m,n] - $R3))`
std::string toText(const Accumulator &accumulator, llvm::StringRef coordinate);
/// `O[m,f] = $S5[f,m]/$S4[m] where ...`
std::string toText(const Finish &finish);

} // namespace weir
#endif
