//===- StreamCost.cpp - whether a stream in tiles is worth it -------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/StreamCost.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace weir;

/// What open extents are taken for: of rows and keys, of what is computed many times, of all others
/// (features).
constexpr int64_t kOpen = 1024, kOpenOuter = 1, kOpenInner = 64;

/// Evaluations that the count of a domain may take: a mask that bounds keys takes one or two for a row. Where
/// more would be needed both predictions are too high by the same factor.
constexpr uint64_t kBudget = 1u << 12;

/// How much longer a row takes whose keys are gathered into a tile for it alone: measured, 1.6 times as long
/// as loops as written.
constexpr double kGather = 2.2;

int64_t weir::getRowsOfTile(const StreamTiles &plan, Extents &extents, const TargetDescription &target) {
  std::optional<int64_t> rows = plan.countRowsOfClass();
  int64_t lanes = getLanes(target), most = plan.rows.size() > 1 ? 1 : mostVectorsOfRows(target);
  if (plan.isAlone)
    rows = 1;
  else if (plan.shared) // blocks end where what they share does
    rows = plan.getShare() ? std::min(rows.value_or(*plan.getShare()), *plan.getShare()) : kFewRows;
  auto fillsVectors = [&](auto &entry) {
    const StreamTiles::Product &product = entry.second;
    int64_t width = target.vectorBytes * 8 / plan.real.getIntOrFloatBitWidth();
    return product.right.empty() ||
           (!mlir::ShapedType::isDynamic(product.inner) && product.inner % width == 0);
  };
  if (rows && *rows >= 1 && *rows <= kFewRows && llvm::all_of(plan.products, fillsVectors))
    return *rows;
  return lanes * (rows ? std::clamp<int64_t>(divideCeil(*rows, lanes), 1, most) : most);
}

/// An extent for each rank that is open.
static std::map<std::string, int64_t> assumeExtents(const CascadeModel &model, const StreamTiles &plan) {
  std::map<std::string, int64_t> assumed;
  for (const std::string &rank : model.ranks)
    if (const Tree *extent = model.rankExtents.lookup(rank); extent && extent->is(TreeKind::Extent))
      if (!model.definitions.contains(extent->text))
        assumed[extent->text.str()] = kOpenInner;
  auto assume = [&](StringRef coordinate, int64_t value) {
    const Tree *extent = model.getExtent(coordinate);
    if (auto entry = extent ? assumed.find(extent->text.str()) : assumed.end(); entry != assumed.end())
      entry->second = value;
  };
  for (auto &[name, extent] : plan.outer)
    assume(name, kOpenOuter);
  // Of tuples, all together.
  auto assumeAll = [&](const StreamTiles::Coordinates &coordinates) {
    double each = std::pow(double(kOpen), 1.0 / double(std::max<size_t>(coordinates.size(), 1)));
    for (auto &[name, extent] : coordinates)
      assume(name, int64_t(std::lround(each)));
  };
  assumeAll(plan.rows);
  assumeAll(plan.keys);
  return assumed;
}

std::optional<StreamCost> weir::predictStream(mlir::func::FuncOp cascade, mlir::func::FuncOp merged,
                                              const StreamTiles &plan, Extents &extents,
                                              const TargetDescription &target) {
  StreamCost cost;
  CascadeModel model(cascade);
  model.addReadByStreams(/*rank=*/""); // what only they need costs time too
  StringSet<> left; // equations that stand in the function itself, not in a stream
  for (const CascadeModel::Equation &equation : CascadeModel(merged).equations)
    left.insert(equation.name);
  attn::StreamOp stream = plan.stream;
  for (auto copy : stream.getBody().front().getOps<attn::EinsumOp>())
    left.erase(copy.getName()); // computed once more in the stream
  Domains domains(model);
  cost.assumed = assumeExtents(model, plan);
  StringMap<int64_t> known;
  for (auto &[rank, extent] : cost.assumed)
    known[rank] = extent;
  Costs costs =
      computeCosts(model, domains, Traversals(), known, kBudget); // their footprint is not asked for
  cost.rows = plan.isAlone ? 1 : plan.shared ? plan.getShare() : plan.countRows();
  cost.rowsOfTile = getRowsOfTile(plan, extents, target);
  int64_t rows = cost.rows.value_or(kOpen);
  int64_t step = plan.rows.size() == 1 ? plan.stepOf(plan.rows[0].first) : 1;
  double whole = rows ? double(StreamTiles::countBlocks(rows, cost.rowsOfTile, step) * cost.rowsOfTile) / rows : 1;
  if (plan.isAlone)
    whole *= kGather;
  for (const Costs::EquationCost &equation : costs.equations) {
    if (left.contains(equation.equation))
      continue;
    if (!equation.flops.value)
      return std::nullopt;
    cost.tiled.addTiled(equation.multiplyAdds * whole, equation.operations * whole, cost.rowsOfTile,
                        plan.real, target);
    cost.asWritten.addAsWritten(*equation.flops.value, plan.real, target);
  }
  if (!costs.compulsoryBytes.value)
    return std::nullopt;
  cost.tiled.addReading(*costs.compulsoryBytes.value, target);
  cost.asWritten.addReading(*costs.compulsoryBytes.value, target);
  return cost;
}

mlir::DictionaryAttr weir::toAttribute(const StreamCost &cost, StringRef rank, bool merged, bool forced,
                                       mlir::MLIRContext *context) {
  mlir::Builder b(context);
  mlir::NamedAttrList assumed, choice;
  for (auto &[name, extent] : cost.assumed)
    assumed.set(name, b.getI64IntegerAttr(extent));
  choice.set("rank", b.getStringAttr(rank));
  choice.set("merged", b.getBoolAttr(merged));
  choice.set("forced", b.getBoolAttr(forced));
  choice.set("tiled_s", b.getF64FloatAttr(cost.tiled.seconds()));
  choice.set("as_written_s", b.getF64FloatAttr(cost.asWritten.seconds()));
  choice.set("rows_of_tile", b.getI64IntegerAttr(cost.rowsOfTile));
  if (cost.rows)
    choice.set("rows", b.getI64IntegerAttr(*cost.rows));
  choice.set("assumed", assumed.getDictionary(context));
  return choice.getDictionary(context);
}
