//===- Access.cpp - accesses to memory, and what is wrong with them -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Execution.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace weir::ptx;
using llvm::Twine;

static std::string describeThread(const Dimensions &thread, const Dimensions &block) {
  auto triple = [](const Dimensions &d) {
    return "(" + std::to_string(d[0]) + "," + std::to_string(d[1]) + "," + std::to_string(d[2]) + ")";
  };
  return "thread " + triple(thread) + " of block " + triple(block);
}

void Step::fail(unsigned lane, const Twine &message) {
  execution().fail(instruction.line, instruction.opcode + ": " + message,
                   describeThread(warp.block.thread(warp.index, lane), warp.block.index));
}

uint8_t *Step::accessFrame(unsigned lane, uint64_t offset, unsigned bytes) {
  std::vector<uint8_t> &frame = warp.frames[lane];
  if (offset <= frame.size() && bytes <= frame.size() - offset)
    return frame.data() + offset;
  fail(lane, Twine(bytes) + " bytes at " + Twine(offset) + " of local memory, of which there are " +
                 Twine(frame.size()));
  return nullptr;
}

uint8_t *Step::access(unsigned lane, Space space, uint64_t address, unsigned bytes, Mode mode, bool strong) {
  if (address % bytes) {
    fail(lane, "address 0x" + Twine::utohexstr(address) + " is not a multiple of " + Twine(bytes) +
                   ", the bytes of the access");
    return nullptr;
  }
  if (space == Space::Generic) {
    if (address - sharedWindow < windowBytes)
      space = Space::Shared, address -= sharedWindow;
    else if (address - localWindow < windowBytes)
      space = Space::Local, address -= localWindow;
    else
      space = Space::Global;
  }
  if (space == Space::Local && !warp.frames.empty())
    return accessFrame(lane, address, bytes);
  if (space == Space::Param) {
    std::vector<uint8_t> &parameters = execution().parameters;
    if (address <= parameters.size() && bytes <= parameters.size() - address && mode == Mode::Read)
      return parameters.data() + address;
    fail(lane, Twine(bytes) + " bytes at " + Twine(address) + " of the parameters, which have " +
                   Twine(parameters.size()));
    return nullptr;
  }
  if (space == Space::Shared)
    return accessStorage(lane, warp.block.shared, address, bytes, mode, strong, /*isShared=*/true);
  if (Storage *storage = execution().memory.find(address))
    return accessStorage(lane, *storage, address, bytes, mode, strong, /*isShared=*/false);
  std::string where;
  if (const Storage *near = execution().memory.nearest(address))
    where = (", " + Twine(address - near->base - near->size()) + " bytes behind the end of '" + near->name +
             "' (" + Twine(near->size()) + " bytes)")
                .str();
  fail(lane, Twine(bytes) + " bytes at 0x" + Twine::utohexstr(address) + " are in no buffer" + where);
  return nullptr;
}

/// Shared memory has gaps between its variables: an access there is out of bounds although there is memory.
bool Step::isInPart(unsigned lane, const Storage &storage, uint64_t address, unsigned bytes) {
  if (storage.contains(address, bytes)) {
    for (const Storage::Part &part : storage.parts)
      if (address >= part.begin && address + bytes <= part.end)
        return true;
  }
  std::string where;
  for (const Storage::Part &part : storage.parts)
    if (address + bytes > part.end && address >= part.begin)
      where = (", " + Twine(address + bytes - part.end) + " bytes behind the end of '" + part.name + "' (" +
               Twine(part.end - part.begin) + " bytes)")
                  .str();
  fail(lane, Twine(bytes) + " bytes at " + Twine(address) + " of shared memory are out of bounds" + where);
  return false;
}

uint8_t *Step::accessStorage(unsigned lane, Storage &storage, uint64_t address, unsigned bytes, Mode mode,
                             bool strong, bool isShared) {
  const std::string memory = isShared ? "shared memory" : "'" + storage.name + "'";
  if (isShared) {
    if (!isInPart(lane, storage, address, bytes))
      return nullptr;
  } else if (!storage.contains(address, bytes)) {
    fail(lane, Twine(bytes) + " bytes at 0x" + Twine::utohexstr(address) + " reach behind the end of " +
                   memory + " (" + Twine(storage.size()) + " bytes)");
    return nullptr;
  }
  if (mode != Mode::Read && storage.readOnly) {
    fail(lane, "a write to " + memory + ", which may only be read");
    return nullptr;
  }
  if (!storage.copying.empty()) {
    for (uint64_t word = address / 4; word < (address + bytes + 3) / 4; ++word)
      if (unsigned line = storage.copying[word]) {
        fail(lane, "byte " + Twine(address) + " of shared memory belongs to the cp.async of line " +
                       Twine(line) + ", for which its thread has not waited");
        return nullptr;
      }
  }
  const Checks &checks = execution().checks;
  if (mode != Mode::Write && checks.uninitialised) {
    if (auto unwritten = storage.firstUnwritten(address, bytes)) {
      fail(lane, "a read of byte " + Twine(*unwritten - storage.base) + " of " + memory +
                     ", to which nothing was written");
      return nullptr;
    }
  }
  if (checks.races && !storage.readOnly && race(lane, storage, address, bytes, mode, strong, isShared))
    return nullptr;
  if (mode != Mode::Read)
    storage.markWritten(address, bytes);
  return storage.at(address);
}

bool Step::race(unsigned lane, Storage &storage, uint64_t address, unsigned bytes, Mode mode, bool strong,
                bool isShared) {
  Epoch now = warp.clocks.now(lane, instruction.line, strong);
  for (Cell &cell : storage.cells(address, bytes)) {
    const Epoch *other =
        mode == Mode::Read ? cell.read(warp.clocks, lane, now) : cell.write(warp.clocks, lane, now);
    if (!other)
      continue;
    Dimensions thread = warp.block.thread(other->warp, llvm::countr_zero(other->lanes));
    fail(lane, Twine("a data race on byte ") + Twine(address - storage.base) + " of " +
                   (isShared ? "shared memory" : "'" + storage.name + "'") + ": " +
                   (mode == Mode::Read ? "this read" : "this write") + " and line " + Twine(other->line) +
                   " by " + describeThread(thread, placeOf(other->block, execution().launch.grid)) +
                   " are not ordered by a barrier");
    return true;
  }
  return false;
}

void Step::countTurns(Turns turns) {
  ++execution().statistics.sharedAccesses;
  execution().statistics.sharedWavefronts += turns.needed;
}
