//===- Explain.cpp - weirc explain ----------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"

using namespace weirc;

int weirc::explainCommand(const Options &options) {
  Job job(options, "cpu:native");
  if (job.status)
    return *job.status;
  return Success;
}
