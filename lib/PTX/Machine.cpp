//===- Machine.cpp - executes kernels in PTX on the processor -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Machine.h"
#include "Execution.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <numeric>

using namespace weir::ptx;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

char KernelFault::ID;

Machine::Machine(const Module &module) : module(module), memory(std::make_shared<Memory>()) {}
Machine::Machine(const Module &module, const Machine &other) : module(module), memory(other.memory) {}
Machine::~Machine() = default;

uint64_t Machine::allocate(StringRef name, uint64_t bytes, Access access, llvm::ArrayRef<uint8_t> initial) {
  return memory->allocate(name, bytes, access == Access::Read, initial);
}

bool Machine::write(uint64_t address, llvm::ArrayRef<uint8_t> bytes) {
  Storage *storage = bytes.empty() ? nullptr : memory->find(address);
  if (!storage || !storage->contains(address, bytes.size()))
    return bytes.empty();
  llvm::copy(bytes, storage->at(address));
  storage->markWritten(address, bytes.size());
  return true;
}

llvm::ArrayRef<uint8_t> Machine::contents(uint64_t address) const {
  const Storage *storage = memory->nearest(address);
  assert(storage && storage->base == address && "an address that allocate gave");
  return llvm::ArrayRef(const_cast<Storage *>(storage)->at(address), storage->size());
}

uint64_t Machine::uninitialisedBytes(uint64_t address) const {
  return memory->nearest(address)->unwrittenBytes();
}

uint64_t weir::ptx::sharedLimit(StringRef target) {
  unsigned version = 0;
  target.consume_front("sm_");
  target.take_while([](char c) { return llvm::isDigit(c); }).getAsInteger(10, version);
  static const std::pair<unsigned, unsigned> kibibytes[] = {
      {120, 99}, {90, 227}, {89, 99}, {87, 163}, {86, 99}, {80, 163}, {75, 64}, {70, 96}, {0, 48}};
  for (auto [from, limit] : kibibytes)
    if (version >= from)
      return limit * uint64_t(1024);
  return 0;
}

static Error refuse(const Twine &message) { return llvm::createStringError(message); }

static Error checkBlock(const Function &kernel, const Launch &launch) {
  auto product = [](const Dimensions &d) { return uint64_t(d[0]) * d[1] * d[2]; };
  if (!product(launch.block) || !product(launch.grid))
    return refuse("a grid or block of no threads");
  uint64_t threads = product(launch.block);
  if (threads > 1024 || launch.block[2] > 64)
    return refuse("a block of " + Twine(threads) + " threads; at most 1024 are possible, and 64 in z");
  if (product(kernel.maximalBlock) && threads > product(kernel.maximalBlock))
    return refuse("a block of " + Twine(threads) + " threads; '" + kernel.name + "' allows " +
                  Twine(product(kernel.maximalBlock)) + " (.maxntid)");
  if (product(kernel.requiredBlock) && launch.block != kernel.requiredBlock)
    return refuse("a block that '" + Twine(kernel.name) + "' does not allow (.reqntid)");
  return Error::success();
}

static Error checkArguments(const Function &kernel, const Launch &launch) {
  if (kernel.parameters.size() != launch.arguments.size())
    return refuse("'" + kernel.name + "' has " + Twine(kernel.parameters.size()) +
                  " parameters, but there are " + Twine(launch.arguments.size()) + " arguments");
  for (auto [i, parameter, argument] : llvm::enumerate(kernel.parameters, launch.arguments))
    if (parameter.bytes != argument.size())
      return refuse("argument " + Twine(i) + " has " + Twine(argument.size()) + " bytes, but parameter '" +
                    parameter.name + "' has " + Twine(parameter.bytes));
  return Error::success();
}

llvm::Expected<Statistics> Machine::run(const Launch &launch, const Checks &checks) {
  const Function *kernel = module.find(launch.kernel);
  if (!kernel || !kernel->entry || !kernel->defined)
    return refuse("no kernel '" + launch.kernel + "' in " + module.name);
  if (Error error = checkBlock(*kernel, launch))
    return error;
  if (Error error = checkArguments(*kernel, launch))
    return error;
  auto program = decode(module, launch, *memory);
  if (!program)
    return program.takeError();
  if (uint64_t limit = sharedLimit(module.target); program->totalShared > limit)
    return refuse("'" + launch.kernel + "' needs " + Twine(program->totalShared) +
                  " bytes of shared memory (" + Twine(program->staticShared) + " static, " +
                  Twine(launch.dynamicShared) + " dynamic); " + module.target + " has " + Twine(limit) +
                  " a block");
  if (program->staticShared > 48 * 1024)
    return refuse("'" + launch.kernel + "' has " + Twine(program->staticShared) +
                  " bytes of static shared memory; at most 49152 are possible, more must be dynamic");
  Execution execution(module, launch, checks, *memory, std::move(*program));
  if (Error error = execution.run())
    return error;
  return std::move(execution.statistics);
}

void Execution::fail(unsigned line, const Twine &message, const Twine &thread) {
  if (failed())
    return;
  fault = (module.name + ":" + Twine(line) + ": error: " + message).str();
  std::string where = thread.str();
  if (!where.empty())
    fault += "\n  in " + where;
  if (line && line <= module.lines.size())
    fault += "\n  " + StringRef(module.lines[line - 1]).trim().str();
}

Error Execution::run() {
  parameters.assign(program.parameterBytes, 0);
  for (auto [offset, argument] : llvm::zip(program.parameterOffsets, launch.arguments))
    llvm::copy(argument, parameters.begin() + offset);
  for (Storage &buffer : memory.all())
    buffer.forgetAccesses(program.globalGranule);
  counts.assign(program.code.size(), 0);
  statistics.staticShared = program.staticShared;
  Storage shared("shared memory", 0, program.sharedBytes, /*readOnly=*/false);
  shared.parts = program.sharedParts;
  shared.forgetAccesses(program.sharedGranule);
  uint64_t total = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  std::vector<uint32_t> order(total);
  std::iota(order.begin(), order.end(), 0);
  if (checks.seed)
    for (uint64_t i = total; i > 1; --i)
      std::swap(order[i - 1], order[draw(i)]);
  for (uint32_t number : order) {
    Block(*this, shared, number).run();
    if (failed())
      return llvm::make_error<KernelFault>(fault);
  }
  for (auto [instruction, count] : llvm::zip(program.code, counts))
    if (count)
      statistics.byOpcode[instruction.opcode.str()] += count;
  return Error::success();
}
