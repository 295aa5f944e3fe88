//===- Proof.h - what cannot be at once -----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A proof collects facts about coordinates, extents and other integers and asks whether they contradict each
// other. Three questions of the language come down to it: are two equations of a tensor disjoint, is a domain
// empty, does a cycle go strictly back along a rank.
//
// A fact is a predicate that holds, one that does not, or a value that is present: a product is present only
// where its factors are, so the domain of one restricts the reads of the others. What is affine becomes a
// constraint of a Presburger set; every other integer (an element of a tensor, a product) is an unknown of
// its own, with what is known of its kind: min(a, b) <= a, 0 <= mod(a, 3) <= 2. Comparisons of reals are kept
// as relations of their two sides.
//
// The answer is on the safe side: "contradictory" is proved, and what takes too long is not. Indices are
// taken not to wrap.
#ifndef WEIR_LIB_FRONTEND_PROOF_H
#define WEIR_LIB_FRONTEND_PROOF_H
#include "Sema.h"

namespace weir::sema {

/// How many nodes one proof looks at.
constexpr unsigned kMaxVisits = 50000;

inline bool isComparison(const Node *node) {
  return node->op == Op::Map && node->fn >= attn::Fn::Eq && node->fn <= attn::Fn::Ge;
}

struct Fact {
  enum Kind : uint8_t { True, NotTrue, Present } kind;
  const Node *node;
};

/// How much all proofs of a program may cost together, in sets that are tested for emptiness.
struct ProofBudget {
  unsigned left = 100000;
  bool spend() { return left > 0 && left-- > 0; }
};

class Proof {
public:
  /// With `symbolic`, the answer holds whatever the extents and consts are.
  Proof(Program &program, ProofBudget &budget, bool symbolic)
      : program(program), budget(budget), symbolic(symbolic) {}

  /// The coordinates `same[i]` of another equation are those of `coords[i]`.
  void identify(llvm::ArrayRef<Coordinate *> coords, llvm::ArrayRef<Coordinate *> same);
  void assume(Fact fact) { facts.push_back(fact); }
  /// Assumes index - coord >= offset (direction +1), or coord - index >= offset (direction -1).
  void assumeDistance(const Node *index, Coordinate *coord, int64_t offset, int direction);
  /// Assumes index == coord.
  void assumeEqual(const Node *index, Coordinate *coord);
  /// True if what was assumed cannot hold anywhere.
  bool contradictory();

private:
  /// Coordinates as other nodes, or as new unknowns: inside a promise, another tensor's equation, a
  /// reduction.
  struct Scope {
    struct Target {
      const Node *node;
      const Scope *scope;
      int variable;
    };
    llvm::DenseMap<const Coordinate *, Target> coords;
    const Scope *parent = nullptr;
    mutable llvm::DenseMap<const Node *, unsigned> ids;
  };
  /// sum of coefficient * variable, plus a constant.
  struct Linear {
    std::map<unsigned, int64_t> terms;
    int64_t constant = 0;
  };
  struct Literal {
    const Node *node;
    const Scope *scope;
    bool holds;
  };
  using Case = std::vector<Literal>;
  struct Atom {
    const Node *node;
    const Scope *scope;
    unsigned variable;
  };

  std::optional<Linear> linear(const Node *node, const Scope *scope);
  std::optional<Linear> opaque(const Node *node, const Scope *scope);
  void boundOpaque(const Node *node, const Scope *scope, unsigned variable);
  std::optional<Linear> quotient(const Node *node, const Scope *scope, bool remainder);
  std::optional<Linear> combine(const Linear &a, const Linear &b, int64_t scale);
  std::optional<Linear> scale(const Linear &a, int64_t factor);
  Linear variable(unsigned v) {
    Linear l;
    l.terms[v] = 1;
    return l;
  }
  Linear number(int64_t c) {
    Linear l;
    l.constant = c;
    return l;
  }
  unsigned coordinate(const Coordinate *coord);
  unsigned extent(const Rank *rank);
  void atLeastZero(std::optional<Linear> l);
  void equal(const std::optional<Linear> &a, const std::optional<Linear> &b);
  void lessOrEqual(const std::optional<Linear> &a, const std::optional<Linear> &b, int64_t gap = 0);

  unsigned id(const Node *node, const Scope *scope);
  bool expand(const Node *node, const Scope *scope, bool holds, std::vector<Case> &cases);
  bool product(std::vector<Case> &cases, const std::vector<Case> &more);
  void present(const Node *node, const Scope *scope, unsigned depth, std::vector<Case> &cases);
  bool addLiteral(const Literal &literal);
  bool addComparison(const Literal &literal);
  bool total(const Node *node, const Scope *scope);
  void usePromises();
  void usePromise(const Node *literal);
  bool match(const Node *pattern, const Atom &atom, Scope &scope);
  bool allKnown(const Node *node, const Scope &scope);
  bool empty();
  const Scope *freshScope(const Node *reduce, const Scope *scope);

  Program &program;
  ProofBudget &budget;
  bool symbolic;
  std::vector<Fact> facts;
  struct Distance {
    const Node *index;
    Coordinate *coord;
    int64_t offset;
    int direction;
    bool equal;
  };
  std::vector<Distance> distances;
  llvm::DenseMap<const Coordinate *, const Coordinate *> aliases;
  Scope root; ///< with nothing in it
  std::deque<Scope> scopes;
  unsigned variables = 0;
  unsigned visits = 0;
  llvm::DenseMap<const Coordinate *, unsigned> coordVariables;
  llvm::DenseMap<const Rank *, unsigned> extentVariables;
  std::map<std::vector<uint64_t>, unsigned> idTable;
  llvm::DenseMap<unsigned, unsigned> opaqueVariables; ///< by id
  std::vector<Atom> atoms;                            ///< reads among them
  std::vector<Linear> inequalities, equalities;
  std::map<std::pair<unsigned, unsigned>, unsigned> relations; ///< which of < = > NaN absent are left
  llvm::DenseMap<unsigned, bool> truths;                       ///< by id
};

} // namespace weir::sema
#endif
