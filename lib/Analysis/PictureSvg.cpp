//===- PictureSvg.cpp - a picture as SVG ----------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain SVG 1.1 without scripts or fonts of its own. Rectangles of one shade are one path, so that many of
// them are small.
#include "weir/Analysis/Picture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include <map>

using namespace llvm;
using namespace weir;

namespace {
constexpr double kMargin = 24, kLine = 18, kBoxWidth = 236, kBoxHeight = 40, kGap = 20, kLayer = 76;
constexpr double kCharacter = 6.2; ///< width of one, about
constexpr const char *kEmpty = "#e9edf2", *kFull = "#2f6db5", *kPartial = "#f2b134", *kData = "#b292d0",
                     *kInside = "#7a4a00";

class SvgPrinter {
public:
  SvgPrinter(const Picture &picture, raw_ostream &os) : picture(picture), os(os) {}
  void print();

private:
  /// Parts are printed into `body` and say how large they are.
  void text(double x, double y, StringRef content, StringRef attributes = "");
  void mask(const MaskPicture &mask);
  void panel(const MaskPicture &mask, const MaskPicture::Panel &panel, double left, double top, double w,
             double h);
  void rects(ArrayRef<ShadedRect> rects, Shade shade, StringRef style, double left, double top, double sx,
             double sy);
  void legend(const MaskPicture &mask);
  void dataflow(const DataflowPicture &flow);
  void box(const DataflowPicture::Box &box, double x, double y);
  double place(const DataflowPicture &flow, unsigned band, double y,
               std::vector<std::pair<double, double>> &places);

  const Picture &picture;
  raw_ostream &os;
  std::string buffer;
  raw_string_ostream body{buffer};
  double width = 520, y = kMargin;
};
} // namespace

static std::string escape(StringRef content) {
  std::string out;
  for (char c : content)
    out += c == '<'   ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '&' ? "&amp;"
           : c == '"' ? "&quot;"
                      : std::string(1, c);
  return out;
}

/// At most so many bytes, whole characters.
static std::string shortened(StringRef content, size_t most) {
  if (content.size() <= most)
    return content.str();
  while (most > 0 && (content[most] & 0xc0) == 0x80)
    --most;
  return content.take_front(most).str() + "…";
}

static format_object<double> number(double v) { return format("%.7g", v); }

void SvgPrinter::text(double x, double top, StringRef content, StringRef attributes) {
  body << "<text x=\"" << number(x) << "\" y=\"" << number(top) << "\"" << (attributes.empty() ? "" : " ")
       << attributes << ">" << escape(content) << "</text>\n";
}

//===----------------------------------------------------------------------===//
// The mask
//===----------------------------------------------------------------------===//

void SvgPrinter::rects(ArrayRef<ShadedRect> all, Shade shade, StringRef style, double left, double top,
                       double sx, double sy) {
  if (none_of(all, [&](const ShadedRect &rect) { return rect.shade == shade; }))
    return;
  body << "<path " << style << " d=\"";
  for (const ShadedRect &rect : all)
    if (rect.shade == shade)
      body << "M" << format("%.6g", left + double(rect.left) * sx) << " "
           << format("%.6g", top + double(rect.top) * sy) << "h"
           << format("%.5g", double(rect.right - rect.left) * sx) << "v"
           << format("%.5g", double(rect.bottom - rect.top) * sy) << "h"
           << format("%.5g", -double(rect.right - rect.left) * sx) << "z";
  body << "\"/>\n";
}

void SvgPrinter::panel(const MaskPicture &mask, const MaskPicture::Panel &panel, double left, double top,
                       double w, double h) {
  double sx = w / double(std::max<int64_t>(mask.keys, 1)), sy = h / double(std::max<int64_t>(mask.rows, 1));
  body << "<g>\n<rect x=\"" << number(left) << "\" y=\"" << number(top) << "\" width=\"" << number(w)
       << "\" height=\"" << number(h) << "\" fill=\"" << kEmpty << "\" stroke=\"#8894a3\"/>\n";
  std::string border =
      panel.rects.size() <= 1500 && !mask.isCoarse ? " stroke=\"#ffffff\" stroke-width=\"0.4\"" : "";
  rects(panel.rects, Shade::Partial, "class=\"partial\" fill=\"" + std::string(kPartial) + "\"" + border,
        left, top, sx, sy);
  rects(panel.rects, Shade::Data, "class=\"data\" fill=\"" + std::string(kData) + "\"" + border, left, top,
        sx, sy);
  rects(panel.inside, Shade::Full,
        "class=\"inside\" fill=\"" + std::string(kInside) + "\" fill-opacity=\"0.45\"", left, top, sx, sy);
  rects(panel.rects, Shade::Full, "class=\"full\" fill=\"" + std::string(kFull) + "\"" + border, left, top,
        sx, sy);
  body << "</g>\n";
  text(left, top - 6, panel.title, "class=\"small\"");
  text(left, top + h + 16, shortened(mask.keyLabel + " →", size_t(w / kCharacter)), "class=\"small\"");
  body << "<text class=\"small\" transform=\"translate(" << number(left - 8) << " " << number(top + h)
       << ") rotate(-90)\">" << escape("← " + shortened(mask.rowLabel, size_t(h / kCharacter)))
       << "</text>\n";
}

void SvgPrinter::legend(const MaskPicture &mask) {
  double x = kMargin;
  auto entry = [&](const char *fill, StringRef label) {
    body << "<rect x=\"" << number(x) << "\" y=\"" << number(y) << "\" width=\"12\" height=\"12\" fill=\""
         << fill << "\" stroke=\"#8894a3\" stroke-width=\"0.5\"/>\n";
    text(x + 17, y + 10, label, "class=\"small\"");
    x += 32 + kCharacter * double(label.size());
  };
  if (mask.isTiled) {
    entry(kFull, "full tile");
    entry(kPartial, mask.isCoarse ? "partial, or several kinds" : "partial tile");
    entry(kEmpty, "empty: not visited");
  } else {
    entry(kFull, "has a value");
    if (mask.isCoarse)
      entry(kPartial, "in part");
    entry(kEmpty, "absent");
  }
  if (mask.readsData)
    entry(kData, "decided by data");
  if (any_of(mask.panels, [](auto &panel) { return !panel.inside.empty(); }))
    entry("#9a7a4a", "score inside the mask");
  width = std::max(width, x + kMargin);
  y += 12 + kMargin;
}

void SvgPrinter::mask(const MaskPicture &mask) {
  for (const std::string &line : mask.title) {
    text(kMargin, y + 10, shortened(line, 150), "class=\"small\"");
    y += kLine;
    width = std::max(width, 2 * kMargin + kCharacter * double(std::min<size_t>(line.size(), 150)));
  }
  // The longer side is 480, the shorter in proportion and no less than a fifth of it; several panels are
  // smaller.
  double longest = mask.panels.size() > 1 ? 300 : 480,
         most = double(std::max({mask.rows, mask.keys, int64_t(1)}));
  double w = std::max(longest * double(mask.keys) / most, longest / 5);
  double h = std::max(longest * double(mask.rows) / most, longest / 5);
  y += kLine + 8;
  double x = kMargin + 16;
  for (const MaskPicture::Panel &one : mask.panels) {
    panel(mask, one, x, y, w, h);
    x += w + 2 * kMargin;
  }
  width = std::max(width, x);
  y += h + 2 * kLine;
  legend(mask);
}

//===----------------------------------------------------------------------===//
// The dataflow
//===----------------------------------------------------------------------===//

void SvgPrinter::box(const DataflowPicture::Box &box, double x, double top) {
  const char *fill = box.isInput ? "#f4f6f8" : box.isOutput ? "#dcefdc" : "#ffffff";
  body << "<g class=\"equation\"><title>"
       << escape(box.name + (box.text.empty() ? "" : " = " + shortened(box.text, 2000)))
       << "</title>\n<rect x=\"" << number(x) << "\" y=\"" << number(top) << "\" width=\""
       << number(kBoxWidth) << "\" height=\"" << number(kBoxHeight) << "\" rx=\"" << (box.isInput ? 14 : 4)
       << "\" fill=\"" << fill << "\" stroke=\"#5a6672\"/>\n";
  size_t most = size_t(kBoxWidth / kCharacter) - 2;
  text(x + 8, top + (box.text.empty() ? 25 : 16), shortened(box.name, most), "class=\"name\"");
  if (!box.text.empty())
    text(x + 8, top + 32, shortened("= " + box.text, most), "class=\"small\"");
  body << "</g>\n";
}

/// Places the boxes of a band below `top` and gives where it ends.
double SvgPrinter::place(const DataflowPicture &flow, unsigned band, double top,
                         std::vector<std::pair<double, double>> &places) {
  std::map<unsigned, std::vector<unsigned>> layers;
  for (auto [k, box] : enumerate(flow.boxes))
    if (box.band == band)
      layers[box.layer].push_back(k);
  for (auto &[layer, members] : layers) {
    // Wide layers go on below.
    constexpr size_t across = 6;
    for (size_t begin = 0; begin < members.size(); begin += across) {
      double x = kMargin + 12;
      for (unsigned k : ArrayRef(members).slice(begin).take_front(across)) {
        places[k] = {x, top};
        x += kBoxWidth + kGap;
      }
      width = std::max(width, x + kMargin);
      top += kLayer;
    }
  }
  return top;
}

void SvgPrinter::dataflow(const DataflowPicture &flow) {
  std::string title = "dataflow";
  if (flow.traversals)
    title += ", as written in " + std::to_string(flow.traversals) +
             (flow.traversals == 1 ? " traversal of " : " traversals of ") + flow.rank;
  text(kMargin, y + 12, title + (flow.note.empty() ? "" : "; " + flow.note), "class=\"name\"");
  y += 2 * kLine;
  unsigned last = 0;
  for (const DataflowPicture::Box &one : flow.boxes)
    last = std::max(last, one.band);
  std::vector<std::pair<double, double>> places(flow.boxes.size());
  std::vector<std::pair<double, double>> bands; // top and bottom
  for (unsigned band = 0; band <= last; ++band) {
    double end = place(flow, band, y + 40, places);
    bool any = any_of(flow.boxes, [&](auto &one) { return one.band == band; });
    bands.push_back({y, any ? end - 16 : y});
    y = any ? end : y;
  }
  for (auto [band, range] : enumerate(bands)) {
    if (range.first == range.second)
      continue;
    body << "<rect class=\"traversal\" x=\"" << number(kMargin) << "\" y=\"" << number(range.first)
         << "\" width=\"" << number(width - 2 * kMargin) << "\" height=\""
         << number(range.second - range.first) << "\" rx=\"6\" fill=\"" << (band ? "#eef3fa" : "#fafafa")
         << "\" stroke=\"#c9d3df\"/>\n";
    text(kMargin + 12, range.first + 17,
         band ? "traversal " + std::to_string(band) + " of " + flow.rank
              : std::string("inputs, and what needs no traversal"),
         "class=\"small\"");
  }
  for (auto [k, one] : enumerate(flow.boxes))
    for (auto [i, read] : enumerate(one.reads)) {
      double x0 = places[read].first + kBoxWidth / 2, y0 = places[read].second + kBoxHeight;
      double x1 = places[k].first + kBoxWidth * double(i + 1) / double(one.reads.size() + 1),
             y1 = places[k].second;
      double bend = std::max(20.0, (y1 - y0) / 2);
      body << "<path class=\"edge\" d=\"M" << number(x0) << " " << number(y0) << "C" << number(x0) << " "
           << number(y0 + bend) << " " << number(x1) << " " << number(y1 - bend) << " " << number(x1) << " "
           << number(y1) << "\" marker-end=\"url(#arrow)\"><title>" << escape(flow.boxes[read].name)
           << "</title></path>\n";
    }
  for (auto [k, one] : enumerate(flow.boxes))
    box(one, places[k].first, places[k].second);
  for (auto [k, one] : enumerate(flow.boxes)) // the tensor, where it arrives
    for (auto [i, read] : enumerate(one.reads))
      text(places[k].first + kBoxWidth * double(i + 1) / double(one.reads.size() + 1) + 4,
           places[k].second - 7, StringRef(flow.boxes[read].name).split('[').first, "class=\"edge-label\"");
}

void SvgPrinter::print() {
  text(kMargin, y + 12, "cascade " + picture.cascade, "class=\"title\"");
  y += 2 * kLine;
  if (picture.mask)
    mask(*picture.mask);
  dataflow(picture.dataflow);
  os << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\""
     << number(width) << "\" height=\"" << number(y + kMargin) << "\" viewBox=\"0 0 " << number(width) << " "
     << number(y + kMargin)
     << "\">\n<style>text{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;fill:#1d2733}"
        ".title{font-size:16px;font-weight:bold}.small{font-size:10.5px}.name{font-weight:bold;font-size:"
        "12px}"
        ".edge{fill:none;stroke:#7b8794}.edge-label{font-size:9.5px;fill:#4a5563}</style>\n"
        "<defs><marker id=\"arrow\" markerWidth=\"7\" markerHeight=\"7\" refX=\"6\" refY=\"3\" "
        "orient=\"auto\">"
        "<path d=\"M0 0L6 3L0 6z\" fill=\"#7b8794\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"#ffffff\"/>\n"
     << buffer << "</svg>\n";
}

void weir::printSvg(const Picture &picture, raw_ostream &os) { SvgPrinter(picture, os).print(); }
