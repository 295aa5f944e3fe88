//===- Options.h - weirc's command line as data ---------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_OPTIONS_H
#define WEIRC_OPTIONS_H
#include "Level.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weirc {

/// Exit statuses: the answer is no (verification failed, input refused); the command line itself is wrong.
enum ExitStatus { Success = 0, Refused = 1, Usage = 2 };

/// One bit a subcommand, so that an option can say which of them have it.
enum CommandBit : unsigned {
  Run = 1,
  Compile = 2,
  Explain = 4,
  Verify = 8,
  Bench = 16,
  Draw = 32,
  Tune = 64,
  List = 128
};

using NamedText = std::pair<std::string, std::string>;

struct Options {
  std::string command, file;
  // What every subcommand with a FILE has.
  std::string cascade, dtype = "f32", target, map, grad, depfile, crashReproducer;
  std::vector<std::string> importDirs;
  std::vector<std::pair<std::string, int64_t>> defines; ///< -D
  std::vector<NamedText> params;                        ///< --set
  std::optional<Level> emit, from;
  unsigned threads = 0; ///< 0: as many as the machine has
  bool timing = false, cache = true, traceNonfinite = false;
  // What some have.
  std::vector<NamedText> in, out; ///< tensor, path
  std::vector<NamedText> inplace;
  std::string output; ///< -o
  bool json = false, raw = false, certificate = false;
  std::optional<unsigned> trials, runs, trial;
  std::optional<uint64_t> seed;
  std::optional<double> tolerance;

  /// Those of -D by name.
  llvm::StringMap<int64_t> extents() const;
  /// As many as are asked for, or the machine has.
  unsigned threadCount() const;
};

struct Command {
  const char *name;
  CommandBit bit;
  const char *arguments; ///< "FILE --in Q=q.npy ..."
  const char *summary;   ///< one line
  const char *details;   ///< what --help adds, or ""
  int (*run)(const Options &);
};
llvm::ArrayRef<Command> commands();
const Command *findCommand(llvm::StringRef name);

/// Reads the arguments of a subcommand. An error is one about the command line: its text goes behind "weirc
/// NAME: error: ".
llvm::Expected<Options> parseOptions(const Command &command, llvm::ArrayRef<const char *> arguments);

/// `weirc --help` and `weirc NAME --help`.
void printHelp(llvm::raw_ostream &os);
void printHelp(const Command &command, llvm::raw_ostream &os);

/// Print "weirc: error: ..." on stderr and give the exit status.
int usageError(const llvm::Twine &message);
int refuse(const llvm::Twine &message);
int refuse(llvm::Error error);

/// Of two dozen names, the one that `name` was probably meant to be; empty where none is near.
llvm::StringRef nearest(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace weirc
#endif
