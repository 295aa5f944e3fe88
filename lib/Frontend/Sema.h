//===- Sema.h - a cascade with every name resolved ------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands between the tree and the attn dialect: one cascade as a flat list of equations over tensors.
// Lets and functions are values in it, maps along ranks and called cascades are equations, and a coordinate
// is an object, so that two which are spelled alike are not confused. Expressions are graphs: what a let
// names is one node however often it is used, hence every walk over them remembers where it has been.
//
// The order of work: SemaNames (files, scopes), SemaCascade and SemaExpressions (resolution, with SemaPrelude
// and SemaCalls for what expands), SemaKinds, SemaRecurrences, SemaDomains, and then Emit.
#ifndef WEIR_LIB_FRONTEND_SEMA_H
#define WEIR_LIB_FRONTEND_SEMA_H
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Support/ElementType.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"
#include <set>

namespace weir::sema {

/// What an expression is, the least first: round a cycle each tensor gets the least that fits. Real and
/// Double are reals that run in f32 and f64; Unknown is what a tensor of a cycle is until one of its operands
/// says more.
enum class Kind : uint8_t { Unknown, Bool, Integer, Real, Double };
inline bool isReal(Kind kind) { return kind >= Kind::Real; }
inline bool isNumber(Kind kind) { return kind >= Kind::Integer; }
llvm::StringRef describe(Kind kind); ///< "a bool", "an integer", "a real"
Kind kindOf(ElementType type);

struct Node;
struct Tensor;
struct Equation;

/// A rank of a cascade. Two ranks are the same extent to every analysis if their `canonical()` is.
struct Rank {
  std::string name;
  llvm::SMLoc loc;
  const ast::Rank *declaration = nullptr; ///< `rank C = e`
  Node *extent = nullptr;                 ///< e, resolved
  std::optional<int64_t> fixed;           ///< by -D, or because e is a number
  std::optional<int64_t> override;        ///< -D of a declared rank
  Rank *sameAs = nullptr;                 ///< its extent is another rank's: a callee's rank, or e is its name
  Tensor *carrier = nullptr;              ///< an input that binds it, at dimension carrierDim
  unsigned carrierDim = 0;
  bool used = false;
  const Rank *canonical() const {
    const Rank *r = this;
    while (r->sameAs)
      r = r->sameAs;
    return r;
  }
};

/// What an equation's left side, a reduction or a promise ranges over.
struct Coordinate {
  std::string name;
  Rank *rank;
};

struct Param {
  const ast::Param *declaration;
  ElementType type;
  unsigned order = 0; ///< of its declaration, among all files
  bool used = false;
};

enum class Op : uint8_t {
  Integer, // `integer`; `name` is the const that it stands for, if any
  Real,    // `text`
  Bool,    // `integer` 0 or 1
  Coord,   // `coord`
  Extent,  // `rank`
  Param,   // `param`
  Read,    // `tensor`, args the indices
  Map,     // `fn` of args; kinds are made equal on the way
  Number,  // args[0], a bool as 0 or 1
  Divide,  // `/`, of integers a floor where `context` allows it
  Modulo,  // `%`, likewise
  Power,   // `^`; `integer` is the exponent if `text` is not empty
  And,
  Or,
  Not,
  Else,
  Select,
  IsAbsent,
  Cast,   // to `type`
  Where,  // args[0] where args[1] holds
  Reduce, // `reduction` over `coords` of args[0]; a predicate is a Where in it
};

/// Where `/` and `%` of two integers stand.
enum class Context : uint8_t { Value, Floor, Comparison };

struct Node {
  Op op;
  llvm::SMLoc loc;
  Kind kind = Kind::Unknown;
  Context context = Context::Value;
  bool checked = false;
  attn::Fn fn = attn::Fn::Neg;
  attn::Reduction reduction = attn::Reduction::Sum;
  ElementType type = ElementType::F32;
  unsigned height = 1, depth = 0; ///< of the expression; of reductions in it
  unsigned epoch = 0;             ///< of the last kind inference that saw it
  int64_t integer = 0;
  std::string text; ///< a literal as written, the name of a const, a reduction's or function's name
  Coordinate *coord = nullptr;
  Rank *rank = nullptr;
  Param *param = nullptr;
  Tensor *tensor = nullptr;
  Node *comparison = nullptr; ///< the one around a `/` in Context::Comparison
  llvm::SmallVector<Node *, 2> args;
  llvm::SmallVector<Coordinate *, 1> coords;
};

/// One dimension of a tensor: a rank, or for an input the expression in its bracket.
struct Dim {
  Rank *rank = nullptr;
  Node *extent = nullptr;
  std::string text; ///< of the expression
};

struct Equation {
  Tensor *tensor = nullptr;
  llvm::SMLoc loc, whereLoc;
  std::vector<Coordinate *> coords;
  Node *value = nullptr, *where = nullptr;
  Coordinate *over = nullptr; ///< a selection: coords.back() is the list, `over` what is selected from
  unsigned order = 0;         ///< in the source
  bool expanded = false;      ///< not written by the user: from the prelude or a call
};

struct Tensor {
  std::string name;
  llvm::SMLoc loc;
  std::vector<Dim> dims;
  unsigned ellipsisDims = 0; ///< the leading dims that `...` stands for
  bool ellipsis = false;
  std::optional<ElementType> type; ///< as written; inputs always have one
  bool input = false, output = false, fresh = false, used = false;
  bool defined = false; ///< its left sides have been seen
  const ast::TensorDecl *declaration = nullptr;
  std::vector<Equation *> equations;
  Kind kind = Kind::Unknown; ///< of its value
};

/// A promise, a check of a bracket, or a check that two extents agree.
struct Promise {
  std::string source;
  llvm::SMLoc loc;
  std::vector<Coordinate *> coords;
  Node *predicate = nullptr;
  bool shape = false;
};

/// A strongly connected group of equations that goes along a rank, or a tensor alone.
struct Group {
  std::vector<Tensor *> tensors; ///< all of it; one for a tensor that is in no cycle
  const Rank *along = nullptr;   ///< set for a recurrence
  bool backward = false;
  llvm::DenseMap<Tensor *, unsigned> dim; ///< where each tensor carries `along`
  std::vector<Group> inner;               ///< of a recurrence: the groups of one step, in order
};

/// A cascade, resolved.
struct Program {
  const ast::Cascade *cascade = nullptr;
  std::deque<Node> nodes;
  std::deque<Rank> ranks;
  std::deque<Coordinate> coords;
  std::deque<Tensor> tensors;
  std::deque<Equation> equations;
  std::deque<Promise> promises;
  std::vector<Tensor *> inputs, outputs;
  std::vector<Param *> params; ///< those that it uses, in the order of their declaration
  std::vector<Group> groups;   ///< in an order of evaluation
  llvm::StringSet<> names;     ///< of tensors, so that fresh ones are new
  bool failed = false;         ///< an error was found; later checks are skipped
};

/// Everything that the files define, and what the command line says.
class World {
public:
  World(llvm::SourceMgr &sources, Diagnostics &diags, const FrontendOptions &options)
      : sources(sources), diags(diags), options(options) {}

  struct ConstEntry {
    const ast::Const *declaration;
    std::optional<int64_t> value;
    bool active = false, done = false;
  };
  struct LetEntry {
    const ast::Let *declaration;
    unsigned order;
    bool used = false;
  };
  struct RankEntry {
    const ast::Rank *declaration;
    unsigned order;
    bool used = false;
  };
  struct GivenEntry {
    const ast::Given *declaration;
    unsigned order;
    bool used = false;
  };
  struct FnEntry {
    const ast::Fn *declaration;
  };
  struct CascadeEntry {
    const ast::Cascade *declaration;
    unsigned order;
    bool main;
    bool active = false;
  };
  struct ParamEntry {
    Param param;
  };

  /// Reads the file and what it imports; false if a part of them is missing or could not be parsed.
  bool load(unsigned bufferId, llvm::StringRef path);
  /// The prelude's cascade for a map along a rank or for logsumexp.
  const ast::Cascade *prelude(llvm::StringRef op);
  void checkDefines();
  void checkFns();
  /// Promises at file level that no cascade has the tensors and ranks of.
  void checkGivens();
  void warnUnused();

  std::optional<int64_t> constValue(llvm::StringRef name);
  std::optional<int64_t> define(llvm::StringRef name) const;

  /// An error is reported once, however often the cascade that has it is expanded.
  void error(llvm::SMLoc loc, const llvm::Twine &message, const llvm::Twine &note = "");
  void warning(llvm::SMLoc loc, const llvm::Twine &message, const llvm::Twine &note = "");
  std::string textOf(llvm::SMLoc begin, llvm::SMLoc end) const;

  llvm::SourceMgr &sources;
  Diagnostics &diags;
  const FrontendOptions &options;
  ElementType dtype = ElementType::F32;
  bool quiet = false; ///< errors are only counted: a promise is tried in a cascade
  unsigned quietErrors = 0;
  llvm::StringMap<ConstEntry> consts;
  llvm::StringMap<LetEntry> lets;
  llvm::StringMap<RankEntry> ranks;
  llvm::StringMap<FnEntry> fns;
  llvm::StringMap<ParamEntry> params;
  llvm::StringMap<CascadeEntry> cascades;
  std::vector<CascadeEntry *> cascadeOrder;
  std::vector<GivenEntry> givens;

private:
  std::vector<ast::Item> allItems() const;
  bool loadImport(const ast::Import &import, llvm::StringRef from);
  void define(const ast::Item &item, bool main);
  bool claim(llvm::StringRef name, llvm::SMLoc loc, llvm::StringRef what);
  std::optional<int64_t> evaluate(const ast::Expr &e);
  std::optional<int64_t> evaluateBinary(const ast::Expr &e);

  std::vector<std::unique_ptr<ast::File>> files;
  std::unique_ptr<ast::File> preludeFile;
  llvm::StringMap<bool> loaded; // by real path
  llvm::StringMap<llvm::SMLoc> claimed;
  std::set<std::pair<const char *, std::string>> reported;
  unsigned order = 0;
  unsigned importDepth = 0;
};

/// The kinds of all nodes and tensors, and every error that depends on them.
void inferKinds(Program &program, World &world);
/// Removes tensors that only repeat another one's value.
void removeCopies(Program &program);
/// Groups the equations; recurrences and their directions.
void findRecurrences(Program &program, World &world);
/// Disjoint equations, empty domains.
void checkDomains(Program &program, World &world);
/// All of a cascade; `program.failed` after an error.
void analyse(Program &program, const ast::Cascade &cascade, unsigned order, bool warn, World &world);

/// The cascade as a function in `module`.
void emit(Program &program, World &world, mlir::ModuleOp module);

/// The tensors that an equation reads, each once.
void collectReads(const Equation &equation, llvm::SetVector<Tensor *> &reads);
/// The kind that a tensor's entries have when they are read.
Kind readKind(const Tensor &tensor);

/// The value of an integer expression of numbers and consts, if it is one.
std::optional<int64_t> evaluateConstant(const Node *node);

/// An operator or a function of integers on numbers; nullopt where it is absent and for what is no such
/// function.
std::optional<int64_t> foldInteger(llvm::StringRef op, llvm::ArrayRef<int64_t> operands);
int64_t floorDivide(int64_t a, int64_t b); ///< b is not 0
int64_t floorModulo(int64_t a, int64_t b);

} // namespace weir::sema
#endif
