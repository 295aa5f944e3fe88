//===- InstructionsMove.cpp - mov, special registers, cvta ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Instructions.h"
#include "llvm/ADT/StringSwitch.h"

using namespace weir::ptx;
using llvm::StringRef;

SpecialRegister weir::ptx::findSpecialRegister(StringRef name) {
  return llvm::StringSwitch<SpecialRegister>(name)
      .Case("%tid.x", [](const Place &p) -> uint64_t { return p.thread[0]; })
      .Case("%tid.y", [](const Place &p) -> uint64_t { return p.thread[1]; })
      .Case("%tid.z", [](const Place &p) -> uint64_t { return p.thread[2]; })
      .Case("%ntid.x", [](const Place &p) -> uint64_t { return p.threads[0]; })
      .Case("%ntid.y", [](const Place &p) -> uint64_t { return p.threads[1]; })
      .Case("%ntid.z", [](const Place &p) -> uint64_t { return p.threads[2]; })
      .Case("%ctaid.x", [](const Place &p) -> uint64_t { return p.block[0]; })
      .Case("%ctaid.y", [](const Place &p) -> uint64_t { return p.block[1]; })
      .Case("%ctaid.z", [](const Place &p) -> uint64_t { return p.block[2]; })
      .Case("%nctaid.x", [](const Place &p) -> uint64_t { return p.blocks[0]; })
      .Case("%nctaid.y", [](const Place &p) -> uint64_t { return p.blocks[1]; })
      .Case("%nctaid.z", [](const Place &p) -> uint64_t { return p.blocks[2]; })
      .Case("%laneid", [](const Place &p) -> uint64_t { return p.lane; })
      .Case("%warpid", [](const Place &p) -> uint64_t { return p.warp; })
      .Case("%nwarpid", [](const Place &p) -> uint64_t { return p.warps; })
      .Case("%lanemask_eq", [](const Place &p) -> uint64_t { return uint32_t(1) << p.lane; })
      .Case("%lanemask_lt", [](const Place &p) -> uint64_t { return (uint32_t(1) << p.lane) - 1; })
      .Case("%lanemask_le", [](const Place &p) -> uint64_t { return uint32_t(2u << p.lane) - 1; })
      .Case("%lanemask_gt",
            [](const Place &p) -> uint64_t { return uint32_t(~(uint32_t(2u << p.lane) - 1)); })
      .Case("%lanemask_ge",
            [](const Place &p) -> uint64_t { return uint32_t(~((uint32_t(1) << p.lane) - 1)); })
      .Case("%dynamic_smem_size", [](const Place &p) -> uint64_t { return p.dynamicShared; })
      .Case("%total_smem_size", [](const Place &p) -> uint64_t { return p.totalShared; })
      .Cases({"%smid", "%gridid", "%cluster_ctarank", "%clusterid.x"},
             [](const Place &) -> uint64_t { return 0; })
      .Cases({"%nsmid", "%cluster_nctarank"}, [](const Place &) -> uint64_t { return 1; })
      .Default(nullptr);
}

/// mov.b64 {lo, hi}, a and mov.b64 d, {lo, hi}: registers of equal width, the lowest bits first.
static bool decodePack(Decoding &decoding, Type type) {
  bool packs = decoding[1].form == Operand::Form::List;
  const Operand &whole = decoding[packs ? 0 : 1], &list = decoding[packs ? 1 : 0];
  size_t parts = list.elements.size();
  if (parts != 2 && parts != 4)
    return decoding.fail("expected two or four registers in a list");
  unsigned bits = getBits(type) / parts;
  auto part = parseType("b" + std::to_string(bits));
  if (!part)
    return decoding.fail("a register of " + llvm::Twine(getBits(type)) +
                         " bits has no parts of equal width here");
  packs ? decoding.write(whole, type) : decoding.read(whole, type);
  for (const Operand &element : list.elements)
    packs ? decoding.read(element, *part) : decoding.write(element, *part);
  uint64_t mask = (uint64_t(1) << bits) - 1;
  decoding.instruction.run = [=](Step &step) {
    uint64_t *whole = step[0];
    std::array<uint64_t, warpSize> values; // a part may be the whole's own register
    eachLane(step.lanes, [&](unsigned lane) { values[lane] = packs ? 0 : whole[lane]; });
    for (size_t i = 0; i < parts; ++i) {
      uint64_t *element = step[1 + i];
      eachLane(step.lanes, [&](unsigned lane) {
        if (packs)
          values[lane] |= (element[lane] & mask) << (i * bits);
        else
          element[lane] = values[lane] >> (i * bits) & mask;
      });
    }
    if (packs)
      eachLane(step.lanes, [&](unsigned lane) { whole[lane] = values[lane]; });
  };
  return true;
}

static bool decodeMove(Decoding &decoding) {
  auto type = decoding.mnemonic.takeType();
  if (!type || !decoding.expect(2))
    return false;
  if (decoding[0].form == Operand::Form::List || decoding[1].form == Operand::Form::List)
    return decodePack(decoding, *type);
  decoding.write(decoding[0], *type);
  decoding.read(decoding[1], *type);
  decoding.instruction.run = unary<uint64_t>([](uint64_t a) { return a; });
  return true;
}

static uint64_t windowOf(Space space) {
  return space == Space::Shared ? sharedWindow : space == Space::Local ? localWindow : 0;
}

/// Between generic addresses and those of a space.
static bool decodeConvertAddress(Decoding &decoding) {
  bool fromGeneric = decoding.mnemonic.take("to");
  Space space = takeSpace(decoding.mnemonic);
  if (space == Space::Generic || space == Space::Param || !decoding.mnemonic.take("u64") ||
      !decoding.all(2, Type::U64))
    return false;
  uint64_t window = windowOf(space);
  decoding.instruction.run =
      unary<uint64_t>([=](uint64_t a) { return fromGeneric ? a - window : a + window; });
  return true;
}

static bool decodeIsInSpace(Decoding &decoding) {
  Space space = takeSpace(decoding.mnemonic);
  if (space == Space::Generic || !decoding.expect(2))
    return false;
  decoding.write(decoding[0], Type::Pred);
  decoding.read(decoding[1], Type::B64);
  decoding.instruction.run = unary<uint64_t>([space](uint64_t a) -> uint64_t {
    bool shared = a - sharedWindow < windowBytes, local = a - localWindow < windowBytes;
    return space == Space::Shared ? shared : space == Space::Local ? local : !shared && !local;
  });
  return true;
}

void weir::ptx::addMoveInstructions(InstructionTable &table) {
  table["mov"] = decodeMove;
  table["cvta"] = decodeConvertAddress;
  table["isspacep"] = decodeIsInSpace;
}
