//===- FrontendOneInput.h - what must hold for any text -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_FUZZ_FRONTENDONEINPUT_H
#define WEIR_UNITTESTS_FUZZ_FRONTENDONEINPUT_H
#include "weir/Frontend/Frontend.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>
#include <string>

namespace weir::testing {

/// Compiles `text`; ends the program if it is refused in silence, or accepted as a module that is not valid. True if accepted.
inline bool compileAnything(llvm::StringRef text, mlir::MLIRContext &context) {
  FrontendOptions options;
  options.defines["..."] = 1;
  std::string messages;
  llvm::raw_string_ostream os(messages);
  mlir::OwningOpRef<mlir::ModuleOp> module = compileToCascade(text, "fuzz.attn", options, context, os);
  bool explained = messages.find("error: ") != std::string::npos;
  if (!module && !explained) {
    llvm::errs() << "refused without an error\n";
    std::abort();
  }
  if (!module)
    return false;
  if (explained || mlir::failed(mlir::verify(*module))) {
    llvm::errs() << "accepted, but:\n" << messages;
    std::abort();
  }
  std::string printed;
  llvm::raw_string_ostream printing(printed);
  for (mlir::Operation &op : module->getBody()->getOperations())
    printAsAttn(&op, printing);
  return true;
}

} // namespace weir::testing
#endif
