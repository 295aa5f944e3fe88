//===- Tuned.cpp - mappings that weirc tune has found ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Job.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace weirc;
using llvm::StringRef;

/// Extents of one class share a mapping: those with the same next power of two.
static std::string toClasses(const std::map<std::string, int64_t> &extents) {
  std::string text;
  for (const auto &[name, extent] : extents)
    text += name + "=" + std::to_string(extent > 0 ? llvm::PowerOf2Ceil(extent) : extent) + " ";
  return text;
}

/// The files' contents, which are what the cascade is made of, and what of the command line changes it.
static std::optional<std::vector<std::string>> describeProgram(const Program &program,
                                                               const Options &options) {
  if (program.sources().empty())
    return std::nullopt;
  std::vector<std::string> parts = {options.cascade, options.dtype, options.map};
  for (const std::string &path : program.sources()) {
    auto file = llvm::MemoryBuffer::getFile(path);
    if (!file)
      return std::nullopt;
    parts.push_back((*file)->getBuffer().str());
  }
  return parts;
}

std::vector<weir::TunedMapping> Job::tunedMappings(const llvm::StringMap<int64_t> &extents) const {
  auto parts = describeProgram(*program, options);
  if (!parts)
    return {};
  std::map<std::string, int64_t> given(options.defines.begin(), options.defines.end());
  given.insert(defines.begin(), defines.end());
  std::map<std::string, int64_t> all = given;
  for (const weir::KernelSignature::Tensor &input : program->signature().inputs)
    for (const std::string &rank : input.ranks)
      if (auto known = extents.find(rank); known != extents.end())
        all[rank] = known->second;
  std::vector<weir::TunedMapping> entries;
  auto add = [&](const std::string &classes) {
    llvm::SmallVector<StringRef> texts(parts->begin(), parts->end());
    texts.push_back(classes);
    entries.emplace_back(texts, target.versions.front());
  };
  std::string ofAll = toClasses(all), ofGiven = toClasses(given);
  add(ofAll);
  if (ofGiven != ofAll)
    add(ofGiven);
  return entries;
}

void Job::useTuned(const llvm::StringMap<int64_t> &extents) {
  // An artifact for several processors should not depend on the one that makes it.
  if (!options.cache || target.interpret || target.versions.size() != 1 || program->level != Level::Cascade)
    return;
  for (const weir::TunedMapping &entry : tunedMappings(extents))
    if (auto mapping = entry.find(); mapping && program->takeMapping(*mapping, target.versions.front(), true))
      return;
}
