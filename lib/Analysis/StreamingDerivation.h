//===- StreamingDerivation.h - how deriveStreaming() works ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Equations are visited in dependence order. A reduction over the rank is tried in the first traversal in
// which what it reads can be had, with the statistics of that traversal unknown; where its value does not
// separate into a part of the keys and a part of the unknowns, the refusal is recorded and the reduction goes
// one traversal later, where everything is known.
#ifndef WEIR_LIB_ANALYSIS_STREAMINGDERIVATION_H
#define WEIR_LIB_ANALYSIS_STREAMINGDERIVATION_H
#include "Algebra.h"
#include "weir/Analysis/Streaming.h"

namespace weir {

class Derivation {
public:
  Derivation(CascadeModel &model, llvm::StringRef rank, const llvm::StringSet<> &kept);
  Streaming run();

private:
  using Name = llvm::StringRef; // of the arena or the model: it outlives the derivation
  using Names = std::vector<Name>;
  using Trees = std::vector<const Tree *>;

  /// One reduction, or a map, a line of the cascade after reductions inside expressions have been named.
  struct Line {
    std::string name, source; ///< `source`: the equation that it stems from
    Names coords;
    const Tree *expr, *where;
    mlir::Operation *op = nullptr;
    bool recurrent = false;
    bool reduces() const { return expr->is(TreeKind::Reduce) || expr->is(TreeKind::Selection); }
  };
  struct Acc {
    Accumulator result;
    Names coords, extra;
    const Tree *body, *dom, *exponent = nullptr;
    Rational lam = 1;
    Sign sign = Sign::Unknown;
    const Tree *read;
    size_t made = 0; ///< how many were made before
  };
  /// A summand g(key) * h(statistics) over a part of the domain.
  struct Term {
    Names kept, extra; ///< inner coordinates that index the accumulator; that are reduced with the key
    Trees part;
    NormalForm g, h;
  };
  struct Refusal {
    std::string code, text;
  };

  // Lines (StreamingLines.cpp)
  void flatten();
  const Tree *lift(const Tree *tree, const Line &line, bool top);
  const Line *lineOf(Name tensor) const;
  std::string resolve(std::string declared) const;
  bool isEntangled(const CascadeModel::Equation &equation);
  bool carries(Name tensor) const;
  bool isStatistic(Name tensor) const;
  /// Whether reads of the line stay as they are: an element of it is no expression.
  static bool isCut(const Line &line) { return line.recurrent || line.expr->is(TreeKind::Selection); }
  bool stops(Name tensor);
  bool touches(Name tensor, llvm::StringSet<> &seen);
  bool isWeighty(Name tensor);
  bool isWeighty(Name tensor, llvm::StringSet<> &seen);
  unsigned levelOf(const Tree *tree) const;
  std::vector<std::string> statisticsOf(const Tree *tree, unsigned least) const;
  void giveUp(llvm::StringRef code, mlir::Operation *op, const llvm::Twine &text);
  void visit(const Line &line);
  void visitMap(const Line &line, bool carried);
  void visitReduction(const Line &line, Name over);
  void settle(const Line &line, const Tree *body, const Tree *dom, const Tree *where, const Names &inner);
  Sign signOfRead(const Tree *read);

  // Tensors made of blocks of the rank (StreamingBlocks.cpp)
  bool goesOverBlocks(const Line &line);
  unsigned traversalsFor(Name tensor);
  unsigned traversalsFor(const Trees &trees);
  void numberTraversals();
  /// Of a level; later ones than any that is live follow one by one.
  unsigned numberOf(unsigned level) const {
    unsigned last = traversals.size() - 1;
    return level <= last ? traversals[level] : traversals[last] + level - last;
  }
  void explainBlocks(const Trees &reads, unsigned before);

  // Values and presence as the equations say (StreamingPresence.cpp)
  const Tree *value(const Tree *e);
  const Tree *valueOfReduce(const Tree *e);
  const Tree *present(const Tree *e);
  const Tree *computePresent(const Tree *e);
  const Tree *presentRead(const Tree *e);
  const Tree *truth(const Tree *e, bool v);
  const Tree *instance(const Line &line, const Tree *tree, llvm::ArrayRef<const Tree *> indices);
  const Tree *exists(const Names &coords, const Tree *formula);

  // Domains (StreamingDomains.cpp)
  const Tree *flag(const Tree *domain);
  Acc *flagOf(const Tree *literal);
  const Tree *implied(const Tree *formula, const Trees &context);
  std::vector<Trees> contexts(const Tree *formula);
  const Tree *under(const Tree *e, const std::vector<Trees> &context, bool deep = true);
  std::vector<std::pair<const Tree *, const Tree *>> cases(const Tree *formula, llvm::StringRef code);
  const Tree *mapLiterals(const Tree *formula, llvm::function_ref<const Tree *(const Tree *)> map);
  bool isSubset(const Trees &small, const Trees &large) const;

  // Reductions (StreamingReduce.cpp)
  std::pair<const Tree *, const Tree *> reduction(const Line &line, llvm::StringRef op, const Names &inner,
                                                  const Tree *body, const Tree *dom, const Tree *where);
  const Tree *reduce(const Line &line, llvm::StringRef op, const Names &inner, const Tree *body,
                     const Tree *dom, const Tree *innerDomain);
  const Tree *product(const Tree *body, const Tree *dom);
  const Tree *peelKey(const NormalForm &n, llvm::StringRef op, const Tree *dom);
  const Tree *peelWeighted(const NormalForm &n, llvm::StringRef op, const Tree *dom);
  const Tree *peel(const NormalForm &n, llvm::StringRef op, const Tree *dom);
  const Tree *strict(const NormalForm &n);
  const Tree *order(const Tree *tree);
  const Tree *quantifier(const Tree *body, llvm::StringRef op, const Tree *dom);
  Acc &accumulator(llvm::StringRef op, const Tree *body, const Tree *dom, const Names &extra = {},
                   const Tree *exponent = nullptr, Rational lam = 1, llvm::StringRef reference = "",
                   const Names &slots = {});
  const Tree *finishOf(Name tensor, llvm::ArrayRef<const Tree *> indices);

  // Separation (StreamingSeparate.cpp)
  const Tree *sum(const Tree *body, const Names &inner, const Tree *dom, const Tree *innerDomain);
  std::vector<Term> merged(std::vector<Term> terms);
  const Tree *accumulate(Term term, const Tree *dom, bool partial);
  std::optional<std::pair<NormalForm, NormalForm>> bounded(const NormalForm &exponent, const Tree *dom);
  bool isPlainExp(const Tree *exponent, const Tree *dom);
  std::vector<Term> separate(const NormalForm &n);
  std::vector<Term> separateMonomial(const Monomial *m, Rational c);
  std::vector<Term> separateMixed(const Tree *a, Rational k);
  std::vector<Term> separateSelect(const Tree *a, Rational k);
  std::vector<Term> separateSum(const Tree *a, bool mixed);
  std::vector<Term> separateFunction(const Tree *a, Rational k);
  std::vector<Term> cross(const std::vector<Term> &a, const std::vector<Term> &b);
  std::optional<std::pair<NormalForm, NormalForm>> separateOnce(const NormalForm &n);
  void splitByClass(const NormalForm &n, NormalForm &key, NormalForm &statistic, NormalForm &mixed);
  bool hasExponential(const Tree *a);
  Name fresh(Name coord);
  enum class Class { Constant, Key, Statistic, Mixed };
  Class classify(const Tree *t);
  bool readsKey(const Tree *t) { return alg.hasFree(t, n); }
  bool readsUnknown(const Tree *t);
  std::string unknownNames(const Tree *t);
  std::nullopt_t refuse(llvm::StringRef code, const llvm::Twine &text);
  bool failed() { return refusal || alg.overflowed; }

  // Finishes (StreamingFinish.cpp)
  const Tree *close(const Tree *e, const std::set<std::string> &open = {});
  std::set<std::string> accumulatorsOf(llvm::ArrayRef<const Tree *> roots, Trees *asked = nullptr);
  const Tree *finished(Name tensor);
  const Tree *tidy(const Tree *t, const Tree *presence);
  const Tree *attempt(const Tree *t, bool factored);
  NormalForm cancel(NormalForm n);
  const Tree *largestFinite(bool negative);
  std::optional<std::pair<const Tree *, const Tree *>> alignSum(const Tree *t);
  NormalForm collect(const NormalForm &form);
  const Tree *align(const Tree *t);
  bool cancelOnce(NormalForm &n, const Tree *sum);
  const Tree *closeFormula(const Tree *p);
  void finish(Streaming &out);
  void findLive(llvm::ArrayRef<Finish> roots, const Trees &others);
  const Tree *settleFlags(const Tree *e, const std::set<std::string> &scope);
  bool isThereInDomain(const Acc &acc);
  const Acc *standIn(const Acc &a, const std::set<std::string> &scope);
  const Tree *projectedDomain(const Acc &acc);
  const Tree *withoutWitnessed(const Acc &acc);
  const Tree *guard(const Tree *t); // StreamingGuards.cpp
  const Tree *guardProduct(const Tree *t);
  std::set<std::string> reachable();
  void report(Streaming &out);

  CascadeModel &model;
  TreeArena &arena;
  Formulas formulas;
  Logic logic;
  Algebra alg;
  std::string rank;
  Name n;
  const llvm::StringSet<> &kept; ///< read as inputs are
  std::optional<StreamingReason> gaveUp; ///< nothing is claimed
  std::vector<std::string> blocks;    ///< the ranks that the rank's blocks are written with, outermost first
  std::vector<unsigned> traversals;   ///< by level: the traversal in which its accumulators run
  llvm::StringMap<unsigned> complete; ///< after how many traversals a tensor without the rank is there

  std::vector<std::unique_ptr<Line>> lines;
  llvm::StringMap<const Line *> definitions;
  llvm::StringMap<unsigned> levels, carriedLevels;
  llvm::StringMap<const Tree *> finishes, presences, finishedValues;
  llvm::StringMap<Sign> signs;
  llvm::DenseMap<const Tree *, const Tree *> values, presents, guards;
  llvm::DenseMap<std::pair<const Tree *, int>, const Tree *> truths;
  std::vector<std::unique_ptr<Acc>> accs;
  llvm::StringMap<Acc *> accByName;
  std::vector<StreamingReason> why;
  std::set<std::string> live, safe;

  // The reduction at hand.
  unsigned level = 1;
  std::set<std::string> unknown;
  const Line *reduced = nullptr;
  const Tree *current = nullptr; ///< its domain
  Names inner, bound, freshUsed;
  std::optional<Refusal> refusal;
};

} // namespace weir
#endif
