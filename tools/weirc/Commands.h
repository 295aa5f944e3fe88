//===- Commands.h - the subcommands, one file each ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_COMMANDS_H
#define WEIRC_COMMANDS_H
#include "Options.h"

namespace weirc {

int runCommand(const Options &options);
int compileCommand(const Options &options);
int explainCommand(const Options &options);
int verifyCommand(const Options &options);
int benchCommand(const Options &options);
int listCommand(const Options &options);
int drawCommand(const Options &options);
int tuneCommand(const Options &options);

} // namespace weirc
#endif
