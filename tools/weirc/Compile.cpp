//===- Compile.cpp - weirc compile ----------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Pipelines/Compile.h"
#include "Commands.h"
#include "Job.h"
#include "weir/Support/StagedFiles.h"
#include "llvm/Support/Path.h"

using namespace weirc;
using llvm::StringRef;

static int make(Job &job, weir::ArtifactKind kind) {
  const Options &options = job.options;
  auto bytes = job.program->emit(job.target, kind);
  if (!bytes)
    return refuse(bytes.takeError());
  weir::StagedFiles files;
  auto add = [&](const llvm::Twine &path, StringRef contents) {
    return files.add(path.str(), [&](llvm::raw_ostream &os) { os << contents; });
  };
  if (llvm::Error error = add(options.output, *bytes))
    return refuse(std::move(error));
  // A library is of no use to a C program without its header, nor to Python without its manifest.
  if (kind == weir::ArtifactKind::SharedLibrary) {
    llvm::SmallString<128> folder(llvm::sys::path::parent_path(options.output)), stem(options.output);
    llvm::sys::path::replace_extension(stem, "");
    llvm::sys::path::append(folder, "weir_runtime.h");
    auto header = job.program->emit(job.target, weir::ArtifactKind::Header);
    if (!header)
      return refuse(header.takeError());
    if (llvm::Error error = add(stem + ".h", *header))
      return refuse(std::move(error));
    if (llvm::Error error = add(folder, weir::runtimeHeader()))
      return refuse(std::move(error));
  }
  if (llvm::Error error = files.commit())
    return refuse(std::move(error));
  return Success;
}

int weirc::compileCommand(const Options &options) {
  StringRef output = options.output;
  if (!options.emit && output.empty())
    return usageError("'-o NAME.{so,o,s,ll,h,ptx,cubin,mlir}' or '--emit=LEVEL' says what to make");
  if (options.emit) {
    Job job(options, weir::kArtifactTargets);
    return job.status.value_or(Success);
  }
  if (output.ends_with(".mlir") || output.ends_with(".attn") || output.ends_with(".ptx") ||
      output.ends_with(".cubin")) {
    Options printing = options;
    printing.emit = levelOf(output).value_or(Level::Tiled);
    Job job(printing, "cpu:x86-64-v3");
    return job.status.value_or(Success);
  }
  std::optional<weir::ArtifactKind> kind = weir::artifactKindOf(output);
  if (!kind)
    return usageError("the suffix of '" + output +
                      "' says nothing; known are .so .o .s .ll .h .ptx .cubin .mlir, or add --emit=LEVEL");
  if (StringRef(options.target) == "interpret")
    return usageError("'--target interpret' compiles nothing");
  if (StringRef(options.target).starts_with("cuda") &&
      (kind == weir::ArtifactKind::Assembly || kind == weir::ArtifactKind::LLVMIR))
    return usageError("a kernel for a GPU has no form '" + output + "'; it has .so .o .h .ptx .cubin");
  Job job(options, weir::kArtifactTargets, Job::OnGPU::Yes);
  if (job.status)
    return *job.status;
  job.useTuned(options.extents());
  return make(job, *kind);
}
