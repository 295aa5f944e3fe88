//===- Timing.cpp - what took how long ------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Timing.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

using namespace weirc;

Phases::~Phases() {
  if (!print)
    return;
  double total = 0;
  for (auto &[name, seconds] : phases) {
    llvm::errs() << llvm::format("%10.3f ms  ", seconds * 1e3) << name << "\n";
    total += seconds;
  }
  llvm::errs() << llvm::format("%10.3f ms  total\n", total * 1e3);
}

void Phases::add(llvm::StringRef name, double seconds) {
  for (auto &phase : phases)
    if (phase.first == name) {
      phase.second += seconds;
      return;
    }
  phases.emplace_back(name.str(), seconds);
}

double Phases::seconds(llvm::StringRef name) const {
  for (const auto &phase : phases)
    if (phase.first == name)
      return phase.second;
  return 0;
}

Progress::Progress(llvm::StringRef task)
    : task(task), terminal(llvm::sys::Process::StandardErrIsDisplayed()) {}

Progress::~Progress() {
  if (last != 0)
    llvm::errs() << "\r\033[K";
}

void Progress::update(uint64_t done, uint64_t total) {
  // Ten times a second is as often as an eye follows.
  if (!terminal || now() - last < 0.1)
    return;
  last = now();
  llvm::errs() << "\r" << task << ": " << done << " of " << total;
  llvm::errs().flush();
}
