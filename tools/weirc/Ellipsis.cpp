//===- Ellipsis.cpp - how many ranks `...` stands for ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A cascade that is generic in its leading ranks is compiled for a number of them. -D ...=2 says it; where
// the inputs are given, their files say it: an input declared X[...,M,D] whose file has four dimensions makes
// it two.
#include "Inputs.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Support/Npy.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace weirc;

/// The cascade that will be compiled, if it stands in the file itself; what the frontend finds fault with is
/// reported by it, later.
static const weir::ast::Cascade *chosenCascade(const weir::ast::File &file, llvm::StringRef name) {
  const weir::ast::Cascade *chosen = nullptr;
  for (const weir::ast::Item &item : file.items)
    if (item.cascade && (name.empty() || item.cascade->name == name))
      chosen = item.cascade;
  return chosen;
}

llvm::Expected<std::vector<std::pair<std::string, int64_t>>>
weirc::ellipsisFromInputs(const Options &options) {
  std::vector<std::pair<std::string, int64_t>> none;
  bool text = options.from.value_or(levelOf(options.file).value_or(Level::Attn)) == Level::Attn;
  auto isEllipsis = [](const auto &define) { return define.first == "..."; };
  if (!text || options.file == "-" || llvm::any_of(options.defines, isEllipsis))
    return none;
  auto buffer = llvm::MemoryBuffer::getFile(options.file);
  if (!buffer)
    return none;
  llvm::SourceMgr sources;
  unsigned id = sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  weir::Diagnostics quiet(sources, llvm::nulls());
  std::unique_ptr<weir::ast::File> file = weir::parseFile(id, options.file, quiet);
  const weir::ast::Cascade *cascade = chosenCascade(*file, options.cascade);
  if (!cascade || quiet.hasErrors())
    return none;
  for (const weir::ast::TensorDecl &input : cascade->inputs) {
    if (llvm::none_of(input.dims, [](const weir::ast::Dim &dim) { return dim.ellipsis; }))
      continue;
    for (const auto &[name, path] : options.in) {
      if (name != input.name || path == "-")
        continue;
      auto shape = weir::readNpyShape(path);
      if (!shape)
        return llvm::createStringError("input '" + name + "': " + llvm::toString(shape.takeError()));
      int64_t named = static_cast<int64_t>(input.dims.size()) - 1,
              leading = static_cast<int64_t>(shape->size()) - named;
      if (leading < 0)
        return llvm::createStringError("'" + name + "' has " + llvm::Twine(shape->size()) +
                                       " dimensions in " + path + ", at least " + llvm::Twine(named) +
                                       " are declared");
      return std::vector<std::pair<std::string, int64_t>>{{"...", leading}};
    }
  }
  return none;
}
