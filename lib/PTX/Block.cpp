//===- Block.cpp - the warps of a block, their barriers, their turns ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Execution.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace weir::ptx;
using llvm::Twine;

Block::Block(Execution &execution, Storage &shared, uint32_t number)
    : execution(execution), shared(shared), number(number) {
  const Dimensions &block = execution.launch.block;
  index = placeOf(number, execution.launch.grid);
  threads = block[0] * block[1] * block[2];
  shared.clear();
  for (unsigned i = 0; i * warpSize < threads; ++i)
    warps.emplace_back(*this, i);
}

Dimensions Block::thread(unsigned warp, unsigned lane) const {
  return placeOf(warp * warpSize + lane, execution.launch.block);
}

void Block::arrive(Warp &warp, unsigned id, unsigned count, bool waits, unsigned line) {
  Barrier &barrier = barriers[id];
  unsigned all = llvm::alignTo(threads, warpSize), expected = count ? count : all;
  if (barrier.arrived && barrier.expected != expected)
    return execution.fail(line,
                          "barrier " + Twine(id) + " for " + Twine(expected) +
                              " threads; those that came to it at line " + Twine(barrier.line) + " expect " +
                              Twine(barrier.expected),
                          "warp " + Twine(warp.index));
  barrier.expected = expected;
  barrier.line = line;
  barrier.arrived += warpSize;
  if (waits)
    barrier.waiting.push_back(&warp);
  if (barrier.arrived == expected)
    open(barrier);
}

void Block::open(Barrier &barrier) {
  ++execution.statistics.barriers;
  for (Warp *warp : barrier.waiting)
    warp->clocks.learn(barrier.known);
  llvm::SmallVector<Warp *, 8> waiting = std::move(barrier.waiting);
  for (Warp *warp : waiting)
    warp->leaveBarrier();
  barrier = Barrier();
}

void Block::run() {
  bool random = execution.checks.seed;
  llvm::SmallVector<Warp *, 32> ready;
  while (!execution.failed()) {
    ready.clear();
    bool done = true;
    for (Warp &warp : warps) {
      done &= warp.state == Warp::State::Done;
      if (warp.state == Warp::State::Ready)
        ready.push_back(&warp);
    }
    if (done)
      return;
    if (ready.empty())
      return reportStuck();
    if (random) {
      // Short and long turns: some schedules interleave closely, others run far ahead.
      ready[execution.draw(ready.size())]->run(uint64_t(1) << execution.draw(10));
    } else {
      for (Warp *warp : ready)
        warp->run(1 << 16);
    }
    if (execution.statistics.warpInstructions > execution.checks.limit)
      execution.fail(
          ready.front()->line(),
          "the kernel has not ended after " + Twine(execution.checks.limit) + " instructions of warps", "");
  }
}

void Block::reportStuck() {
  std::string text = "the block waits for ever";
  for (Warp &warp : warps) {
    if (warp.state == Warp::State::Done)
      text += ("\n  warp " + Twine(warp.index) + " has ended").str();
    else
      text += ("\n  warp " + Twine(warp.index) +
               (warp.state == Warp::State::AtBarrier ? " waits at a barrier"
                                                     : " has threads that wait for each other"))
                  .str() +
              warp.describeGroups();
  }
  auto waiting = llvm::find_if(warps, [](const Warp &warp) { return warp.state != Warp::State::Done; });
  execution.fail(waiting->line(), text, "");
}
