//===- InstructionsWarp.cpp - threads of a warp exchange values -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Instructions.h"

using namespace weir::ptx;
using llvm::StringRef;

/// The last operand names the threads that take part.
static bool takeMembers(Decoding &decoding) {
  if (!decoding.mnemonic.take("sync"))
    return false;
  decoding.read(decoding[decoding.size() - 1], Type::B32);
  if (!decoding.problem.empty())
    return false;
  decoding.instruction.flow = Flow::Collective;
  decoding.instruction.members = decoding.instruction.operands.pop_back_val();
  return true;
}

/// d or d|p, appended to the operands; true if there is a p.
static bool writeWithPredicate(Decoding &decoding, Type type) {
  bool pair = decoding[0].form == Operand::Form::Pair;
  decoding.write(pair ? decoding[0].elements[0] : decoding[0], type);
  if (pair)
    decoding.write(decoding[0].elements[1], Type::Pred);
  return pair;
}

/// The lane that `lane` reads in shfl.sync, and whether it is in range: PTX ISA, "shfl.sync", its semantics.
static std::pair<int, bool> shuffleSource(unsigned how, int lane, uint32_t b, uint32_t c) {
  int amount = b & 31, clamp = c & 31, segment = c >> 8 & 31;
  int greatest = (lane & segment) | (clamp & ~segment), least = lane & segment;
  int from = how == 0   ? lane - amount
             : how == 1 ? lane + amount
             : how == 2 ? lane ^ amount
                        : least | (amount & ~segment);
  bool inRange = how == 0 ? from >= greatest : from <= greatest;
  return {inRange ? from : lane, inRange};
}

static bool decodeShuffle(Decoding &decoding) {
  auto how = decoding.mnemonic.takeOneOf({"up", "down", "bfly", "idx"});
  if (!how || !decoding.mnemonic.take("b32") || !decoding.expect(5) || !takeMembers(decoding))
    return false;
  for (unsigned i = 1; i < 4; ++i)
    decoding.read(decoding[i], Type::B32);
  bool predicate = writeWithPredicate(decoding, Type::B32);
  decoding.instruction.run = [how = *how, predicate](Step &step) {
    std::array<uint64_t, warpSize> values;
    std::copy_n(step[0], warpSize, values.begin());
    uint64_t *b = step[1], *c = step[2];
    std::array<bool, warpSize> inRange;
    eachLane(step.lanes, [&](unsigned lane) {
      auto [from, ranged] = shuffleSource(how, lane, b[lane], c[lane]);
      inRange[lane] = ranged;
      if (!(step.lanes >> from & 1))
        return step.fail(lane, "it reads from lane " + llvm::Twine(from) + ", which does not take part");
      step[3][lane] = values[from];
    });
    if (predicate)
      eachLane(step.lanes, [&](unsigned lane) { step[4][lane] = inRange[lane]; });
  };
  return true;
}

static bool decodeVote(Decoding &decoding) {
  auto how = decoding.mnemonic.takeOneOf({"all", "any", "uni", "ballot"});
  if (!how || !decoding.mnemonic.take(*how == 3 ? "b32" : "pred") || !decoding.expect(3) ||
      !takeMembers(decoding))
    return false;
  decoding.read(decoding[1], Type::Pred);
  decoding.write(decoding[0], *how == 3 ? Type::B32 : Type::Pred);
  decoding.instruction.run = [how = *how](Step &step) {
    uint32_t votes = 0;
    eachLane(step.lanes, [&](unsigned lane) { votes |= uint32_t(step[0][lane] & 1) << lane; });
    bool all = votes == step.lanes, any = votes;
    uint64_t result = how == 0 ? all : how == 1 ? any : how == 2 ? all || !any : votes;
    eachLane(step.lanes, [&](unsigned lane) { step[1][lane] = result; });
  };
  return true;
}

/// match.any: the lanes with the same value. match.all: all lanes if all have the same, with a predicate.
static bool decodeMatch(Decoding &decoding) {
  auto how = decoding.mnemonic.takeOneOf({"any", "all"});
  auto type = decoding.mnemonic.takeType();
  if (!how || (type != Type::B32 && type != Type::B64) || !decoding.expect(3) || !takeMembers(decoding))
    return false;
  decoding.read(decoding[1], *type);
  bool predicate = writeWithPredicate(decoding, Type::B32);
  decoding.instruction.run = [all = *how == 1, predicate](Step &step) {
    std::array<uint64_t, warpSize> values;
    std::copy_n(step[0], warpSize, values.begin());
    eachLane(step.lanes, [&](unsigned lane) {
      uint32_t same = 0;
      eachLane(step.lanes, [&](unsigned other) { same |= uint32_t(values[other] == values[lane]) << other; });
      step[1][lane] = all && same != step.lanes ? 0 : same;
      if (predicate)
        step[2][lane] = same == step.lanes;
    });
  };
  return true;
}

static bool decodeReduce(Decoding &decoding) {
  auto how = decoding.mnemonic.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  auto type = decoding.mnemonic.takeType();
  if (!how || !type || getBits(*type) != 32 || !decoding.expect(3) || !takeMembers(decoding))
    return false;
  decoding.read(decoding[1], *type);
  decoding.write(decoding[0], *type);
  decoding.instruction.run = withInteger(*type, [&](auto zero) -> Handler {
    using T = decltype(zero);
    return [how = *how](Step &step) {
      bool first = true;
      T result = 0;
      eachLane(step.lanes, [&](unsigned lane) {
        T value = fromRow<T>(step[0][lane]);
        result = first      ? value
                 : how == 0 ? static_cast<T>(uint64_t(result) + uint64_t(value))
                 : how == 1 ? std::min(result, value)
                 : how == 2 ? std::max(result, value)
                 : how == 3 ? static_cast<T>(result & value)
                 : how == 4 ? static_cast<T>(result | value)
                            : static_cast<T>(result ^ value);
        first = false;
      });
      eachLane(step.lanes, [&](unsigned lane) { step[1][lane] = toRow(result); });
    };
  });
  return bool(decoding.instruction.run);
}

/// The threads that happen to be together.
static bool decodeActiveMask(Decoding &decoding) {
  if (!decoding.mnemonic.take("b32") || !decoding.expect(1))
    return false;
  decoding.write(decoding[0], Type::B32);
  decoding.instruction.run = [](Step &step) {
    eachLane(step.lanes, [&](unsigned lane) { step[0][lane] = step.lanes; });
  };
  return true;
}

/// One thread of the members, here the one of the lowest lane.
static bool decodeElect(Decoding &decoding) {
  if (!decoding.expect(2) || !takeMembers(decoding))
    return false;
  if (!writeWithPredicate(decoding, Type::B32))
    return decoding.fail("expected d|p");
  decoding.instruction.run = [](Step &step) {
    unsigned leader = llvm::countr_zero(step.lanes);
    eachLane(step.lanes, [&](unsigned lane) {
      step[0][lane] = leader;
      step[1][lane] = lane == leader;
    });
  };
  return true;
}

void weir::ptx::addWarpInstructions(InstructionTable &table) {
  table["shfl"] = decodeShuffle;
  table["vote"] = decodeVote;
  table["match"] = decodeMatch;
  table["redux"] = decodeReduce;
  table["activemask"] = decodeActiveMask;
  table["elect"] = decodeElect;
}
