//===- Machine.h - executes kernels in PTX on the processor ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A GPU whose instructions mean what "Parallel Thread Execution ISA" says, and which stops where that text
// leaves a program without a meaning: at accesses out of bounds or misaligned, reads of memory that nothing
// was written to, accesses that no barrier orders, copies that were not waited for, barriers that not all
// threads reach. It says nothing about time.
//===----------------------------------------------------------------------===//
#ifndef WEIR_PTX_MACHINE_H
#define WEIR_PTX_MACHINE_H
#include "weir/PTX/Module.h"
#include <map>
#include <memory>

namespace weir::ptx {

using Dimensions = std::array<unsigned, 3>;

struct Launch {
  std::string kernel;
  Dimensions grid = {1, 1, 1}, block = {1, 1, 1};
  uint64_t dynamicShared = 0;                  ///< bytes
  std::vector<std::vector<uint8_t>> arguments; ///< one each parameter, as many bytes as it has
};

struct Checks {
  bool races = true;         ///< accesses to shared and global memory that nothing orders
  bool uninitialised = true; ///< reads of shared and global memory that nothing was written to
  uint64_t seed = 0;         ///< 0: blocks and warps in order, each as far as it can; else a random schedule
  uint64_t limit = uint64_t(1) << 32; ///< instructions of warps, after which a kernel counts as endless
};

struct Statistics {
  uint64_t warpInstructions = 0; ///< an instruction of a warp, however many of its threads take part
  uint64_t threadInstructions = 0;
  uint64_t staticShared = 0;     ///< bytes of a block
  uint64_t barriers = 0;         ///< times that a barrier of a block opened
  uint64_t sharedAccesses = 0;   ///< instructions of warps that read or write shared memory,
  uint64_t sharedWavefronts = 0; ///< and the turns they need: 32 banks of 4 bytes, one word of each in a turn
  std::map<std::string, uint64_t> byOpcode; ///< instructions of warps; outlives the module
};

/// What a thread did that has no meaning. Other errors are of the text or of the launch.
class KernelFault : public llvm::ErrorInfo<KernelFault> {
public:
  static char ID;
  explicit KernelFault(std::string message) : message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

private:
  std::string message;
};

class Memory;

class Machine {
public:
  /// `module` must outlive the machine.
  explicit Machine(const Module &module);
  /// Of the same global memory as `other`, which may be gone before.
  Machine(const Module &module, const Machine &other);
  ~Machine();

  enum class Access { Read, ReadWrite };
  /// Global memory; the address is a multiple of 256. Bytes behind `initial` (it may be shorter) are
  /// uninitialised.
  uint64_t allocate(llvm::StringRef name, uint64_t bytes, Access access, llvm::ArrayRef<uint8_t> initial);
  /// From the host; false where some of the bytes are in no buffer.
  bool write(uint64_t address, llvm::ArrayRef<uint8_t> bytes);
  /// What lies at an address that `allocate` gave. Uninitialised bytes are 0xff.
  llvm::ArrayRef<uint8_t> contents(uint64_t address) const;
  /// The number of its bytes that nothing was written to.
  uint64_t uninitialisedBytes(uint64_t address) const;

  /// Runs a kernel to its end. Errors are what is wrong with the launch (no place), an instruction that is
  /// not known
  /// (`FILE:LINE: error: ...`), or a KernelFault (the same, and the thread).
  llvm::Expected<Statistics> run(const Launch &launch, const Checks &checks);

private:
  const Module &module;
  std::shared_ptr<Memory> memory;
};

/// The most shared memory, static and dynamic, that a block has on `target` ("sm_80"): CUDA C++ Programming
/// Guide, table of technical specifications per compute capability.
uint64_t sharedLimit(llvm::StringRef target);

} // namespace weir::ptx
#endif
