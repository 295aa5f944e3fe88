//===- Traversals.h - how often a cascade reads a rank, as written --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A traversal of a rank reads each of its coordinates once, in any tiling. For every tensor the analysis
// keeps, per rank,
//
//   streaming(p)   its elements appear while traversal p runs,
//   complete(b)    it is available once b traversals have ended (inputs: 0).
//
// With s the largest p over the operands that an equation reads point by point along the rank, and b the
// largest number over the others,
//
//   over the whole rank             at = max(s, b + 1, 1): streaming(at) if the result carries the rank,
//                                   else complete(at)
//   over some parts of it           complete(b) if b >= s, else streaming(s) or complete(s): it works on
//                                   summaries of blocks
//   not over the rank               complete(max(s, b))
//
// and the count is the largest number given. Softmax attention, along N:
//
//   S[m,n] = sum(d) Q[m,d]*K[n,d]      streaming(1)
//   X[m]   = max(n) S[m,n]             complete(1)
//   P[m,n] = exp(S[m,n] - X[m])        X must be complete: streaming(2), "P waits for X"
//   Z[m]   = sum(n) P[m,n]             complete(2)
//   A[m,n] = P[m,n]/Z[m]               streaming(3), "A waits for Z"
//   O[m,f] = sum(n) A[m,n]*V[n,f]      complete(3): three traversals
//
// Point by point is a read at the coordinate itself, at a constant distance or one bounded by a reduced
// coordinate (a halo), at an earlier step of a recurrence, or under a prefix reduction `sum(l | l <= t)`; a
// gather or a fixed coordinate needs the whole tensor. A reduction inside an expression is an equation of its
// own. The numbering is that of FuseMax (Nayak et al., MICRO 2024), where a traversal is called a pass.
#ifndef WEIR_ANALYSIS_TRAVERSALS_H
#define WEIR_ANALYSIS_TRAVERSALS_H
#include "weir/Analysis/Domains.h"

namespace weir {

struct Traversals {
  /// Equation `equation` reads the rank again because it needs all of `tensor`.
  struct Wait {
    std::string equation, tensor;
    mlir::Operation *op; ///< the equation
    unsigned traversal;  ///< the one that it starts or joins; `tensor` is complete after the one before
  };
  struct Rank {
    std::string name;               ///< "N", or "N1*N0" for ranks that are only parts of one
    std::vector<std::string> parts; ///< outermost first; empty for a rank that nobody partitions
    unsigned count = 0;             ///< traversals as written
    bool loop = false;              ///< a recurrence goes along it
    llvm::StringMap<std::pair<bool, unsigned>> tensors; ///< by equation: (streaming, number)
    std::vector<Wait> waits;
    std::vector<std::string>
        kept; ///< tensors that carry the rank and that an equation reads after their traversal has gone by
  };
  std::vector<Rank> ranks; ///< every rank that an equation iterates, in order of appearance

  const Rank *find(llvm::StringRef name) const;
};

/// Counts the traversals of every rank, or of rank `only`, as the cascade is written.
Traversals countTraversals(const CascadeModel &model, Domains &domains, llvm::StringRef only = "");

} // namespace weir
#endif
