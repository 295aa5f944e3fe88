//===- Algebra.h - normal forms, signs and presence of values -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value is kept as a sum of monomials  q * exp(E) * prod atom^k : q and k rational, E a sum of monomials
// again, atoms trees that no rule opens. Where a value is present is a formula beside it and never read off
// the value, so `x - x` may become 0. Two forms are equal as values if they are equal as data; the converse
// is not promised.
//
// Example: exp(S - X)*V/Z is the one monomial  exp(S - X) * V^1 * Z^-1.
#ifndef WEIR_LIB_ANALYSIS_ALGEBRA_H
#define WEIR_LIB_ANALYSIS_ALGEBRA_H
#include "weir/Analysis/Domains.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"
#include <functional>
#include <set>

namespace weir {

/// An exact rational. One whose parts left 64 bits is `bad` and stays so.
struct Rational {
  int64_t p = 0, q = 1;
  bool bad = false;

  Rational(int64_t value = 0) : p(value) {}
  static Rational make(__int128 p, __int128 q);
  /// "3", "-3/2", "0.25", "1e-3"; bad for anything else.
  static Rational parse(llvm::StringRef text);
  bool isInteger() const { return !bad && q == 1; }
  bool isZero() const { return !bad && p == 0; }
  bool isOne() const { return !bad && p == 1 && q == 1; }
  std::string text() const;
};
Rational operator+(Rational a, Rational b);
Rational operator*(Rational a, Rational b);
Rational operator/(Rational a, Rational b); ///< bad for a zero divisor
inline Rational operator-(Rational a) { return a * Rational(-1); }
inline bool operator==(Rational a, Rational b) { return !a.bad && !b.bad && a.p == b.p && a.q == b.q; }
inline bool operator<(Rational a, Rational b) { return __int128(a.p) * b.q < __int128(b.p) * a.q; }

struct Monomial;
struct ById {
  bool operator()(const Monomial *a, const Monomial *b) const;
};
using NormalForm = std::map<const Monomial *, Rational, ById>; ///< no zero coefficients

/// Interned by its Algebra: equal monomials are one object.
struct Monomial {
  unsigned id = 0;
  std::vector<std::pair<const Monomial *, Rational>> exponent; ///< by id
  std::vector<std::pair<const Tree *, Rational>> atoms;        ///< by id
  Rational powerOf(const Tree *atom) const;
};

enum class Sign : uint8_t { Unknown, Positive, NonNegative, Negative, NonPositive, Zero };
inline bool isNonNegative(Sign s) { return s == Sign::Positive || s == Sign::NonNegative; }
inline bool isNonPositive(Sign s) { return s == Sign::Negative || s == Sign::NonPositive; }

/// Conjunctions and disjunctions of literals: flattened, sorted, with unit propagation and absorption over
/// equal literals. Integer comparisons are decided by Formulas where ranges decide them.
class Logic {
public:
  Logic(TreeArena &arena, Formulas &formulas) : arena(arena), formulas(formulas) {}
  const Tree *conj(llvm::ArrayRef<const Tree *> parts) { return junction(TreeKind::And, parts); }
  const Tree *disj(llvm::ArrayRef<const Tree *> parts) { return junction(TreeKind::Or, parts); }
  const Tree *neg(const Tree *formula);
  /// The formula with a literal, or with part of a junction, taken as true or false.
  const Tree *put(const Tree *formula, const Tree *literal, bool value);
  const Tree *compare(llvm::StringRef op, const Tree *a, const Tree *b) { return formulas.compare(op, a, b); }
  const Tree *yes() { return arena.boolean(true); }
  const Tree *no() { return arena.boolean(false); }
  /// The conjuncts (disjuncts) of a formula; none for true (false).
  static std::vector<const Tree *> parts(const Tree *formula, TreeKind kind);

private:
  const Tree *junction(TreeKind kind, llvm::ArrayRef<const Tree *> parts);
  TreeArena &arena;
  Formulas &formulas;
};

class Algebra {
public:
  Algebra(TreeArena &arena, Logic &logic);

  // Facts that only the user of the algebra has.
  std::function<Sign(const Tree *read)> signOfRead;
  /// Whether a factor is present wherever a sum that it would leave is asked for.
  std::function<bool(const Tree *factor)> isSafe;

  const Tree *zero, *one;
  bool factored = false;   ///< products and powers of sums are not multiplied out
  bool overflowed = false; ///< a form left its bounds since this was last cleared: nothing may be concluded
  std::set<std::string> laws;

  NormalForm constant(Rational value);
  NormalForm atom(const Tree *tree, Rational power = 1);
  NormalForm single(const Monomial *monomial, Rational c = 1);
  NormalForm exponential(const NormalForm &exponent); ///< exp(exponent), as it is
  NormalForm add(const NormalForm &a, const NormalForm &b);
  NormalForm scale(const NormalForm &a, Rational c);
  NormalForm mul(const NormalForm &a, const NormalForm &b);
  NormalForm monomialPower(const NormalForm &monomial, Rational k); ///< of one monomial
  NormalForm power(const NormalForm &n, Rational k);
  NormalForm exp(const NormalForm &n);
  NormalForm log(const NormalForm &n);
  /// The factor common to all monomials, and the rest.
  std::pair<NormalForm, NormalForm> content(const NormalForm &n);
  const Monomial *intern(std::vector<std::pair<const Monomial *, Rational>> exponent,
                         std::vector<std::pair<const Tree *, Rational>> atoms);
  const Monomial *unit() { return intern({}, {}); }

  NormalForm normalize(const Tree *tree);
  const Tree *toTree(const NormalForm &n);
  const Tree *canon(const Tree *tree); ///< of a value, or of a formula
  void forget() { known.clear(); }     ///< after isSafe, signOfRead or `factored` has changed

  Sign sign(const Tree *tree);
  Sign sign(const NormalForm &n);

  bool isIndicator(const Tree *t) const {
    return t->is(TreeKind::Select) && t->args[1] == one && t->args[2] == zero;
  }
  const Tree *indicator(const Tree *formula);
  const Tree *number(Rational value);
  const Tree *real(llvm::StringRef function, llvm::ArrayRef<const Tree *> args);
  const Tree *reduce(llvm::StringRef op, llvm::ArrayRef<llvm::StringRef> coords, const Tree *body,
                     const Tree *domain);
  const Tree *select(const Tree *condition, const Tree *a, const Tree *b);
  /// The tree with other operands; conjunctions, disjunctions and negations are joined anew.
  const Tree *rebuild(const Tree *tree, llvm::ArrayRef<const Tree *> args);
  const Tree *rename(const Tree *tree, llvm::StringRef from, llvm::StringRef to);

  /// The free coordinates, sorted; the reads, each once; both remembered.
  llvm::ArrayRef<llvm::StringRef> free(const Tree *tree);
  llvm::ArrayRef<const Tree *> reads(const Tree *tree);
  bool hasFree(const Tree *tree, llvm::StringRef coordinate);
  bool contains(const Tree *tree, llvm::function_ref<bool(const Tree *)> what);

  TreeArena &arena;
  Logic &logic;

private:
  NormalForm normalizeFunction(const Tree *tree);
  NormalForm normalizeReduce(const Tree *tree);
  NormalForm fold(const NormalForm &n);
  void put(NormalForm &n, const Monomial *monomial, Rational c);
  const Monomial *multiply(const Monomial *a, const Monomial *b);
  const Tree *monomialTree(const Monomial *monomial, Rational c);
  Sign monomialSign(const Monomial *monomial, Rational c);
  Sign functionSign(const Tree *tree);
  unsigned depth(const Tree *tree);

  using Key = std::pair<std::vector<std::pair<unsigned, std::pair<int64_t, int64_t>>>,
                        std::vector<std::pair<unsigned, std::pair<int64_t, int64_t>>>>;
  std::map<Key, std::unique_ptr<Monomial>> monomials;
  llvm::DenseMap<const Tree *, NormalForm> known;
  llvm::DenseMap<const Tree *, std::vector<llvm::StringRef>> frees;
  llvm::DenseMap<const Tree *, std::vector<const Tree *>> readsOf;
};

/// The body of a Reduce without its domain, and the domain (true where it has none).
std::pair<const Tree *, const Tree *> splitReduce(const Tree *reduce, TreeArena &arena);
/// Whether a tree is written as a sum.
inline bool isSum(const Tree *t) { return t->isFunction("add") || t->isFunction("sub"); }

} // namespace weir
#endif
