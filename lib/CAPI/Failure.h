//===- Failure.h - what the last failed call had to say -------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_CAPI_FAILURE_H
#define WEIR_LIB_CAPI_FAILURE_H
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Error.h"
#include <string>

namespace weir::capi {

/// Makes `text` this thread's last error; blanks and line ends at its end are dropped.
void setLastError(llvm::StringRef text);

/// Whether a caller left out what a function cannot do without; then `what` is the last error: "a module".
template <typename T> bool missing(const T *given, const char *what) {
  if (given)
    return false;
  setLastError(std::string("expected ") + what + ", got a null pointer");
  return true;
}

/// While it lives, what passes and parsers say about a context is collected instead of printed.
class Collector {
public:
  explicit Collector(mlir::MLIRContext *context);
  /// Makes what was collected the last error; `otherwise` where nobody said a thing.
  void publish(llvm::StringRef otherwise);
  /// The same with an error of ours, which goes first.
  void publish(llvm::Error error);

private:
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace weir::capi
#endif
