//===- Commands.cpp - the table of subcommands ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

using namespace weirc;

static const Command table[] = {
    {"run", Run, "FILE --in Q=q.npy --in K=k.npy ... --out O=o.npy",
     "compile just in time and run on NumPy files",
     "Without --out every output is computed, and a line about each is printed.", runCommand},
    {"compile", Compile, "FILE -o NAME.{so,o,s,ll,h,ptx,mlir}", "compile ahead of time",
     "The suffix or --emit says what is made; a .so comes with NAME.h and weir_runtime.h. Without --target "
     "it holds a version\n"
     "for x86-64-v3, one for x86-64-v4 and, where bf16 can be multiplied by AMX, one for that, and takes the "
     "best one at run time.",
     compileCommand},
    {"explain", Explain, "FILE [--json] [--certificate]",
     "traversals, domains, footprint, FLOPs, bytes and mapping of a cascade", "", explainCommand},
    {"verify", Verify, "FILE [--trials N] [--seed S] [--tol X]",
     "compiled code against the reference interpreter",
     "Inputs that are not given are drawn so that every promise of the file is kept; open extents are drawn, "
     "0 included.\n"
     "Exit status 1 where a result lies outside the bound on rounding.",
     verifyCommand},
    {"bench", Bench, "FILE [--json] [--runs N]",
     "time a kernel beside the machine's peak, measured in the same run",
     "Extents that neither -D nor an input fixes are 1024, or 64 where a rank is only contracted.",
     benchCommand},
    {"draw", Draw, "FILE [-o OUT.svg]", "the mask with its tiles and the cascade's dataflow as a picture",
     "Without -o as text. Extents that -D does not fix are assumed, and said to be. Where the mask depends "
     "on a head or another\nouter coordinate, its first four settings are drawn, otherwise one.",
     drawCommand},
    {"tune", Tune, "FILE [--json] [--runs N]", "search mappings and remember the best for this machine",
     "Extents that neither -D nor an input fixes are 1024, or 64 where a rank is only contracted. What is "
     "found is kept in\n"
     "the cache of compiled kernels, for this processor, program, dtype and extents up to the next power of "
     "two; run, bench,\n"
     "explain, and compile for one processor take it from there.",
     tuneCommand},
    {"list", List, "[--json]", "the catalogue of shipped variants, one line each", "", listCommand},
};

llvm::ArrayRef<Command> weirc::commands() { return table; }

const Command *weirc::findCommand(llvm::StringRef name) {
  for (const Command &command : table)
    if (name == command.name)
      return &command;
  return nullptr;
}
