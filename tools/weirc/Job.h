//===- Job.h - what every subcommand with a FILE begins with --------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_JOB_H
#define WEIRC_JOB_H
#include "Inputs.h"
#include "Options.h"
#include "Program.h"
#include "weir/Reference/Interpreter.h"
#include "weir/Target/PTXKernel.h"
#include "weir/Target/TunedMapping.h"

namespace weirc {

/// A command line carried out up to the program that it names. `status` is set where nothing is left to do:
/// after an error, which has been printed, or after --emit.
struct Job {
  /// Whether the command has an answer for GPUs.
  enum class OnGPU { No, Yes };
  /// `defaultTarget` stands for a --target that is not given.
  Job(const Options &options, llvm::StringRef defaultTarget, OnGPU onGPU = OnGPU::No);

  /// Reads the file again with the small innermost extents among `extents` fixed, and numbers of rows too
  /// small for whole tiles: what shapes registers is known to the compiler, lengths stay open, so that a
  /// compiled kernel in the cache serves the next length too. Only for a text that can be read twice.
  void specialize(const llvm::StringMap<int64_t> &extents);

  /// The places in the user's cache where `tune` keeps the best mapping of this program: of all these
  /// extents, and of those that the command line fixes, whatever the others are, if there are others. None
  /// where a program has no file.
  std::vector<weir::TunedMapping> tunedMappings(const llvm::StringMap<int64_t> &extents) const;
  /// Maps the program as `tune` found best, if it has been asked. Extents are those known before the kernel
  /// is called.
  void useTuned(const llvm::StringMap<int64_t> &extents);

  const Options &options;
  Phases phases;
  Target target;
  std::unique_ptr<Program> program;
  std::optional<int> status;

private:
  std::optional<int> begin(llvm::StringRef defaultTarget, OnGPU onGPU);
  std::vector<std::pair<std::string, int64_t>> defines; ///< beside those of -D
};

/// The program ready to be run, by the interpreter, as compiled code, or as PTX by the interpreter of PTX.
class Runner {
public:
  /// `withoutGPU`: what is for a GPU is executed by the interpreter of PTX.
  static llvm::Expected<Runner> create(Job &job, bool withoutGPU = false);
  const weir::KernelSignature &signature() const { return described; }
  /// Outputs in the signature's order. `schedule` is of PTX (PTXKernel.h).
  llvm::Expected<std::vector<weir::HostTensor>> run(Job &job, llvm::ArrayRef<weir::HostTensor> inputs,
                                                    llvm::ArrayRef<long double> params,
                                                    uint64_t schedule = 0) const;
  const std::optional<weir::Kernel> &kernel() const { return compiled; }

private:
  weir::KernelSignature described;
  std::optional<weir::Kernel> compiled;
  std::optional<weir::PTXKernel> ptx;
  mlir::func::FuncOp interpreted;
};

/// Writes `bytes` to the file of -o, or to stdout.
int writeOutput(const Options &options, llvm::StringRef bytes);

} // namespace weirc
#endif
