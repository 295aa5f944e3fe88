//===- PrintAttn.cpp - a cascade as text in the language ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Frontend/Frontend.h"

void weir::printAsAttn(mlir::Operation *cascade, llvm::raw_ostream &os) { os << "// " << cascade->getName() << "\n"; }
