//===- SemaCopies.cpp - expansions without copies -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A map or a call that is the whole right-hand side would leave two tensors of one value:
//
//   softmax_1[m,n] = softmax_1_E[m,n] / softmax_1_Z[m]        A[m,n] = softmax_1_E[m,n] / softmax_1_Z[m]
//   A[m,n] = softmax_1[m,n]                              -->
//
// and a call whose arguments need no conversion a copy of each. Only what an expansion made is removed, and
// only where no rounding is lost with it.
#include "Sema.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

/// The tensor whose value an equation repeats, or null: a read at its own coordinates, in their order.
static Tensor *repeated(const Equation &equation) {
  const Node *value = equation.value;
  if (value->op == Op::Map && value->fn == attn::Fn::Real && value->args[0]->kind == value->kind)
    value = value->args[0];
  if (equation.where || equation.over || value->op != Op::Read ||
      value->args.size() != equation.coords.size())
    return nullptr;
  for (auto [arg, coord, dim] : zip(value->args, equation.coords, value->tensor->dims))
    if (arg->op != Op::Coord || arg->coord != coord || !dim.rank ||
        dim.rank->canonical() != coord->rank->canonical())
      return nullptr;
  return value->tensor;
}

void weir::sema::removeCopies(Program &program) {
  DenseMap<Tensor *, unsigned> readers;
  for (Equation &equation : program.equations) {
    SetVector<Tensor *> reads;
    collectReads(equation, reads);
    for (Tensor *tensor : reads)
      ++readers[tensor];
  }
  for (Promise &promise : program.promises) {
    Equation asEquation;
    asEquation.value = promise.predicate;
    SetVector<Tensor *> reads;
    collectReads(asEquation, reads);
    for (Tensor *tensor : reads)
      readers[tensor] += 2;
  }
  DenseMap<Tensor *, Tensor *> replaced;
  std::vector<Tensor *> work;
  for (Tensor &tensor : program.tensors)
    work.push_back(&tensor);
  for (size_t i = 0; i < work.size(); ++i) {
    Tensor &tensor = *work[i];
    if (tensor.equations.size() != 1)
      continue;
    Tensor *source = repeated(*tensor.equations[0]);
    if (!source || source == &tensor)
      continue;
    if (tensor.fresh && !tensor.type && readKind(*source) == tensor.kind) {
      replaced[&tensor] = source; // an argument as it is
      tensor.equations.clear();
    } else if (source->fresh && readers[source] == 1 && !source->input && !source->output &&
               (!source->type || source->type == tensor.type) && source->kind == tensor.kind) {
      std::vector<Coordinate *> coords = tensor.equations[0]->coords;
      tensor.equations = source->equations;
      for (Equation *equation : tensor.equations) {
        equation->tensor = &tensor;
        for (auto [coord, called] : zip(equation->coords, coords))
          coord->name = called->name;
      }
      source->equations.clear();
      work.push_back(&tensor); // its new value may be a repetition too
    }
  }
  for (Node &node : program.nodes)
    while (node.op == Op::Read && replaced.count(node.tensor))
      node.tensor = replaced[node.tensor];
}
