//===- Artifact.cpp - objects, shared libraries, headers ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An artifact is one LLVM module: for each processor the kernels, compiled for it and local; for each kernel
// a weir_kernel that lists its versions, and the public functions of NAME.h; and the runtime, local. Nothing
// public runs an instruction beyond plain x86-64.
#include "weir/Target/Artifact.h"
#include "Codegen.h"
#include "Describe.h"
#include "KernelTable.h"
#include "Link.h"
#include "weir/Runtime/Embedded.h"
#include "weir/Support/KernelContract.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace llvm;
using namespace weir;

static Error fail(const Twine &text) { return createStringError(inconvertibleErrorCode(), text); }

TargetDescription weir::plainProcessor() {
  TargetDescription target;
  target.cpu = "x86-64";
  target.vectorBytes = 16;
  return target;
}

std::optional<ArtifactKind> weir::artifactKindOf(StringRef path) {
  static const std::pair<StringRef, ArtifactKind> suffixes[] = {
      {".o", ArtifactKind::Object},  {".so", ArtifactKind::SharedLibrary}, {".s", ArtifactKind::Assembly},
      {".ll", ArtifactKind::LLVMIR}, {".h", ArtifactKind::Header},         {".json", ArtifactKind::Manifest}};
  for (auto [suffix, kind] : suffixes)
    if (path.ends_with(suffix))
      return kind;
  return std::nullopt;
}

namespace {

class Assembler {
public:
  Assembler(ArrayRef<TargetModule> versions, const CompileOptions &options) : options(options) {
    // The one that asks for most is the best.
    for (const TargetModule &version : versions) {
      uint64_t needs = version.device ? 0 : requiredFeatures(version.target);
      auto place =
          llvm::find_if(order, [&](const Version &other) { return popcount(other.needs) < popcount(needs); });
      order.insert(place, {needs, version});
    }
  }

  Error run() {
    if (Error error = readKernels())
      return error;
    auto baseline = makeTargetMachine(plain, options.optLevel);
    if (!baseline)
      return baseline.takeError();
    machine = std::move(*baseline);
    whole = std::make_unique<Module>("weir", context);
    whole->setTargetTriple(machine->getTargetTriple());
    whole->setDataLayout(machine->createDataLayout());
    whole->setPICLevel(PICLevel::BigPIC);
    for (auto [i, version] : enumerate(order))
      if (Error error = addVersion(version, i))
        return error;
    for (const KernelSignature &signature : signatures)
      if (Error error = addInterface(signature))
        return error;
    return addRuntime();
  }

  Expected<std::string> object() {
    auto bytes = generate(*whole, *machine, CodeGenFileType::ObjectFile);
    if (!bytes)
      return bytes;
    if (Error error = checkExternals(*bytes, [&](StringRef name) { return runtimeNeeds.contains(name); }))
      return std::move(error);
    return bytes;
  }
  Expected<std::string> assembly() { return generate(*whole, *machine, CodeGenFileType::AssemblyFile); }
  std::string text() {
    std::string out;
    raw_string_ostream os(out);
    whole->print(os, nullptr);
    return out;
  }

private:
  struct Version {
    uint64_t needs;
    TargetModule what;
  };

  Error readKernels() {
    for (const Version &version : order) {
      auto kernels = version.what.module->getAttrOfType<mlir::ArrayAttr>(kKernelsAttr);
      if (!kernels || kernels.empty())
        return fail("the module has no kernels");
      std::vector<KernelSignature> found = readSignatures(kernels);
      if (signatures.empty())
        signatures = std::move(found);
      else if (found.size() != signatures.size())
        return fail("the versions of an artifact hold different kernels");
    }
    return Error::success();
  }

  /// The kernels of one processor, their names marked with it.
  Error addVersion(const Version &version, size_t index) {
    auto own = makeTargetMachine(version.what.device ? plain : version.what.target, options.optLevel);
    if (!own)
      return own.takeError();
    auto code = translate(version.what.module, context, **own);
    if (!code)
      return code.takeError();
    optimize(**code, **own, options.optLevel);
    for (GlobalValue &value : (*code)->global_values())
      if (!value.isDeclaration())
        value.setName(value.getName() + "." + mark(index));
    if (Linker::linkModules(*whole, std::move(*code)))
      return fail("the kernels' versions cannot be linked");
    return Error::success();
  }

  /// The processor's name as part of a symbol, with a number where two versions have the same.
  std::string mark(size_t index) const {
    std::string text = order[index].what.target.cpu;
    auto same = [&](const Version &other) { return other.what.target.cpu == order[index].what.target.cpu; };
    bool alone = llvm::count_if(order, same) == 1;
    for (char &c : text)
      c = isAlnum(c) ? c : '_';
    return alone ? text : text + "_" + utostr(index);
  }

  Error addInterface(const KernelSignature &signature) {
    auto inplace = resolveInplace(signature, options);
    if (!inplace)
      return inplace.takeError();
    Descriptor descriptor(signature, *inplace);
    KernelTable table(*whole, descriptor.kernel, symbolPrefix(signature));
    std::vector<TargetDescription> targets;
    for (size_t i = 0; i < order.size(); ++i) {
      const Version &version = order[i];
      auto function = [&](const Twine &suffix) {
        return whole->getFunction((signature.name + suffix + kEntrySuffix + "." + mark(i)).str());
      };
      Constant *device = nullptr;
      if (const DeviceCode *code = version.what.device) {
        auto description = ptx::readDescription(code->ptx);
        if (!description)
          return description.takeError();
        if (!*description || (*description)->kernel != signature.name)
          return fail("the PTX does not say how '" + signature.name + "' is launched");
        device = table.addDevice(*code, **description);
      }
      table.addVersion(version.needs, version.what.target.cpu, function(""), function(kWorkspaceSuffix),
                       function(kCheckSuffix), function(kExtentsSuffix), function(kPlanBytesSuffix),
                       function(kPlannerSuffix), device);
      targets.push_back(version.what.target);
    }
    table.finish(emitManifest(signature, targets, options));
    return Error::success();
  }

  Error addRuntime() {
    std::string_view bytes = runtimeBitcode();
    auto runtime =
        parseBitcodeFile(MemoryBufferRef(StringRef(bytes.data(), bytes.size()), "weir_runtime.bc"), context);
    if (!runtime)
      return runtime.takeError();
    for (const Function &function : **runtime)
      if (function.isDeclaration() && !function.isIntrinsic())
        runtimeNeeds.insert(function.getName());
    for (StringRef name : {"__tls_get_addr", "__stack_chk_fail"})
      runtimeNeeds.insert(name);
    (*runtime)->setDataLayout(whole->getDataLayout());
    (*runtime)->setTargetTriple(whole->getTargetTriple());
    if (Linker::linkModules(*whole, std::move(*runtime), Linker::LinkOnlyNeeded))
      return fail("the runtime cannot be linked");
    StringSet<> keep;
    for (const KernelSignature &signature : signatures)
      for (StringRef suffix : KernelTable::publicSuffixes())
        keep.insert((symbolPrefix(signature) + suffix).str());
    keep.insert("weir_manifest");
    internalizeModule(*whole, [&](const GlobalValue &value) { return keep.contains(value.getName()); });
    ModuleAnalysisManager analyses;
    GlobalDCEPass().run(*whole, analyses);
    std::string problem;
    raw_string_ostream os(problem);
    if (verifyModule(*whole, &os))
      return fail("broken code: " + problem);
    return Error::success();
  }

  const TargetDescription plain = plainProcessor();
  const CompileOptions &options;
  std::vector<Version> order;
  std::vector<KernelSignature> signatures;
  LLVMContext context;
  std::unique_ptr<TargetMachine> machine;
  std::unique_ptr<Module> whole;
  StringSet<> runtimeNeeds;
};

} // namespace

Expected<std::string> weir::emitArtifact(ArrayRef<TargetModule> versions, ArtifactKind kind,
                                         const CompileOptions &options) {
  if (versions.empty())
    return fail("an artifact needs at least one target");
  if (kind == ArtifactKind::Header || kind == ArtifactKind::Manifest) {
    auto kernels = versions.front().module->getAttrOfType<mlir::ArrayAttr>(kKernelsAttr);
    if (!kernels)
      return fail("the module has no kernels");
    std::string text;
    std::vector<TargetDescription> targets;
    for (const TargetModule &version : versions)
      targets.push_back(version.target);
    for (const KernelSignature &signature : readSignatures(kernels))
      text += kind == ArtifactKind::Header ? emitHeader(signature, targets.front().isGPU)
                                           : emitManifest(signature, targets, options) + "\n";
    return text;
  }
  Assembler assembler(versions, options);
  if (Error error = assembler.run())
    return std::move(error);
  if (kind == ArtifactKind::LLVMIR)
    return assembler.text();
  if (kind == ArtifactKind::Assembly)
    return assembler.assembly();
  auto object = assembler.object();
  if (!object || kind == ArtifactKind::Object)
    return object;
  return linkShared(*object);
}
