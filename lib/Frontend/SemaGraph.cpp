//===- SemaGraph.cpp - which tensor reads which ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "SemaGraph.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;

void weir::sema::collectReads(const Equation &equation, SetVector<Tensor *> &reads) {
  DenseSet<const Node *> seen;
  SmallVector<const Node *, 16> work;
  if (equation.where)
    work.push_back(equation.where);
  work.push_back(equation.value);
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!seen.insert(node).second)
      continue;
    if (node->op == Op::Read)
      reads.insert(node->tensor);
    for (const Node *arg : reverse(node->args))
      work.push_back(arg);
  }
}

SetVector<Tensor *> weir::sema::readsOf(const Tensor &tensor) {
  SetVector<Tensor *> reads;
  for (const Equation *equation : tensor.equations)
    collectReads(*equation, reads);
  return reads;
}

/// Tarjan's algorithm with a stack of its own: a chain of equations may be as long as a file.
std::vector<std::vector<unsigned>>
weir::sema::stronglyConnected(const std::vector<SmallVector<unsigned, 4>> &edges) {
  unsigned n = edges.size(), next = 0;
  std::vector<unsigned> index(n, ~0u), low(n), stack;
  std::vector<bool> onStack(n);
  std::vector<std::vector<unsigned>> groups;
  struct Frame {
    unsigned node, edge;
  };
  for (unsigned root = 0; root < n; ++root) {
    if (index[root] != ~0u)
      continue;
    std::vector<Frame> frames{{root, 0}};
    while (!frames.empty()) {
      auto &[node, edge] = frames.back();
      if (edge == 0) {
        index[node] = low[node] = next++;
        stack.push_back(node);
        onStack[node] = true;
      }
      if (edge < edges[node].size()) {
        unsigned to = edges[node][edge++];
        if (index[to] == ~0u)
          frames.push_back({to, 0});
        else if (onStack[to])
          low[node] = std::min(low[node], index[to]);
        continue;
      }
      unsigned done = node;
      frames.pop_back();
      if (!frames.empty())
        low[frames.back().node] = std::min(low[frames.back().node], low[done]);
      if (low[done] != index[done])
        continue;
      std::vector<unsigned> group;
      do {
        group.push_back(stack.back());
        onStack[stack.back()] = false;
        stack.pop_back();
      } while (group.back() != done);
      llvm::sort(group); // in the order of the source
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

std::vector<std::vector<Tensor *>> weir::sema::stronglyConnected(Program &program) {
  std::vector<Tensor *> tensors;
  DenseMap<Tensor *, unsigned> index;
  for (Tensor &tensor : program.tensors) {
    index[&tensor] = tensors.size();
    tensors.push_back(&tensor);
  }
  auto place = [&](Tensor *t) {
    return std::pair(t->equations.empty() ? 0 : t->equations[0]->order + 1, index[t]);
  };
  llvm::sort(tensors, [&](Tensor *a, Tensor *b) { return place(a) < place(b); });
  for (auto [i, tensor] : enumerate(tensors))
    index[tensor] = i;
  std::vector<SmallVector<unsigned, 4>> edges(tensors.size());
  for (auto [i, tensor] : enumerate(tensors))
    for (Tensor *read : readsOf(*tensor))
      edges[i].push_back(index[read]);
  std::vector<std::vector<Tensor *>> result;
  for (const std::vector<unsigned> &group : stronglyConnected(edges)) {
    std::vector<Tensor *> &members = result.emplace_back();
    for (unsigned i : group)
      members.push_back(tensors[i]);
  }
  return result;
}
