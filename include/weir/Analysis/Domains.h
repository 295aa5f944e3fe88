//===- Domains.h - where each tensor of a cascade has a value -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two questions about an expression e, answered by formulas built from the equations as they are written,
// never from a rewritten value:
//
//   P(e)  "e is present"            T(e)  "e is present and true" (a bool)
//
//   number, coordinate, extent, param   P = true
//   T[i..]                              P = P(i..), T's own domain at i.., and 0 <= i < extent where i is no
//                                       coordinate of that rank
//   any strict function                 P = P of every operand
//   a else b                            P = P(a) or P(b)            T = T(a) or (not P(a) and T(b))
//   c ? a : b                           P = (T(c) and P(a)) or (not T(c) and P(b))
//   a where p                           P = P(a) and T(p)
//   isabsent(a)                         P = true                    T = not P(a)
//   not a                               P = true                    T = not T(a)
//   a and b, a or b                     P = T or F, F being "present and false", by the dual table
//   sum prod max min mean argmax argmin P = any(i) P(body), i the reduced coordinates
//   count any all                       P = true
//
// Example: `S[m,n] = sum(d) Q[m,d]*K[n,d] where n <= m` has the domain `{ m, n : n <= m }`, provided that D
// is at least 1; `X[m] = max(n) S[m,n]` has `{ m }`: some n in 0..N-1 is <= m, since n = 0 is.
//
// Formulas are two-valued; simplification knows the ranges of coordinates, uses integer arithmetic without
// wrapping, and proves a claim or leaves it. `any(i)` is eliminated where its bounds have factors of one.
#ifndef WEIR_ANALYSIS_DOMAINS_H
#define WEIR_ANALYSIS_DOMAINS_H
#include "weir/Analysis/CascadeModel.h"
#include "llvm/ADT/SmallVector.h"
#include <map>

namespace weir {

/// Builds formulas in simplified form.
class Formulas {
public:
  explicit Formulas(const CascadeModel &model) : model(model), arena(*model.arena) {}

  const Tree *conj(llvm::ArrayRef<const Tree *> parts);
  const Tree *disj(llvm::ArrayRef<const Tree *> parts);
  const Tree *neg(const Tree *formula);
  /// `op` is eq ne lt le gt ge; of integers it is decided where the ranges of its coordinates decide it.
  const Tree *compare(llvm::StringRef op, const Tree *a, const Tree *b);
  /// Some setting of the coordinates, each within its rank, satisfies the formula.
  const Tree *any(llvm::ArrayRef<llvm::StringRef> coords, const Tree *formula);
  /// The formula with coordinates replaced, simplified again.
  const Tree *substitute(const Tree *formula, const llvm::StringMap<const Tree *> &to);
  /// The formula where every rank has at least one coordinate: `D >= 1` is taken as true.
  const Tree *assumeInhabited(const Tree *formula);
  /// Whether `p >= 0` holds for all coordinates within their ranks and all extents; false where it is not
  /// proved.
  bool provesNonNegative(const Polynomial &p);
  /// The literal as `polynomial >= 0`, if it is a comparison of integers of that kind.
  std::optional<Polynomial> asNonNegative(const Tree *literal);

  /// Coordinates that exist wherever the formulas are asked, so that their ranks are not empty. Returns those that did before.
  std::vector<std::string> setContext(std::vector<std::string> coords);

private:
  struct Range {
    std::optional<Polynomial> low, high;
  };
  const Range &rangeOf(const Tree *atom);
  Range computeRange(const Tree *atom);
  bool isNonNegativeAtom(const Tree *atom);
  bool implies(const Tree *a, const Tree *b);
  const Tree *negLiteral(const Tree *literal);
  bool replaceByBound(Polynomial &p);
  const Tree *nonNegative(const Polynomial &p);
  bool hasWitness(const Tree *any, llvm::ArrayRef<const Tree *> others);
  const Tree *rebuild(const Tree *formula, const llvm::StringMap<const Tree *> *to, bool inhabited);
  const Tree *eliminate(llvm::StringRef coord, const Tree *formula);
  const Tree *eliminateLinear(llvm::StringRef coord, llvm::ArrayRef<const Tree *> parts);

  const CascadeModel &model;
  TreeArena &arena;
  std::vector<std::string> context;
  std::map<const Tree *, Range> ranges; ///< in this context
};

class Domains {
public:
  explicit Domains(const CascadeModel &model) : formulas(model), model(model) {}

  /// The domain of a tensor, a formula over the coordinates of its equation (true for an input).
  const Tree *domainOf(llvm::StringRef tensor);
  const Tree *present(const Tree *expression);                                   ///< P
  const Tree *holds(const Tree *predicate) { return truth(predicate, true); }    ///< T
  const Tree *isFalse(const Tree *predicate) { return truth(predicate, false); } ///< F

  /// `{ m, n : n <= m }`, taking every rank that is reduced to have at least one coordinate.
  std::string text(llvm::StringRef tensor);
  /// The ranks whose extent must be at least 1 for text() to be the domain.
  std::vector<std::string> inhabitedRanks(llvm::StringRef tensor);
  /// Whether the tensor is present at all its coordinates, whatever the inputs and the extents (0 included)
  /// are.
  bool isTotal(llvm::StringRef tensor) { return domainOf(tensor)->isTrue(); }

  struct Count {
    std::optional<int64_t> present, total; ///< coordinates
    std::optional<double> density;         ///< present / total; 1 where total is 0
  };
  /// Counts exactly at the given extents (by rank); a reduced rank without one is taken to have a coordinate.
  /// `present` is missing where the domain reads data or the work would exceed `budget` steps of Points.h.
  Count count(llvm::StringRef tensor, const llvm::StringMap<int64_t> &extents, uint64_t budget = 1u << 27);
  /// The same of a formula over the given coordinates.
  std::optional<int64_t> countPoints(const Tree *formula, llvm::ArrayRef<std::string> coords,
                                     const llvm::StringMap<int64_t> &extents, uint64_t budget = 1u << 27);

  Formulas formulas;

private:
  const Tree *truth(const Tree *predicate, bool value);
  const Tree *presentRead(const Tree *read);
  const Tree *presentSelection(const CascadeModel::Equation &equation);
  void solveRecurrence(const CascadeModel::Equation &equation);
  const Tree *domainOfEquation(const CascadeModel::Equation &equation);
  const Tree *spellOut(const Tree *formula);
  const Tree *opaque(const CascadeModel::Equation &equation);

  const CascadeModel &model;
  llvm::StringMap<const Tree *> domains;
  std::map<std::pair<const Tree *, std::string>, std::optional<int64_t>>
      counted; ///< by formula, and by budget, coordinates and extents as text
  llvm::DenseMap<const Tree *, const Tree *> presence;
  llvm::DenseMap<std::pair<const Tree *, int>, const Tree *> truths;
};

} // namespace weir
#endif
