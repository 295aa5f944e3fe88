//===- InstructionsControl.cpp - branches, calls, barriers, ends ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"
#include "Instructions.h"

using namespace weir::ptx;
using llvm::StringRef;

static bool decodeBranch(Decoding &decoding) {
  decoding.mnemonic.take("uni");
  if (!decoding.expect(1) || decoding[0].form != Operand::Form::Symbol)
    return decoding.fail("expected a label");
  decoding.instruction.flow = Flow::Branch; // the decoder knows where labels are
  return true;
}

static bool decodeReturn(Decoding &decoding) {
  decoding.mnemonic.take("uni");
  decoding.instruction.flow = decoding.mnemonic.name == "exit" ? Flow::Exit : Flow::Return;
  return decoding.expect(0);
}

/// Copies between variables in the frames of a function and of its caller.
static Handler copying(Decoding &decoding, const Operand &list, const Function &callee, bool results) {
  struct Part {
    uint64_t from, to, bytes;
  };
  std::vector<Part> parts;
  auto formals = decoding.decoder.formals(callee, results);
  if (list.elements.size() != formals.size()) {
    decoding.fail("'" + callee.name + "' has " + llvm::Twine(formals.size()) +
                  (results ? " results" : " parameters") + ", not " + llvm::Twine(list.elements.size()));
    return nullptr;
  }
  for (size_t i = 0; i < formals.size(); ++i) {
    const Decoder::Symbol *actual = decoding.decoder.find(list.elements[i].name);
    if (!actual || actual->space != Space::Local || actual->variable->bytes != formals[i].variable->bytes) {
      decoding.fail("'" + list.elements[i].name + "' is no .param variable of " +
                    llvm::Twine(formals[i].variable->bytes) + " bytes");
      return nullptr;
    }
    uint64_t own = actual->address, other = formals[i].address;
    parts.push_back({results ? other : own, results ? own : other, formals[i].variable->bytes});
  }
  return [parts](Step &step) {
    eachLane(step.lanes, [&](unsigned lane) {
      uint8_t *frame = step.warp.frames[lane].data();
      for (const Part &part : parts)
        std::memcpy(frame + part.to, frame + part.from, part.bytes);
    });
  };
}

/// call (results), function, (arguments); each list may be missing.
static bool decodeCall(Decoding &decoding) {
  decoding.mnemonic.take("uni");
  Operand empty;
  empty.form = Operand::Form::List;
  size_t next = 0;
  auto list = [&]() -> const Operand & {
    bool given = next < decoding.size() && decoding[next].form == Operand::Form::List;
    return given ? decoding[next++] : empty;
  };
  const Operand &results = list();
  if (next == decoding.size() || decoding[next].form != Operand::Form::Symbol)
    return decoding.fail("expected the name of a function; calls through registers are not known");
  decoding.callee = decoding.decoder.findFunction(decoding[next++].name);
  const Operand &arguments = list();
  if (!decoding.expect(next))
    return false;
  decoding.instruction.flow = Flow::Call;
  decoding.instruction.run = copying(decoding, arguments, *decoding.callee, /*results=*/false);
  decoding.after = copying(decoding, results, *decoding.callee, /*results=*/true);
  return decoding.problem.empty();
}

/// bar.sync a, b: threads that come, or all; bar.arrive goes on; bar.red.popc d, a, b, p: of the predicates
/// of all.
static bool decodeBarrier(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  mnemonic.take("cta");
  Instruction &instruction = decoding.instruction;
  if (mnemonic.take("warp")) { // bar.warp.sync mask
    instruction.flow = Flow::Collective;
    if (!mnemonic.take("sync") || !decoding.expect(1))
      return false;
    decoding.read(decoding[0], Type::B32);
    instruction.members = instruction.operands.empty() ? none : instruction.operands[0];
    instruction.run = [](Step &step) { step.warp.clocks.synchroniseLanes(step.lanes); };
    return true;
  }
  auto what = mnemonic.takeOneOf({"sync", "arrive", "red"});
  mnemonic.take("aligned");
  if (!what)
    return false;
  instruction.flow = Flow::Barrier;
  instruction.arrives = *what == 1;
  bool reduces = *what == 2;
  size_t first = reduces ? 1 : 0, last = decoding.size() - (reduces ? 1 : 0);
  if (decoding.size() <= first || last <= first || last > first + 2)
    return decoding.fail("the operands are a barrier and a number of threads");
  decoding.read(decoding[first], Type::U32);
  uint32_t count = none;
  if (last == first + 2) {
    decoding.read(decoding[first + 1], Type::U32);
    if (!decoding.problem.empty())
      return false;
    count = instruction.operands.pop_back_val();
  }
  instruction.barrierCount = count;
  if (instruction.arrives && count == none)
    return decoding.fail("bar.arrive needs a number of threads");
  if (!reduces)
    return true;
  auto how = mnemonic.takeOneOf({"popc", "and", "or"});
  auto type = mnemonic.takeType();
  if (!how || !type)
    return false;
  decoding.read(decoding[last], Type::Pred);
  decoding.write(decoding[0], *type);
  instruction.run = [how = *how](Step &step) {
    eachLane(step.lanes, [&](unsigned lane) {
      const Barrier &barrier = step.warp.block.barriers[step[0][lane]];
      step[2][lane] = how == 0   ? barrier.votes
                      : how == 1 ? barrier.votes == barrier.voters
                                 : barrier.votes != 0;
    });
  };
  return true;
}

static bool decodeTrap(Decoding &decoding) {
  decoding.instruction.run = [](Step &step) {
    step.fail(llvm::countr_zero(step.lanes), "the kernel gives up");
  };
  return decoding.expect(0);
}

/// Accesses happen in the order in which they are executed, so fences have nothing to do; races are found by
/// barriers alone.
static bool decodeFence(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  mnemonic.takeOneOf({"sc", "acq_rel", "acquire", "release"});
  mnemonic.takeOneOf({"cta", "cluster", "gpu", "sys", "gl"});
  decoding.instruction.run = [](Step &) {};
  return decoding.expect(0);
}

static bool decodeNothing(Decoding &decoding) {
  decoding.mnemonic.takeType();
  decoding.instruction.run = [](Step &) {};
  return true;
}

void weir::ptx::addControlInstructions(InstructionTable &table) {
  table["bra"] = decodeBranch;
  table["ret"] = table["exit"] = decodeReturn;
  table["call"] = decodeCall;
  table["bar"] = table["barrier"] = decodeBarrier;
  table["trap"] = decodeTrap;
  table["membar"] = table["fence"] = decodeFence;
  table["nanosleep"] = table["brkpt"] = decodeNothing;
}
