//===- AssemblePTX.cpp - PTX to machine code, by NVIDIA's assembler -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/AssemblePTX.h"
#include "RunTool.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"

using namespace llvm;

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

Expected<std::string> weir::assemblePTX(StringRef ptx, StringRef architecture,
                                        ArrayRef<std::string> folders) {
  std::optional<std::string> tool = findPTXAssembler(folders);
  if (!tool)
    return createStringError(
        "ptxas, NVIDIA's assembler, is not there: neither in the folder bin of CUDA_HOME nor on PATH" +
        (folders.empty() ? "" : " nor in " + folders.front()) +
        "; install a CUDA toolkit, or make PTX, which a GPU's driver assembles");
  std::string option = "-arch=" + architecture.str();
  return runTool(*tool, "assemble the PTX", ptx, "ptx", "cubin", [&](StringRef input, StringRef output) {
    return std::vector<StringRef>{option, input, "-o", output};
  });
}
