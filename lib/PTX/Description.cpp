//===- Description.cpp - how kernels of weirc are launched ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Description.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace weir::ptx;
using llvm::StringRef;
namespace json = llvm::json;

namespace weir::ptx { // where llvm::json looks for them
static bool fromJSON(const json::Value &value, Description::Argument &argument, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("kind", argument.kind) && map.map("name", argument.name) &&
         map.map("type", argument.type) && map.mapOptional("ranks", argument.ranks) &&
         map.mapOptional("shape", argument.shape);
}

static bool fromJSON(const json::Value &value, Description::Function &function, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("kernel", function.kernel) && map.map("block", function.block) &&
         map.map("shared", function.shared);
}

static bool fromJSON(const json::Value &value, Description &description, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("kernel", description.kernel) && map.map("plan", description.plan) &&
         map.map("promises", description.promises) && map.map("arguments", description.arguments) &&
         map.map("launches", description.launches);
}
} // namespace weir::ptx

llvm::Expected<std::optional<Description>> weir::ptx::readDescription(StringRef ptx) {
  for (StringRef line : llvm::split(ptx, '\n')) {
    if (!line.consume_front("// weir: "))
      continue;
    auto value = json::parse(line.trim());
    if (!value)
      return llvm::createStringError("the line '// weir: ' is no JSON: " + llvm::toString(value.takeError()));
    Description description;
    json::Path::Root root("weir");
    if (!fromJSON(*value, description, root))
      return llvm::createStringError("the line '// weir: ' does not say how the kernel is launched: " +
                                     llvm::toString(root.getError()));
    return std::optional(std::move(description));
  }
  return std::nullopt;
}
