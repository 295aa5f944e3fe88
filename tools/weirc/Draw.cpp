//===- Draw.cpp - weirc draw ----------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Job.h"
#include "weir/Analysis/Picture.h"

using namespace weirc;

int weirc::drawCommand(const Options &options) {
  llvm::StringRef output = options.output;
  bool isText = output.empty() || output == "-";
  if (!isText && !output.ends_with(".svg"))
    return usageError("'draw' writes SVG: '-o' expects a name that ends in .svg, got '" + output +
                      "'; without '-o' the picture goes to the terminal as text");
  if (llvm::StringRef(options.target) == "interpret")
    return usageError("'draw' shows what compiled code does; '--target interpret' has no tiles");
  Job job(options, "cpu:native");
  if (job.status)
    return *job.status;
  if (!job.program->cascade())
    return refuse(
        "'draw' needs a program at level cascade or streamed: what is below does not show its equations");
  auto given = loadInputs(job.program->signature(), options);
  if (!given)
    return refuse(given.takeError());
  job.useTuned(given->extents);
  auto streamed = job.program->lower(Level::Streamed, job.target.versions.front());
  if (!streamed)
    return Refused;
  auto equations = job.program->equations();
  weir::Picture picture = job.phases.time("draw", [&] {
    return weir::makePicture(*equations->getOps<mlir::func::FuncOp>().begin(),
                             *streamed->getOps<mlir::func::FuncOp>().begin(), given->extents,
                             given->known(job.program->signature()));
  });
  std::string text;
  llvm::raw_string_ostream os(text);
  if (isText)
    weir::printText(picture, os);
  else
    weir::printSvg(picture, os);
  return writeOutput(options, text);
}
