//===- InstructionsMemory.cpp - ld, st and what goes with them ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Instructions.h"
#include "llvm/Support/MathExtras.h"

using namespace weir::ptx;
using llvm::StringRef;

Space weir::ptx::takeSpace(Mnemonic &mnemonic) {
  static const Space spaces[] = {Space::Global, Space::Shared, Space::Shared, Space::Local,
                                 Space::Const,  Space::Param,  Space::Param,  Space::Param};
  auto found = mnemonic.takeOneOf(
      {"global", "shared", "shared::cta", "local", "const", "param", "param::entry", "param::func"});
  return found ? spaces[*found] : Space::Generic;
}

bool weir::ptx::takeStrength(Mnemonic &mnemonic) {
  bool strong =
      mnemonic.takeOneOf({"volatile", "relaxed", "acquire", "release", "acq_rel", "mmio"}).has_value();
  mnemonic.take("weak");
  mnemonic.takeOneOf({"cta", "cluster", "gpu", "sys"});
  return strong;
}

void weir::ptx::takeHints(Mnemonic &mnemonic) {
  mnemonic.take("nc");
  mnemonic.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  mnemonic.takeOneOf(
      {"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"});
  mnemonic.takeOneOf({"L2::evict_normal", "L2::evict_first", "L2::evict_last"});
  mnemonic.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
}

namespace {
struct Access {
  Space space = Space::Generic;
  Type type = Type::B32;
  unsigned count =
      1; ///< values; they lie one behind the other, and their first operand is behind the address
  bool strong = false;
  int64_t offset = 0;
  unsigned bytes() const { return count * getBytes(type); }
};
} // namespace

/// The modifiers, then the operands: the address is operand 0, the values follow.
static bool decodeAccess(Decoding &decoding, bool loads, Access &access) {
  Mnemonic &mnemonic = decoding.mnemonic;
  access.strong = takeStrength(mnemonic);
  access.space = takeSpace(mnemonic);
  takeHints(mnemonic);
  if (auto vector = mnemonic.takeOneOf({"v2", "v4", "v8"}))
    access.count = 2u << *vector;
  auto type = mnemonic.takeType();
  if (!type || *type == Type::Pred || getKind(*type) == Kind::FloatPair)
    return false;
  access.type = *type;
  if (!decoding.expect(2))
    return false;
  llvm::ArrayRef<Operand> values = elementsOf(decoding[loads ? 0 : 1]);
  access.offset = decoding.address(decoding[loads ? 1 : 0], access.space);
  if (values.size() != access.count)
    return decoding.fail("expected " + llvm::Twine(access.count) + " values");
  for (const Operand &value : values)
    loads ? decoding.write(value, *type, /*wide=*/true) : decoding.read(value, *type, /*wide=*/true);
  decoding.accesses(access.space, access.bytes());
  return true;
}

static bool decodeLoad(Decoding &decoding) {
  Access access;
  if (!decodeAccess(decoding, /*loads=*/true, access))
    return false;
  unsigned bytes = getBytes(access.type);
  // A register that is wider than the type gets the sign.
  unsigned width = std::max(decoding.width(elementsOf(decoding[0]).front()), 8 * bytes);
  bool extends = getKind(access.type) == Kind::Signed && width > 8 * bytes;
  uint64_t sign = uint64_t(1) << (8 * bytes - 1),
           above = llvm::maskTrailingOnes<uint64_t>(width) & ~(2 * sign - 1);
  decoding.instruction.run = [=](Step &step) {
    uint64_t *address = step[0];
    if (access.space == Space::Shared)
      step.countTurns(turnsOf(address, step.lanes, access.offset, access.bytes()));
    eachLane(step.lanes, [&](unsigned lane) {
      const uint8_t *from = step.access(lane, access.space, address[lane] + access.offset, access.bytes(),
                                        Mode::Read, access.strong);
      if (!from)
        return;
      for (unsigned i = 0; i < access.count; ++i) {
        uint64_t value = 0;
        std::memcpy(&value, from + i * bytes, bytes);
        step[1 + i][lane] = extends && value & sign ? value | above : value;
      }
    });
  };
  return true;
}

static bool decodeStore(Decoding &decoding) {
  Access access;
  if (!decodeAccess(decoding, /*loads=*/false, access))
    return false;
  unsigned bytes = getBytes(access.type);
  decoding.instruction.run = [=](Step &step) {
    uint64_t *address = step[0];
    if (access.space == Space::Shared)
      step.countTurns(turnsOf(address, step.lanes, access.offset, access.bytes()));
    eachLane(step.lanes, [&](unsigned lane) {
      uint8_t *to = step.access(lane, access.space, address[lane] + access.offset, access.bytes(),
                                Mode::Write, access.strong);
      for (unsigned i = 0; to && i < access.count; ++i)
        std::memcpy(to + i * bytes, &step[1 + i][lane], bytes);
    });
  };
  return true;
}

/// What fetches early changes nothing.
static bool decodePrefetch(Decoding &decoding) {
  Space space = takeSpace(decoding.mnemonic);
  decoding.mnemonic.takeOneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal"});
  decoding.address(decoding[0], space);
  decoding.instruction.run = [](Step &) {};
  return decoding.expect(1);
}

void weir::ptx::addMemoryInstructions(InstructionTable &table) {
  table["ld"] = table["ldu"] = decodeLoad;
  table["st"] = decodeStore;
  table["prefetch"] = table["prefetchu"] = decodePrefetch;
}
