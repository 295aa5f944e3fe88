//===- Frontend.h - from .attn text to a cascade in the attn dialect ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_FRONTEND_FRONTEND_H
#define WEIR_FRONTEND_FRONTEND_H
#include "weir/Frontend/AST.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/SourceMgr.h"
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// Collects errors and warnings about .attn text: place, caret, the user's terms, a note with the way out. Prints to `os`
/// as they come. Errors after the 20th are counted, not printed, and so are warnings.
class Diagnostics {
public:
  Diagnostics(llvm::SourceMgr &sources, llvm::raw_ostream &os) : sources(sources), os(os) {}
  /// `message` in lower case without a full stop; `note`, if not empty, says what to write instead.
  void error(llvm::SMLoc loc, const llvm::Twine &message, const llvm::Twine &note = "");
  void warning(llvm::SMLoc loc, const llvm::Twine &message, const llvm::Twine &note = "");
  bool hasErrors() const { return errors != 0; }
  unsigned errorCount() const { return errors; }
  unsigned warningCount() const { return warnings; }
  /// Line and column of a place, both from 1, the column in bytes; {0, 0} for no place. Takes logarithmic time however
  /// long the lines are, which SourceMgr::getLineAndColumn does not.
  std::pair<unsigned, unsigned> lineAndColumn(llvm::SMLoc loc);
  llvm::SourceMgr &sources;

private:
  enum class Severity { Error, Warning };
  void print(Severity severity, llvm::SMLoc loc, const llvm::Twine &message, const llvm::Twine &note);
  const std::vector<const char *> &lineStarts(unsigned bufferId);

  llvm::raw_ostream &os;
  unsigned errors = 0, warnings = 0;
  std::map<unsigned, std::vector<const char *>> lines; // of each buffer, where its lines begin
};

/// What the command line fixes about a cascade.
struct FrontendOptions {
  std::string cascade;                  ///< the cascade to compile; empty: the file's last
  std::vector<std::string> importDirs;  ///< -I
  llvm::StringMap<int64_t> defines;     ///< -D X=3: extents, declared ranks, consts; "..." is the number of ellipsis ranks
  std::string dtype = "f32";            ///< element type of inputs and outputs without a written one
  std::vector<std::string> extraOutputs; ///< intermediates of the cascade that become outputs, with ranks as their own
  std::vector<std::string> *filesRead = nullptr; ///< if set, gets the path of every file that was opened, imports included
};

/// Parses one buffer of `diags.sources` (syntax only). Always returns a file; errors are in `diags`.
std::unique_ptr<ast::File> parseFile(unsigned bufferId, llvm::StringRef path, Diagnostics &diags);

/// Reads `path` ("-" is stdin) and its imports, checks everything that language.md says, and emits the chosen cascade as the only func.func of a
/// module. Null after an error; every error has been printed. Runs on a thread with a large stack.
mlir::OwningOpRef<mlir::ModuleOp> compileToCascade(llvm::StringRef path, const FrontendOptions &options,
                                                   mlir::MLIRContext &context, llvm::raw_ostream &errors);
/// The same of text in memory, which diagnostics call `name`.
mlir::OwningOpRef<mlir::ModuleOp> compileToCascade(llvm::StringRef text, llvm::StringRef name,
                                                   const FrontendOptions &options, mlir::MLIRContext &context,
                                                   llvm::raw_ostream &errors);

/// Prints a cascade as text in the language (`--emit=attn`).
void printAsAttn(mlir::Operation *cascade, llvm::raw_ostream &os);

} // namespace weir
#endif
