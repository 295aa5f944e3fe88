//===- Program.h - a file at some level, and the way down -----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_PROGRAM_H
#define WEIRC_PROGRAM_H
#include "Options.h"
#include "Timing.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "weir/Support/TargetDescription.h"
#include "weir/Target/Artifact.h"
#include "weir/Target/AssemblePTX.h"
#include "weir/Target/Kernel.h"

namespace weirc {

/// What --target says.
struct Target {
  bool interpret = false;
  bool isDefault = false;                        ///< no --target was given
  std::string name;                              ///< as given, or the default
  std::vector<weir::TargetDescription> versions; ///< several only where compile got no --target
};
/// `fallback` stands for a --target that is not given. An error is one of usage.
llvm::Expected<Target> parseTarget(llvm::StringRef text, llvm::StringRef fallback);

/// A program as it was read: at level cascade or lower. Diagnostics about it go to stderr as they come.
class Program {
public:
  using Defines = llvm::ArrayRef<std::pair<std::string, int64_t>>;
  /// Reads options.file. `more` fixes more names than -D does. Null after an error, which has been printed;
  /// what there is to say about a text in the language goes to `diagnostics`.
  static std::unique_ptr<Program> read(const Options &options, Phases &phases, Defines more,
                                       llvm::raw_ostream &diagnostics);
  ~Program();

  Level level;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The function to compile; null below level streamed.
  mlir::func::FuncOp cascade();
  /// A copy of the module in which streams are plain equations again, for analyses that count equations.
  mlir::OwningOpRef<mlir::ModuleOp> equations();
  /// Of level cascade and streamed only: what it takes and gives.
  weir::KernelSignature signature();

  /// What --map says, or what `tune` found beside that.
  llvm::StringRef mapping() const { return chosenMapping; }
  bool isTuned() const { return tuned; }
  /// Whether the program can be mapped so; from now on it is, `tuned` from the user's cache. Says nothing
  /// where it cannot.
  bool takeMapping(llvm::StringRef mapping, const weir::TargetDescription &target, bool fromCache);
  /// The files that the program was read from, imports included, and none where it came from stdin.
  llvm::ArrayRef<std::string> sources() const { return filesRead; }

  /// A copy of the module brought down to `to` for one target. Null after an error, which has been printed.
  mlir::OwningOpRef<mlir::ModuleOp> lower(Level to, const weir::TargetDescription &target);
  /// Kernels ready to be called.
  llvm::Expected<weir::Kernel> compile(const weir::TargetDescription &target);
  /// Kernels as PTX, with the line that says how they are launched.
  llvm::Expected<std::string> emitPTX(const weir::TargetDescription &target);
  /// The same assembled: a cubin.
  llvm::Expected<std::string> assemble(llvm::StringRef ptx, const weir::TargetDescription &target,
                                       std::vector<weir::AssembledFunction> *functions = nullptr);
  /// Whether there is an assembler.
  static bool canAssemble();
  /// Both.
  llvm::Expected<weir::DeviceCode> emitForGPU(const weir::TargetDescription &target);
  /// The bytes of an artifact with one version a target.
  llvm::Expected<std::string> emit(const Target &target, weir::ArtifactKind kind);
  /// Prints the program at a level.
  int print(Level at, const Target &target, llvm::raw_ostream &os);

private:
  Program(const Options &options, Phases &phases);
  bool readText(Defines more, llvm::raw_ostream &diagnostics);
  bool readMLIR();
  bool chooseCascade();
  bool resume();
  weir::CompileOptions compileOptions() const;

  const Options &options;
  Phases &phases;
  std::string chosenMapping;
  bool tuned = false;
  std::vector<std::string> filesRead;
  struct Contents;
  std::unique_ptr<Contents> contents;
};

} // namespace weirc
#endif
