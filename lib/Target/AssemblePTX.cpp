//===- AssemblePTX.cpp - PTX to machine code, by NVIDIA's assembler -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/AssemblePTX.h"
#include "RunTool.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace llvm;
using weir::AssembledFunction;

std::optional<std::string> weir::findPTXAssembler(ArrayRef<std::string> folders) {
  std::optional<std::string> tool;
  auto look = [&](ArrayRef<StringRef> paths) {
    if (!tool)
      if (auto found = sys::findProgramByName("ptxas", paths))
        tool = *found;
  };
  std::string home;
  if (auto folder = sys::Process::GetEnv("CUDA_HOME")) {
    home = *folder + "/bin";
    look({home});
  }
  look({});
  for (StringRef folder : folders)
    look({folder});
  return tool;
}

/// ptxas -v: a function's name, the bytes it spills, then its registers and shared memory, a line each.
static std::vector<AssembledFunction> readMessages(StringRef messages) {
  std::vector<AssembledFunction> functions;
  SmallVector<StringRef> found;
  for (StringRef line : split(messages, '\n')) {
    if (Regex("Compiling entry function '([^']*)'").match(line, &found))
      functions.emplace_back().name = found[1].str();
    if (functions.empty())
      continue;
    AssembledFunction &function = functions.back();
    if (Regex("([0-9]+) bytes spill stores").match(line, &found))
      found[1].getAsInteger(10, function.spilledBytes);
    if (Regex("Used ([0-9]+) registers").match(line, &found))
      found[1].getAsInteger(10, function.registers);
    if (Regex("([0-9]+) bytes smem").match(line, &found))
      found[1].getAsInteger(10, function.sharedBytes);
  }
  return functions;
}

Expected<std::string> weir::assemblePTX(StringRef ptx, StringRef architecture, ArrayRef<std::string> folders,
                                        std::vector<AssembledFunction> *functions) {
  std::optional<std::string> tool = findPTXAssembler(folders);
  if (!tool)
    return createStringError(
        "ptxas, NVIDIA's assembler, is not there: neither in the folder bin of CUDA_HOME nor on PATH" +
        (folders.empty() ? "" : " nor in " + folders.front()) +
        "; install a CUDA toolkit, or make PTX, which a GPU's driver assembles");
  std::string option = "-arch=" + architecture.str();
  std::string messages;
  auto cubin = runTool(
      *tool, "assemble the PTX", ptx, "ptx", "cubin",
      [&](StringRef input, StringRef output) {
        return std::vector<StringRef>{"-v", option, input, "-o", output};
      },
      &messages);
  if (cubin && functions)
    *functions = readMessages(messages);
  return cubin;
}
