//===- KernelObject.cpp - the object of a kernel that is run in this process ===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nine tenths of the time from text to callable go by function. So functions are dealt out to threads, each of which makes a module of its
// own and an object; the JIT links them. A file to keep is made in one piece (Artifact.cpp).
#include "Codegen.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Threading.h"

using namespace llvm;
using namespace weir;
using mlir::ModuleOp;
using mlir::OwningOpRef;
using mlir::func::FuncOp;

namespace {

/// A function and how many ops it has.
struct Sized {
  FuncOp function;
  unsigned size = 0;
};

} // namespace

/// The functions, the largest first; nothing where the module has something else, which is to be there once.
static std::vector<Sized> functionsOf(ModuleOp module) {
  std::vector<Sized> functions;
  for (mlir::Operation &op : *module.getBody()) {
    auto function = dyn_cast<FuncOp>(op);
    if (!function)
      return {};
    if (function.isExternal())
      continue;
    Sized sized{function};
    op.walk([&](mlir::Operation *) { ++sized.size; });
    functions.push_back(sized);
  }
  llvm::sort(functions, [](Sized a, Sized b) {
    return std::pair(b.size, a.function.getName()) < std::pair(a.size, b.function.getName());
  });
  return functions;
}

/// How many objects functions become, one a thread: as many as the largest leaves work for, and one where there is little to do.
static unsigned countParts(ArrayRef<Sized> functions, unsigned threads) {
  constexpr unsigned kLittle = 1200; // ops, 20 ms or so
  unsigned total = 0;
  for (const Sized &function : functions)
    total += function.size;
  unsigned most = hardware_concurrency(threads).compute_thread_count();
  return total < kLittle ? 1 : std::min<unsigned>(most, divideCeil(total, functions.front().size));
}

/// What a part calls of others.
static void declareOthers(ModuleOp part, const mlir::SymbolTable &all) {
  mlir::OpBuilder b = mlir::OpBuilder::atBlockEnd(part.getBody());
  StringSet<> known;
  for (auto function : part.getOps<FuncOp>())
    known.insert(function.getName());
  auto uses = mlir::SymbolTable::getSymbolUses(&part.getBodyRegion());
  for (const mlir::SymbolTable::SymbolUse &use : *uses) {
    auto function = all.lookup<FuncOp>(use.getSymbolRef().getRootReference());
    if (!function || !known.insert(function.getName()).second)
      continue;
    auto declaration = cast<FuncOp>(b.insert(function->cloneWithoutRegions()));
    mlir::SymbolTable::setSymbolVisibility(declaration, mlir::SymbolTable::Visibility::Private);
  }
}

/// The module in `count` parts: the largest function first, each goes to the part that has least.
static std::vector<OwningOpRef<ModuleOp>> split(ModuleOp module, ArrayRef<Sized> functions, unsigned count) {
  mlir::SymbolTable all(module);
  std::vector<OwningOpRef<ModuleOp>> parts;
  for (unsigned i = 0; i < count; ++i) {
    parts.push_back(module.cloneWithoutRegions());
    parts.back()->getBodyRegion().emplaceBlock();
  }
  SmallVector<unsigned> sizes(count);
  for (const Sized &function : functions) {
    unsigned *least = min_element(sizes);
    *least += function.size;
    FuncOp op = function.function;
    op->remove();
    parts[least - sizes.begin()]->push_back(op);
  }
  for (OwningOpRef<ModuleOp> &part : parts)
    declareOthers(*part, all);
  return parts;
}

/// The object of a module that is a `whole` or a part.
static Expected<std::string> compilePart(OwningOpRef<ModuleOp> module, bool whole, const TargetDescription &target,
                                         const CompileOptions &options, function_ref<Error(ModuleOp)> lower) {
  if (lower)
    if (Error error = lower(*module))
      return std::move(error);
  auto machine = makeTargetMachine(target, options.optLevel);
  if (!machine)
    return machine.takeError();
  LLVMContext context;
  auto code = translate(*module, context, **machine, whole);
  if (!code)
    return code.takeError();
  module = nullptr;
  optimize(**code, **machine, options.optLevel);
  return generate(**code, **machine, CodeGenFileType::ObjectFile);
}

/// One object a part, or the error of the first part that has one. Threads work in one context, which is told of them: where it knows of one
/// thread only it takes no locks. What they say is in the order of the parts.
static Expected<std::vector<std::string>> compileParts(std::vector<OwningOpRef<ModuleOp>> parts,
                                                       const TargetDescription &target, const CompileOptions &options,
                                                       function_ref<Error(ModuleOp)> lower) {
  std::vector<std::optional<Expected<std::string>>> compiled(parts.size());
  mlir::MLIRContext *context = parts.front()->getContext();
  bool isAlone = !context->isMultithreadingEnabled();
  if (isAlone)
    context->enableMultithreading();
  mlir::parallelFor(context, 0, parts.size(), [&](size_t i) {
    compiled[i] = compilePart(std::move(parts[i]), /*whole=*/false, target, options, lower);
  });
  if (isAlone)
    context->disableMultithreading();
  std::vector<std::string> objects;
  std::optional<Error> first;
  for (auto &object : compiled)
    if (*object)
      objects.push_back(std::move(**object));
    else if (first)
      consumeError(object->takeError());
    else
      first = object->takeError();
  if (first)
    return std::move(*first);
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

Expected<std::string> weir::emitKernelObject(OwningOpRef<ModuleOp> module, const TargetDescription &target,
                                             const CompileOptions &options, function_ref<Error(ModuleOp)> lower) {
  std::vector<Sized> functions = lower ? functionsOf(*module) : std::vector<Sized>();
  unsigned count = functions.empty() ? 1 : countParts(functions, options.threads);
  std::vector<std::string> objects;
  StringSet<> own; // what a part may find in another
  if (count == 1) {
    auto object = compilePart(std::move(module), /*whole=*/true, target, options, lower);
    if (!object)
      return object.takeError();
    objects.push_back(std::move(*object));
  } else {
    for (Sized sized : functions)
      own.insert(sized.function.getName());
    auto parts = compileParts(split(*module, functions, count), target, options, lower);
    if (!parts)
      return parts.takeError();
    objects = std::move(*parts);
  }
  for (StringRef object : objects)
    if (Error error = checkExternals(object, [&](StringRef name) { return own.contains(name); }))
      return std::move(error);
  return count == 1 ? std::move(objects[0]) : archive(objects);
}
