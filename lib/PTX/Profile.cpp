//===- Profile.cpp - what functions consist of ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Profile.h"
#include "llvm/ADT/StringExtras.h"

using namespace weir::ptx;
using llvm::StringRef;

/// How the opcodes of each kind begin.
static const StringRef kinds[] = {"mma.sync", "ldmatrix", "cp.async", "ex2", "fma", "ld.shared", "bar.sync"};

static void count(const Statement &statement, Counts &counts) {
  for (StringRef kind : kinds)
    if (StringRef(statement.opcode).starts_with(kind) && !StringRef(statement.opcode).contains("group"))
      ++counts[kind.str()];
}

void weir::ptx::print(const Counts &counts, llvm::raw_ostream &os) {
  llvm::ListSeparator separator;
  for (StringRef kind : kinds)
    if (auto found = counts.find(kind.str()); found != counts.end())
      os << separator << found->second << " " << kind;
}

void weir::ptx::print(const LoopProfile &loop, llvm::raw_ostream &os) {
  os << "loop at line " << loop.line << ": ";
  print(loop.instructions, os);
  os << (loop.instructions.empty() ? "" : "; ") << "banks of shared memory: ";
  if (loop.banks.conflicts)
    os << loop.banks.conflicts << (loop.banks.conflicts == 1 ? " turn" : " turns") << " too many in ";
  else
    os << "no conflict in ";
  os << loop.banks.accesses - loop.banks.unknown << " accesses";
  if (loop.banks.unknown)
    os << ", not known of " << loop.banks.unknown << " whose places depend on open extents or data";
}

Profile weir::ptx::profile(const Function &function, unsigned threads) {
  Profile result;
  for (const Statement &statement : function.body)
    count(statement, result.instructions);
  BankAnalysis analysis(function, threads);
  for (const Loop &statements : findLoops(function)) {
    LoopProfile loop{function.body[statements.front()].line, {}, analysis.of(statements)};
    for (unsigned index : statements)
      count(function.body[index], loop.instructions);
    if (loop.banks.accesses)
      result.loops.push_back(std::move(loop));
  }
  return result;
}
