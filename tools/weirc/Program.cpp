//===- Program.cpp - a file at some level, and the way down ---------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Program.h"
#include "Inputs.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "weir/Analysis/Passes.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Pipelines/Compile.h"
#include "weir/Pipelines/Pipelines.h"
#include "weir/Pipelines/RegisterAll.h"
#include "weir/Support/StagedFiles.h"
#include "weir/Target/AssemblePTX.h"
#include "weir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace weirc;
using namespace mlir;
using llvm::StringRef;
using llvm::Twine;

/// What a program stands on. In this order: the handler goes before the context that it is registered with.
struct Program::Contents {
  llvm::SourceMgr sources;
  DialectRegistry registry;
  std::unique_ptr<MLIRContext> context;
  std::unique_ptr<SourceMgrDiagnosticHandler> handler;
};

Program::Program(const Options &options, Phases &phases)
    : level(Level::Cascade), options(options), phases(phases), chosenMapping(options.map),
      contents(std::make_unique<Contents>()) {
  weir::registerAll(contents->registry);
  weir::registerTargetDialects(contents->registry);
  contents->context = std::make_unique<MLIRContext>(contents->registry, MLIRContext::Threading::DISABLED);
  contents->context->printOpOnDiagnostic(false); // a user sees the place in the file, not the IR
  contents->handler =
      std::make_unique<SourceMgrDiagnosticHandler>(contents->sources, contents->context.get());
}

Program::~Program() { module = nullptr; }

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool Program::readText(Defines more, llvm::raw_ostream &diagnostics) {
  weir::FrontendOptions frontend;
  frontend.cascade = options.cascade;
  frontend.importDirs = options.importDirs;
  frontend.dtype = options.dtype;
  frontend.filesRead = &filesRead;
  for (const auto &[name, value] : more)
    frontend.defines[name] = value;
  for (const auto &[name, value] : options.defines)
    frontend.defines[name] = value;
  module = weir::compileToCascade(options.file, frontend, *contents->context, diagnostics);
  level = Level::Cascade;
  return bool(module);
}

/// The pass that holds a module to the contract of a level.
static std::unique_ptr<Pass> checkOf(Level level) {
  weir::VerifyLevelOptions options;
  options.level = getName(level).str();
  return weir::createVerifyLevel(options);
}

bool Program::readMLIR() {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(options.file);
  if (!buffer)
    return refuse("cannot read '" + options.file + "': " + buffer.getError().message()), false;
  if (options.file != "-")
    filesRead.push_back(options.file);
  if (level == Level::LLVM && StringRef(options.file).ends_with(".ll"))
    return refuse("'" + options.file +
                  "' has lost the description of its kernels; give level llvm as MLIR, which "
                  "'weirc compile --emit=llvm -o NAME.mlir' writes"),
           false;
  contents->sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  module = parseSourceFile<ModuleOp>(contents->sources, contents->context.get());
  if (!module)
    return false;
  PassManager passes(contents->context.get());
  if (!options.crashReproducer.empty())
    passes.enableCrashReproducerGeneration(options.crashReproducer);
  passes.addPass(checkOf(level));
  return succeeded(passes.run(*module));
}

func::FuncOp Program::cascade() {
  if (level != Level::Cascade && level != Level::Streamed)
    return nullptr;
  func::FuncOp chosen;
  for (auto function : module->getOps<func::FuncOp>())
    if (weir::attn::isCascade(function) &&
        (options.cascade.empty() || function.getSymName() == options.cascade))
      chosen = function;
  return chosen;
}

/// Leaves only the cascade that is asked for, so that what is compiled and what is interpreted is the same
/// one.
bool Program::chooseCascade() {
  if (level != Level::Cascade && level != Level::Streamed)
    return true;
  func::FuncOp chosen = cascade();
  if (!chosen)
    return refuse(options.cascade.empty()
                      ? "'" + options.file + "' holds no cascade"
                      : "'" + options.file + "' holds no cascade '" + options.cascade + "'"),
           false;
  llvm::SmallVector<func::FuncOp> others;
  for (auto function : module->getOps<func::FuncOp>())
    if (weir::attn::isCascade(function) && function != chosen)
      others.push_back(function);
  for (func::FuncOp other : others)
    other.erase();
  return true;
}

/// With resume=on the program is the cascade of one call, which takes a state and gives one.
bool Program::resume() {
  std::optional<StringRef> ranks = weir::getResumedRanks(options.map);
  if (!ranks)
    return true;
  if (level != Level::Cascade)
    return refuse("'--map resume=' changes a cascade, and '" + options.file + "' is at level " +
                  getName(level)),
           false;
  PassManager passes(contents->context.get());
  weir::buildResumePipeline(passes, *ranks);
  if (phases.time("resume", [&] { return succeeded(passes.run(*module)); }))
    return true;
  if (ranks->empty() && cascade().getOps<weir::attn::StreamOp>().empty())
    refuse("where nothing is merged the rank has to be named, as in '--map resume=N'");
  return false;
}

/// `target: sources`, with what make reads as its own escaped.
static llvm::Error writeDepfile(const Options &options, llvm::ArrayRef<std::string> sources) {
  auto escaped = [](StringRef path) {
    std::string result;
    for (char c : path) {
      if (c == ' ' || c == '#')
        result += '\\';
      else if (c == '$')
        result += '$';
      result += c;
    }
    return result;
  };
  weir::StagedFiles files;
  auto write = [&](llvm::raw_ostream &os) {
    os << escaped(options.output.empty() ? options.file : options.output) << ":";
    for (const std::string &source : sources)
      os << " \\\n  " << escaped(source);
    os << "\n";
  };
  if (llvm::Error error = files.add(options.depfile, write))
    return error;
  return files.commit();
}

std::unique_ptr<Program> Program::read(const Options &options, Phases &phases, Defines more,
                                       llvm::raw_ostream &diagnostics) {
  std::unique_ptr<Program> program(new Program(options, phases));
  program->level = options.from.value_or(levelOf(options.file).value_or(Level::Attn));
  if (!options.from && StringRef(options.file).ends_with(".mlir") && program->level == Level::Attn) {
    refuse("the level of '" + options.file +
           "' is not known; add --from=cascade, streamed, tiled, cpu or llvm");
    return nullptr;
  }
  bool text = program->level == Level::Attn;
  bool done =
      phases.time("read", [&] { return text ? program->readText(more, diagnostics) : program->readMLIR(); });
  if (!options.depfile.empty() && done)
    if (llvm::Error error = writeDepfile(options, program->filesRead))
      return refuse(std::move(error)), nullptr;
  if (!done || !program->chooseCascade() || !program->resume())
    return nullptr;
  return program;
}

weir::KernelSignature Program::signature() {
  func::FuncOp function = cascade();
  assert(function && "only a cascade has a signature of its own");
  return signatureOf(function);
}

//===----------------------------------------------------------------------===//
// The way down
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> Program::equations() {
  OwningOpRef<ModuleOp> copy(module->clone());
  copy->walk([](weir::attn::StreamOp stream) { stream->removeAttr("mapping"); });
  PassManager passes(contents->context.get());
  passes.addNestedPass<func::FuncOp>(weir::createDissolveStreams());
  if (failed(passes.run(*copy)))
    llvm_unreachable("streams that verify are equations");
  return copy;
}

bool Program::takeMapping(StringRef mapping, const weir::TargetDescription &target, bool fromCache) {
  assert(level <= Level::Cascade && "below it a mapping is chosen already");
  if (mapping != options.map) { // what is chosen without a mapping is never refused
    PassManager passes(contents->context.get());
    weir::buildCascadeToStreamedPipeline(passes, target, mapping);
    passes.addPass(checkOf(Level::Streamed));
    OwningOpRef<ModuleOp> copy(module->clone());
    ScopedDiagnosticHandler quiet(contents->context.get(), [](Diagnostic &) { return success(); });
    if (failed(passes.run(*copy)))
      return false;
  }
  chosenMapping = mapping.str();
  tuned = fromCache;
  return true;
}

OwningOpRef<ModuleOp> Program::lower(Level to, const weir::TargetDescription &target) {
  OwningOpRef<ModuleOp> copy(module->clone());
  auto step = [&](Level next, llvm::function_ref<void(OpPassManager &)> build) {
    if (level >= next || to < next)
      return true;
    PassManager passes(contents->context.get());
    if (!options.crashReproducer.empty())
      passes.enableCrashReproducerGeneration(options.crashReproducer);
    build(passes);
    if (!isForGPU(next)) // what may stand at level gpu is the upstream dialects' own contract
      passes.addPass(checkOf(next));
    bool done = phases.time(getName(next), [&] { return succeeded(passes.run(*copy)); });
    if (!done)
      refuse("could not bring the program down to level " + getName(next));
    return done;
  };
  if (!step(Level::Streamed,
            [&](OpPassManager &passes) {
              weir::buildCascadeToStreamedPipeline(passes, target, chosenMapping);
            }) ||
      !step(Level::Tiled, [&](OpPassManager &passes) { weir::buildStreamedToTiledPipeline(passes, target); }))
    return nullptr;
  if (target.isGPU) {
    if (!step(Level::GPU, [&](OpPassManager &passes) { weir::buildTiledToGPUPipeline(passes, target); }))
      return nullptr;
    return copy;
  }
  if (!step(Level::CPU, [&](OpPassManager &passes) { weir::buildTiledToCPUPipeline(passes, target); }) ||
      !step(Level::LLVM, [&](OpPassManager &passes) { weir::buildCPUToLLVMPipeline(passes, target); }))
    return nullptr;
  return copy;
}

weir::CompileOptions Program::compileOptions() const {
  weir::CompileOptions result;
  result.cache = options.cache;
  result.threads = options.threads;
  result.inplace = options.inplace;
  return result;
}

static llvm::Error alreadyPrinted() { return llvm::createStringError("nothing was compiled"); }

llvm::Expected<weir::Kernel> Program::compile(const weir::TargetDescription &target) {
  if (target.isGPU) {
    OwningOpRef<ModuleOp> lowered = lower(Level::Tiled, target);
    if (!lowered)
      return alreadyPrinted();
    weir::DeviceCode code;
    auto ptx = phases.time("ptx", [&] { return weir::emitPTX(*lowered, target); });
    if (!ptx)
      return ptx.takeError();
    code.ptx = std::move(*ptx);
    return phases.time("compile", [&] { return weir::compileTiledForGPU(*lowered, target, code); });
  }
  // From level tiled on the compiled object may be in the cache, so the way to llvm is left to compileTiled.
  OwningOpRef<ModuleOp> lowered = lower(level <= Level::Tiled ? Level::Tiled : Level::LLVM, target);
  if (!lowered)
    return alreadyPrinted();
  auto kernels = phases.time("compile", [&] {
    return level <= Level::Tiled ? weir::compileTiled(*lowered, target, compileOptions())
                                 : weir::Kernel::compile(*lowered, target, compileOptions());
  });
  if (!kernels)
    return kernels.takeError();
  for (weir::Kernel &kernel : llvm::reverse(*kernels))
    if (options.cascade.empty() || kernel.signature().name == options.cascade)
      return kernel;
  return llvm::createStringError("'" + options.file + "' holds no kernel" +
                                 (options.cascade.empty() ? "" : " '" + options.cascade + "'"));
}

/// Where `./weir cuda` puts NVIDIA's tools.
static std::vector<std::string> installedTools() {
  std::vector<std::string> folders;
  std::error_code error;
  const char *environment = WEIR_SOURCE_DIR "/.venv/lib";
  for (llvm::sys::fs::directory_iterator python(environment, error), end; python != end && !error;
       python.increment(error))
    folders.push_back(python->path() + "/site-packages/nvidia/cu13/bin");
  if (folders.empty())
    folders.push_back(environment);
  return folders;
}

llvm::Expected<std::string> Program::assemble(StringRef ptx, const weir::TargetDescription &target,
                                              std::vector<weir::AssembledFunction> *functions) {
  return phases.time("cubin",
                     [&] { return weir::assemblePTX(ptx, target.cpu, installedTools(), functions); });
}

bool Program::canAssemble() { return weir::findPTXAssembler(installedTools()).has_value(); }

llvm::Expected<weir::DeviceCode> Program::emitForGPU(const weir::TargetDescription &target) {
  weir::DeviceCode code;
  auto ptx = emitPTX(target);
  if (!ptx)
    return ptx.takeError();
  code.ptx = std::move(*ptx);
  if (!canAssemble()) {
    llvm::errs() << "weirc: note: without ptxas, NVIDIA's assembler, the code is PTX alone, which the GPU's "
                    "driver assembles when it is loaded\n";
    return code;
  }
  auto cubin = assemble(code.ptx, target);
  if (!cubin)
    return cubin.takeError();
  code.cubin = std::move(*cubin);
  return code;
}

llvm::Expected<std::string> Program::emit(const Target &target, weir::ArtifactKind kind) {
  bool tiled = level <= Level::Tiled;
  const weir::TargetDescription &first = target.versions.front();
  if (first.isGPU) {
    OwningOpRef<ModuleOp> lowered = lower(Level::Tiled, first);
    if (!lowered)
      return alreadyPrinted();
    auto code = emitForGPU(first);
    if (!code)
      return code.takeError();
    return phases.time("emit",
                       [&] { return weir::emitTiledForGPU(*lowered, first, *code, kind, compileOptions()); });
  }
  llvm::SmallVector<OwningOpRef<ModuleOp>> modules;
  llvm::SmallVector<weir::TargetModule> versions;
  for (const weir::TargetDescription &version : target.versions) {
    modules.push_back(lower(tiled ? Level::Tiled : Level::LLVM, version));
    if (!modules.back())
      return alreadyPrinted();
    if (target.isDefault && version.hasMatrixUnit && !weir::usesMatrixUnit(*modules.back()))
      continue;
    versions.push_back({*modules.back(), version});
    if (!tiled)
      break; // below level tiled a module is for one target
  }
  return phases.time("emit", [&] {
    return tiled ? weir::emitTiled(versions, kind, compileOptions())
                 : weir::emitArtifact(versions, kind, compileOptions());
  });
}

llvm::Expected<std::string> Program::emitPTX(const weir::TargetDescription &target) {
  OwningOpRef<ModuleOp> lowered = lower(Level::Tiled, target);
  if (!lowered)
    return alreadyPrinted();
  return phases.time("ptx", [&] { return weir::emitPTX(*lowered, target); });
}

int Program::print(Level at, const Target &target, llvm::raw_ostream &os) {
  if (at < level && at != Level::Attn)
    return refuse("the program is at level " + getName(level) + " already, below " + getName(at));
  if (at == Level::Attn) {
    if (!cascade())
      return refuse("a program at level " + getName(level) + " cannot be printed in the language");
    weir::printAsAttn(*equations()->getOps<func::FuncOp>().begin(), os);
    return Success;
  }
  // LLVM's level is LLVM IR; into a .mlir file it goes as MLIR, which can be given back with the description
  // of its kernels.
  if (at == Level::Asm || (at == Level::LLVM && !StringRef(options.output).ends_with(".mlir"))) {
    auto bytes = emit(target, at == Level::Asm ? weir::ArtifactKind::Assembly : weir::ArtifactKind::LLVMIR);
    if (!bytes)
      return refuse(bytes.takeError());
    os << *bytes;
    return Success;
  }
  if (at >= Level::PTX) {
    const weir::TargetDescription &gpu = target.versions.front();
    auto bytes = emitPTX(gpu);
    if (bytes && at == Level::Cubin)
      bytes = assemble(*bytes, gpu);
    if (!bytes)
      return refuse(bytes.takeError()), Usage; // what a GPU's road refuses is not there yet
    os << *bytes;
    return Success;
  }
  OwningOpRef<ModuleOp> lowered = lower(at, target.versions.front());
  if (!lowered)
    return isForGPU(at) ? Usage : Refused;
  if (at == Level::Cascade)
    lowered = equations();
  lowered->print(os);
  os << "\n";
  return Success;
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

llvm::Expected<Target> weirc::parseTarget(StringRef text, StringRef fallback) {
  Target target;
  target.isDefault = text.empty();
  target.name = (text.empty() ? fallback : text).str();
  if (target.name == "interpret") {
    target.interpret = true;
    return target;
  }
  auto [kind, processor] = StringRef(target.name).split(':');
  if (kind == "cuda") {
    auto version = weir::describeTarget(target.name);
    if (!version)
      return version.takeError();
    target.versions.push_back(*version);
    return target;
  }
  if (kind != "cpu")
    return llvm::createStringError("unknown target '" + target.name +
                                   "'; known are cpu, cpu:native, cpu:x86-64-v3, "
                                   "cpu:x86-64-v4, cpu:NAME of a processor, cuda:sm_80, and interpret");
  // One name, or several joined by commas: a version for each.
  for (StringRef name : llvm::split(processor.empty() ? "native" : processor, ',')) {
    auto version = weir::describeTarget(name);
    if (!version)
      return version.takeError();
    target.versions.push_back(*version);
  }
  return target;
}
