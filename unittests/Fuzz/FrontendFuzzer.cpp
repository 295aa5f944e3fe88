//===- FrontendFuzzer.cpp - any text through the frontend -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whatever the text, the frontend refuses it with an error or makes a module that verifies and can be printed; it neither crashes nor
// hangs. Built with -DWEIR_FUZZ=ON (preset asan). To run it, with finds kept outside the sources:
//
//   build-asan/bin/weir-frontend-fuzzer -dict=unittests/Fuzz/attn.dict -max_len=2000 -timeout=20 NEW unittests/Fuzz/corpus
//
// A text that crashed becomes a file of the corpus, which FrontendCorpusTest runs as a plain unit test.
#include "FrontendOneInput.h"
#include <cstddef>
#include <cstdint>
#include <memory>

using namespace weir;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Contexts only grow, so each serves a while.
  constexpr unsigned kRunsOfAContext = 1000;
  static unsigned runs = 0;
  static std::unique_ptr<mlir::MLIRContext> context;
  if (runs++ % kRunsOfAContext == 0)
    context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  testing::compileAnything(llvm::StringRef(reinterpret_cast<const char *>(data), size), *context);
  return 0;
}
