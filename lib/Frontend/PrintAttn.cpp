//===- PrintAttn.cpp - a cascade as text in the language ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text stands alone: element types are written out, consts are numbers, and what one body uses twice is a
// `let`. A coordinate of the language is the lower case of its rank, so a second coordinate over an extent
// gets a rank of its own, `rank L = N`. A `where` inside an expression, which the language has not, becomes a
// tensor over the coordinates around it.
#include "AttnPrinter.h"
#include "Names.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Frontend/Frontend.h"
#include "weir/Support/ElementType.h"
#include "llvm/Support/thread.h"

using namespace mlir;
using namespace weir;
using llvm::enumerate;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// `wanted` if it may be the name of a tensor, or something like it.
std::string AttnPrinter::freshTensor(StringRef wanted) {
  std::string name;
  for (char c : wanted)
    name += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (name.empty() || llvm::isDigit(name[0]) || names::classify(name) != names::Word::None)
    name = "T_" + name;
  std::string unique = name;
  for (unsigned k = 2; !tensorNames.insert(unique).second; ++k)
    unique = name + "_" + std::to_string(k);
  return unique;
}

/// A rank's name that is free, as near as possible to `wanted`.
std::string AttnPrinter::freshRank(StringRef wanted) {
  std::string name;
  for (char c : wanted.upper())
    name += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (!names::isUpperName(name))
    name = "R" + name;
  auto taken = [&](const std::string &candidate) {
    std::string coordinate = names::coordinateOf(candidate);
    return names::classify(coordinate) != names::Word::None || rankNames.contains(candidate) ||
           scalarNames.contains(coordinate);
  };
  std::string unique = name;
  for (unsigned k = 2; taken(unique); ++k)
    unique = name + "_" + std::to_string(k);
  rankNames.insert(unique);
  return unique;
}

std::string AttnPrinter::freshLet() {
  for (;;) {
    std::string name = "v" + std::to_string(++lets);
    if (!scalarNames.contains(name) && !rankNames.contains(StringRef(name).upper())) {
      scalarNames.insert(name);
      return name;
    }
  }
}

/// The rank that an extent is, declared if nothing names it yet.
std::string AttnPrinter::rankOf(Value extent) {
  auto it = rankOfExtent.find(extent);
  if (it != rankOfExtent.end())
    return it->second;
  std::string name = freshRank("R1");
  declarations += "  rank " + name + " = " + number(extent) + "\n";
  return rankOfExtent[extent] = name;
}

/// An extent as a number.
std::string AttnPrinter::number(Value extent) {
  if (auto constant = extent.getDefiningOp<arith::ConstantOp>())
    if (auto value = dyn_cast<IntegerAttr>(constant.getValue()))
      return std::to_string(value.getInt());
  return rankOf(extent);
}

bool AttnPrinter::sameExtent(StringRef rank, Value extent) {
  auto it = rankOfExtent.find(extent);
  if (it != rankOfExtent.end() && it->second == rank)
    return true;
  auto constant = extent.getDefiningOp<arith::ConstantOp>();
  auto fixed = fixedRanks.find(rank);
  if (constant && fixed != fixedRanks.end())
    return cast<IntegerAttr>(constant.getValue()).getInt() == fixed->second;
  auto second = secondRanks.find(rank);
  return second != secondRanks.end() && second->second == extent;
}

/// A coordinate for `extent` that is not in use here, called `wanted` if that is the coordinate of such a
/// rank.
std::string AttnPrinter::coordinateFor(StringRef wanted, Value extent) {
  auto inScope = [&](StringRef c) { return llvm::is_contained(scope, c); };
  std::string upper = wanted.upper();
  if (names::coordinateOf(upper) == wanted && sameExtent(upper, extent) && !inScope(wanted))
    return wanted.str();
  if (!extent.getDefiningOp<arith::ConstantOp>()) {
    std::string base = names::coordinateOf(rankOf(extent));
    if (!inScope(base))
      return base;
  }
  for (auto &entry : secondRanks)
    if (entry.second == extent && !inScope(names::coordinateOf(entry.getKey())))
      return names::coordinateOf(entry.getKey());
  std::string rank = freshRank(upper);
  declarations += "  rank " + rank + " = " + number(extent) + "\n";
  secondRanks[rank] = extent;
  return names::coordinateOf(rank);
}

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

static std::string typeName(Type type) { return getName(*fromMLIR(type)).str(); }

/// The expression that a shape check compares dimension `dim` of `argument` with, or null.
static Value checkedAgainst(func::FuncOp function, Value argument, unsigned dim) {
  for (auto given : function.getOps<attn::GivenOp>()) {
    auto equal =
        given.getShape() ? given.getYield().getValues()[0].getDefiningOp<attn::MapOp>() : attn::MapOp();
    if (!equal || equal.getFn() != attn::Fn::Eq)
      continue;
    auto cast = equal.getOperands()[0].getDefiningOp<arith::IndexCastOp>();
    auto dimOp = cast ? cast.getIn().getDefiningOp<tensor::DimOp>() : tensor::DimOp();
    if (dimOp && dimOp.getSource() == argument && dimOp.getConstantIndex() == int64_t(dim))
      return equal.getOperands()[1];
  }
  return {};
}

/// Ranks first, so that every extent has its name.
void AttnPrinter::nameRanks() {
  for (auto [i, argument] : enumerate(function.getArguments())) {
    auto ranks = function.getArgAttrOfType<ArrayAttr>(i, attn::kRanks);
    if (!ranks)
      continue;
    auto type = cast<RankedTensorType>(argument.getType());
    for (auto [d, attr] : enumerate(ranks)) {
      StringRef name = cast<StringAttr>(attr).getValue();
      if (!isRankName(name))
        continue;
      rankNames.insert(name);
      if (!type.isDynamicDim(d))
        fixedRanks[name] = type.getDimSize(d);
    }
  }
  function.walk([&](tensor::DimOp dim) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    auto at = dim.getConstantIndex();
    if (!argument || !at || argument.getOwner() != &function.getBody().front())
      return;
    auto ranks = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), attn::kRanks);
    StringRef name = ranks && *at < int64_t(ranks.size()) ? cast<StringAttr>(ranks[*at]).getValue() : "";
    if (isRankName(name))
      rankOfExtent[dim.getResult()] = name.str();
  });
  for (auto &entry : fixedRanks)
    declarations += "  rank " + entry.getKey().str() + " = " + std::to_string(entry.second) + "\n";
  for (auto rank : function.getOps<attn::RankOp>()) {
    std::string name = rank.getName().str();
    if (!isRankName(name) || !rankNames.insert(name).second)
      name = freshRank(name);
    rankOfExtent[rank.getExtent()] = name;
  }
}

bool AttnPrinter::isRankName(StringRef name) const {
  return names::isUpperName(name) &&
         llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }) &&
         names::classify(names::coordinateOf(name)) == names::Word::None;
}

std::string AttnPrinter::signatureOf(Value argument, unsigned index, StringRef name) {
  auto type = cast<RankedTensorType>(argument.getType());
  auto ranks = function.getArgAttrOfType<ArrayAttr>(index, attn::kRanks);
  std::string text = name.str() + ": " + typeName(type.getElementType()) + "[";
  for (int64_t d = 0; d < type.getRank(); ++d) {
    StringRef rank = ranks && d < int64_t(ranks.size()) ? cast<StringAttr>(ranks[d]).getValue() : "";
    text += d ? "," : "";
    if (isRankName(rank))
      text += rank.str();
    else if (!type.isDynamicDim(d))
      text += std::to_string(type.getDimSize(d));
    else if (Value expected = checkedAgainst(function, argument, d))
      text += expression(expected, 0);
    else
      text += freshRank("X");
  }
  return text + "]";
}

void AttnPrinter::print() {
  for (auto [i, argument] : enumerate(function.getArguments())) {
    StringRef name = function.getArgAttrOfType<StringAttr>(i, attn::kName).getValue();
    if (isa<RankedTensorType>(argument.getType())) {
      tensorNames.insert(name);
      tensorOf[argument] = name.str();
    } else {
      scalarNames.insert(name);
      text[argument] = {name.str(), Primary};
      os << "param " << name << ": "
         << typeName(function.getArgAttrOfType<TypeAttr>(i, attn::kType).getValue());
      if (auto value = function.getArgAttrOfType<StringAttr>(i, attn::kDefault))
        os << " = " << value.getValue();
      os << "\n";
    }
  }
  nameRanks();
  std::string inputs, outputs;
  for (auto [i, argument] : enumerate(function.getArguments()))
    if (isa<RankedTensorType>(argument.getType()))
      inputs += (inputs.empty() ? "" : ", ") + signatureOf(argument, i, tensorOf[argument]);
  nameOutputs(outputs);
  for (Operation &op : function.getBody().front())
    printTopLevel(op);
  std::string name = function.getSymName().str();
  os << "cascade " << (names::classify(name) == names::Word::None ? name : name + "_") << "(" << inputs
     << ") -> (" << outputs << ") {\n"
     << declarations << equations << "}\n";
}

/// An output is the tensor that is stored, if its type rounds as storing does; otherwise a copy.
void AttnPrinter::nameOutputs(std::string &outputs) {
  auto results = cast<func::ReturnOp>(function.getBody().front().getTerminator()).getOperands();
  SmallVector<std::string> outputNames;
  for (unsigned i = 0; i < results.size(); ++i) {
    outputNames.push_back(function.getResultAttrOfType<StringAttr>(i, attn::kName).getValue().str());
    tensorNames.insert(outputNames.back());
  }
  for (auto [i, result] : enumerate(results)) {
    auto ranks = function.getResultAttrOfType<ArrayAttr>(i, attn::kRanks);
    auto type = cast<RankedTensorType>(result.getType());
    std::string list;
    for (auto attr : ranks)
      list += (list.empty() ? "" : ",") + cast<StringAttr>(attr).getValue().str();
    outputs += (i ? ", " : "") + outputNames[i] + ": " + typeName(type.getElementType()) + "[" + list + "]";
    auto stored = result.getDefiningOp<attn::MaterializeOp>();
    Value source = stored ? stored.getSource() : result;
    Value definition = definitionOf(source);
    bool same = cast<RankedTensorType>(source.getType()).getElementType() == type.getElementType();
    if (same && !isa<BlockArgument>(definition) && !tensorOf.count(definition) && leftIs(definition, ranks)) {
      tensorOf[definition] = outputNames[i];
      continue;
    }
    std::string indices;
    for (auto attr : ranks)
      indices += (indices.empty() ? "" : ",") + names::coordinateOf(cast<StringAttr>(attr).getValue());
    copies.push_back({outputNames[i] + "[" + indices + "] = ", definition, "[" + indices + "]\n"});
  }
}

/// Whether the coordinates of an equation will be those of the output's ranks.
bool AttnPrinter::leftIs(Value definition, ArrayAttr ranks) {
  auto einsum = definition.getDefiningOp<attn::EinsumOp>();
  auto topk = definition.getDefiningOp<attn::ArgtopkOp>();
  if (!einsum && !topk)
    return false;
  ArrayAttr coords = einsum ? einsum.getCoords() : topk.getCoords();
  auto extents = einsum ? einsum.getExtents() : topk.getExtents();
  for (auto [coord, extent, rank] : llvm::zip(coords, extents, ranks)) {
    StringRef name = cast<StringAttr>(rank).getValue();
    if (names::coordinateOf(name) != cast<StringAttr>(coord).getValue() || !sameExtent(name, extent))
      return false;
  }
  return true;
}

/// The equation that a tensor comes from, through the results of recurrences.
Value AttnPrinter::definitionOf(Value tensor) {
  while (auto recurrence = tensor.getDefiningOp<attn::RecurrenceOp>())
    tensor = recurrence.getYield().getValues()[cast<OpResult>(tensor).getResultNumber()];
  return tensor;
}

std::string AttnPrinter::tensorName(Value tensor) {
  Value definition = definitionOf(tensor);
  std::string &name = tensorOf[definition];
  if (name.empty()) {
    Operation *op = definition.getDefiningOp();
    auto attribute = op ? op->getAttrOfType<StringAttr>("name") : StringAttr();
    name = freshTensor(attribute ? attribute.getValue() : "T");
  }
  return name;
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

void AttnPrinter::printTopLevel(Operation &op) {
  if (auto rank = dyn_cast<attn::RankOp>(op)) {
    declarations +=
        "  rank " + rankOfExtent[rank.getExtent()] + " = " + expression(rank.getValue(), 0) + "\n";
  } else if (auto given = dyn_cast<attn::GivenOp>(op)) {
    printGiven(given);
  } else if (auto einsum = dyn_cast<attn::EinsumOp>(op)) {
    printEinsum(einsum);
  } else if (auto topk = dyn_cast<attn::ArgtopkOp>(op)) {
    printSelection(topk);
  } else if (auto recurrence = dyn_cast<attn::RecurrenceOp>(op)) {
    for (Operation &inner : recurrence.getBody().front())
      printTopLevel(inner);
  } else if (isa<func::ReturnOp>(op)) {
    for (auto &[left, tensor, indices] : copies)
      equations += "  " + left + tensorName(tensor) + indices;
  }
}

void AttnPrinter::bindCoordinates(ArrayAttr coords, OperandRange extents, Block::BlockArgListType arguments) {
  for (auto [coord, extent, argument] : llvm::zip(coords, extents, arguments)) {
    std::string name = coordinateFor(cast<StringAttr>(coord).getValue(), extent);
    scope.push_back(name);
    text[argument] = {name, Primary};
  }
}

void AttnPrinter::printGiven(attn::GivenOp given) {
  llvm::SetVector<Value> reads;
  bool computed = false;
  given.walk([&](attn::ReadOp read) { computed |= !isa<BlockArgument>(read.getSource()); });
  if (given.getShape() || computed)
    return; // said by the signature; of a called cascade
  size_t outer = scope.size();
  pending.clear();
  bindCoordinates(given.getCoords(), given.getExtents(), given.getBody().front().getArguments());
  std::string predicate = expression(given.getYield().getValues()[0], 0);
  declarations += pending + "  given " + predicate + "\n";
  pending.clear();
  scope.resize(outer);
}

std::string AttnPrinter::left(Value result, ArrayRef<std::string> coords, bool typed) {
  Type element = cast<RankedTensorType>(result.getType()).getElementType();
  std::string name = tensorName(result), list;
  for (const std::string &c : coords)
    list += (list.empty() ? "" : ",") + c;
  bool isOutput = false;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    isOutput |= function.getResultAttrOfType<StringAttr>(i, attn::kName).getValue() == name;
  bool plain = element.isF32() || element.isInteger(64) || element.isInteger(1);
  return name + (typed && !isOutput && !plain ? ": " + typeName(element) : "") + "[" + list + "]";
}

/// Alternatives that an `else` joins, each under a `where`, are equations of their own.
static bool alternatives(Value value, SmallVectorImpl<attn::WhereOp> &parts) {
  if (auto other = value.getDefiningOp<attn::ElseOp>())
    return alternatives(other.getValue(), parts) && alternatives(other.getOtherwise(), parts);
  auto where = value.getDefiningOp<attn::WhereOp>();
  if (where)
    parts.push_back(where);
  return where != nullptr;
}

void AttnPrinter::printEinsum(attn::EinsumOp einsum) {
  size_t outer = scope.size();
  pending.clear();
  bindCoordinates(einsum.getCoords(), einsum.getExtents(), einsum.getCoordinates());
  std::vector<std::string> coords(scope.begin() + outer, scope.end());
  Value value = einsum.getYield().getValues()[0];
  SmallVector<attn::WhereOp, 2> parts;
  std::string lines;
  if (alternatives(value, parts)) {
    for (auto [i, part] : enumerate(parts)) {
      std::string x = expression(part.getValue(), 0), p = expression(part.getPredicate(), 0);
      lines += "  " + left(einsum.getResult(), coords, i == 0) + " = " + x + " where " + p + "\n";
    }
  } else {
    std::string x = expression(value, 0);
    lines = "  " + left(einsum.getResult(), coords, true) + " = " + x + "\n";
  }
  equations += pending + lines;
  pending.clear();
  scope.resize(outer);
}

void AttnPrinter::printSelection(attn::ArgtopkOp topk) {
  size_t outer = scope.size();
  pending.clear();
  Block &body = topk.getBody().front();
  size_t count = topk.getCoords().size();
  bindCoordinates(topk.getCoords(), topk.getExtents(), body.getArguments().take_front(count - 1));
  std::string list =
      coordinateFor(cast<StringAttr>(topk.getCoords()[count - 1]).getValue(), topk.getExtents()[count - 1]);
  scope.push_back(list);
  std::vector<std::string> coords(scope.begin() + outer, scope.end());
  std::string over = coordinateFor(cast<StringAttr>(topk.getOver()[0]).getValue(), topk.getOverExtent());
  scope.push_back(over);
  text[body.getArguments().back()] = {over, Primary};
  Value value = topk.getYield().getValues()[0];
  std::string predicate;
  if (auto where = value.getDefiningOp<attn::WhereOp>()) {
    predicate = " | " + expression(where.getPredicate(), 0);
    value = where.getValue();
  }
  std::string x = expression(value, 0);
  equations += pending + "  " + left(topk.getResult(), coords, true) + " = argtopk(" + over + predicate +
               ") " + x + "\n";
  pending.clear();
  scope.resize(outer);
}

void weir::printAsAttn(Operation *cascade, llvm::raw_ostream &os) {
  auto function = dyn_cast<func::FuncOp>(cascade);
  if (!function || !attn::isCascade(function))
    return;
  // Bodies are as deep as the frontend lets them be.
  constexpr unsigned kStackBytes = 512u << 20;
  llvm::thread worker(std::optional<unsigned>(kStackBytes), [&] { AttnPrinter(function, os).print(); });
  worker.join();
}
