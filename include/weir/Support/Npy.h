//===- Npy.h - NumPy's .npy files -----------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_SUPPORT_NPY_H
#define WEIR_SUPPORT_NPY_H
#include "weir/Support/HostTensor.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace weir {

/// Reads `path` ("-" is stdin) as a tensor of `declared` type: C or Fortran order, any byte order. Converted when nothing can be lost
/// (i64 ids into i32 when every value fits; f64 into f32 with a line on `notes`), else an error that names both types. bf16 and f8
/// travel as raw bits (u2, u1) or as f32, which is rounded; i4 as i1 (one byte an entry).
llvm::Expected<HostTensor> readNpy(llvm::StringRef path, ElementType declared, llvm::raw_ostream &notes);

/// The shape alone, of any type that NumPy knows. Not of stdin, which can be read once only.
llvm::Expected<llvm::SmallVector<int64_t>> readNpyShape(llvm::StringRef path);

/// Writes beside `path` and renames; "-" is stdout. bf16 and f8 are written as f32 unless `raw`.
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor, bool raw = false);

/// The bytes of the file.
void writeNpy(llvm::raw_ostream &os, const HostTensor &tensor, bool raw = false);

} // namespace weir
#endif
