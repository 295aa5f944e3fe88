//===- SemaDomains.cpp - disjoint equations, empty domains ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Proof.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

static void assumeDomain(Proof &proof, const Equation &equation) {
  if (equation.where)
    proof.assume({Fact::True, equation.where});
  if (!equation.over)
    proof.assume({Fact::Present, equation.value});
}

static bool disjoint(Program &program, ProofBudget &budget, const Equation &a, const Equation &b) {
  if (!budget.spend())
    return false;
  Proof proof(program, budget, false);
  proof.identify(a.coords, b.coords);
  assumeDomain(proof, a);
  assumeDomain(proof, b);
  return proof.contradictory();
}

static void checkDisjoint(Program &program, World &world, ProofBudget &budget) {
  for (Tensor &tensor : program.tensors) {
    for (size_t j = 1; j < tensor.equations.size(); ++j) {
      for (size_t i = 0; i < j; ++i) {
        const Equation &a = *tensor.equations[i], &b = *tensor.equations[j];
        if (disjoint(program, budget, a, b))
          continue;
        unsigned line = world.diags.lineAndColumn(a.loc).first;
        world.error(b.loc,
                    "this equation of `" + tensor.name + "` and the one of line " + Twine(line) +
                        " are not proved to be disjoint" +
                        (a.where && b.where ? "" : ": one of them has no `where`"),
                    "write one equation, with `p ? x : y` or `x else y`, or give one the other's predicate "
                    "negated: `where not (p)`");
        program.failed = true;
        break; // one message for an equation
      }
    }
  }
}

static void checkEmpty(Program &program, World &world, ProofBudget &budget) {
  DenseSet<Tensor *> reported;
  for (Equation &equation : program.equations) {
    SetVector<Tensor *> reads;
    collectReads(equation, reads);
    if (any_of(reads, [&](Tensor *t) { return reported.contains(t); }))
      continue;
    Proof proof(program, budget, true);
    assumeDomain(proof, equation);
    if (!proof.contradictory())
      continue;
    reported.insert(equation.tensor);
    world.error(equation.where && equation.whereLoc.isValid() ? equation.whereLoc : equation.loc,
                "the domain of this equation of `" + equation.tensor->name +
                    "` is empty whatever the extents are",
                equation.where ? "no coordinates satisfy its `where` and lie inside what it reads"
                               : "what it reads lies outside its tensors");
    program.failed = true;
  }
}

void weir::sema::checkDomains(Program &program, World &world) {
  ProofBudget budget;
  checkDisjoint(program, world, budget);
  checkEmpty(program, world, budget);
}
