//===- Cost.h - the work that a cascade asks for --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FLOPs: every operation on reals counts one, the step of a reduction too, integer and index arithmetic
// nothing. A subexpression is evaluated once for every setting of the coordinates it mentions, and a factor
// without a summed coordinate leaves the sum, as an optimising reader would have it: in `sum(n)
// P[m,n]/Z[m]*V[n,f]` product and sum cost M*N*F each, the division M*F. Where extents are known and no data
// decides, only settings at which the value is needed count (inside the domains); elsewhere all coordinates
// do.
//
// Compulsory bytes: every input that an output depends on read once, every output written once, as stored.
//
// Footprint: bytes of intermediates that the equations as written keep while the ranks are traversed: a
// tensor counts the extents of the ranks along which something reads it after their traversal went by, and
// one coordinate along the others. Softmax attention in three traversals keeps S and P of one row, 2*N
// numbers; in one traversal nothing that grows with N.
#ifndef WEIR_ANALYSIS_COST_H
#define WEIR_ANALYSIS_COST_H
#include "weir/Analysis/Traversals.h"

namespace weir {

struct Costs {
  /// A quantity at given extents, if they are known, and as text in the extents' names.
  struct Amount {
    std::optional<int64_t> value;
    std::string text;
  };
  static constexpr double kOperationsOfExponential = 8;
  struct EquationCost {
    std::string equation;
    Amount flops;
    /// Where flops.value is known: what of it are products and their sums over a coordinate, and the rest as vector
    /// operations, an exponential as the polynomial that it becomes.
    double multiplyAdds = 0, operations = 0;
    double exponentials = 0; ///< that are among `operations`, each as kOperationsOfExponential of them
    bool insideDomains = false; ///< whether `flops.value` leaves out what the domains leave out
  };
  std::vector<EquationCost> equations;
  Amount flops, compulsoryBytes, footprintBytes;
};

/// `extents` by rank; ranks that the function fixes need not be in it. A domain that takes more than `budget` steps
/// to count costs as if it were full.
Costs computeCosts(const CascadeModel &model, Domains &domains, const Traversals &traversals,
                   const llvm::StringMap<int64_t> &extents, uint64_t budget = 1u << 27);

} // namespace weir
#endif
