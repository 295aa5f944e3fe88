//===- InstructionsAtomic.cpp - atom and red ------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Float.h"
#include "Instructions.h"

using namespace weir::ptx;
using llvm::StringRef;

/// What an operation makes of the memory's value and the operands b and c.
using Update = std::function<uint64_t(uint64_t, uint64_t, uint64_t)>;

template <class T> static Update integerUpdate(StringRef operation) {
  if (operation == "add")
    return [](uint64_t m, uint64_t b, uint64_t) { return toRow(static_cast<T>(m + b)); };
  if (operation == "min")
    return [](uint64_t m, uint64_t b, uint64_t) { return toRow(std::min(fromRow<T>(m), fromRow<T>(b))); };
  if (operation == "max")
    return [](uint64_t m, uint64_t b, uint64_t) { return toRow(std::max(fromRow<T>(m), fromRow<T>(b))); };
  if (operation == "inc")
    return [](uint64_t m, uint64_t b, uint64_t) { return m >= b ? 0 : m + 1; };
  if (operation == "dec")
    return [](uint64_t m, uint64_t b, uint64_t) { return m == 0 || m > b ? b : m - 1; };
  if (operation == "and")
    return [](uint64_t m, uint64_t b, uint64_t) { return m & b; };
  if (operation == "or")
    return [](uint64_t m, uint64_t b, uint64_t) { return m | b; };
  if (operation == "xor")
    return [](uint64_t m, uint64_t b, uint64_t) { return m ^ b; };
  if (operation == "exch")
    return [](uint64_t, uint64_t b, uint64_t) { return b; };
  if (operation == "cas")
    return [](uint64_t m, uint64_t b, uint64_t c) { return m == b ? c : m; };
  return nullptr;
}

static Update updateOf(StringRef operation, Type type) {
  switch (type) {
  case Type::S32:
    return integerUpdate<int32_t>(operation);
  case Type::S64:
    return integerUpdate<int64_t>(operation);
  case Type::U32:
  case Type::B32:
    return integerUpdate<uint32_t>(operation);
  case Type::U64:
  case Type::B64:
    return integerUpdate<uint64_t>(operation);
  default:
    break;
  }
  if (operation != "add")
    return nullptr;
  if (type == Type::F32)
    return [](uint64_t m, uint64_t b, uint64_t) {
      return toRow(canonical(fromRow<float>(m) + fromRow<float>(b)));
    };
  if (type == Type::F64)
    return [](uint64_t m, uint64_t b, uint64_t) {
      return toRow(canonical(fromRow<double>(m) + fromRow<double>(b)));
    };
  if (type == Type::F16x2 || type == Type::F16)
    return [type](uint64_t m, uint64_t b, uint64_t) -> uint64_t {
      auto sum = [](uint16_t x, uint16_t y) -> uint32_t { return toHalf(fromHalf(x) + fromHalf(y)); };
      return type == Type::F16 ? sum(m, b) : sum(m >> 16, b >> 16) << 16 | sum(m, b);
    };
  return nullptr;
}

/// atom d, [a], b, c gives the old value; red [a], b does not.
static bool decodeAtomic(Decoding &decoding) {
  Mnemonic &mnemonic = decoding.mnemonic;
  bool returns = mnemonic.name == "atom";
  takeStrength(mnemonic);
  Space space = takeSpace(mnemonic);
  static const StringRef operations[] = {"add", "min", "max", "inc",  "dec",
                                         "and", "or",  "xor", "exch", "cas"};
  auto operation = mnemonic.takeOneOf(operations);
  mnemonic.take("noftz");
  auto type = mnemonic.takeType();
  if (!operation || !type)
    return false;
  Update update = updateOf(operations[*operation], *type);
  bool swaps = operations[*operation] == "cas";
  unsigned first = returns ? 1 : 0;
  if (!update || !decoding.expect(first + (swaps ? 3 : 2)))
    return false;
  int64_t offset = decoding.address(decoding[first], space);
  decoding.read(decoding[first + 1], *type);
  decoding.read(decoding[first + (swaps ? 2 : 1)], *type);
  if (returns)
    decoding.write(decoding[0], *type);
  unsigned bytes = getBytes(*type);
  decoding.accesses(space, bytes);
  decoding.instruction.run = [=](Step &step) {
    uint64_t *address = step[0], *b = step[1], *c = step[2], *d = returns ? step[3] : nullptr;
    eachLane(step.lanes, [&](unsigned lane) {
      uint8_t *at = step.access(lane, space, address[lane] + offset, bytes, Mode::Update, /*strong=*/true);
      if (!at)
        return;
      uint64_t old = 0;
      std::memcpy(&old, at, bytes);
      uint64_t next = update(old, b[lane], c[lane]);
      std::memcpy(at, &next, bytes);
      if (d)
        d[lane] = old;
    });
  };
  return true;
}

void weir::ptx::addAtomicInstructions(InstructionTable &table) {
  table["atom"] = table["red"] = decodeAtomic;
}
