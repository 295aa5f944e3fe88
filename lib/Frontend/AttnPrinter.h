//===- AttnPrinter.h - a cascade as text in the language ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_FRONTEND_ATTNPRINTER_H
#define WEIR_LIB_FRONTEND_ATTNPRINTER_H
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include <string>

namespace weir {

class AttnPrinter {
public:
  AttnPrinter(mlir::func::FuncOp function, llvm::raw_ostream &os) : function(function), os(os) {}
  void print();

private:
  using StringRef = llvm::StringRef;
  using Value = mlir::Value;
  /// How tightly the outermost operator of a text binds.
  enum Precedence : int { Choice, Else, Or, And, Not, Comparison, Sum, Product, As, Sign, Power, Primary };
  struct Text {
    std::string text;
    int precedence;
  };

  // Names, ranks, the signature (PrintAttn.cpp).
  std::string freshTensor(StringRef wanted);
  std::string freshRank(StringRef wanted);
  std::string freshLet();
  std::string rankOf(Value extent);
  std::string number(Value extent);
  bool sameExtent(StringRef rank, Value extent);
  bool isRankName(StringRef name) const;
  std::string coordinateFor(StringRef wanted, Value extent);
  void nameRanks();
  void nameOutputs(std::string &outputs);
  bool leftIs(Value definition, mlir::ArrayAttr ranks);
  std::string signatureOf(Value argument, unsigned index, StringRef name);
  Value definitionOf(Value tensor);
  std::string tensorName(Value tensor);

  // Statements (PrintAttn.cpp).
  void printTopLevel(mlir::Operation &op);
  void printGiven(attn::GivenOp given);
  void printEinsum(attn::EinsumOp einsum);
  void printSelection(attn::ArgtopkOp topk);
  void bindCoordinates(mlir::ArrayAttr coords, mlir::OperandRange extents,
                       mlir::Block::BlockArgListType arguments);
  std::string left(Value result, llvm::ArrayRef<std::string> coords, bool typed);

  // Expressions (PrintAttnBody.cpp).
  /// The text of a value, in parentheses if it binds less tightly than `least`.
  std::string expression(Value value, int least);
  Text textOf(Value value);
  Text define(mlir::Operation *op);
  Text literal(attn::LiteralOp op);
  Text map(attn::MapOp op);
  Text binary(StringRef op, Value a, Value b, int precedence);
  Text reduce(attn::ReduceOp op);
  Text inner(attn::WhereOp op);

  mlir::func::FuncOp function;
  llvm::raw_ostream &os;
  std::string declarations, equations, pending; ///< `pending`: what must stand before the current equation
  llvm::StringSet<> tensorNames, rankNames, scalarNames;
  llvm::DenseMap<Value, std::string> rankOfExtent, tensorOf;
  llvm::StringMap<int64_t> fixedRanks;
  llvm::StringMap<Value> secondRanks;
  llvm::DenseMap<Value, Text> text;
  std::vector<std::string> scope; ///< coordinates that are bound here
  struct Copy {
    std::string left;
    Value tensor;
    std::string indices;
  };
  std::vector<Copy> copies;
  unsigned lets = 0;
};

} // namespace weir
#endif
