//===- Machine.h - what the interpreter runs ------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A body of a cascade (the region of an einsum, a selection or a promise) is compiled once into a tree of
// nodes and then evaluated, on demand, at every setting of its coordinates. Every coordinate of an equation,
// those of its reductions included, has a slot. A node remembers its value until the innermost slot that it
// depends on changes; a reduction that does not depend on an outer slot keeps a table instead.
#ifndef WEIR_LIB_REFERENCE_MACHINE_H
#define WEIR_LIB_REFERENCE_MACHINE_H
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Reference/Interpreter.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/Error.h"
#include <deque>
#include <limits>
#include <memory>

namespace weir::reference {

inline constexpr double kUndecided = std::numeric_limits<double>::infinity();

enum class Kind : uint8_t { Real, Integer, Bool };

/// An optional scalar. Reals are in `real`; integers and bools (0, 1) in `integer`. `error` bounds how far a
/// kernel's value may be from it; infinity says that the value, or whether it is there at all, is decided by
/// rounding. An absent value has error 0 or infinity.
struct Value {
  long double real = 0;
  int64_t integer = 0;
  double error = 0;
  bool present = false;
  /// Not 0: the value of this very entry of a tensor, which is one value wherever it is read, whatever its
  /// error.
  uint64_t origin = 0;

  bool undecided() const { return error == kUndecided; }
  bool surelyAbsent() const { return !present && error == 0; }
};

struct Equation;

/// A tensor while the cascade runs: whole, or (with `equation`) computed entry by entry when it is read.
struct Table {
  std::string name;
  ElementType type;
  Kind kind;
  PartialTensor data;
  llvm::SmallVector<int64_t> strides;
  Equation *equation = nullptr;
  enum State : char { Unknown, InProgress, Done };
  std::vector<char> state;              ///< of each entry, while `equation` is set
  uint64_t firstOrigin = 0;             ///< Value::origin of the first entry
  std::vector<char> *touched = nullptr; ///< where to note the entries that are read

  Table(llvm::StringRef name, ElementType type, llvm::ArrayRef<int64_t> shape, mlir::Type elementType);
};

enum class Code : uint8_t {
  Constant,
  Coordinate,
  Read,
  Map,
  Cast,
  Where,
  Else,
  Select,
  Isabsent,
  And,
  Or,
  Not,
  Reduce
};

struct Node {
  Code code;
  Kind kind = Kind::Real;
  bool wide = false;                     ///< a real that a kernel keeps in f64
  attn::Fn fn{};                         ///< Map
  attn::Reduction reduction{};           ///< Reduce
  double rounding = 0;                   ///< Reduce: what rounding the factors of a term adds to its relative error
  ElementType to{};                      ///< Cast
  int slot = -1;                         ///< Coordinate
  Table *table = nullptr;                ///< Read
  Value constant;                        ///< Constant
  llvm::SmallVector<Node *, 2> operands; ///< of Read its indices, of Reduce its body
  llvm::SmallVector<int, 2> slots;       ///< Reduce
  llvm::SmallVector<int64_t, 2> extents; ///< Reduce

  bool demands = false; ///< reads entries that are computed when they are first read
  bool swapped = false; ///< Map: the second operand is evaluated first
  llvm::SmallBitVector depends; ///< slots
  unsigned uses = 0;
  bool hoisted = false;                ///< depends on fewer slots than the place where it stands
  int cache = -1;                      ///< index into Frame::cache; -1: computed anew every time
  int cacheSlot = -1;                  ///< the innermost slot it depends on; -1: none
  llvm::SmallVector<int, 4> memoSlots; ///< with `memo`: the slots that index it, and their extents
  llvm::SmallVector<int64_t, 4> memoExtents;
  bool memo = false;
  std::vector<std::pair<Value, bool>> memoTable;
};

/// What rounding the factors of a term, as mapping.rounded says, adds to its relative error: of a 16-bit type that of one factor, of tf32 that of both.
double roundingOfFactors(mlir::Operation *product);

/// One activation of an equation's body. Equations of a recurrence may be active several times at once.
struct Frame {
  std::vector<int64_t> coordinate; ///< by slot
  std::vector<uint64_t> stamp;     ///< by slot: changes whenever the coordinate or one outside it does
  struct Cached {
    Value value;
    uint64_t stamp = 0;
  };
  std::vector<Cached> cache;
  uint64_t clock = 1;
  bool fresh = true; ///< no coordinate has been set yet
};

/// An equation, a selection or a promise, compiled.
struct Equation {
  std::string name;
  llvm::SmallVector<std::string, 4> coords; ///< of the body: slots 0 ..
  llvm::SmallVector<int64_t, 4> extents;
  Table *table = nullptr; ///< null for a promise
  Node *body = nullptr;
  bool selection = false; ///< the last of coords is selected over; the table's last dimension is the list
  unsigned slotCount = 0, cacheCount = 0;
  std::vector<std::string> slotNames;
  std::vector<int64_t> slotExtents;
  std::deque<Node> nodes;
  std::vector<std::unique_ptr<Frame>> frames;
  unsigned active = 0; ///< how many frames are in use
};

/// A promise that does not hold.
class BrokenPromise : public llvm::ErrorInfo<BrokenPromise> {
public:
  static char ID;
  BrokenPromise(std::string source, std::string message)
      : source(std::move(source)), text(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << text; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }
  std::string source; ///< as the user wrote it

private:
  std::string text;
};

/// The scalar type of a body's value.
Kind kindOf(mlir::Type scalar);
/// The kind of a read of an element type.
Kind kindOf(ElementType type);

/// A literal as it is written, with the error of a kernel's nearest number.
Value parseLiteral(llvm::StringRef text, Kind kind, bool wide);

/// The extents that the function's scalars are.
llvm::SmallVector<int64_t> extentsOf(mlir::ValueRange values,
                                     const llvm::DenseMap<mlir::Value, Value> &scalars);

/// `value`, of the given kind, rounded to an element type. The result has kind kindOf(to).
Value roundValue(const Value &value, Kind kind, bool wide, ElementType to);

/// A strict function on present operands. Absent where a divisor is 0.
Value applyMap(attn::Fn fn, Kind operandKind, Kind resultKind, bool wide, llvm::ArrayRef<Value> operands,
               bool bounds);

/// The error of a real function's result `r` (Bounds.cpp). Operands are decided.
double mapError(attn::Fn fn, bool wide, llvm::ArrayRef<Value> operands, long double r);
/// Adds what the range of a kernel's type does: infinite where |r| + error leaves it, the smallest normal
/// number where results may be flushed.
double settle(long double r, double error, bool wide);
inline double unitRoundoff(bool wide) { return wide ? 0x1p-53 : 0x1p-24; }

/// The running state of a reduction: skips absent bodies.
class Accumulator {
public:
  Accumulator(attn::Reduction op, Kind body, Kind result, bool wide, bool bounds)
      : op(op), body(body), result(result), wide(wide), bounds(bounds) {}
  void add(const Value &value, int64_t coordinate);
  Value finish() const;

private:
  void addReal(const Value &value);
  void addInteger(const Value &value);
  void addArg(const Value &value, int64_t coordinate);
  double errorOfSum() const;
  double errorOfProduct() const;
  double errorOfExtreme() const;

  attn::Reduction op;
  Kind body, result;
  bool wide, bounds;
  int64_t count = 0, counted = 0, arg = 0;
  long double value = 0, magnitude = 0; ///< the running result; sum: of |x|
  long double outer = 1;                ///< prod: of |x| + error
  long double low = 0, high = 0;        ///< max, min: of value -+ error
  double small = 1, large = 1;          ///< prod: the extremes that any order of evaluation can reach
  int64_t integer = 0;
  double error = 0;
  bool undecided = false, zero = false, exact = true;
  long double rival = 0; ///< argmax: the largest value + error among those that did not win
  bool hasRival = false;
};

/// Evaluates compiled bodies.
class Machine {
public:
  explicit Machine(const InterpreterOptions &options) : options(options) {}

  /// The value of an equation's body at the coordinates of its first slots.
  Value evaluateAt(Equation &equation, llvm::ArrayRef<int64_t> coordinates);
  /// Computes one entry of an equation's table (a selection: the whole list) unless it is known.
  void demand(Equation &equation, llvm::ArrayRef<int64_t> indices);
  /// Drops what an equation remembers: tables that it reads have changed.
  static void forget(Equation &equation);
  /// An error of the program found while evaluating; empty if none.
  std::string failure;

private:
  void evaluate(Node &node, Frame &frame, Value &out);
  void compute(Node &node, Frame &frame, Value &out);
  void read(Node &node, Frame &frame, Value &out);
  void map(Node &node, Frame &frame, Value &out);
  void reduce(Node &node, Frame &frame, Value &out);
  void orElse(Node &node, Frame &frame, Value &out);
  void select(Node &node, Frame &frame, Value &out);
  void logic(Node &node, Frame &frame, Value &out, bool absorbing);
  void computeSelection(Equation &equation, llvm::ArrayRef<int64_t> indices);
  void store(Equation &equation, int64_t entry, const Value &value);
  void report(const Node &node, const Frame &frame, long double value);
  Frame &enter(Equation &equation, llvm::ArrayRef<int64_t> coordinates);

  const InterpreterOptions &options;
  Equation *current = nullptr;
  llvm::SmallVector<std::string> reported; ///< equations that the trace has named
};

/// Compiles the body of `equation` out of a region. Captured scalars are in `scalars`, tensors in `tables`.
class BodyCompiler {
public:
  BodyCompiler(Equation &equation, const llvm::DenseMap<mlir::Value, Value> &scalars,
               const llvm::DenseMap<mlir::Value, Table *> &tables)
      : equation(equation), scalars(scalars), tables(tables) {}
  /// The block's value, or another value of it.
  void compile(mlir::Block &block, llvm::ArrayRef<int64_t> extents, mlir::Value value = {});
  /// A single scalar op outside any body.
  void compile(mlir::Value value);

private:
  Node *get(mlir::Value value);
  Node *build(mlir::Operation *op);
  Node *add(Code code, mlir::Type type);
  Node *addReduce(attn::ReduceOp op);
  int addSlot(llvm::StringRef name, int64_t extent);
  void finish(Node *node);

  Equation &equation;
  const llvm::DenseMap<mlir::Value, Value> &scalars;
  const llvm::DenseMap<mlir::Value, Table *> &tables;
  llvm::DenseMap<mlir::Value, Node *> known;
  llvm::SmallVector<int> scope; ///< slots of the enclosing coordinates, outermost first
};

/// The complete values of a stream's accumulators, in the order of its body, each row-major over its kept coordinates:
/// folds the tiles of its rank in the order that the options give (Streams.cpp). Tables of the stream's own
/// equations are computed as they are read.
std::vector<std::vector<Value>> foldStream(attn::StreamOp stream, Machine &machine, const InterpreterOptions &options,
                                           const llvm::DenseMap<mlir::Value, Value> &scalars,
                                           llvm::DenseMap<mlir::Value, Table *> &tables);

} // namespace weir::reference
#endif
