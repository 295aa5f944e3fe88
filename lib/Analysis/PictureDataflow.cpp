//===- PictureDataflow.cpp - equations in their traversals ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bands are the traversals of the rank that needs most of them, as the cascade is written. An equation stands
// in the traversal in which its tensor appears: a streaming one in its own, a complete one in the last that
// it needs.
#include "PictureMask.h"
#include "dialects/Attention/AttentionDialect.h"
#include "weir/Analysis/Traversals.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace weir;

static std::string withIndices(StringRef name, ArrayRef<std::string> indices) {
  return (name + (indices.empty() ? "" : "[" + join(indices, ",") + "]")).str();
}

/// The rank with the most traversals; of several, one that no recurrence goes along, and the one named first.
static const Traversals::Rank *choose(const Traversals &traversals) {
  const Traversals::Rank *chosen = nullptr;
  for (const Traversals::Rank &rank : traversals.ranks)
    if (rank.count > 0 && (!chosen || rank.count > chosen->count))
      chosen = &rank;
  return chosen;
}

DataflowPicture weir::drawDataflow(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed) {
  CascadeModel model(cascade);
  Domains domains(model);
  Traversals traversals = countTraversals(model, domains);
  DataflowPicture picture;
  const Traversals::Rank *rank = choose(traversals);
  if (rank) {
    picture.rank = rank->name;
    picture.traversals = rank->count;
  }
  std::vector<std::string> merged;
  streamed.walk([&](attn::StreamOp stream) { merged.push_back(stream.getRank().str()); });
  if (!merged.empty())
    picture.note = "in tiles: one traversal of " + join(merged, ", then one of ");

  StringMap<unsigned> boxes;
  auto add = [&](DataflowPicture::Box box, StringRef tensor) {
    boxes[tensor] = picture.boxes.size();
    picture.boxes.push_back(std::move(box));
  };
  for (const auto *names : {&model.inputs, &model.streamed})
    for (const std::string &input : *names) {
      std::vector<std::string> indices;
      for (const std::string &dimension : model.getTensor(input)->ranks)
        indices.push_back(dimension);
      add({withIndices(input, indices), "", 0, 0, true, false, {}}, input);
    }
  for (const CascadeModel::Equation &equation : model.equations) {
    DataflowPicture::Box box{
        withIndices(equation.name, equation.coords), toText(equation.body), 0, 1, false, false, {}};
    if (rank)
      if (auto place = rank->tensors.find(equation.name); place != rank->tensors.end())
        box.band = place->second.second;
    box.isOutput = any_of(model.outputs, [&](auto &output) { return output.tensor == equation.name; });
    add(std::move(box), equation.name);
  }
  for (const CascadeModel::Equation &equation : model.equations) {
    DataflowPicture::Box &box = picture.boxes[boxes[equation.name]];
    for (StringRef name : tensorsReadBy(equation.body)) {
      auto found = boxes.find(name);
      if (found == boxes.end() || found->second == boxes[equation.name])
        continue; // a recurrence reads its own earlier steps
      box.reads.push_back(found->second);
      const DataflowPicture::Box &source = picture.boxes[found->second];
      box.band = std::max(box.band, source.band); // in the order of the function sources come first
      if (source.band == box.band)
        box.layer = std::max(box.layer, source.layer + 1);
    }
  }
  return picture;
}

Picture weir::makePicture(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed, StringMap<int64_t> extents,
                          const KnownInputs &known) {
  Picture picture;
  picture.cascade = cascade.getName().str();
  CascadeModel model(cascade);
  std::string assumed = assumeOpenExtents(model, extents);
  picture.mask = drawMask(cascade, streamed, extents, known);
  if (picture.mask && !assumed.empty())
    picture.mask->title.push_back("assumed: " + assumed + " (-D fixes them)");
  picture.dataflow = drawDataflow(cascade, streamed);
  return picture;
}
