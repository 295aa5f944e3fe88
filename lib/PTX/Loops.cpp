//===- Loops.cpp - the loops of a function --------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Loops.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <map>

using namespace weir::ptx;
using llvm::StringRef;

namespace {
/// Statements that may follow each statement, and those that it may follow.
struct Flow {
  explicit Flow(const Function &function) : after(function.body.size()), before(function.body.size()) {
    for (auto [i, statement] : llvm::enumerate(function.body)) {
      StringRef opcode = statement.opcode;
      if (opcode == "bra" || opcode.starts_with("bra."))
        connect(i, function.labels.lookup(statement.operands[0].name));
      bool ends = opcode.starts_with("bra") || opcode == "ret" || opcode.starts_with("ret.") ||
                  opcode == "exit" || opcode == "trap";
      if (!ends || statement.guarded)
        connect(i, i + 1);
    }
  }
  void connect(unsigned from, unsigned to) {
    if (to >= after.size())
      return;
    after[from].push_back(to);
    before[to].push_back(from);
  }
  std::vector<llvm::SmallVector<unsigned, 2>> after, before;
};
} // namespace

/// For each head of a loop, the statements that jump back to it: those from which a walk in depth meets a
/// statement it comes from.
static std::map<unsigned, llvm::SmallVector<unsigned>> findJumpsBack(const Flow &flow) {
  std::map<unsigned, llvm::SmallVector<unsigned>> jumps;
  enum class State : uint8_t { New, Open, Done };
  std::vector<State> states(flow.after.size(), State::New);
  std::vector<std::pair<unsigned, unsigned>>
      path; // statements, and how many of those after them were visited
  if (!states.empty())
    path.push_back({0, 0}), states[0] = State::Open;
  while (!path.empty()) {
    auto &[at, next] = path.back();
    if (next == flow.after[at].size()) {
      states[at] = State::Done;
      path.pop_back();
      continue;
    }
    unsigned to = flow.after[at][next++];
    if (states[to] == State::Open)
      jumps[to].push_back(at);
    if (states[to] == State::New) {
      states[to] = State::Open;
      path.push_back({to, 0});
    }
  }
  return jumps;
}

std::vector<Loop> weir::ptx::findLoops(const Function &function) {
  Flow flow(function);
  auto jumps = findJumpsBack(flow);
  std::map<unsigned, llvm::BitVector> all; // of each head
  for (const auto &[head, from] : jumps) {
    llvm::BitVector inside(function.body.size());
    inside.set(head);
    llvm::SmallVector<unsigned> work(from);
    while (!work.empty()) {
      unsigned at = work.pop_back_val();
      if (inside.test(at))
        continue;
      inside.set(at);
      work.append(flow.before[at].begin(), flow.before[at].end());
    }
    all[head] = std::move(inside);
  }
  std::vector<Loop> loops;
  for (const auto &[head, inside] : all) {
    llvm::BitVector own = inside;
    for (const auto &[other, its] : all)
      if (other != head && inside.test(other))
        own.reset(its);
    loops.push_back(Loop(own.set_bits_begin(), own.set_bits_end()));
  }
  llvm::sort(loops);
  return loops;
}
