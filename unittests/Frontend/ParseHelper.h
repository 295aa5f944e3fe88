//===- ParseHelper.h - text in, tree and messages out ---------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_FRONTEND_PARSEHELPER_H
#define WEIR_UNITTESTS_FRONTEND_PARSEHELPER_H
#include "weir/Frontend/Frontend.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace weir::testing {

/// A parsed text with what was said about it.
struct Parsed {
  explicit Parsed(llvm::StringRef text) : stream(messages), diags(sources, stream) {
    auto buffer = llvm::MemoryBuffer::getMemBufferCopy(text, "test.attn");
    unsigned id = sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
    file = parseFile(id, "test.attn", diags);
  }
  llvm::SourceMgr sources;
  std::string messages;
  llvm::raw_string_ostream stream;
  Diagnostics diags;
  std::unique_ptr<ast::File> file;
};

/// Prefix form: `a + b * c` is `(+ a (* b c))`, `sum(d | p) x` is `(sum d | p : x)`, a read `Q[m,d]` is `Q[m
/// d]`.
inline std::string show(const ast::Expr *e) {
  using ast::ExprKind;
  if (!e)
    return "null";
  std::string s;
  switch (e->kind) {
  case ExprKind::Integer:
  case ExprKind::Real:
  case ExprKind::Bool:
  case ExprKind::Name:
    return e->text.str();
  case ExprKind::Read:
    s = e->text.str() + "[" + (e->ellipsis ? "..." : "");
    for (const ast::Expr *arg : e->args)
      s += (s.back() == '[' ? "" : " ") + show(arg);
    return s + "]";
  case ExprKind::Reduction:
    s = "(" + e->text.str();
    for (llvm::StringRef name : e->coords)
      s += " " + name.str();
    if (e->eps)
      s += " , " + show(e->eps);
    if (e->predicate)
      s += " | " + show(e->predicate);
    return s + " : " + show(e->args[0]) + ")";
  case ExprKind::Cast:
    return "(as " + show(e->args[0]) + " " + e->text.str() + ")";
  default:
    s = (e->kind == ExprKind::Call ? "(call " : "(") + e->text.str();
    for (const ast::Expr *arg : e->args)
      s += " " + show(arg);
    return s + ")";
  }
}

/// The tree of one expression, or the messages about it. Warnings come first.
inline std::string tree(llvm::StringRef expression) {
  Parsed parsed(("let x = " + expression).str());
  std::string s = parsed.messages;
  if (!parsed.diags.hasErrors())
    s += show(parsed.file->items.at(0).let->value);
  return s;
}

} // namespace weir::testing
#endif
