//===- ExplainGPU.cpp - what a kernel for a GPU is made of ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ExplainGPU.h"
#include "weir/Analysis/GPUTime.h"
#include "weir/PTX/Module.h"
#include "llvm/Support/Format.h"

using namespace weirc;
using llvm::StringRef;

static bool usesDynamicShared(const weir::ptx::Module &module, const weir::ptx::Function &function) {
  std::vector<StringRef> names;
  for (const weir::ptx::Variable &variable : module.variables)
    if (variable.external && variable.space == weir::ptx::Space::Shared)
      names.push_back(variable.name);
  auto uses = [&](const weir::ptx::Operand &operand) {
    auto is = [&](const weir::ptx::Operand &part) { return llvm::is_contained(names, StringRef(part.name)); };
    return is(operand) || llvm::any_of(operand.elements, is);
  };
  return llvm::any_of(function.body, [&](const weir::ptx::Statement &statement) {
    return llvm::any_of(statement.operands, uses);
  });
}

llvm::Expected<std::vector<GPUFunction>> weirc::describeGPUFunctions(Job &job) {
  const weir::TargetDescription &target = job.target.versions.front();
  auto text = job.program->emitPTX(target);
  if (!text)
    return text.takeError();
  auto module = weir::ptx::parseModule(*text, "the kernel's PTX");
  if (!module)
    return module.takeError();
  auto description = weir::ptx::readDescription(*text);
  if (!description)
    return description.takeError();
  std::vector<weir::AssembledFunction> assembled;
  if (Program::canAssemble())
    if (auto cubin = job.program->assemble(*text, target, &assembled); !cubin)
      return cubin.takeError();
  auto rates = weir::ratesOfGPU(target.cpu);
  std::vector<GPUFunction> functions;
  for (const weir::ptx::Description::Function &launch : (*description)->launches) {
    GPUFunction &function = functions.emplace_back();
    function.name = launch.kernel;
    function.threads = launch.block;
    const weir::ptx::Function *inText = module->find(launch.kernel);
    function.profile = weir::ptx::profile(*inText, launch.block);
    function.hasDynamicShared = launch.shared == 0 && usesDynamicShared(*module, *inText); // else it is known
    auto made = llvm::find_if(assembled, [&](const auto &one) { return one.name == launch.kernel; });
    if (made == assembled.end())
      continue;
    function.registers = made->registers;
    function.sharedBytes = made->sharedBytes + launch.shared;
    function.spilledBytes = made->spilledBytes;
    if (!rates)
      continue;
    function.blocks = rates->blocksOf(launch.block, made->registers, *function.sharedBytes);
    function.occupancy = double(*function.blocks) * ((launch.block + 31) / 32) / rates->warps;
  }
  return functions;
}

/// `attention: 128 threads, 211 registers, 36864 bytes of shared memory, nothing spilled; 2 blocks on a
/// multiprocessor, ...`
static void print(const GPUFunction &function, llvm::raw_ostream &os) {
  os << "  " << function.name << ": " << function.threads << " threads";
  if (function.registers) {
    os << ", " << *function.registers << " registers, " << *function.sharedBytes << " bytes of shared memory"
       << (function.hasDynamicShared ? " and tiles of open extents" : "") << ", ";
    if (*function.spilledBytes)
      os << *function.spilledBytes << " bytes spilled";
    else
      os << "nothing spilled";
  }
  if (function.blocks)
    os << "; " << (function.hasDynamicShared ? "at most " : "") << *function.blocks
       << (*function.blocks == 1 ? " block" : " blocks") << " on a multiprocessor, "
       << llvm::format("%.0f %%", 100 * *function.occupancy) << " of its warps";
  if (!function.profile.instructions.empty()) {
    os << "\n    instructions in the text: ";
    weir::ptx::print(function.profile.instructions, os);
  }
  unsigned conflicts = 0; // of loops that are not listed
  for (const weir::ptx::LoopProfile &loop : function.profile.loops) {
    bool multiplies = loop.instructions.count("mma.sync") || loop.instructions.count("fma");
    if (!multiplies) {
      conflicts += loop.banks.conflicts;
      continue;
    }
    os << "\n    ";
    weir::ptx::print(loop, os);
  }
  if (conflicts)
    os << "\n    other loops: banks of shared memory: " << conflicts << (conflicts == 1 ? " turn" : " turns")
       << " too many";
  os << "\n";
}

void weirc::print(llvm::ArrayRef<GPUFunction> functions, llvm::raw_ostream &os) {
  os << "\nfunctions, launched one after another\n";
  for (const GPUFunction &function : functions)
    ::print(function, os);
  if (!functions.empty() && !functions.front().registers)
    os << "  without ptxas, NVIDIA's assembler, registers are not known\n";
}

template <typename T> static llvm::json::Value orNull(const std::optional<T> &value) {
  return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
}

static llvm::json::Object toJson(const weir::ptx::Counts &counts) {
  llvm::json::Object object;
  for (const auto &[kind, count] : counts)
    object[kind] = count;
  return object;
}

llvm::json::Array weirc::toJson(llvm::ArrayRef<GPUFunction> functions) {
  llvm::json::Array list;
  for (const GPUFunction &function : functions) {
    llvm::json::Array loops;
    for (const weir::ptx::LoopProfile &loop : function.profile.loops)
      loops.push_back(llvm::json::Object{{"line", loop.line},
                                         {"instructions", ::toJson(loop.instructions)},
                                         {"shared_accesses", loop.banks.accesses},
                                         {"bank_conflicts", loop.banks.conflicts},
                                         {"unknown_banks", loop.banks.unknown}});
    list.push_back(llvm::json::Object{{"kernel", function.name},
                                      {"block", function.threads},
                                      {"registers", orNull(function.registers)},
                                      {"shared_bytes", orNull(function.sharedBytes)},
                                      {"dynamic_shared", function.hasDynamicShared},
                                      {"spilled_bytes", orNull(function.spilledBytes)},
                                      {"blocks_of_multiprocessor", orNull(function.blocks)},
                                      {"occupancy", orNull(function.occupancy)},
                                      {"instructions", ::toJson(function.profile.instructions)},
                                      {"loops", std::move(loops)}});
  }
  return list;
}
