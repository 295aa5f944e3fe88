//===- Memory.cpp - memory that knows what was written to it --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>

using namespace weir::ptx;

void Storage::initialise(llvm::ArrayRef<uint8_t> from) {
  if (from.empty())
    return;
  std::memcpy(bytes.data(), from.data(), from.size());
  std::fill_n(written.begin(), from.size(), true);
}

void Storage::clear() {
  llvm::fill(bytes, neverWritten);
  written.assign(bytes.size(), false);
  copying.clear();
  forgetAccesses(granule);
}

std::optional<uint64_t> Storage::firstUnwritten(uint64_t address, uint64_t count) const {
  for (uint64_t i = address - base; i < address - base + count; ++i)
    if (!written[i])
      return i + base;
  return std::nullopt;
}

void Storage::markWritten(uint64_t address, uint64_t count) {
  std::fill_n(written.begin() + (address - base), count, true);
}

uint64_t Storage::unwrittenBytes() const { return llvm::count(written, false); }

llvm::MutableArrayRef<Cell> Storage::cells(uint64_t address, uint64_t count) {
  if (shadow.empty())
    shadow.resize(size() / granule + 1);
  uint64_t first = (address - base) / granule, end = (address - base + count + granule - 1) / granule;
  return llvm::MutableArrayRef(shadow).slice(first, end - first);
}

void Storage::forgetAccesses(unsigned ofGranule) {
  shadow.clear();
  granule = ofGranule;
}

uint64_t Memory::allocate(llvm::StringRef name, uint64_t bytes, bool readOnly,
                          llvm::ArrayRef<uint8_t> initial) {
  uint64_t address = next;
  next = llvm::alignTo(next + bytes + (1 << 20), 256);
  buffers.emplace_back(name.str(), address, bytes, readOnly).initialise(initial);
  return address;
}

Storage *Memory::find(uint64_t address) {
  if (last && last->contains(address, 1))
    return last;
  auto behind = llvm::upper_bound(buffers, address, [](uint64_t a, const Storage &s) { return a < s.base; });
  if (behind == buffers.begin() || !std::prev(behind)->contains(address, 1))
    return nullptr;
  return last = &*std::prev(behind);
}

const Storage *Memory::nearest(uint64_t address) const {
  auto behind = llvm::upper_bound(buffers, address, [](uint64_t a, const Storage &s) { return a < s.base; });
  return behind == buffers.begin() ? nullptr : &*std::prev(behind);
}
