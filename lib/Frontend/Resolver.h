//===- Resolver.h - one expansion of a cascade ----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resolves the names of one cascade and adds its equations to a program: the cascade that is compiled, one
// that it calls, or one of the prelude. Each expansion has ranks, tensors and lets of its own.
#ifndef WEIR_LIB_FRONTEND_RESOLVER_H
#define WEIR_LIB_FRONTEND_RESOLVER_H
#include "Names.h"
#include "Sema.h"

namespace weir::sema {

/// No program is larger than this when its lets, functions and calls are expanded.
constexpr size_t kMaxNodes = 400000;
constexpr unsigned kMaxNodeHeight = 20000;
constexpr unsigned kMaxReductionDepth = 200;
constexpr unsigned kMaxLetDepth = 10000; ///< of lets that use each other

/// Statements of a cascade come after all those at file level.
constexpr unsigned kOwnOrder = 1u << 28;

class Resolver {
public:
  using StringRef = llvm::StringRef;
  using SMLoc = llvm::SMLoc;
  using Twine = llvm::Twine;
  /// The coordinates that a name stands for: one, or in the prelude and for `...` several.
  using Coords = llvm::SmallVector<Coordinate *, 2>;

  Resolver(World &world, Program &program, const ast::Cascade &cascade, unsigned order, bool warn)
      : world(world), program(program), cascade(cascade), order(order), warn(warn) {}

  /// The cascade to compile, or to check on its own: its inputs are the program's.
  void resolveOutermost();
  /// A called cascade: its inputs are tensors of the caller.
  bool resolveCall(const ast::CallEquation &call, Resolver &caller);
  void explainGiven(const ast::Given &given, unsigned givenOrder);

private:
  struct Binding {
    StringRef name;
    Coords coords;
    bool left;
  };
  /// What an expression is resolved in.
  struct Scope {
    unsigned order = ~0u; ///< lets from here on are not defined yet
    Context context = Context::Value;
    Node *comparison = nullptr;
    const ast::Fn *fn = nullptr;                        ///< inside a function's body
    const llvm::StringMap<Node *> *arguments = nullptr; ///< of that function
    bool inLet = false, inGiven = false, inWhere = false, numbersOnly = false;
  };

  // Statements (SemaCascade.cpp).
  void declareSignature();
  void declareTensor(const ast::TensorDecl &decl, bool input);
  bool declareDims(const ast::TensorDecl &decl, Tensor &tensor);
  void collectDefinitions();
  void defineLeft(StringRef name, StringRef type, SMLoc loc, SMLoc typeLoc, bool ellipsis,
                  llvm::ArrayRef<StringRef> indices, llvm::ArrayRef<SMLoc> locs);
  bool resolveLeft(StringRef name, bool ellipsis, llvm::ArrayRef<StringRef> indices,
                   llvm::ArrayRef<SMLoc> locs, std::vector<Coordinate *> &coords);
  void resolveStatements();
  void resolveEquation(const ast::Equation &equation);
  void resolveSelection(const ast::Equation &equation, Equation &resolved);
  void resolveGivens();
  bool resolveGiven(const ast::Given &given, bool fileLevel, unsigned order);
  void checkGivenShape(const Node *node, bool top);
  void checkCarriedRanks();
  void resolveBrackets();
  void promoteOutputs();
  void checkHiding();
  void finish();

  // Ranks (SemaRanks.cpp).
  Rank *findRank(StringRef name, bool use = true);
  Rank *rankOfCoordinate(StringRef coordinate, bool use = true);
  Rank *declareRank(const ast::Rank &declaration, unsigned order);
  Rank *newRank(StringRef name, SMLoc loc);
  bool ellipsisRanks(llvm::SmallVectorImpl<Rank *> &ranks, SMLoc loc);
  void unknownCoordinate(StringRef name, SMLoc loc);
  Coordinate *newCoordinate(StringRef name, Rank *rank);
  std::string closestExtent(StringRef coordinate);

  // Expressions (SemaExpressions.cpp).
  Node *resolve(const ast::Expr &e, const Scope &scope);
  Node *resolveName(const ast::Expr &e, const Scope &scope);
  Node *resolveLower(const ast::Expr &e, const Scope &scope);
  Node *resolveLet(const ast::Let &let, unsigned letOrder, const ast::Expr &use, const Scope &scope);
  Node *resolveRead(const ast::Expr &e, const Scope &scope);
  bool resolveIndex(const ast::Expr &index, const Scope &scope, llvm::SmallVectorImpl<Node *> &indices,
                    unsigned *predecessor);
  Node *resolveCall(const ast::Expr &e, const Scope &scope);
  Node *resolveFn(const ast::Fn &fn, const ast::Expr &e, const Scope &scope);
  Node *resolveUnary(const ast::Expr &e, const Scope &scope);
  Node *resolveBinary(const ast::Expr &e, const Scope &scope);
  Node *resolvePower(const ast::Expr &e, const Scope &scope);
  Node *resolveReduction(const ast::Expr &e, const Scope &scope);
  bool bindReduced(const ast::Expr &e, const Scope &scope, Coords &coords);
  bool resolveBound(StringRef name, SMLoc loc, const Scope &scope, Coords &coords);
  const Binding *findBinding(StringRef name) const;
  Node *make(Op op, SMLoc loc, llvm::ArrayRef<Node *> args);
  Node *makeMap(attn::Fn fn, SMLoc loc, llvm::ArrayRef<Node *> args);
  Node *makeInteger(int64_t value, SMLoc loc);
  Node *makeRead(Tensor *tensor, SMLoc loc, llvm::ArrayRef<Node *> indices);
  Node *makeCoord(Coordinate *coord, SMLoc loc);

  // The prelude and calls (SemaPrelude.cpp, SemaCalls.cpp).
  Node *expandMap(const ast::Expr &e, const Scope &scope);
  Node *expandAlong(const ast::Expr &e, Node *body, Node *predicate, Node *eps, Coords leading,
                    const Coords &along);
  bool splitEps(const ast::Expr &e, const Scope &scope, unsigned &count, Node *&eps);
  Tensor *newTensor(const Twine &name, SMLoc loc);
  void bindCallInput(const ast::TensorDecl &decl, Tensor *argument, SMLoc loc);
  Tensor *convert(Tensor *argument, const ast::TensorDecl &decl, SMLoc loc);
  Rank *aliasDim(StringRef name, Tensor *argument, unsigned dim, SMLoc loc);
  void requireSameExtent(Node *a, Node *b, const Twine &source, SMLoc loc);
  Node *extentNode(const Dim &dim, Tensor *tensor, unsigned index, SMLoc loc);
  void checkCallShapes(const ast::CallEquation &call, Resolver &caller);
  void bindResults(const ast::CallEquation &call, Resolver &caller);

  World &world;
  Program &program;
  const ast::Cascade &cascade;
  unsigned order;
  bool warn;
  std::string prefix; ///< of the names of its tensors
  SMLoc callLoc;      ///< of the call or map that it expands
  std::optional<unsigned> ellipsisCount;
  llvm::SmallVector<Rank *, 2> dots;
  bool haveDots = false, isCall = false, isPrelude = false;

  llvm::StringMap<Tensor *> tensors;
  llvm::StringMap<bool> spelledDots; ///< a call's inputs: whether the callee writes them with `...`
  llvm::StringMap<Rank *> ranks;
  llvm::StringMap<std::pair<const ast::Rank *, unsigned>> ownRanks; ///< declared here, by statement
  llvm::StringSet<> activeRanks;
  llvm::StringMap<std::pair<const ast::Let *, unsigned>> lets;
  llvm::StringSet<> usedLets;
  unsigned letDepth = 0, nameDepth = 0;
  llvm::DenseMap<const ast::Let *, llvm::StringSet<>> letNames;
  std::vector<const ast::Fn *> activeFns;
  std::map<std::pair<const ast::Let *, std::vector<Coordinate *>>, Node *> letCache;
  std::vector<Binding> bindings;
  llvm::StringMap<Coords> groups; ///< in the prelude: its coordinate `n` is several
  llvm::StringMap<Node *> values; ///< in the prelude: `eps`
  const llvm::StringSet<> &namesIn(const ast::Let &let, unsigned letOrder);
  std::pair<const ast::Let *, unsigned> findLet(StringRef name, unsigned before) const;
};

} // namespace weir::sema
#endif
