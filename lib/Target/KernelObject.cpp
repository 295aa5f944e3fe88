//===- KernelObject.cpp - the object of a kernel that is run in this process ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM takes eight tenths of the time from text to callable, and each function by itself. So functions are dealt out to threads, each of which
// makes an object; the JIT links them. A file to keep is made in one piece (Artifact.cpp).
#include "Codegen.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace weir;

/// How many objects a module becomes, one a thread: as many as its largest function leaves work for, and one where there is little to do.
static unsigned countParts(const Module &module, unsigned threads) {
  constexpr unsigned kLittle = 2000; // instructions, 20 ms or so
  unsigned total = 0, largest = 1;
  for (const Function &function : module) {
    unsigned count = function.getInstructionCount();
    total += count;
    largest = std::max(largest, count);
  }
  unsigned most = hardware_concurrency(threads).compute_thread_count();
  return total < kLittle ? 1 : std::min<unsigned>(most, divideCeil(total, largest));
}

/// The module in `count` parts, as bitcode: each is to have a context of its own. The largest function first, each goes to the part that
/// has least. What was local is known to all parts, and may be anywhere: they are linked wherever there is room.
static std::vector<SmallString<0>> split(Module &module, unsigned count) {
  auto functions = to_vector(make_pointer_range(module.functions()));
  llvm::sort(functions, [](Function *a, Function *b) {
    return std::pair(b->getInstructionCount(), a->getName()) < std::pair(a->getInstructionCount(), b->getName());
  });
  SmallVector<unsigned> sizes(count);
  DenseMap<const GlobalValue *, unsigned> partOf; // 0 for what is no function
  for (Function *function : functions) {
    unsigned *least = min_element(sizes);
    *least += function->getInstructionCount();
    partOf[function] = least - sizes.begin();
  }
  for (GlobalValue &value : module.global_values())
    if (value.hasLocalLinkage()) {
      if (!value.hasName())
        value.setName("weir.global");
      value.setLinkage(GlobalValue::ExternalLinkage);
      value.setDSOLocal(false);
    }
  std::vector<SmallString<0>> parts(count);
  for (auto [i, bitcode] : enumerate(parts)) {
    ValueToValueMapTy map;
    unsigned own = i;
    auto part = CloneModule(module, map, [&](const GlobalValue *value) { return partOf.lookup(value) == own; });
    raw_svector_ostream os(bitcode);
    WriteBitcodeToFile(*part, os);
  }
  return parts;
}

static Expected<std::string> compilePart(StringRef bitcode, const TargetDescription &target,
                                         const CompileOptions &options) {
  auto machine = makeTargetMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto part = parseBitcodeFile(MemoryBufferRef(bitcode, "weir"), context);
  if (!part)
    return part.takeError();
  optimize(**part, **machine, options.optLevel);
  return generate(**part, **machine, CodeGenFileType::ObjectFile);
}

static Expected<std::vector<std::string>> compileParts(Module &module, unsigned count, const TargetDescription &target,
                                                       const CompileOptions &options) {
  std::vector<SmallString<0>> parts = split(module, count);
  std::vector<std::optional<Expected<std::string>>> compiled(parts.size());
  DefaultThreadPool threads(hardware_concurrency(parts.size()));
  for (size_t i = 0; i < parts.size(); ++i)
    threads.async([&, i] { compiled[i] = compilePart(parts[i], target, options); });
  threads.wait();
  std::vector<std::string> objects;
  Error error = Error::success();
  for (auto &object : compiled)
    if (*object)
      objects.push_back(std::move(**object));
    else
      error = joinErrors(std::move(error), object->takeError());
  if (error)
    return std::move(error);
  return std::move(objects);
}

static Expected<std::string> archive(ArrayRef<std::string> objects) {
  std::vector<NewArchiveMember> members;
  for (const std::string &object : objects)
    members.emplace_back(MemoryBufferRef(object, "kernel.o"));
  auto bytes = writeArchiveToBuffer(members, SymtabWritingMode::NoSymtab, object::Archive::K_GNU,
                                    /*Deterministic=*/true, /*Thin=*/false);
  if (!bytes)
    return bytes.takeError();
  return (*bytes)->getBuffer().str();
}

Expected<std::string> weir::emitKernelObject(mlir::ModuleOp module, const TargetDescription &target,
                                             const CompileOptions &options) {
  auto machine = makeTargetMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto code = translate(module, context, **machine);
  if (!code)
    return code.takeError();
  unsigned count = countParts(**code, options.threads);
  std::vector<std::string> objects;
  if (count == 1) {
    optimize(**code, **machine, options.optLevel);
    auto object = generate(**code, **machine, CodeGenFileType::ObjectFile);
    if (!object)
      return object.takeError();
    objects.push_back(std::move(*object));
  } else {
    auto parts = compileParts(**code, count, target, options);
    if (!parts)
      return parts.takeError();
    objects = std::move(*parts);
  }
  StringSet<> own; // by the names that parts know
  for (const GlobalValue &value : (*code)->global_values())
    if (!value.isDeclaration())
      own.insert(value.getName());
  for (StringRef object : objects)
    if (Error error = checkExternals(object, [&](StringRef name) { return own.contains(name); }))
      return std::move(error);
  return count == 1 ? std::move(objects[0]) : archive(objects);
}
