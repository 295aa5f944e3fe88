//===- CascadeJson.cpp - trees and cascades as JSON -----------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "weir/Analysis/Certificate.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace weir;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Digits as a JSON number, or as a string where they do not fit one.
static json::Value integer(StringRef digits, bool negative) {
  StringRef trimmed = digits.ltrim('0');
  std::string text = (negative && !trimmed.empty() ? "-" : "") + (trimmed.empty() ? "0" : trimmed.str());
  int64_t value;
  return StringRef(text).getAsInteger(10, value) ? json::Value(text) : json::Value(value);
}

Expected<json::Value> weir::rationalToJson(StringRef text) {
  StringRef rest = text;
  bool negative = rest.consume_front("-");
  auto isDigits = [](StringRef digits) {
    return !digits.empty() && digits.find_first_not_of("0123456789") == StringRef::npos;
  };
  if (rest == "inf")
    return json::Object{{"num", negative ? -1 : 1}, {"den", 0}};
  if (auto [num, den] = rest.split('/'); !den.empty() && isDigits(num) && isDigits(den))
    return json::Object{{"num", integer(num, negative)}, {"den", integer(den, false)}};
  auto [mantissa, power] = rest.split(rest.contains('e') ? 'e' : 'E');
  auto [whole, fraction] = mantissa.split('.');
  int64_t exponent = 0;
  bool wrong = !isDigits(whole) || !(fraction.empty() || isDigits(fraction));
  if (wrong || (!power.empty() && power.ltrim('+').getAsInteger(10, exponent)) || std::abs(exponent) > 4096)
    return createStringError("'" + text + "' is no number that a certificate can hold");
  fraction = fraction.rtrim('0');
  std::string digits = (whole + fraction).str(), den = "1";
  exponent -= int64_t(fraction.size());
  for (; exponent < 0 && digits.size() > 1 && digits.back() == '0'; ++exponent)
    digits.pop_back();
  (exponent < 0 ? den : digits).append(size_t(std::abs(exponent)), '0');
  return json::Object{{"num", integer(digits, negative)}, {"den", integer(den, false)}};
}

//===----------------------------------------------------------------------===//
// Trees
//===----------------------------------------------------------------------===//

namespace {
/// Writes trees. The first value that cannot be written ends it.
class TreeWriter {
public:
  json::Value write(const Tree *tree);
  std::string problem;

private:
  json::Array list(StringRef head, ArrayRef<const Tree *> args);
  json::Array operands(ArrayRef<const Tree *> args);
  json::Value function(const Tree *tree);
  json::Value reduction(StringRef op, const Tree *tree);
  json::Value call(StringRef name, ArrayRef<const Tree *> args) {
    return json::Array{"fn", name.str(), operands(args)};
  }
  json::Value present(const Tree *tree) { return json::Array{"not", call("isabsent", {tree})}; }
};
} // namespace

json::Array TreeWriter::operands(ArrayRef<const Tree *> args) {
  json::Array array;
  for (const Tree *arg : args)
    array.push_back(write(arg));
  return array;
}

json::Array TreeWriter::list(StringRef head, ArrayRef<const Tree *> args) {
  json::Array array = operands(args);
  array.insert(array.begin(), head.str());
  return array;
}

static json::Array names(ArrayRef<StringRef> texts) {
  json::Array array;
  for (StringRef text : texts)
    array.push_back(text.str()); // a json::Value does not own a StringRef's text
  return array;
}

json::Value TreeWriter::function(const Tree *tree) {
  StringRef name = tree->text;
  if (name == "sub")
    return json::Array{"add", write(tree->args[0]), json::Array{"neg", write(tree->args[1])}};
  if (name == "present") { // 1 where its operand is present
    json::Object one{{"num", 1}, {"den", 1}};
    return json::Array{"where", json::Array{"num", std::move(one)}, present(tree->args[0])};
  }
  StringRef arithmetic = StringSwitch<StringRef>(name)
                             .Cases({"add", "mul", "neg", "div", "mod"}, name)
                             .Case("floordiv", "fdiv")
                             .Case("powi", "pow")
                             .Default("");
  if (!arithmetic.empty())
    return list(arithmetic, tree->args);
  if (tree->isComparison())
    return json::Array{"cmp", attn::getComparisonSign(*attn::symbolizeFn(name)), write(tree->args[0]),
                       write(tree->args[1])};
  return call(name, tree->args);
}

/// A restricted body is a predicate: what is absent takes no part in a reduction.
json::Value TreeWriter::reduction(StringRef op, const Tree *tree) {
  const Tree *body = tree->args[0];
  json::Value predicate = nullptr;
  if (body->is(TreeKind::Where)) {
    predicate = write(body->args[1]);
    body = body->args[0];
  }
  return json::Array{"red", op.str(), names(tree->coords), std::move(predicate), write(body)};
}

json::Value TreeWriter::write(const Tree *tree) {
  switch (tree->kind) {
  case TreeKind::Number: {
    Expected<json::Value> number = rationalToJson(tree->text);
    if (number)
      return json::Array{"num", std::move(*number)};
    problem = toString(number.takeError());
    return nullptr;
  }
  case TreeKind::Bool:
    return json::Array{tree->text.str()};
  case TreeKind::Coordinate:
    return json::Array{"coord", tree->text.str()};
  case TreeKind::Extent:
    return json::Array{"ext", tree->text.str()};
  case TreeKind::Param:
    return json::Array{"param", tree->text.str()};
  case TreeKind::Read:
    return json::Array{"read", tree->text.str(), operands(tree->args)};
  case TreeKind::Function:
    return function(tree);
  case TreeKind::Cast:
    return call(("as " + tree->text).str(), tree->args);
  case TreeKind::And:
    return tree->args.empty() ? json::Array{"true"} : list("and", tree->args);
  case TreeKind::Or:
    return tree->args.empty() ? json::Array{"false"} : list("or", tree->args);
  case TreeKind::Not:
    return list("not", tree->args);
  case TreeKind::Else:
    return list("else", tree->args);
  case TreeKind::Select:
    return list("sel", tree->args);
  case TreeKind::Where:
    return list("where", tree->args);
  case TreeKind::IsAbsent:
    return call("isabsent", tree->args);
  case TreeKind::Present:
    return present(tree->args[0]);
  case TreeKind::Any:
    return reduction("any", tree);
  case TreeKind::Reduce:
  case TreeKind::Selection:
    return reduction(tree->text, tree);
  case TreeKind::Opaque:
    problem = ("no equation makes the value " + tree->text).str();
    return nullptr;
  }
  llvm_unreachable("unknown kind of tree");
}

Expected<json::Value> weir::toJson(const Tree *tree) {
  constexpr unsigned kLargest = 1u << 18;
  if (tree->size > kLargest)
    return createStringError("an expression has more than " + Twine(kLargest) + " parts");
  TreeWriter writer;
  json::Value value = writer.write(tree);
  if (!writer.problem.empty())
    return createStringError(writer.problem);
  return value;
}

//===----------------------------------------------------------------------===//
// Cascades
//===----------------------------------------------------------------------===//

static std::string typeName(mlir::Type type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text == "i1" ? "bool" : text;
}

static Expected<json::Value> ranksToJson(const CascadeModel &model) {
  json::Object ranks;
  for (const std::string &rank : model.ranks) {
    const Tree *extent = model.rankExtents.lookup(rank);
    if (const Tree *definition = model.definitions.lookup(rank))
      extent = definition;
    if (extent && extent->is(TreeKind::Extent) && extent->text == rank)
      extent = nullptr; // open
    if (!extent) {
      ranks[rank] = nullptr;
      continue;
    }
    Expected<json::Value> tree = toJson(extent);
    if (!tree)
      return tree.takeError();
    ranks[rank] = std::move(*tree);
  }
  return ranks;
}

static Expected<json::Value> inputsToJson(const CascadeModel &model) {
  json::Object inputs;
  for (const std::string &name : model.inputs) {
    const CascadeModel::Tensor *tensor = model.getTensor(name);
    json::Array ranks;
    for (auto [rank, extent] : zip(tensor->ranks, tensor->extents)) {
      if (model.rankExtents.count(rank)) {
        ranks.push_back(rank);
        continue;
      }
      Expected<json::Value> tree = toJson(extent);
      if (!tree)
        return tree.takeError();
      ranks.push_back(std::move(*tree));
    }
    inputs[name] = json::Object{{"ranks", std::move(ranks)}, {"type", typeName(tensor->elementType)}};
  }
  return inputs;
}

static json::Value paramsToJson(mlir::func::FuncOp function) {
  json::Object params;
  for (mlir::BlockArgument arg : function.getArguments()) {
    auto name = function.getArgAttrOfType<mlir::StringAttr>(arg.getArgNumber(), attn::kName);
    if (isa<mlir::RankedTensorType>(arg.getType()) || !name)
      continue;
    auto text = function.getArgAttrOfType<mlir::StringAttr>(arg.getArgNumber(), attn::kDefault);
    params[name.str()] = json::Object{{"type", typeName(arg.getType())},
                                      {"default", text ? json::Value(text.str()) : json::Value(nullptr)}};
  }
  return params;
}

static Expected<json::Value> equationToJson(const CascadeModel &model,
                                            const CascadeModel::Equation &equation) {
  const Tree *body = equation.body, *where = nullptr;
  for (; body->is(TreeKind::Where); body = body->args[0])
    where =
        where ? model.arena->get(TreeKind::And, ScalarKind::Bool, "", {body->args[1], where}) : body->args[1];
  Expected<json::Value> expr = toJson(body);
  if (!expr)
    return expr.takeError();
  Expected<json::Value> condition = where ? toJson(where) : json::Value(json::Array{"true"});
  if (!condition)
    return condition.takeError();
  int64_t line;
  bool unknown = StringRef(model.lineOf(equation.op)).getAsInteger(10, line);
  return json::Object{{"name", equation.name},
                      {"idx", json::Array(equation.coords)},
                      {"expr", std::move(*expr)},
                      {"where", std::move(*condition)},
                      {"line", unknown ? json::Value(nullptr) : json::Value(line)}};
}

Expected<json::Value> weir::toJson(const CascadeModel &model) {
  Expected<json::Value> ranks = ranksToJson(model);
  if (!ranks)
    return ranks.takeError();
  Expected<json::Value> inputs = inputsToJson(model);
  if (!inputs)
    return inputs.takeError();
  json::Array equations, outputs, givens;
  for (const CascadeModel::Equation &equation : model.equations) {
    Expected<json::Value> written = equationToJson(model, equation);
    if (!written)
      return written.takeError();
    equations.push_back(std::move(*written));
  }
  for (const Tree *given : model.givens) {
    Expected<json::Value> written = toJson(given);
    if (!written)
      return written.takeError();
    givens.push_back(std::move(*written));
  }
  for (const CascadeModel::Output &output : model.outputs)
    if (!is_contained(outputs, json::Value(output.tensor)))
      outputs.push_back(output.tensor);
  return json::Object{{"name", mlir::func::FuncOp(model.function).getName().str()},
                      {"ranks", std::move(*ranks)},
                      {"inputs", std::move(*inputs)},
                      {"params", paramsToJson(model.function)},
                      {"outputs", std::move(outputs)},
                      {"given", std::move(givens)},
                      {"equations", std::move(equations)}};
}

std::string weir::digestOf(const json::Value &cascade) {
  std::string text; // json::Value prints keys sorted
  raw_string_ostream(text) << cascade;
  std::array<uint8_t, 32> hash = SHA256::hash(arrayRefFromStringRef(text));
  return toHex(hash, /*LowerCase=*/true);
}
