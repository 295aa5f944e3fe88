//===- AssemblePTXTest.cpp - NVIDIA's assembler, where it is not ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Target/AssemblePTX.h"
#include "gtest/gtest.h"
#include <cstdlib>
#include <optional>

namespace {

/// Sets a variable of the environment, or removes it, and puts back what was there.
class Environment {
public:
  Environment(const char *name, const char *value) : name(name) {
    if (const char *before = std::getenv(name))
      old = before;
    value ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Environment() { old ? setenv(name, old->c_str(), 1) : unsetenv(name); }

private:
  const char *name;
  std::optional<std::string> old;
};

TEST(AssemblePTX, SaysWhereItLooked) {
  Environment path("PATH", "/nonexistent"), home("CUDA_HOME", nullptr);
  auto cubin = weir::assemblePTX("", "sm_80", {"/nowhere/else"});
  ASSERT_FALSE(bool(cubin));
  EXPECT_EQ(llvm::toString(cubin.takeError()),
            "ptxas, NVIDIA's assembler, is not there: neither in the folder bin of CUDA_HOME nor on PATH nor in "
            "/nowhere/else; install a CUDA toolkit, or make PTX, which a GPU's driver assembles");
}

} // namespace
