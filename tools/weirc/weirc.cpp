//===- weirc.cpp - the command line of Weir -------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Options.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace weirc;
using llvm::StringRef;

/// The subcommand that the first argument names. `weirc --emit=tiled FILE` has none, and is compile.
static const Command *chooseCommand(llvm::ArrayRef<const char *> &arguments) {
  StringRef first = arguments.front();
  if (first.starts_with("-"))
    return first.starts_with("--emit") || first.starts_with("--from") ? findCommand("compile") : nullptr;
  arguments = arguments.drop_front();
  return findCommand(first);
}

int main(int argc, char **argv) {
  llvm::sys::PrintStackTraceOnErrorSignal(argv[0]);
  llvm::EnablePrettyStackTrace();
  llvm::ArrayRef<const char *> arguments(argv + 1, argc - 1);
  if (arguments.empty())
    return printHelp(llvm::errs()), Usage;
  StringRef first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help")
    return printHelp(llvm::outs()), Success;
  if (llvm::is_contained(arguments, StringRef("--version"))) {
    llvm::outs() << "weirc " WEIR_VERSION " (LLVM " LLVM_VERSION_STRING ")\n";
    return Success;
  }
  const Command *command = chooseCommand(arguments);
  if (!command) {
    llvm::SmallVector<StringRef> names;
    for (const Command &known : commands())
      names.push_back(known.name);
    StringRef guess = nearest(first, names);
    return usageError("unknown command '" + first + "'; " +
                      (guess.empty() ? "see 'weirc --help'" : "did you mean '" + guess.str() + "'?"));
  }
  if (llvm::is_contained(arguments, StringRef("--help")))
    return printHelp(*command, llvm::outs()), Success;
  llvm::Expected<Options> options = parseOptions(*command, arguments);
  if (!options)
    return usageError(llvm::toString(options.takeError()) + "; see 'weirc " + command->name + " --help'");
  return command->run(*options);
}
