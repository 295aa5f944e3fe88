//===- Memory.h - memory that knows what was written to it ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_PTX_MEMORY_H
#define WEIR_LIB_PTX_MEMORY_H
#include "Races.h"
#include "weir/PTX/Types.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace weir::ptx {

/// Generic addresses of shared and local memory begin here; of global memory they are its own. Null is in
/// none.
constexpr uint64_t sharedWindow = 0x0000'7e00'0000'0000, localWindow = 0x0000'7d00'0000'0000,
                   windowBytes = 0x0000'0010'0000'0000, globalBase = 0x0000'7f00'0000'0000;

constexpr uint8_t neverWritten =
    0xff; ///< what uninitialised bytes hold: a NaN in each float type, -1 in integers

/// Bytes in one piece: a global buffer, or the shared memory of the block that runs.
class Storage {
public:
  Storage(std::string name, uint64_t base, uint64_t bytes, bool readOnly)
      : name(std::move(name)), base(base), readOnly(readOnly), bytes(bytes, neverWritten),
        written(bytes, false) {}

  uint64_t size() const { return bytes.size(); }
  bool contains(uint64_t address, uint64_t count) const {
    return address >= base && address - base <= size() && count <= size() - (address - base);
  }
  uint8_t *at(uint64_t address) { return bytes.data() + (address - base); }

  void initialise(llvm::ArrayRef<uint8_t> from);
  /// Everything is uninitialised and untouched again.
  void clear();
  /// The first of `count` bytes that nothing was written to.
  std::optional<uint64_t> firstUnwritten(uint64_t address, uint64_t count) const;
  void markWritten(uint64_t address, uint64_t count);
  uint64_t unwrittenBytes() const;

  /// The cells of some bytes; a cell has `granule` bytes, which no access crosses.
  llvm::MutableArrayRef<Cell> cells(uint64_t address, uint64_t count);
  /// Forgets who accessed what, and sets the size of cells.
  void forgetAccesses(unsigned granule);

  const std::string name;
  const uint64_t base;
  const bool readOnly;

  /// Parts of shared memory that belong to a variable, as [begin, end); if there are none, all may be
  /// accessed.
  struct Part {
    uint64_t begin, end;
    std::string name;
  };
  std::vector<Part> parts;

  /// The line of the cp.async that writes to these 4 bytes and was not waited for; 0: none. Empty: there was
  /// no copy yet.
  std::vector<uint32_t> copying;

private:
  friend class Memory;
  std::vector<uint8_t> bytes;
  std::vector<bool> written;
  std::vector<Cell> shadow;
  unsigned granule = 1;
};

/// Global memory: buffers with room between them, so that an access behind one is in none.
class Memory {
public:
  uint64_t allocate(llvm::StringRef name, uint64_t bytes, bool readOnly, llvm::ArrayRef<uint8_t> initial);
  Storage *find(uint64_t address);
  /// The buffer that ends closest below an address, for messages.
  const Storage *nearest(uint64_t address) const;
  std::deque<Storage> &all() { return buffers; }

private:
  std::deque<Storage> buffers; ///< by address
  uint64_t next = globalBase;
  Storage *last = nullptr;
};

} // namespace weir::ptx
#endif
