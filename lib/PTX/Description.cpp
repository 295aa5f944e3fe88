//===- Description.cpp - how kernels of weirc are launched ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/PTX/Description.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace weir::ptx;
using llvm::StringRef;
namespace json = llvm::json;

static bool fromJSON(const json::Value &value, Description::Argument &argument, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("kind", argument.kind) && map.map("name", argument.name) &&
         map.map("type", argument.type) && map.mapOptional("ranks", argument.ranks) &&
         map.mapOptional("shape", argument.shape);
}

static bool readTile(const json::Value &value, Description::Tile &tile) {
  const json::Object *object = value.getAsObject();
  auto bytes = object ? object->getInteger("bytes") : std::nullopt;
  const json::Array *extents = object ? object->getArray("extents") : nullptr;
  if (!bytes || !extents)
    return false;
  tile.bytes = *bytes;
  for (const json::Value &pair : *extents) {
    const json::Array *numbers = pair.getAsArray();
    if (!numbers || numbers->size() != 2 || !(*numbers)[0].getAsInteger() || !(*numbers)[1].getAsInteger())
      return false;
    tile.extents.push_back({*(*numbers)[0].getAsInteger(), *(*numbers)[1].getAsInteger()});
  }
  return true;
}

static bool read(const json::Value &value, Description &description) {
  const json::Object *object = value.getAsObject();
  if (!object)
    return false;
  auto kernel = object->getString("kernel");
  auto block = object->getInteger("block");
  const json::Array *arguments = object->getArray("arguments"), *shared = object->getArray("shared");
  if (!kernel || !block || !arguments || !shared)
    return false;
  description.kernel = kernel->str();
  description.block = *block;
  for (const json::Value &argument : *arguments) {
    json::Path::Root root("argument");
    if (!fromJSON(argument, description.arguments.emplace_back(), root))
      return false;
  }
  return llvm::all_of(*shared, [&](const json::Value &tile) {
    Description::Tile &added = description.shared.emplace_back();
    return readTile(tile, added) && llvm::all_of(added.extents, [&](auto extent) {
             return extent.first < description.arguments.size() &&
                    extent.second < description.arguments[extent.first].ranks.size();
           });
  });
}

llvm::Expected<std::optional<Description>> weir::ptx::readDescription(StringRef ptx) {
  for (StringRef line : llvm::split(ptx, '\n')) {
    if (!line.consume_front("// weir: "))
      continue;
    auto value = json::parse(line.trim());
    if (!value)
      return llvm::createStringError("the line '// weir: ' is no JSON: " + llvm::toString(value.takeError()));
    Description description;
    if (!read(*value, description))
      return llvm::createStringError("the line '// weir: ' does not say how the kernel is launched");
    return std::optional(std::move(description));
  }
  return std::nullopt;
}

static void append(Launch &launch, uint64_t value) {
  std::vector<uint8_t> &bytes = launch.arguments.emplace_back(8);
  std::memcpy(bytes.data(), &value, 8);
}

Launch weir::ptx::makeLaunch(const Description &description, llvm::ArrayRef<LaunchArgument> arguments,
                             unsigned blocks) {
  Launch launch;
  launch.kernel = description.kernel;
  launch.block = {description.block, 1, 1};
  uint64_t most = 1;
  for (auto [described, argument] : llvm::zip(description.arguments, arguments)) {
    if (described.kind == "param") {
      launch.arguments.push_back(argument.param);
      continue;
    }
    // Twice the address, the offset, the extents, the strides.
    append(launch, argument.address);
    append(launch, argument.address);
    append(launch, 0);
    for (int64_t extent : argument.extents)
      append(launch, extent);
    llvm::SmallVector<int64_t> strides(argument.extents.size(), 1);
    for (size_t i = strides.size(); i-- > 1;)
      strides[i - 1] = strides[i] * argument.extents[i];
    for (int64_t stride : strides)
      append(launch, stride);
    if (described.kind == "output" && argument.extents.size() > 1) {
      uint64_t heads = 1;
      for (int64_t extent : llvm::ArrayRef(argument.extents).drop_back(2))
        heads *= extent;
      most = std::max<uint64_t>(most, heads * llvm::divideCeil(argument.extents.end()[-2], 16));
    }
  }
  for (const Description::Tile &tile : description.shared) {
    uint64_t bytes = tile.bytes;
    for (auto [argument, dimension] : tile.extents)
      bytes *= arguments[argument].extents[dimension];
    launch.dynamicShared += llvm::alignTo(bytes, 16);
  }
  launch.grid = {blocks ? blocks : static_cast<unsigned>(most), 1, 1};
  return launch;
}
