//===- Failure.cpp - what the last failed call had to say -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Failure.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "weir-c/Weir.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace weir::capi;

static thread_local std::string lastError;

const char *weirLastError(void) { return lastError.c_str(); }

void weir::capi::setLastError(StringRef text) { lastError = text.rtrim().str(); }

static StringRef severityOf(mlir::DiagnosticSeverity severity) {
  switch (severity) {
  case mlir::DiagnosticSeverity::Note:
    return "note";
  case mlir::DiagnosticSeverity::Warning:
    return "warning";
  case mlir::DiagnosticSeverity::Error:
    return "error";
  case mlir::DiagnosticSeverity::Remark:
    return "remark";
  }
  llvm_unreachable("a severity that MLIR has not");
}

static void write(raw_ostream &os, const mlir::Diagnostic &diagnostic) {
  if (auto place = diagnostic.getLocation()->findInstanceOf<mlir::FileLineColLoc>())
    os << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn() << ": ";
  os << severityOf(diagnostic.getSeverity()) << ": " << diagnostic << "\n";
  for (const mlir::Diagnostic &note : diagnostic.getNotes())
    write(os, note);
}

Collector::Collector(mlir::MLIRContext *context)
    : handler(context, [this](mlir::Diagnostic &diagnostic) {
        raw_string_ostream os(text);
        write(os, diagnostic);
        return mlir::success();
      }) {}

void Collector::publish(StringRef otherwise) { setLastError(text.empty() ? otherwise : StringRef(text)); }

void Collector::publish(Error error) {
  std::string message = toString(std::move(error));
  setLastError(text.empty() ? message : message + "\n" + text);
}
