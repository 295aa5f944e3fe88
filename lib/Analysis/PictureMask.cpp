//===- PictureMask.cpp - the tiles of a mask as rectangles ----------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PictureMask.h"
#include "dialects/Mapping/MappingDialect.h"
#include "weir/Analysis/Domains.h"
#include "weir/Analysis/Tiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace weir;

/// More rectangles than this are drawn as cells of a picture of so many lines and columns.
constexpr size_t kMostRects = 4000;
constexpr int64_t kCells = 240;
/// Blocks of rows, or rows, that are looked at; of more, every second, third, ...
constexpr int64_t kMostLines = 4096;
/// Settings of outer coordinates that are shown side by side.
constexpr int64_t kMostPanels = 4;
/// Tiles are drawn one by one where a panel has no more than this.
constexpr int64_t kMostTiles = 1024;
/// Scores are drawn one by one up to so many rows and keys.
constexpr int64_t kMostScores = 256;

//===----------------------------------------------------------------------===//
// Rectangles
//===----------------------------------------------------------------------===//

/// Joins equal rectangles of neighbouring lines; `rects` are sorted by line, then from left to right.
static std::vector<ShadedRect> joinLines(ArrayRef<ShadedRect> rects) {
  std::vector<ShadedRect> out;
  std::vector<size_t> above, line; // of the line before, of this one
  int64_t top = -1;
  for (const ShadedRect &rect : rects) {
    if (rect.top != top) {
      above = std::exchange(line, {});
      top = rect.top;
    }
    auto same = find_if(above, [&](size_t k) {
      return out[k].bottom == rect.top && out[k].left == rect.left && out[k].right == rect.right &&
             out[k].shade == rect.shade;
    });
    if (same != above.end()) {
      out[*same].bottom = rect.bottom;
      line.push_back(*same);
      continue;
    }
    line.push_back(out.size());
    out.push_back(rect);
  }
  return out;
}

static void sortLines(std::vector<ShadedRect> &rects) {
  llvm::sort(rects, [](const ShadedRect &a, const ShadedRect &b) {
    return std::tie(a.top, a.left) < std::tie(b.top, b.left);
  });
}

/// Joins cells of one line, which come in any order.
static std::vector<ShadedRect> joinColumns(std::vector<ShadedRect> cells) {
  std::vector<ShadedRect> out;
  sortLines(cells);
  for (const ShadedRect &cell : cells)
    if (!out.empty() && out.back().right == cell.left)
      out.back().right = cell.right;
    else
      out.push_back(cell);
  return out;
}

/// What lies in each cell: all full, nothing, or something else.
static std::vector<ShadedRect> toCells(ArrayRef<ShadedRect> rects, int64_t rows, int64_t keys) {
  int64_t lines = std::min(rows, kCells), columns = std::min(keys, kCells);
  auto lineAt = [&](int64_t k) { return rows * k / lines; };
  auto columnAt = [&](int64_t k) { return keys * k / columns; };
  struct Cell {
    double full = 0, any = 0;
    bool data = false;
  };
  std::vector<Cell> cells(lines * columns);
  for (const ShadedRect &rect : rects) {
    auto overlap = [](int64_t a, int64_t b, int64_t c, int64_t d) {
      return double(std::min(b, d) - std::max(a, c));
    };
    for (int64_t y = rect.top * lines / rows; y < lines && lineAt(y) < rect.bottom; ++y)
      for (int64_t x = rect.left * columns / keys; x < columns && columnAt(x) < rect.right; ++x) {
        double area = std::max(0.0, overlap(rect.top, rect.bottom, lineAt(y), lineAt(y + 1))) *
                      std::max(0.0, overlap(rect.left, rect.right, columnAt(x), columnAt(x + 1)));
        Cell &cell = cells[y * columns + x];
        cell.any += area;
        cell.full += rect.shade == Shade::Full ? area : 0;
        cell.data |= area && rect.shade == Shade::Data;
      }
  }
  std::vector<ShadedRect> out;
  for (int64_t y = 0; y < lines; ++y)
    for (int64_t x = 0; x < columns; ++x) {
      const Cell &cell = cells[y * columns + x];
      double area = double(lineAt(y + 1) - lineAt(y)) * double(columnAt(x + 1) - columnAt(x));
      if (cell.any == 0)
        continue;
      Shade shade = cell.data ? Shade::Data : cell.full == area ? Shade::Full : Shade::Partial;
      ShadedRect rect{lineAt(y), lineAt(y + 1), columnAt(x), columnAt(x + 1), shade};
      if (!out.empty() && out.back().top == rect.top && out.back().right == rect.left &&
          out.back().shade == shade)
        out.back().right = rect.right;
      else
        out.push_back(rect);
    }
  return out;
}

std::vector<ShadedRect> weir::mergeShades(std::vector<ShadedRect> rects, int64_t rows, int64_t keys,
                                          bool &isCoarse) {
  std::vector<ShadedRect> joined = joinLines(rects);
  if (joined.size() <= kMostRects)
    return joined;
  isCoarse = true;
  return joinLines(toCells(rects, rows, keys));
}

//===----------------------------------------------------------------------===//
// A stream's tiles
//===----------------------------------------------------------------------===//

namespace {
/// Draws one stream's tiles.
class TilePainter {
public:
  TilePainter(const TileClasses &tiles, MaskPicture &picture) : tiles(tiles), picture(picture) {}
  void paint();

private:
  void describe();
  void paintPanel(ArrayRef<int64_t> outer);
  std::pair<int64_t, int64_t> placeOf(int64_t number, int64_t step) const;
  void paintBlock(const TileClasses::Block &block, int64_t top, int64_t bottom,
                  std::vector<ShadedRect> &rects);
  void paintScores(ArrayRef<int64_t> outer, MaskPicture::Panel &panel);

  const TileClasses &tiles;
  MaskPicture &picture;
  bool isSingle = false; ///< each tile is a rectangle
  uint64_t budget = 1u << 27;
};
} // namespace

static std::string labelOf(ArrayRef<TileClasses::Axis> axes, StringRef more) {
  std::string label, classes;
  for (const TileClasses::Axis &axis : axes) {
    label += (label.empty() ? "" : ", ") + axis.name + " = 0.." + std::to_string(axis.extent - 1);
    if (axis.step > 1)
      classes += ", by " + axis.name + "%" + std::to_string(axis.step);
  }
  return label + more.str() + classes;
}

void TilePainter::describe() {
  uint64_t left = budget;
  std::string line = formatv("tiles of {0} rows by {1} keys", tiles.m, tiles.n);
  auto counts = tiles.count(left);
  if (counts)
    line += formatv(": {0} full, {1} partial{2}, {3} empty", counts->full, counts->partial,
                    tiles.readsData ? " or decided by data" : "", counts->empty);
  picture.title.push_back(line);
  double all = 1, panels = 1;
  for (const TileClasses::Axis &axis : tiles.outer)
    panels *= double(axis.extent);
  isSingle = counts && double(counts->full + counts->partial) <= kMostTiles * panels;
  for (const auto *axes : {&tiles.outer, &tiles.rows, &tiles.keys})
    for (const TileClasses::Axis &axis : *axes)
      all *= double(axis.extent);
  if (auto inside = tiles.countInside(left))
    picture.title.push_back(
        formatv("{0} scores inside the mask, of {1:F0} ({2:P})", *inside, all, all ? *inside / all : 1));
  if (!tiles.mask.empty())
    picture.title.push_back("mask: " + tiles.mask);
}

/// The lines of a block of rows, and of as many that follow it as make `step` of them.
std::pair<int64_t, int64_t> TilePainter::placeOf(int64_t number, int64_t step) const {
  const TileClasses::Axis &row = tiles.rows[0];
  if (tiles.rows.size() > 1)
    return {number * tiles.m, std::min((number + step) * tiles.m, picture.rows)};
  int64_t first = row.valuesAt(number).first, left = divideCeil(row.extent - first, row.step);
  return {row.placeOf(first), row.placeOf(first) + std::min(left, step * row.block)};
}

/// Runs of a box of keys as spans of all keys in lexical order; of a coordinate by residue classes where these are taken.
void TilePainter::paintBlock(const TileClasses::Block &block, int64_t top, int64_t bottom,
                             std::vector<ShadedRect> &rects) {
  int64_t length = std::max<int64_t>(block.box.back().count, 1);
  auto add = [&](int64_t begin, int64_t end, bool full) { // within one line of the box
    int64_t line = begin / length, at = 0, scale = tiles.keys.back().extent;
    for (unsigned k = tiles.keys.size() - 1; k-- > 0;) {
      int64_t count = block.box[k].count;
      at += (tiles.keys[k].placeOf(block.box[k].first) + (k ? line % count : line)) * scale;
      scale *= tiles.keys[k].extent;
      line /= std::max<int64_t>(count, 1);
    }
    int64_t left = at + tiles.keys.back().placeOf(block.box.back().first) + begin % length, right = left + end - begin;
    Shade shade = full ? Shade::Full : tiles.readsData ? Shade::Data : Shade::Partial;
    if (!isSingle && !rects.empty() && rects.back().top == top && rects.back().right == left &&
        rects.back().shade == shade)
      rects.back().right = right;
    else
      rects.push_back({top, bottom, left, right, shade});
  };
  for (const TileClasses::Run &run : block.runs)
    for (int64_t begin = run.begin; begin < run.end;) {
      int64_t end = tiles.keys.size() == 1 ? run.end : std::min(run.end, (begin / length + 1) * length);
      if (isSingle)
        end = std::min(end, (begin / tiles.n + 1) * tiles.n);
      add(begin, end, run.full);
      begin = end;
    }
}

/// The scores themselves where there are few.
void TilePainter::paintScores(ArrayRef<int64_t> outer, MaskPicture::Panel &panel) {
  if (tiles.rows.size() > 1 || tiles.keys.size() > 1 || picture.rows > kMostScores ||
      picture.keys > kMostScores)
    return;
  std::vector<ShadedRect> spans;
  SmallVector<int64_t> at(outer);
  for (int64_t row = 0; row < picture.rows; ++row) {
    at.push_back(row);
    auto keys = tiles.keysAt(at, budget);
    at.pop_back();
    if (!keys)
      return;
    int64_t line = tiles.rows[0].placeOf(row);
    std::vector<ShadedRect> own;
    for (Points::Span span : *keys)
      for (int64_t key = span.low; key < span.high; ++key) {
        int64_t place = tiles.keys[0].placeOf(key);
        own.push_back({line, line + 1, place, place + 1, Shade::Full});
      }
    llvm::append_range(spans, joinColumns(std::move(own)));
  }
  sortLines(spans);
  spans = joinLines(spans);
  if (spans.size() <= kMostRects)
    panel.inside = std::move(spans);
}

void TilePainter::paintPanel(ArrayRef<int64_t> outer) {
  MaskPicture::Panel panel;
  for (auto [axis, value] : zip_equal(tiles.outer, outer))
    panel.title += (panel.title.empty() ? "" : ", ") + axis.name + " = " + std::to_string(value);
  int64_t blocks = 1;
  for (const TileClasses::Axis &row : tiles.rows)
    blocks *= row.blocks();
  int64_t step = divideCeil(blocks, kMostLines);
  picture.isCoarse |= step > 1;
  std::vector<ShadedRect> rects;
  int64_t classes = tiles.rows.size() > 1 ? 1 : tiles.rows[0].step;
  for (int64_t number = 0; number < blocks; ++number) {
    if (number / classes % step)
      continue;
    SmallVector<int64_t> at(outer), digits;
    int64_t rest = number;
    for (const TileClasses::Axis &row : reverse(tiles.rows)) {
      digits.push_back(rest % row.blocks());
      rest /= row.blocks();
    }
    append_range(at, reverse(digits));
    if (auto block = tiles.blockAt(at, budget))
      std::apply([&](int64_t top, int64_t bottom) { paintBlock(*block, top, bottom, rects); }, placeOf(number, step));
  }
  sortLines(rects);
  panel.rects = isSingle && rects.size() <= kMostRects
                    ? std::move(rects)
                    : mergeShades(std::move(rects), picture.rows, picture.keys, picture.isCoarse);
  paintScores(outer, panel);
  picture.panels.push_back(std::move(panel));
}

void TilePainter::paint() {
  picture.isTiled = true;
  picture.readsData = tiles.readsData;
  picture.keys = 1;
  for (const TileClasses::Axis &key : tiles.keys)
    picture.keys *= key.extent;
  picture.rows = tiles.rows[0].extent;
  std::string order;
  if (tiles.rows.size() > 1) { // a box is no interval of rows
    picture.rows = tiles.m;
    for (const TileClasses::Axis &row : tiles.rows) {
      picture.rows *= row.blocks();
      order += (order.empty() ? ", in blocks of " : " by ") + std::to_string(row.block);
    }
  }
  picture.rowLabel = labelOf(tiles.rows, order);
  picture.keyLabel = labelOf(tiles.keys, tiles.keys.size() > 1 ? ", line by line" : "");
  describe();
  SmallVector<int64_t> outer(tiles.outer.size(), 0);
  if (picture.rows == 0 || picture.keys == 0 ||
      any_of(tiles.outer, [](auto &axis) { return axis.extent == 0; }))
    return;
  std::optional<size_t> varies;
  for (auto [k, axis] : enumerate(tiles.outer))
    if (!varies && axis.extent > 1 && is_contained(tiles.varying, axis.name))
      varies = k;
  for (int64_t value = 0; value < (varies ? std::min(tiles.outer[*varies].extent, kMostPanels) : 1);
       ++value) {
    if (varies)
      outer[*varies] = value;
    paintPanel(outer);
  }
  if (tiles.varying.empty())
    picture.panels[0].title =
        outer.empty()
            ? ""
            : "the same for all " + join(map_range(tiles.outer, [](auto &axis) { return axis.name; }), ", ");
}

//===----------------------------------------------------------------------===//
// A tensor's domain
//===----------------------------------------------------------------------===//

/// The last two coordinates go down and to the right, the others are 0.
static std::optional<MaskPicture> drawDomain(mlir::func::FuncOp cascade, const StringMap<int64_t> &extents,
                                             const KnownInputs &known) {
  CascadeModel model(cascade);
  model.known = &known;
  Domains domains(model);
  const CascadeModel::Equation *chosen = nullptr;
  for (const CascadeModel::Equation &equation : model.equations) {
    if (equation.coords.size() < 2)
      continue;
    bool isMasked = !domains.formulas.assumeInhabited(domains.domainOf(equation.name))->isTrue();
    if (!chosen || isMasked)
      chosen = &equation;
    if (isMasked)
      break;
  }
  if (!chosen)
    return std::nullopt;
  MaskPicture picture;
  SmallVector<Points::Coordinate> coordinates;
  std::vector<std::string> settings;
  for (auto [k, coord] : enumerate(chosen->coords)) {
    auto size = model.evaluate(model.getExtent(coord), extents);
    if (!size)
      return std::nullopt;
    coordinates.push_back({coord, *size});
    if (k + 2 < chosen->coords.size())
      settings.push_back(coord + " = 0");
  }
  auto label = [](const Points::Coordinate &c) {
    return formatv("{0} = 0..{1}", c.name, c.extent - 1).str();
  };
  picture.rows = coordinates[coordinates.size() - 2].extent;
  picture.keys = coordinates.back().extent;
  picture.rowLabel = label(coordinates[coordinates.size() - 2]);
  picture.keyLabel = label(coordinates.back());
  picture.title.push_back("domain of " + chosen->name + "; no stream runs in tiles that form a grid");
  picture.title.push_back(chosen->name + " " + domains.text(chosen->name));
  MaskPicture::Panel panel;
  panel.title = join(settings, ", ");
  auto points = Points::of(domains.formulas.assumeInhabited(domains.domainOf(chosen->name)), coordinates,
                           model, extents);
  picture.readsData = !points;
  std::vector<ShadedRect> rects;
  if (!points)
    rects.push_back({0, picture.rows, 0, picture.keys, Shade::Data});
  uint64_t budget = 1u << 27;
  int64_t step = divideCeil(std::max<int64_t>(picture.rows, 1), 4 * kMostLines);
  picture.isCoarse = step > 1;
  SmallVector<int64_t> at(coordinates.size() - 1, 0);
  for (int64_t row = 0; points && row < picture.rows; row += step) {
    at.back() = row;
    if (auto keys = points->keysAt(at, budget))
      for (Points::Span span : *keys)
        rects.push_back({row, std::min(row + step, picture.rows), span.low, span.high, Shade::Full});
  }
  if (picture.rows > 0 && picture.keys > 0)
    panel.rects = mergeShades(std::move(rects), picture.rows, picture.keys, picture.isCoarse);
  picture.panels.push_back(std::move(panel));
  return picture;
}

std::optional<MaskPicture> weir::drawMask(mlir::func::FuncOp cascade, mlir::func::FuncOp streamed,
                                          const StringMap<int64_t> &extents, const KnownInputs &known) {
  CascadeModel model(streamed);
  model.known = &known;
  Extents classes(streamed);
  Dependence dependence;
  Presences presences(classes);
  std::optional<MaskPicture> picture;
  streamed.walk([&](attn::StreamOp stream) {
    auto sizes = stream->getAttrOfType<mapping::TilesAttr>("mapping");
    auto plan = sizes && !picture ? StreamTiles::of(stream, classes, dependence, presences) : std::nullopt;
    auto tiles = plan ? TileClasses::of(*plan, sizes, classes, presences, model, extents) : std::nullopt;
    if (tiles)
      TilePainter(*tiles, picture.emplace()).paint();
  });
  return picture ? picture : drawDomain(cascade, extents, known);
}

std::string weir::assumeOpenExtents(const CascadeModel &model, StringMap<int64_t> &extents) {
  constexpr int64_t lengths = 1024, features = 64, few = 2;
  std::vector<std::string> assumed;
  for (const std::string &rank : model.ranks) {
    const Tree *extent = model.rankExtents.lookup(rank);
    if (!extent || !extent->is(TreeKind::Extent) || model.definitions.contains(extent->text) ||
        extents.contains(extent->text))
      continue;
    // The last rank of an input is a feature, the one before it a length, the rank of a list a length; others
    // are few.
    int64_t value = few;
    bool isListed = false;
    for (const std::string &input : model.inputs) {
      ArrayRef<std::string> own = model.getTensor(input)->ranks;
      isListed |= own.size() == 1 && own[0] == rank;
      for (auto [k, name] : enumerate(own.size() > 1 ? own.take_back(2) : ArrayRef<std::string>()))
        if (name == rank)
          value = std::max(value, k == 0 ? lengths : features);
    }
    if (isListed && value == few)
      value = lengths;
    extents[extent->text] = value;
    assumed.push_back(extent->text.str() + " = " + std::to_string(value));
  }
  return join(assumed, ", ");
}
