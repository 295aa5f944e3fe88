//===- TunedMapping.cpp - the best mapping known on this machine ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/TunedMapping.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace weir;

static std::string describeMachine() {
  std::vector<std::string> features;
  for (const auto &feature : sys::getHostCPUFeatures())
    if (feature.getValue())
      features.push_back(feature.getKey().str());
  llvm::sort(features);
  return (sys::getHostCPUName() + " " + join(features, ",")).str();
}

static CacheEntry entryOf(ArrayRef<StringRef> program, const TargetDescription &target) {
  std::string machine = describeMachine(), bytes = utostr(target.vectorBytes);
  SmallVector<StringRef> parts = {"tuned mapping", machine, target.cpu, target.features, bytes};
  append_range(parts, program);
  return CacheEntry(parts, ".tuned");
}

TunedMapping::TunedMapping(ArrayRef<StringRef> program, const TargetDescription &target)
    : entry(entryOf(program, target)) {}

std::optional<std::string> TunedMapping::find() const {
  std::optional<std::string> text = entry.read();
  if (!text)
    return std::nullopt;
  auto [mapping, mark] = StringRef(*text).split('\n');
  if (mark.rtrim('\n') != digestOf({entry.getDigest(), mapping}))
    return std::nullopt;
  return mapping.str();
}

Error TunedMapping::store(StringRef mapping) const {
  return entry.write((mapping + "\n" + digestOf({entry.getDigest(), mapping}) + "\n").str());
}
