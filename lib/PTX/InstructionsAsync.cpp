//===- InstructionsAsync.cpp - copies that are waited for -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cp.async fetches reaches shared memory when its thread waits for it, the latest moment there is. Until
// then nobody may touch the bytes it goes to; from then on it counts as a write of that thread, which others
// see behind a barrier.
//===----------------------------------------------------------------------===//
#include "Instructions.h"

using namespace weir::ptx;

static void fetch(Step &step, unsigned lane, uint64_t to, uint64_t from, unsigned bytes, unsigned given) {
  if (from % bytes)
    return step.fail(lane, "the source 0x" + llvm::Twine::utohexstr(from) + " is not a multiple of " +
                               llvm::Twine(bytes));
  if (given > bytes)
    return step.fail(lane, "it reads " + llvm::Twine(given) + " bytes to copy " + llvm::Twine(bytes));
  Copies::Copy copy = {to, bytes, step.instruction.line, {}};
  for (unsigned done = 0; done < given;) { // the rest is zeros
    unsigned part = llvm::bit_floor(given - done);
    const uint8_t *source = step.access(lane, Space::Global, from + done, part, Mode::Read);
    if (!source)
      return;
    std::memcpy(copy.data.data() + done, source, part);
    done += part;
  }
  if (!step.access(lane, Space::Shared, to, bytes, Mode::Write))
    return;
  Storage &shared = step.warp.block.shared;
  if (shared.copying.empty())
    shared.copying.assign(shared.size() / 4 + 4, 0);
  for (unsigned word = 0; word < bytes / 4; ++word)
    shared.copying[to / 4 + word] = step.instruction.line;
  step.warp.copies[lane].open.push_back(copy);
}

static void complete(Step &step, unsigned lane, llvm::ArrayRef<Copies::Copy> copies) {
  for (const Copies::Copy &copy : copies) {
    for (unsigned word = 0; word < copy.bytes / 4; ++word)
      step.warp.block.shared.copying[copy.address / 4 + word] = 0;
    if (uint8_t *to = step.access(lane, Space::Shared, copy.address, copy.bytes, Mode::Write))
      std::memcpy(to, copy.data.data(), copy.bytes);
  }
}

static bool decodeCopy(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  auto cache = mnemonic.takeOneOf({"ca", "cg"});
  mnemonic.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  if (!cache || !mnemonic.takeOneOf({"shared", "shared::cta"}) || !mnemonic.take("global"))
    return false;
  bool sized = decoding.size() == 4;
  if (!sized && !decoding.expect(3))
    return false;
  Space shared = Space::Shared, global = Space::Global;
  int64_t toOffset = decoding.address(decoding[0], shared),
          fromOffset = decoding.address(decoding[1], global);
  auto bytes = decoding.constant(decoding[2]);
  if (!bytes || (*bytes != 16 && (*cache == 1 || (*bytes != 4 && *bytes != 8))))
    return decoding.fail(*cache ? "cp.async.cg copies 16 bytes" : "cp.async.ca copies 4, 8 or 16 bytes");
  if (sized)
    decoding.read(decoding[3], Type::U32);
  decoding.accesses(shared, *bytes);
  decoding.accesses(global, 4);
  decoding.instruction.run = [=, bytes = unsigned(*bytes)](Step &step) {
    step.warp.copies.resize(warpSize);
    uint64_t *to = step[0], *from = step[1], *given = sized ? step[2] : nullptr;
    step.countTurns(turnsOf(to, step.lanes, toOffset, bytes));
    eachLane(step.lanes, [&](unsigned lane) {
      fetch(step, lane, to[lane] + toOffset, from[lane] + fromOffset, bytes, given ? given[lane] : bytes);
    });
  };
  return true;
}

static bool decodeAsync(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  if (!mnemonic.take("async"))
    return false;
  auto what = mnemonic.takeOneOf({"commit_group", "wait_group", "wait_all"});
  if (!what)
    return decodeCopy(decoding);
  if (!decoding.expect(*what == 1 ? 1 : 0))
    return false;
  if (*what == 0) {
    decoding.instruction.run = [](Step &step) {
      step.warp.copies.resize(warpSize);
      eachLane(step.lanes, [&](unsigned lane) {
        Copies &copies = step.warp.copies[lane];
        copies.groups.push_back(std::move(copies.open));
        copies.open.clear();
      });
    };
    return true;
  }
  // wait_group leaves as many of the latest groups as it says; wait_all also waits for copies in no group.
  auto left = *what == 1 ? decoding.constant(decoding[0]) : std::optional<uint64_t>(0);
  if (!left)
    return decoding.fail("expected a number of groups");
  decoding.instruction.run = [left = *left, all = *what == 2](Step &step) {
    step.warp.copies.resize(warpSize);
    eachLane(step.lanes, [&](unsigned lane) {
      Copies &copies = step.warp.copies[lane];
      for (; copies.groups.size() > left; copies.groups.pop_front())
        complete(step, lane, copies.groups.front());
      if (all) {
        complete(step, lane, copies.open);
        copies.open.clear();
      }
    });
  };
  return true;
}

void weir::ptx::addAsyncInstructions(InstructionTable &table) { table["cp"] = decodeAsync; }
