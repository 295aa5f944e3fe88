//===- TargetDescription.cpp - what a kernel may assume of its machine ----===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/TargetDescription.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include <algorithm>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;
using namespace weir;

namespace {

const Triple triple("x86_64-unknown-linux-gnu");

const Target *x86Target() {
  static const Target *target = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    std::string error;
    return TargetRegistry::lookupTarget(triple, error);
  }();
  return target;
}

Error fail(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

StringSet<> enabledFeatures(const MCSubtargetInfo &info) {
  StringSet<> names;
  for (const SubtargetFeatureKV &feature : info.getEnabledProcessorFeatures())
    names.insert(feature.Key);
  return names;
}

/// Whether the system lets this process use tiles of AMX, for which Linux wants to be asked (component 18 of
/// the saved state).
bool arePermittedTiles() {
  constexpr long requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

/// LLVM's features of this processor, as the difference from those of the processor that LLVM takes it for.
std::string nativeFeatures(const MCSubtargetInfo &named) {
  std::vector<std::string> list;
  StringSet<> enabled = enabledFeatures(named), known;
  for (const SubtargetFeatureKV &feature : named.getAllProcessorFeatures())
    known.insert(feature.Key);
  StringMap<bool> host = sys::getHostCPUFeatures();
  bool mayUseTiles = !host.lookup("amx-tile") || arePermittedTiles();
  for (const auto &entry : host) {
    bool has = enabled.contains(entry.getKey()),
         isThere = entry.getValue() && (mayUseTiles || !entry.getKey().starts_with("amx-"));
    if (known.contains(entry.getKey()) && has != isThere)
      list.push_back(((isThere ? "+" : "-") + entry.getKey()).str());
  }
  std::sort(list.begin(), list.end());
  return join(list, ",");
}

void askCaches(TargetDescription &target) {
  if (long bytes = sysconf(_SC_LEVEL1_DCACHE_SIZE); bytes > 0)
    target.l1Bytes = bytes;
  if (long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0)
    target.l2Bytes = bytes;
}

} // namespace

/// What a launch may ask for instead, as the CUDA C++ Programming Guide says of each compute capability.
static int64_t launchBytesOf(unsigned version) {
  if (version == 80 || version == 87)
    return 163 << 10;
  return (version >= 90 && version < 120 ? 227 : 99) << 10;
}

/// An NVIDIA GPU by its architecture. What a kernel may share without asking the driver for more is 48 KiB on
/// all of them.
static Expected<TargetDescription> describeGPU(StringRef architecture) {
  StringRef number = architecture;
  unsigned version = 0;
  if (!number.consume_front("sm_") || number.consumeInteger(10, version) ||
      !(number.empty() || number == "a") || version < 80)
    return fail("unknown target 'cuda:" + architecture +
                "'; known are cuda:sm_80 and later, such as cuda:sm_90a");
  TargetDescription target;
  target.isGPU = true;
  target.cpu = architecture.str();
  target.vectorBytes = 4; // a thread computes one element at a time
  target.hasBF16 = true;
  target.sharedBytes = 48 << 10;
  target.launchBytes = launchBytesOf(version);
  return target;
}

Expected<TargetDescription> weir::describeTarget(StringRef name) {
  StringRef asked = name;
  if (name.consume_front("cuda:"))
    return describeGPU(name);
  if (name == "cpu")
    name = "native";
  else
    name.consume_front("cpu:");
  const char *known =
      "; known are native, the levels x86-64-v3 and x86-64-v4, and LLVM's names of x86 processors "
      "(haswell, skylake-avx512, sapphirerapids, znver3, znver4, ...)";
  if (name.empty())
    name = "native";
  if (!x86Target())
    return fail("this build of LLVM cannot compile for x86-64");
  TargetDescription target;
  bool native = name == "native";
  target.cpu = native ? sys::getHostCPUName().str() : name.str();
  std::unique_ptr<MCSubtargetInfo> info(x86Target()->createMCSubtargetInfo(triple, "x86-64", ""));
  if (!info->isCPUStringValid(target.cpu))
    return fail("unknown target '" + asked + "'" + known);
  info.reset(x86Target()->createMCSubtargetInfo(triple, target.cpu, ""));
  if (native) {
    target.features = nativeFeatures(*info);
    info.reset(x86Target()->createMCSubtargetInfo(triple, target.cpu, target.features));
    askCaches(target);
  }
  StringSet<> enabled = enabledFeatures(*info);
  auto has = [&](StringRef feature) { return enabled.contains(feature); };
  if (!has("64bit") || !has("avx2") || !has("fma") || !has("f16c") || !has("bmi2"))
    return fail("target '" + asked + "' has no AVX2, FMA and F16C: kernels need at least x86-64-v3");
  bool wide = has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl");
  target.vectorBytes = wide ? 64 : 32;
  target.vectorRegisters = wide ? 32 : 16;
  // Only processors of servers have AMX, and these have two units for 64 bytes.
  target.fmaBytes = has("amx-tile") ? 128 : 64;
  target.hasBF16 = wide && has("avx512bf16");
  target.hasMatrixUnit = target.hasBF16 && has("amx-bf16");
  return target;
}
