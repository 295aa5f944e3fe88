//===- SemaKinds.cpp - integer, real or bool ------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kinds go up a ladder (Unknown, Bool, Integer, Real, Double), so a group of tensors that read each other is
// inferred by starting all of them at Unknown and evaluating until nothing changes: at most four rounds a
// tensor. What is wrong with the kinds is said afterwards, once, by KindCheck.
#include "Sema.h"
#include "SemaGraph.h"

using namespace llvm;
using namespace weir;
using namespace weir::sema;
using attn::Fn;
using attn::Reduction;

StringRef weir::sema::describe(Kind kind) {
  switch (kind) {
  case Kind::Unknown:
    return "of no known kind";
  case Kind::Bool:
    return "a bool";
  case Kind::Integer:
    return "an integer";
  case Kind::Real:
  case Kind::Double:
    return "a real";
  }
  return "";
}

Kind weir::sema::kindOf(ElementType type) {
  if (type == ElementType::Bool)
    return Kind::Bool;
  if (isInteger(type))
    return Kind::Integer;
  return type == ElementType::F64 ? Kind::Double : Kind::Real;
}

Kind weir::sema::readKind(const Tensor &tensor) { return tensor.type ? kindOf(*tensor.type) : tensor.kind; }

/// In arithmetic a bool is 0 or 1.
static Kind number(Kind kind) { return kind == Kind::Bool ? Kind::Integer : kind; }

namespace {

class Inference {
public:
  Inference(Program &program, World &world)
      : program(program), realKind(world.dtype == ElementType::F64 ? Kind::Double : Kind::Real) {}

  void run() {
    for (const std::vector<Tensor *> &group : stronglyConnected(program)) {
      for (bool changed = true; changed;) {
        changed = false;
        ++epoch;
        for (Tensor *tensor : group)
          changed |= update(*tensor);
      }
      for (Tensor *tensor : group)
        if (tensor->kind == Kind::Unknown && !tensor->equations.empty())
          tensor->kind = realKind; // it never starts, which is reported as such
    }
    ++epoch;
    for (Equation &equation : program.equations) {
      infer(equation.value);
      if (equation.where)
        infer(equation.where);
    }
    for (Promise &promise : program.promises)
      infer(promise.predicate);
    for (Rank &rank : program.ranks)
      if (rank.extent)
        infer(rank.extent);
    for (Tensor &tensor : program.tensors)
      for (Dim &dim : tensor.dims)
        if (dim.extent)
          infer(dim.extent);
  }

private:
  bool update(Tensor &tensor) {
    Kind kind = tensor.kind;
    if (tensor.input)
      kind = kindOf(*tensor.type);
    for (Equation *equation : tensor.equations) {
      if (equation->where)
        infer(equation->where);
      Kind value = infer(equation->value);
      kind = std::max(kind, equation->over ? Kind::Integer : value);
    }
    if (isReal(kind) && !tensor.input)
      kind = std::max(kind, realKind);
    return std::exchange(tensor.kind, kind) != kind;
  }

  Kind infer(Node *node) {
    if (node->epoch == epoch)
      return node->kind;
    node->epoch = epoch;
    SmallVector<Kind, 3> args;
    for (Node *arg : node->args)
      args.push_back(infer(arg));
    return node->kind = ofNode(*node, args);
  }

  Kind joined(ArrayRef<Kind> args) {
    Kind kind = Kind::Unknown;
    for (Kind arg : args)
      kind = std::max(kind, number(arg));
    return kind;
  }

  Kind ofNode(const Node &node, ArrayRef<Kind> args) {
    switch (node.op) {
    case Op::Integer:
    case Op::Coord:
    case Op::Extent:
      return Kind::Integer;
    case Op::Real:
      return realKind;
    case Op::Bool:
    case Op::And:
    case Op::Or:
    case Op::Not:
    case Op::IsAbsent:
      return Kind::Bool;
    case Op::Param:
      return kindOf(node.param->type);
    case Op::Read:
      return readKind(*node.tensor);
    case Op::Map:
      return ofMap(node, args);
    case Op::Number:
    case Op::Divide:
    case Op::Modulo:
      return joined(args);
    case Op::Power:
      if (args.size() == 1 && node.integer >= 0)
        return joined(args);
      return std::max(joined(args), realKind);
    case Op::Else:
      return std::max(args[0], args[1]);
    case Op::Select:
      return std::max(args[1], args[2]);
    case Op::Cast:
      return kindOf(node.type);
    case Op::Where:
      return args[0];
    case Op::Reduce:
      return ofReduction(node.reduction, args[0]);
    }
    return Kind::Unknown;
  }

  Kind ofMap(const Node &node, ArrayRef<Kind> args) {
    if (node.fn >= Fn::Eq && node.fn <= Fn::Ge)
      return Kind::Bool;
    switch (node.fn) {
    case Fn::Neg:
    case Fn::Abs:
    case Fn::Sign:
    case Fn::Add:
    case Fn::Sub:
    case Fn::Mul:
    case Fn::Min:
    case Fn::Max:
      return joined(args);
    case Fn::Floordiv:
    case Fn::Mod:
    case Fn::Bitand:
    case Fn::Bitor:
    case Fn::Bitxor:
    case Fn::Shl:
    case Fn::Shr:
      return Kind::Integer;
    default:
      return std::max(joined(args), realKind);
    }
  }

  Kind ofReduction(Reduction reduction, Kind body) {
    switch (reduction) {
    case Reduction::Sum:
    case Reduction::Prod:
    case Reduction::Max:
    case Reduction::Min:
      return number(body);
    case Reduction::Mean:
      return std::max(number(body), realKind);
    case Reduction::Any:
    case Reduction::All:
      return Kind::Bool;
    default:
      return Kind::Integer;
    }
  }

  Program &program;
  Kind realKind;
  unsigned epoch = 0;
};

/// Says what is wrong with the kinds. A node of unknown kind has an error of its own.
class KindCheck {
public:
  KindCheck(Program &program, World &world) : program(program), world(world) {}

  void run() {
    for (Equation &equation : program.equations) {
      visit(equation.value);
      if (equation.where) {
        visit(equation.where);
        requireBool(equation.where, "a predicate");
      }
    }
    for (Promise &promise : program.promises) {
      visit(promise.predicate);
      requireBool(promise.predicate, "a promise");
    }
    for (Rank &rank : program.ranks)
      if (rank.extent) {
        visit(rank.extent);
        requireInteger(rank.extent, "the extent of rank `" + rank.name + "`");
      }
    for (Tensor &tensor : program.tensors) {
      for (Dim &dim : tensor.dims)
        if (dim.extent) {
          visit(dim.extent);
          requireInteger(dim.extent, "the extent of `" + tensor.name + "`");
        }
      checkTensor(tensor);
    }
  }

private:
  void error(SMLoc loc, const Twine &message, const Twine &note = "") {
    world.error(loc, message, note);
    program.failed = true;
  }

  void checkTensor(Tensor &tensor) {
    bool isBool = false, isNumeric = false;
    for (Equation *equation : tensor.equations) {
      Kind kind = equation->over ? Kind::Integer : equation->value->kind;
      isBool |= kind == Kind::Bool;
      isNumeric |= isNumber(kind);
    }
    if (isBool && isNumeric)
      error(tensor.equations.back()->loc, "one equation of `" + tensor.name + "` is a bool, another a number",
            "write `p ? 1 : 0` for a bool, or `x != 0` for a number");
    if (!tensor.output || tensor.type || tensor.equations.empty())
      return;
    StringRef type = tensor.kind == Kind::Bool      ? "bool"
                     : tensor.kind == Kind::Integer ? "i64"
                     : tensor.kind == Kind::Double  ? "f64"
                                                    : "f32";
    if (!tensor.declaration) { // an intermediate that was asked for is stored as what it is
      tensor.type = *parseElementType(type);
    } else if (!isReal(tensor.kind) && tensor.kind != Kind::Unknown) {
      error(tensor.loc,
            "the output `" + tensor.name + "` is " + describe(tensor.kind) +
                " and is declared without such a type",
            "write `" + tensor.name + ": " + type + "[...]`");
    }
  }

  void requireBool(const Node *node, const Twine &what) {
    if (isNumber(node->kind))
      error(node->loc, what + " is a bool, this is " + describe(node->kind),
            "write `!= 0`, or another comparison");
  }

  void requireInteger(const Node *node, const Twine &what) {
    if (isReal(node->kind) || node->kind == Kind::Bool)
      error(node->loc, what + " is an integer, this is " + describe(node->kind),
            isReal(node->kind) ? "round it: `floor(x) as i64`" : "");
  }

  /// Depth first; deep chains are what the frontend's stack is large for.
  void visit(Node *node) {
    if (std::exchange(node->checked, true))
      return;
    for (Node *arg : node->args)
      visit(arg);
    check(*node);
  }

  void check(const Node &node) {
    switch (node.op) {
    case Op::Read:
      for (const Node *index : node.args)
        if (isReal(index->kind))
          error(index->loc, "an index of `" + node.tensor->name + "` is an integer, this is a real",
                "round it: `floor(x) as i64`");
      return;
    case Op::Map:
      return checkMap(node);
    case Op::Divide:
    case Op::Modulo:
      return checkDivision(node);
    case Op::And:
    case Op::Or:
    case Op::Not:
      for (const Node *arg : node.args)
        requireBool(arg, node.op == Op::And  ? "an operand of `and`"
                         : node.op == Op::Or ? "an operand of `or`"
                                             : "the operand of `not`");
      return;
    case Op::Else:
      return checkSame(node, node.args[0], node.args[1], "the two sides of `else`");
    case Op::Select:
      requireBool(node.args[0], "the condition of `? :`");
      return checkSame(node, node.args[1], node.args[2], "the two cases of `? :`");
    case Op::Where:
      return requireBool(node.args[1], "a predicate");
    case Op::Reduce:
      if (node.reduction == Reduction::Any || node.reduction == Reduction::All)
        if (isNumber(node.args[0]->kind))
          error(node.args[0]->loc,
                "the body of `" + node.text + "` is a bool, this is " + describe(node.args[0]->kind),
                "compare it, as in `" + node.text + "(n) x != 0`");
      return;
    default:
      return;
    }
  }

  void checkSame(const Node &node, const Node *a, const Node *b, const Twine &what) {
    bool differ =
        (a->kind == Kind::Bool && isNumber(b->kind)) || (isNumber(a->kind) && b->kind == Kind::Bool);
    if (differ)
      error(node.loc, what + " are a bool and a number",
            "write `p ? 1 : 0` for the bool, or `x != 0` for the number");
  }

  void checkMap(const Node &node) {
    if (node.fn >= Fn::Eq && node.fn <= Fn::Ge) {
      Kind a = node.args[0]->kind, b = node.args[1]->kind;
      bool bools = a == Kind::Bool && b == Kind::Bool;
      if ((a == Kind::Bool && isNumber(b)) || (isNumber(a) && b == Kind::Bool))
        error(node.loc, "a bool is compared with a number",
              "write `p ? 1 : 0` for the bool, or the bool itself as a predicate");
      else if (bools && node.fn > Fn::Ne)
        error(node.loc, "two bools compare with `==` and `!=` only",
              "write `a and not b`, or compare `(a ? 1 : 0)`");
      return;
    }
    bool integers =
        node.fn == Fn::Floordiv || node.fn == Fn::Mod || (node.fn >= Fn::Bitand && node.fn <= Fn::Shr);
    if (integers)
      for (const Node *arg : node.args)
        if (isReal(arg->kind)) {
          StringRef note = node.fn == Fn::Floordiv ? "write `floor(x / y)` for reals"
                           : node.fn == Fn::Mod    ? "write `x - y * floor(x / y)` for reals"
                                                   : "convert it: `x as i64`";
          return error(arg->loc,
                       "`" + attn::stringifyFn(node.fn) + "` is a function of integers, this is a real",
                       note);
        }
  }

  void checkDivision(const Node &node) {
    Kind a = node.args[0]->kind, b = node.args[1]->kind;
    auto [left, right] = StringRef(node.text).split('\n');
    if (node.op == Op::Modulo && (isReal(a) || isReal(b)))
      return error(node.loc, "`%` is of integers, one of these is a real",
                   "write `x - y * floor(x / y)` for reals");
    bool integers = (a == Kind::Integer || a == Kind::Bool) && (b == Kind::Integer || b == Kind::Bool);
    if (!integers || node.context == Context::Floor)
      return;
    if (node.context == Context::Comparison && node.comparison->args[0]->kind <= Kind::Integer &&
        node.comparison->args[1]->kind <= Kind::Integer)
      return;
    if (node.op == Op::Modulo)
      return error(node.loc, "`%` of two integers stands in an index or a comparison of integers only",
                   "write `mod(" + left + ", " + right + ")`");
    error(node.loc, "`/` of two integers is neither the quotient nor the floor here",
          "write `1.0 * " + left + " / " + right + "` for the quotient, `floordiv(" + left + ", " + right +
              ")` for the floor");
  }

  Program &program;
  World &world;
};

} // namespace

void weir::sema::inferKinds(Program &program, World &world) {
  Inference(program, world).run();
  KindCheck(program, world).run();
}
