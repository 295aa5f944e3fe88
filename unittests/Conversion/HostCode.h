//===- HostCode.h - MLIR functions called in a test ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_CONVERSION_HOSTCODE_H
#define WEIR_UNITTESTS_CONVERSION_HOSTCODE_H
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <vector>

namespace weir::test {

/// A module of functions over one-dimensional arrays, compiled for this machine.
class HostCode {
public:
  /// `text` is MLIR; each function called takes one-dimensional memrefs only and carries
  /// `llvm.emit_c_interface`. `passes` run before the conversions to the llvm dialect. Aborts with a message
  /// if anything fails.
  HostCode(const std::string &text, const std::string &passes);
  ~HostCode();

  template <typename... T> void call(const std::string &name, std::vector<T> &...arrays) {
    callRaw(name, {{arrays.data(), int64_t(arrays.size())}...});
  }

private:
  struct Array {
    void *data;
    int64_t size;
  };
  void callRaw(const std::string &name, std::vector<Array> arrays);
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// While it lives, denormal operands and results are zero in this thread, as in a kernel.
class DenormalsOff {
public:
  DenormalsOff();
  ~DenormalsOff();

private:
  unsigned saved;
};

} // namespace weir::test
#endif
