//===- Timing.h - what took how long --------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_TIMING_H
#define WEIRC_TIMING_H
#include "llvm/ADT/StringRef.h"
#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace weirc {

/// Seconds by a clock that never goes back.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The phases of one run, in order; those of one name are added up. Printed on stderr at the end where
/// --timing asks for it.
class Phases {
public:
  explicit Phases(bool print) : print(print) {}
  ~Phases();
  template <typename Function> auto time(llvm::StringRef name, Function &&function) {
    Scope scope{*this, name, now()};
    return function();
  }
  double seconds(llvm::StringRef name) const;

private:
  struct Scope {
    Phases &phases;
    llvm::StringRef name;
    double start;
    ~Scope() { phases.add(name, now() - start); }
  };
  void add(llvm::StringRef name, double seconds);

  bool print;
  std::vector<std::pair<std::string, double>> phases;
};

/// A line that says how far a long task is, on a terminal only.
class Progress {
public:
  explicit Progress(llvm::StringRef task);
  ~Progress();
  void update(uint64_t done, uint64_t total);

private:
  std::string task;
  bool terminal;
  double last = 0;
};

} // namespace weirc
#endif
