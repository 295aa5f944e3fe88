//===- AST.h - the tree of an .attn file ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parser makes and Sema reads: names are unresolved, nothing is typed. Nodes live in the deques of their file,
// so a pointer to one is valid as long as the file is; names are slices of the text in the SourceMgr.
//
// In a file without errors the parser has already seen to what needs no name resolution: the letters a name of each
// kind may have and reserved words, distinct left-hand indices and parameters, sizes of literals, comparison chains, the
// parentheses that reductions need, which reductions take one index or an eps, no selection but as an equation's whole
// right-hand side, no tensors or reductions where only numbers may stand (`fn`, `const`, `rank`, brackets of signatures,
// defaults), `...` only first in a bracket, and no tree higher than kMaxHeight.
#ifndef WEIR_FRONTEND_AST_H
#define WEIR_FRONTEND_AST_H
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/SMLoc.h"
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace weir::ast {

/// No expression is higher than this, chains of operators included: a recursive walk of one needs so many frames.
constexpr unsigned kMaxHeight = 4000;
/// Parentheses, calls, brackets, signs, powers, `?:` and reductions nest at most so deep.
constexpr unsigned kMaxNesting = 1000;

enum class ExprKind {
  Integer,   // `3`, `0xff`: text; decimal below 2^63, hexadecimal below 2^64 (the bits of an i64)
  Real,      // `3.0`, `1e6`, `inf`: text
  Bool,      // `true`, `false`: text
  Name,      // a coordinate, extent, const, param, let or a function's parameter: text
  Read,      // `Q[b,h,m]`: text is the tensor, args the indices; `ellipsis` if it begins with `...`
  Call,      // `exp(x)`, `max(a,b)`, `softcap(x)`, `isabsent(x)`: text is the function, args
  Unary,     // `-x`, `not x`: text is "-" or "not", args[0]
  Binary,    // text is one of + - * / % ^ == != < <= > >= and or else, args[0], args[1]
  Ternary,   // `c ? a : b`: args[0..2]
  Cast,      // `x as bf16`: text is the type, args[0]
  Reduction, // `sum(d | p) body`, `softmax(n) x`, `argtopk(n) x`, `rmsnorm(d, 1e-6) x`: text is the op, coords, predicate,
             // eps, args[0] the body. Whether the op is a reduction, a map along a rank or a selection is decided by its name.
             // A last argument that is a plain lower-case name stands in coords, also where it names a param: Sema can tell
};

struct Expr {
  ExprKind kind;
  llvm::SMLoc loc;             // where an error about it points: the operator of a Binary, the first token of others
  llvm::SMLoc begin, end;      // its whole text, its own parentheses included (end is one past the last character)
  llvm::StringRef text;
  bool ellipsis = false;       // Read: the indices begin with `...`
  bool parenthesized = false;  // it stands in parentheses of its own in the source
  llvm::SmallVector<Expr *, 2> args;
  llvm::SmallVector<llvm::StringRef, 2> coords; // Reduction
  llvm::SmallVector<llvm::SMLoc, 2> coordLocs;
  Expr *predicate = nullptr;   // Reduction: after `|`
  Expr *eps = nullptr;         // Reduction: the optional last argument that is no coordinate
  unsigned height = 1;         // of the tree, at most kMaxHeight
};

/// One dimension of a signature: a rank (`M`), an integer expression (`2*W+1`), or `...`.
struct Dim {
  llvm::SMLoc loc;
  bool ellipsis = false;
  llvm::StringRef rank;        // a plain upper-case name, which may turn out to be a const; empty for an expression
  Expr *expr = nullptr;        // set for an expression
};

/// `Q: bf16[B,H,M,D]` in a signature.
struct TensorDecl {
  llvm::StringRef name, type;  // type is empty where none is written
  llvm::SMLoc loc, typeLoc;
  llvm::SmallVector<Dim, 4> dims;
};

/// `NAME: T[indices] = expr where predicate`; index "..." stands for the ellipsis.
struct Equation {
  llvm::StringRef name, type;
  llvm::SMLoc loc, typeLoc, whereLoc;
  bool ellipsis = false;
  llvm::SmallVector<llvm::StringRef, 4> indices;
  llvm::SmallVector<llvm::SMLoc, 4> indexLocs;
  Expr *value = nullptr, *where = nullptr;
};

/// `(O[b,h,m,f], L[b,h,m]) = windowed(Q, K, V)`. A single result `O[..] = f(Q, K, V)` with plain tensor names as arguments is one
/// too; since `f(Q)` needs no brackets after Q only here, the parser can tell.
struct CallEquation {
  struct Result { llvm::StringRef name, type; llvm::SMLoc loc, typeLoc; bool ellipsis = false;
                  llvm::SmallVector<llvm::StringRef, 4> indices; llvm::SmallVector<llvm::SMLoc, 4> indexLocs; };
  llvm::SMLoc loc;
  llvm::SmallVector<Result, 2> results;
  llvm::StringRef callee;
  llvm::SMLoc calleeLoc;
  llvm::SmallVector<llvm::StringRef, 4> arguments; // tensors
  llvm::SmallVector<llvm::SMLoc, 4> argumentLocs;
  Equation *asEquation = nullptr;
};

struct Let   { llvm::StringRef name; llvm::SMLoc loc; Expr *value = nullptr; };
struct Rank  { llvm::StringRef name; llvm::SMLoc loc; Expr *value = nullptr; };
struct Given { llvm::SMLoc loc, begin, end; Expr *value = nullptr; };
struct Const { llvm::StringRef name; llvm::SMLoc loc; Expr *value = nullptr; };
struct Param { llvm::StringRef name, type; llvm::SMLoc loc, typeLoc; Expr *value = nullptr; }; // value: the default, or null
struct Fn    { llvm::StringRef name; llvm::SMLoc loc; llvm::SmallVector<llvm::StringRef, 4> parameters;
               llvm::SmallVector<llvm::SMLoc, 4> parameterLocs; Expr *value = nullptr; };
struct Import { llvm::StringRef path; llvm::SMLoc loc; };

/// One statement, in source order; exactly one pointer is set.
struct Statement {
  Equation *equation = nullptr;
  CallEquation *call = nullptr;
  Let *let = nullptr;
  Rank *rank = nullptr;
  Given *given = nullptr;
};

struct Cascade {
  llvm::StringRef name;
  llvm::SMLoc loc;
  llvm::SmallVector<TensorDecl, 4> inputs, outputs;
  std::vector<Statement> body;
};

/// One top-level item of a file, in source order; exactly one pointer is set.
struct Item {
  Import *import = nullptr;
  Const *constant = nullptr;
  Param *param = nullptr;
  Fn *fn = nullptr;
  Let *let = nullptr;
  Rank *rank = nullptr;
  Given *given = nullptr;
  Cascade *cascade = nullptr;
};

/// A parsed file. Its text lives in the SourceMgr, its nodes in the deques.
struct File {
  std::string path;
  std::vector<Item> items;
  std::deque<Expr> exprs;
  std::deque<Equation> equations;
  std::deque<CallEquation> calls;
  std::deque<Let> lets;
  std::deque<Rank> ranks;
  std::deque<Given> givens;
  std::deque<Const> consts;
  std::deque<Param> params;
  std::deque<Fn> fns;
  std::deque<Import> imports;
  std::deque<Cascade> cascades;
};

} // namespace weir::ast
#endif
