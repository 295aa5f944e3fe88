//===- Results.cpp - which tensors are computed, and where they go --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Results.h"
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "weir/Support/Npy.h"
#include "weir/Support/StagedFiles.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace weirc;
using namespace mlir;
using llvm::StringRef;
namespace attn = weir::attn;

namespace {
/// A tensor of the cascade, as a value of the function's body.
struct Defined {
  Value value;
  ArrayAttr coordinates; ///< null for an output, whose ranks stand on the function
};
using Definitions = llvm::MapVector<StringRef, Defined>;
} // namespace

/// The equation that a recurrence's result comes from: down through the recurrences nested in it.
static Operation *equationOf(Value value) {
  Operation *op = value.getDefiningOp();
  while (auto recurrence = llvm::dyn_cast_or_null<attn::RecurrenceOp>(op)) {
    value = recurrence.getYield().getValues()[llvm::cast<OpResult>(value).getResultNumber()];
    op = value.getDefiningOp();
  }
  return op;
}

static Definitions findDefinitions(func::FuncOp cascade) {
  Definitions found;
  for (Operation &op : cascade.getBody().front())
    for (Value result : op.getResults()) {
      Operation *equation = equationOf(result);
      if (auto einsum = llvm::dyn_cast_or_null<attn::EinsumOp>(equation))
        found.insert({einsum.getName(), {result, einsum.getCoords()}});
      else if (auto list = llvm::dyn_cast_or_null<attn::ArgtopkOp>(equation))
        found.insert({list.getName(), {result, list.getCoords()}});
    }
  return found;
}

/// The ranks of coordinates: m is of M, kv of KV.
static ArrayAttr ranksOf(ArrayAttr coordinates) {
  llvm::SmallVector<Attribute> ranks;
  for (auto coordinate : coordinates.getAsRange<StringAttr>())
    ranks.push_back(StringAttr::get(coordinates.getContext(), coordinate.getValue().upper()));
  return ArrayAttr::get(coordinates.getContext(), ranks);
}

llvm::Error weirc::selectResults(func::FuncOp cascade, llvm::ArrayRef<std::string> names) {
  auto yield = llvm::cast<func::ReturnOp>(cascade.getBody().front().getTerminator());
  Definitions definitions = findDefinitions(cascade);
  llvm::SmallVector<Value> results;
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Attribute> attributes;
  Builder builder(cascade.getContext());
  OpBuilder before(yield);
  for (const std::string &name : names) {
    Value result;
    DictionaryAttr attribute;
    for (unsigned index = 0; index < cascade.getNumResults(); ++index)
      if (cascade.getResultAttrOfType<StringAttr>(index, attn::kName).getValue() == name) {
        result = yield.getOperand(index);
        attribute = cascade.getResultAttrDict(index);
      }
    if (!result) {
      auto found = definitions.find(name);
      if (found == definitions.end()) {
        llvm::SmallVector<StringRef> known;
        for (auto &definition : definitions)
          known.push_back(definition.first);
        return llvm::createStringError("'" + cascade.getSymName() + "' defines no tensor '" + name +
                                       "'; it defines " + llvm::join(known, ", "));
      }
      Value value = found->second.value;
      result = attn::MaterializeOp::create(before, yield.getLoc(), value.getType(), value);
      attribute =
          builder.getDictionaryAttr({builder.getNamedAttr(attn::kName, builder.getStringAttr(name)),
                                     builder.getNamedAttr(attn::kRanks, ranksOf(found->second.coordinates))});
    }
    results.push_back(result);
    types.push_back(result.getType());
    attributes.push_back(attribute);
  }
  yield->setOperands(results);
  cascade.setType(builder.getFunctionType(cascade.getArgumentTypes(), types));
  cascade.setResAttrsAttr(builder.getArrayAttr(attributes));
  IRRewriter rewriter(cascade.getContext());
  (void)runRegionDCE(rewriter, cascade->getRegions());
  return llvm::Error::success();
}

weir::HostTensor weirc::toHostTensor(const weir::PartialTensor &tensor) {
  std::optional<weir::ElementType> type = weir::fromMLIR(tensor.elementType);
  assert(type && "results have element types of the language");
  weir::HostTensor result(*type, tensor.shape);
  for (int64_t i = 0, end = result.size(); i < end; ++i)
    result.set(i, tensor.present[i] ? tensor.value[i] : 0);
  return result;
}

llvm::Error weirc::writeResults(llvm::ArrayRef<NamedText> out, llvm::ArrayRef<weir::HostTensor> results,
                                bool raw) {
  weir::StagedFiles files;
  for (auto [target, result] : llvm::zip_equal(out, results)) {
    const weir::HostTensor &tensor = result;
    if (llvm::Error error =
            files.add(target.second, [&](llvm::raw_ostream &os) { weir::writeNpy(os, tensor, raw); }))
      return error;
  }
  return files.commit();
}

void weirc::summarize(StringRef name, const weir::HostTensor &tensor, llvm::raw_ostream &os) {
  os << name << ": " << getName(tensor.type) << "["
     << llvm::join(llvm::map_range(tensor.shape, [](int64_t extent) { return std::to_string(extent); }), ",")
     << "]";
  long double least = INFINITY, most = -INFINITY, sum = 0;
  int64_t nans = 0, size = tensor.size();
  for (int64_t i = 0; i < size; ++i) {
    long double value = tensor.get(i);
    if (std::isnan(value)) {
      ++nans;
      continue;
    }
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
  }
  if (size > nans)
    os << llvm::format("  min %.6g  max %.6g  mean %.6g", double(least), double(most),
                       double(sum / (size - nans)));
  if (nans)
    os << "  NaN " << nans;
  os << "\n";
}
