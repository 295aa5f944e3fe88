//===- Diagnostics.cpp - errors about .attn text --------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Printed here and not by SourceMgr because a line may be a megabyte, hold bytes that are no text or control
// characters that a terminal would obey: the line is cut to a window round the caret and cleaned.
#include "weir/Frontend/Frontend.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace llvm;
using namespace weir;

static constexpr unsigned kMaxPrinted = 20;
static constexpr size_t kWindow = 110; // bytes of a line that are printed at most
static constexpr size_t kBefore = 70;  // of them, bytes before the caret

const std::vector<const char *> &Diagnostics::lineStarts(unsigned bufferId) {
  std::vector<const char *> &starts = lines[bufferId];
  if (starts.empty()) {
    StringRef text = sources.getMemoryBuffer(bufferId)->getBuffer();
    starts.push_back(text.begin());
    for (const char *p = text.begin(); p != text.end(); ++p)
      if (*p == '\n')
        starts.push_back(p + 1);
  }
  return starts;
}

std::pair<unsigned, unsigned> Diagnostics::lineAndColumn(SMLoc loc) {
  unsigned bufferId = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  if (bufferId == 0)
    return {0, 0};
  const std::vector<const char *> &starts = lineStarts(bufferId);
  auto it = std::upper_bound(starts.begin(), starts.end(), loc.getPointer()) - 1;
  return {unsigned(it - starts.begin()) + 1, unsigned(loc.getPointer() - *it) + 1};
}

/// True where a UTF-8 character begins, so that a cut there leaves whole characters.
static bool beginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

/// `text` fit for a terminal: one `?` for each byte that is no UTF-8 or a control character, a blank for a
/// tab. Adds the number of characters to `width`.
static std::string clean(StringRef text, size_t &width) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++width) {
    unsigned char c = text[i];
    const UTF8 *begin = reinterpret_cast<const UTF8 *>(text.data() + i);
    size_t length = c < 0x80 ? 1 : getNumBytesForUTF8(c);
    if (c < 0x80) {
      out += c == '\t' ? ' ' : isPrint(c) ? char(c) : '?';
    } else if (i + length <= text.size() && isLegalUTF8Sequence(begin, begin + length) &&
               !(c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0)) {
      out.append(text.data() + i, length);
    } else {
      out += '?';
      length = 1;
    }
    i += length;
  }
  return out;
}

static void printSnippet(raw_ostream &os, StringRef line, size_t column) {
  size_t from = column > kBefore ? column - kBefore : 0;
  size_t to = std::min(line.size(), from + kWindow);
  while (from > 0 && !beginsCharacter(line[from]))
    --from;
  while (to < line.size() && !beginsCharacter(line[to]))
    ++to;
  size_t before = 0, after = 0;
  std::string left = clean(line.slice(from, column), before), right = clean(line.slice(column, to), after);
  StringRef more = from > 0 ? "..." : "";
  os << more << left << right << (to < line.size() ? "..." : "") << "\n";
  os.indent(more.size() + before) << "^\n";
}

void Diagnostics::print(Severity severity, SMLoc loc, const Twine &message, const Twine &note) {
  bool isError = severity == Severity::Error;
  unsigned &count = isError ? errors : warnings;
  if (++count > kMaxPrinted) {
    if (count == kMaxPrinted + 1)
      os << "note: only the first " << kMaxPrinted << (isError ? " errors" : " warnings") << " are printed\n";
    return;
  }
  std::string place;
  unsigned bufferId = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  auto [line, column] = lineAndColumn(loc);
  if (bufferId != 0)
    place = (sources.getMemoryBuffer(bufferId)->getBufferIdentifier() + ":" + Twine(line) + ":" +
             Twine(column) + ": ")
                .str();
  os << place << (isError ? "error: " : "warning: ") << message << "\n";
  if (bufferId != 0) {
    const char *begin = lineStarts(bufferId)[line - 1];
    const char *end = sources.getMemoryBuffer(bufferId)->getBufferEnd();
    StringRef text = StringRef(begin, end - begin).split('\n').first;
    text.consume_back("\r");
    printSnippet(os, text, std::min<size_t>(column - 1, text.size()));
  }
  std::string way = note.str();
  if (!way.empty())
    os << place << "note: " << way << "\n";
}

void Diagnostics::error(SMLoc loc, const Twine &message, const Twine &note) {
  print(Severity::Error, loc, message, note);
}

void Diagnostics::warning(SMLoc loc, const Twine &message, const Twine &note) {
  print(Severity::Warning, loc, message, note);
}
