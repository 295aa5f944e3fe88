//===- Draw.cpp - inputs that keep a cascade's promises -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Reference/Draw.h"
#include "lib/Reference/Drawing.h"
#include "weir/Reference/Interpreter.h"
#include "llvm/Support/thread.h"

using namespace mlir;
using namespace weir;
using namespace weir::reference;

/// Trial 0 is ordinary; 1 to 11 have one adversity each; later ones mix two.
Adversity::Adversity(unsigned trial) {
  auto add = [this](unsigned kind) {
    bool *kinds[] = {&ones,  &zeros, &remainders, &outside,    &emptyRows,
                     &equal, &huge,  &tiny,       &infinities, &unread};
    if (kind < std::size(kinds))
      *kinds[kind] = true;
  };
  if (trial == 0)
    return;
  add((trial - 1) % 11); // the eleventh is ordinary again
  if (trial > 11)
    add((trial * 7) % 10);
}

/// The promise that does not hold, as written (another error's text otherwise); empty if all hold.
static std::string brokenPromise(func::FuncOp cascade, const DrawnInputs &drawn) {
  InterpreterOptions options;
  options.promisesOnly = true;
  auto result = interpret(cascade, drawn.inputs, drawn.params, options);
  std::string text;
  if (!result)
    llvm::handleAllErrors(
        result.takeError(), [&](const BrokenPromise &promise) { text = promise.source; },
        [&](const llvm::ErrorInfoBase &other) { text = other.message(); });
  return text;
}

/// NaN wherever neither an equation nor a promise reads: a kernel may not let it through.
static void spoilUnread(func::FuncOp cascade, DrawnInputs &drawn) {
  std::vector<std::vector<char>> touched;
  InterpreterOptions options;
  options.touched = &touched;
  auto result = interpret(cascade, drawn.inputs, drawn.params, options);
  if (!result) {
    llvm::consumeError(result.takeError());
    return;
  }
  for (auto [tensor, read] : llvm::zip(drawn.inputs, touched))
    for (auto [i, entry] : llvm::enumerate(read))
      if (!entry && isReal(tensor.type))
        tensor.set(i, std::numeric_limits<long double>::quiet_NaN());
}

static DrawnInputs drawOnce(Environment &environment, ArrayRef<Conjunct> conjuncts,
                            const DrawOptions &options, const Adversity &adversity, Random &random) {
  DrawnExtents extents = drawExtents(environment, options, adversity, random);
  DrawnInputs drawn;
  drawn.params = extents.params;
  drawn.extents = extents.ranks;
  drawn.unmet = extents.unmet;
  drawValues(environment, adversity, random, drawn.inputs);
  keepPromises(environment, conjuncts, random, drawn.inputs);
  return drawn;
}

llvm::Expected<DrawnInputs> weir::draw(func::FuncOp cascade, const DrawOptions &options) {
  DrawnInputs drawn;
  auto work = [&] { // compiling a promise recurses with its nesting
    Environment environment(cascade);
    std::vector<Conjunct> conjuncts = conjunctsOf(cascade);
    llvm::erase_if(conjuncts, [](const Conjunct &c) { return !c.readsTensors; });
    // A promise about intermediates is checked, not repaired: only what inputs, params and extents decide can
    // be set.
    llvm::erase_if(conjuncts, [](Conjunct &c) {
      return c.given.getBody()
          .walk([](attn::ReadOp read) {
            return isa<BlockArgument>(read.getSource()) ? WalkResult::advance() : WalkResult::interrupt();
          })
          .wasInterrupted();
    });
    for (unsigned attempt = 0; attempt < 4; ++attempt) {
      Random random(options.seed * 0x10001 + options.trial + 0x1000003 * attempt);
      drawn = drawOnce(environment, conjuncts, options, Adversity(attempt < 2 ? options.trial : 0), random);
      std::string broken = brokenPromise(cascade, drawn);
      if (broken.empty())
        break;
      if (!llvm::is_contained(drawn.unmet, broken))
        drawn.unmet.push_back(broken);
    }
    if (Adversity(options.trial).unread && drawn.unmet.empty())
      spoilUnread(cascade, drawn);
  };
  llvm::thread worker(std::optional<unsigned>(256u << 20), work);
  worker.join();
  return drawn;
}
