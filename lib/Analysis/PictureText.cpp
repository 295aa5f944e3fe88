//===- PictureText.cpp - a picture for a terminal -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Picture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace llvm;
using namespace weir;

/// Of a panel, characters: two stand side by side for what is about a square.
constexpr int64_t kLines = 32, kColumns = 64;

/// What a character says of all that lies in it; full only where all of it is.
static const char *symbolOf(double full, double any, double area, bool data) {
  if (any <= 0)
    return "·";
  return data ? "?" : full >= area * (1 - 1e-9) ? "█" : "▒";
}

static void printPanel(const MaskPicture &mask, const MaskPicture::Panel &panel, raw_ostream &os) {
  int64_t lines = std::min(kLines, mask.rows), columns = std::min(kColumns, mask.keys);
  if (!panel.title.empty())
    os << "  " << panel.title << "\n";
  for (int64_t y = 0; y < lines; ++y) {
    double top = double(mask.rows) * y / lines, bottom = double(mask.rows) * (y + 1) / lines;
    os << "  ";
    for (int64_t x = 0; x < columns; ++x) {
      double left = double(mask.keys) * x / columns, right = double(mask.keys) * (x + 1) / columns;
      double full = 0, any = 0;
      bool data = false;
      for (const ShadedRect &rect : panel.rects) {
        double height = std::min(bottom, double(rect.bottom)) - std::max(top, double(rect.top));
        double width = std::min(right, double(rect.right)) - std::max(left, double(rect.left));
        if (height <= 0 || width <= 0)
          continue;
        any += height * width;
        full += rect.shade == Shade::Full ? height * width : 0;
        data |= rect.shade == Shade::Data;
      }
      os << symbolOf(full, any, (bottom - top) * (right - left), data);
    }
    os << "\n";
  }
}

static void printBand(const DataflowPicture &flow, unsigned band, raw_ostream &os) {
  std::vector<const DataflowPicture::Box *> boxes;
  for (const DataflowPicture::Box &box : flow.boxes)
    if (box.band == band && !box.isInput)
      boxes.push_back(&box);
  llvm::sort(boxes, [](auto *a, auto *b) { return std::tie(a->layer, a) < std::tie(b->layer, b); });
  if (boxes.empty())
    return;
  if (band)
    os << "  traversal " << band << " of " << flow.rank << "\n";
  else
    os << "  before\n";
  for (const DataflowPicture::Box *box : boxes) {
    std::vector<std::string> reads;
    for (unsigned read : box->reads)
      reads.push_back(StringRef(flow.boxes[read].name).split('[').first.str());
    os << "    " << (box->isOutput ? "=> " : "   ") << left_justify(box->name, 16);
    os << (reads.empty() ? "" : " from ") << join(reads, ", ") << "\n";
  }
}

void weir::printText(const Picture &picture, raw_ostream &os) {
  os << "cascade " << picture.cascade << "\n";
  if (const auto &mask = picture.mask) {
    os << "\n";
    for (const std::string &line : mask->title)
      os << line << "\n";
    os << "down " << mask->rowLabel << "; to the right " << mask->keyLabel << "\n";
    for (const MaskPicture::Panel &panel : mask->panels)
      printPanel(*mask, panel, os);
    os << (mask->isTiled ? "  █ full  ▒ partial" : "  █ inside  ▒ in part")
       << (mask->readsData ? "  ? decided by data" : "") << (mask->isTiled ? "  · empty\n" : "  · outside\n");
  }
  const DataflowPicture &flow = picture.dataflow;
  os << "\ndataflow";
  if (flow.traversals)
    os << ", as written in " << flow.traversals
       << (flow.traversals == 1 ? " traversal of " : " traversals of ") << flow.rank;
  os << (flow.note.empty() ? "" : "; " + flow.note) << "\n";
  unsigned last = 0;
  for (const DataflowPicture::Box &box : flow.boxes)
    last = std::max(last, box.band);
  for (unsigned band = 0; band <= last; ++band)
    printBand(flow, band, os);
}
