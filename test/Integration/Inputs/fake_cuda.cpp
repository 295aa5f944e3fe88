//===- fake_cuda.cpp - NVIDIA's driver without a GPU, for tests ------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As much of libcuda.so.1 as kernels and weir.py call. Launches are executed by the interpreter of PTX, which
// finds faults; memory of the device is the interpreter's, so a host that touches it crashes. Machine code is
// refused as by a GPU of another architecture. At its end the process says on stderr what was called.
// FAKE_CUDA says what is not there: "gpu", "pools" (cuMemAllocAsync).
//===----------------------------------------------------------------------===//
#include "weir/PTX/Machine.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <cstring>
#include <mutex>

using namespace weir::ptx;

namespace {

enum Result {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NoDevice = 100,
  NoBinary = 209,
  InvalidPTX = 218,
  NoFunction = 500,
  LaunchFailed = 719,
  NotSupported = 801
};

struct LoadedModule {
  Module module;
  std::unique_ptr<Machine> machine;
};

struct LoadedFunction {
  LoadedModule *in;
  const Function *function;
  int dynamicShared = 48 << 10; ///< at most
};

/// The whole driver.
struct Driver {
  std::mutex mutex;
  Module nothing;
  Machine memory{nothing};
  std::vector<std::unique_ptr<LoadedModule>> modules;
  std::vector<std::unique_ptr<LoadedFunction>> functions;
  unsigned loads = 0, launches = 0, allocated = 0, freed = 0, pushed = 0, popped = 0;
  std::string stream = "none";

  bool lacks(const char *what) const {
    const char *list = getenv("FAKE_CUDA");
    return list && strstr(list, what);
  }
  ~Driver() {
    llvm::errs() << "fake driver: " << loads << " modules, " << launches << " launches on stream " << stream
                 << ", " << allocated << " workspaces allocated and " << freed << " freed, context pushed "
                 << pushed << " times and popped " << popped << "\n";
  }
};

Driver &driver() {
  static Driver the;
  return the;
}

thread_local void *currentContext = nullptr;
char primaryContext, ownContext;

std::unique_lock<std::mutex> lock() { return std::unique_lock(driver().mutex); }

int launch(LoadedFunction &target, Launch &launch, void **arguments) {
  for (const Variable &parameter : target.function->parameters) {
    auto *bytes = static_cast<const uint8_t *>(*arguments++);
    launch.arguments.emplace_back(bytes, bytes + parameter.bytes);
  }
  Checks checks;
  auto statistics = target.in->machine->run(launch, checks);
  ++driver().launches;
  if (statistics)
    return Success;
  llvm::errs() << "fake driver: " << toString(statistics.takeError()) << "\n";
  return LaunchFailed;
}

} // namespace

extern "C" {

int cuInit(unsigned) { return driver().lacks("gpu") ? NoDevice : Success; }

int cuGetErrorString(int error, const char **text) {
  *text = error == NoDevice      ? "no CUDA-capable device is detected"
          : error == NoBinary    ? "no kernel image is available for execution on the device"
          : error == OutOfMemory ? "out of memory"
                                 : "some error";
  return Success;
}

int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? Success : InvalidValue;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  switch (attribute) {
  case 75: // compute capability, 8.0
    return *value = 8, Success;
  case 76:
    return *value = 0, Success;
  case 97: // shared memory of a block, where it is asked for
    return *value = 163 << 10, Success;
  }
  return InvalidValue;
}

int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &primaryContext;
  return Success;
}

int cuCtxCreate_v2(void **context, unsigned, int) {
  *context = currentContext = &ownContext;
  return Success;
}

int cuCtxGetCurrent(void **context) {
  *context = currentContext;
  return Success;
}

int cuCtxSetCurrent(void *context) {
  currentContext = context;
  return Success;
}

int cuCtxPushCurrent_v2(void *context) {
  currentContext = context; // never on top of another here
  ++driver().pushed;
  return Success;
}

int cuCtxPopCurrent_v2(void **context) {
  *context = currentContext;
  currentContext = nullptr;
  ++driver().popped;
  return Success;
}

int cuCtxGetDevice(int *device) { return *device = 0, Success; }
int cuCtxGetId(void *context, unsigned long long *id) {
  return *id = context == &ownContext ? 2 : 1, Success;
}

int cuModuleLoadData(void **module, const void *image) {
  auto text = static_cast<const char *>(image);
  if (!strncmp(text, "\177ELF", 4))
    return NoBinary;
  auto parsed = parseModule(text, "the kernel's PTX");
  if (!parsed) {
    llvm::errs() << "fake driver: " << toString(parsed.takeError()) << "\n";
    return InvalidPTX;
  }
  auto held = lock();
  auto loaded = std::make_unique<LoadedModule>();
  loaded->module = std::move(*parsed);
  loaded->machine = std::make_unique<Machine>(loaded->module, driver().memory);
  *module = loaded.get();
  driver().modules.push_back(std::move(loaded));
  ++driver().loads;
  return Success;
}

int cuModuleUnload(void *) { return Success; }

int cuModuleGetFunction(void **function, void *module, const char *name) {
  auto held = lock();
  auto *in = static_cast<LoadedModule *>(module);
  const Function *found = in->module.find(name);
  if (!found || !found->entry)
    return NoFunction;
  driver().functions.push_back(std::make_unique<LoadedFunction>(LoadedFunction{in, found}));
  *function = driver().functions.back().get();
  return Success;
}

int cuFuncGetAttribute(int *value, int attribute, void *function) {
  *value = 0; // bytes of static shared memory
  for (const Variable &variable : static_cast<LoadedFunction *>(function)->function->variables)
    if (variable.space == Space::Shared)
      *value += static_cast<int>(variable.bytes);
  return attribute == 1 ? Success : InvalidValue;
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
  static_cast<LoadedFunction *>(function)->dynamicShared = value;
  return attribute == 8 ? Success : InvalidValue;
}

int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                   unsigned blockY, unsigned blockZ, unsigned shared, void *stream, void **arguments,
                   void **extra) {
  auto held = lock();
  auto &target = *static_cast<LoadedFunction *>(function);
  if (!currentContext || extra || static_cast<int>(shared) > target.dynamicShared)
    return InvalidValue;
  driver().stream = stream ? std::to_string(reinterpret_cast<uintptr_t>(stream)) : "0";
  Launch what;
  what.kernel = target.function->name;
  what.grid = {gridX, gridY, gridZ};
  what.block = {blockX, blockY, blockZ};
  what.dynamicShared = shared;
  return launch(target, what, arguments);
}

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  auto held = lock();
  if (!currentContext)
    return InvalidValue;
  if (bytes > size_t(1) << 32)
    return OutOfMemory;
  *address = driver().memory.allocate("memory of the device", bytes, Machine::Access::ReadWrite, {});
  return Success;
}

int cuMemFree_v2(uint64_t) { return Success; }

int cuMemAllocAsync(uint64_t *address, size_t bytes, void *) {
  if (driver().lacks("pools"))
    return NotSupported;
  ++driver().allocated;
  return cuMemAlloc_v2(address, bytes);
}

int cuMemFreeAsync(uint64_t address, void *) {
  ++driver().freed;
  return cuMemFree_v2(address);
}

int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  auto held = lock();
  return driver().memory.write(to, {static_cast<const uint8_t *>(from), bytes}) ? Success : InvalidValue;
}

int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  auto held = lock();
  llvm::ArrayRef<uint8_t> contents = driver().memory.contents(from);
  if (bytes > contents.size())
    return InvalidValue;
  memcpy(to, contents.data(), bytes);
  return Success;
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *) {
  auto held = lock();
  llvm::ArrayRef<uint8_t> contents = driver().memory.contents(from);
  if (!currentContext || bytes > contents.size())
    return InvalidValue;
  std::vector<uint8_t> copy(contents.begin(), contents.begin() + bytes);
  return driver().memory.write(to, copy) ? Success : InvalidValue;
}

int cuStreamSynchronize(void *) { return Success; }
int cuCtxSynchronize() { return Success; }
}
