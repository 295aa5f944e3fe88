//===- Frontend.cpp - from a file to a cascade ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sema.h"
#include "dialects/Mapping/MappingDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/thread.h"

using namespace mlir;
using namespace weir;
using namespace weir::sema;

/// Walks over expressions recur once for each operator: kMaxNodeHeight levels of them fit in here with room
/// to spare.
static constexpr unsigned kStackBytes = 512u << 20;

/// What the parameters that equations read are, and which of them an unread one leaves out.
static void collectParams(Program &program) {
  llvm::DenseSet<const Node *> seen;
  llvm::DenseSet<Param *> found;
  SmallVector<const Node *, 16> work;
  for (Equation &equation : program.equations)
    for (Node *node : {equation.value, equation.where})
      if (node)
        work.push_back(node);
  for (Promise &promise : program.promises)
    work.push_back(promise.predicate);
  for (Rank &rank : program.ranks)
    if (rank.extent && rank.used && !rank.override)
      work.push_back(rank.extent);
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!seen.insert(node).second)
      continue;
    if (node->op == sema::Op::Param && found.insert(node->param).second)
      program.params.push_back(node->param);
    work.append(node->args.begin(), node->args.end());
  }
  llvm::sort(program.params, [](Param *a, Param *b) { return a->order < b->order; });
}

static const World::CascadeEntry *chooseCascade(World &world) {
  const World::CascadeEntry *chosen = nullptr;
  for (const World::CascadeEntry *entry : world.cascadeOrder)
    if (world.options.cascade.empty() ? entry->main : entry->declaration->name == world.options.cascade)
      chosen = entry;
  if (chosen)
    return chosen;
  if (!world.options.cascade.empty()) {
    std::string names;
    for (const World::CascadeEntry *entry : world.cascadeOrder)
      names += (names.empty() ? "" : ", ") + entry->declaration->name.str();
    world.error(llvm::SMLoc(), "the file has no cascade `" + world.options.cascade + "`",
                names.empty() ? "" : "it has " + names);
  } else if (!world.diags.hasErrors()) {
    world.error(llvm::SMLoc(), "the file has no cascade to compile",
                world.cascadeOrder.empty() ? "" : "its imports do: choose one by --cascade");
  }
  return nullptr;
}

static OwningOpRef<ModuleOp> compile(llvm::SourceMgr &sources, unsigned bufferId, llvm::StringRef path,
                                     const FrontendOptions &options, MLIRContext &context,
                                     Diagnostics &diags) {
  World world(sources, diags, options);
  auto dtype = parseElementType(options.dtype);
  if (!dtype || !isReal(*dtype)) {
    diags.error(llvm::SMLoc(), "`" + options.dtype + "` is no real element type",
                "they are f64 f32 f16 bf16 f8e4m3 f8e5m2");
    return nullptr;
  }
  world.dtype = *dtype;
  if (!world.load(bufferId, path))
    return nullptr; // what is missing would be an error wherever it is named
  world.checkDefines();
  world.checkFns();
  const World::CascadeEntry *chosen = chooseCascade(world);
  std::unique_ptr<Program> program;
  for (const World::CascadeEntry *entry : world.cascadeOrder) {
    auto current = std::make_unique<Program>();
    analyse(*current, *entry->declaration, entry->order, entry->main, world);
    if (entry == chosen)
      program = std::move(current);
  }
  world.checkGivens();
  if (diags.hasErrors())
    return nullptr;
  world.warnUnused();
  if (!program || program->failed) {
    if (!diags.hasErrors() && chosen)
      diags.error(chosen->declaration->loc,
                  "the cascade `" + chosen->declaration->name + "` could not be understood",
                  "this is a fault of the compiler; please report it with the file");
    return nullptr;
  }
  collectParams(*program);
  context.loadDialect<attn::AttnDialect, mapping::MappingDialect, arith::ArithDialect, func::FuncDialect,
                      tensor::TensorDialect>();
  OwningOpRef<ModuleOp> module = ModuleOp::create(FileLineColLoc::get(&context, path, 1, 1));
  emit(*program, world, *module);
  if (failed(verify(*module))) {
    diags.error(program->cascade->loc,
                "the cascade `" + program->cascade->name + "` was translated to IR that does not verify",
                "this is a fault of the compiler; please report it with the file");
    return nullptr;
  }
  return module;
}

static OwningOpRef<ModuleOp> compileBuffer(std::unique_ptr<llvm::MemoryBuffer> buffer, llvm::StringRef path,
                                           const FrontendOptions &options, MLIRContext &context,
                                           llvm::raw_ostream &errors) {
  llvm::SourceMgr sources;
  unsigned id = sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  Diagnostics diags(sources, errors);
  OwningOpRef<ModuleOp> module;
  llvm::thread worker(std::optional<unsigned>(kStackBytes),
                      [&] { module = compile(sources, id, path, options, context, diags); });
  worker.join();
  return module;
}

OwningOpRef<ModuleOp> weir::compileToCascade(llvm::StringRef path, const FrontendOptions &options,
                                             MLIRContext &context, llvm::raw_ostream &errors) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer) {
    errors << "error: cannot read '" << path << "': " << buffer.getError().message() << "\n";
    return nullptr;
  }
  if (options.filesRead && path != "-")
    options.filesRead->push_back(path.str());
  return compileBuffer(std::move(*buffer), path, options, context, errors);
}

OwningOpRef<ModuleOp> weir::compileToCascade(llvm::StringRef text, llvm::StringRef name,
                                             const FrontendOptions &options, MLIRContext &context,
                                             llvm::raw_ostream &errors) {
  return compileBuffer(llvm::MemoryBuffer::getMemBufferCopy(text, name), name, options, context, errors);
}
