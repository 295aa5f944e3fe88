//===- Artifact.h - objects, shared libraries, headers --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TARGET_ARTIFACT_H
#define WEIR_TARGET_ARTIFACT_H
#include "weir/Target/Kernel.h"

namespace weir {

enum class ArtifactKind { Object, SharedLibrary, Assembly, LLVMIR, Header, Manifest };

/// "softmax.so" -> SharedLibrary; .o .s .ll .h .json; nothing for another suffix.
std::optional<ArtifactKind> artifactKindOf(llvm::StringRef path);

/// One version of the kernels: a module and the processor that it is for. With `device` the version is for a
/// GPU, its module one kernel whose body is its plan (gpu-outline-launches) for the processor beside it.
struct TargetModule {
  mlir::ModuleOp module;
  TargetDescription target;
  const DeviceCode *device = nullptr;
};

/// From modules at level 6. The same input gives the same bytes. A shared library is linked by the system's
/// compiler or linker; an error lists what was looked for when there is none.
llvm::Expected<std::string> emitArtifact(llvm::ArrayRef<TargetModule> versions, ArtifactKind kind,
                                         const CompileOptions &options = {});

/// The C header of a signature, and its manifest as JSON.
std::string emitHeader(const KernelSignature &signature, bool isForGPU = false);
std::string emitManifest(const KernelSignature &signature, llvm::ArrayRef<TargetDescription> targets,
                         const CompileOptions &options = {});
/// The text of weir_runtime.h, which NAME.h includes.
llvm::StringRef runtimeHeader();

/// Writes beside `path` and renames, so that a failure leaves no file.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef bytes);

} // namespace weir
#endif
