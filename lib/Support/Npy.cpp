//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/Npy.h"
#include "weir/Support/StagedFiles.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace weir;
using llvm::StringRef;

namespace {

/// What a file says of itself, and where its numbers begin.
struct Header {
  std::string descr;  ///< "<f4"
  char kind = 0;      ///< f, i, u or b
  unsigned bytes = 0; ///< of one entry
  bool swapped = false, fortran = false;
  llvm::SmallVector<int64_t> shape;
  StringRef payload;
};

/// Reads the Python dictionary of a header. It is a literal, so no more of Python is needed than strings,
/// words and tuples.
class HeaderReader {
public:
  HeaderReader(StringRef text, Header &header) : rest(text), header(header) {}
  bool read() {
    bool descr = false, order = false, shape = false;
    if (!eat("{"))
      return false;
    while (!eat("}")) {
      std::string key;
      if (!string(key) || !eat(":"))
        return false;
      if (key == "descr")
        descr = string(header.descr);
      else if (key == "fortran_order")
        order = boolean(header.fortran);
      else if (key == "shape")
        shape = tuple(header.shape);
      else
        return false;
      eat(",");
      if (rest.empty())
        return false;
    }
    return descr && order && shape;
  }

private:
  bool eat(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }
  bool string(std::string &result) {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return false;
    result = rest.substr(1, end - 1).str();
    rest = rest.substr(end + 1);
    return true;
  }
  bool boolean(bool &result) {
    result = eat("True");
    return result || eat("False");
  }
  bool tuple(llvm::SmallVector<int64_t> &result) {
    if (!eat("("))
      return false;
    while (!eat(")")) {
      rest = rest.ltrim();
      int64_t extent;
      if (rest.consumeInteger(10, extent) || extent < 0)
        return false;
      result.push_back(extent);
      eat(",");
      if (rest.empty())
        return false;
    }
    return true;
  }

  StringRef rest;
  Header &header;
};

llvm::Error failure(StringRef path, const llvm::Twine &message) {
  return llvm::createStringError(llvm::Twine(path == "-" ? "<stdin>" : path) + ": " + message);
}

llvm::Error parseType(StringRef path, Header &header) {
  StringRef descr = header.descr;
  bool big = descr.consume_front(">");
  if (!big && !descr.consume_front("<") && !descr.consume_front("="))
    descr.consume_front("|");
  header.kind = descr.empty() ? 0 : descr[0];
  bool known = llvm::StringSwitch<bool>(descr)
                   .Cases({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}, true)
                   .Default(false);
  if (!known || descr.drop_front().getAsInteger(10, header.bytes))
    return failure(path, "NumPy type '" + header.descr +
                             "' has no counterpart; use f2, f4, f8, an integer type or bool");
  header.swapped = big;
  return llvm::Error::success();
}

llvm::Expected<Header> parseHeader(StringRef path, StringRef bytes) {
  Header header;
  StringRef rest = bytes;
  if (!rest.consume_front("\x93NUMPY") || rest.size() < 4)
    return failure(path, "not a .npy file");
  int major = rest[0];
  size_t field = major == 1 ? 2 : 4;
  rest = rest.drop_front(2);
  if (major < 1 || major > 3 || rest.size() < field)
    return failure(path, "not a .npy file of version 1, 2 or 3");
  size_t length = field == 2 ? llvm::support::endian::read16le(rest.data())
                             : llvm::support::endian::read32le(rest.data());
  rest = rest.drop_front(field);
  if (rest.size() < length)
    return failure(path, "the file ends inside its header");
  if (!HeaderReader(rest.take_front(length), header).read())
    return failure(path, "the header cannot be read; structured types and Python objects are not tensors");
  header.payload = rest.drop_front(length);
  if (llvm::Error error = parseType(path, header))
    return error;
  int64_t size = header.bytes;
  for (int64_t extent : header.shape)
    if (llvm::MulOverflow(size, extent, size))
      return failure(path, "the shape in the header is too large");
  if (static_cast<uint64_t>(size) != header.payload.size())
    return failure(path, llvm::Twine("its shape needs ") + llvm::Twine(size) + " bytes, the file holds " +
                             llvm::Twine(header.payload.size()));
  return header;
}

/// The element type that holds a file's numbers as they are; u2 and u8 have none.
std::optional<ElementType> storedType(const Header &header) {
  if (header.kind == 'b')
    return ElementType::Bool;
  std::string name = (llvm::Twine(header.kind) + llvm::Twine(header.bytes * 8)).str();
  return parseElementType(name);
}

uint64_t readCode(const Header &header, int64_t i) {
  uint64_t bits = 0;
  std::memcpy(&bits, header.payload.data() + i * header.bytes, header.bytes);
  return header.swapped ? llvm::byteswap(bits) >> (64 - 8 * header.bytes) : bits;
}

long double readNumber(const Header &header, int64_t i) {
  uint64_t bits = readCode(header, i);
  if (header.kind == 'u')
    return static_cast<long double>(bits);
  return fromBits(bits, *storedType(header));
}

/// Where the entry that comes `i`-th in row-major order lies in a file in Fortran order.
int64_t fortranPosition(llvm::ArrayRef<int64_t> shape, int64_t i) {
  int64_t position = 0, size = 1;
  for (int64_t extent : shape)
    size *= extent;
  for (size_t dim = shape.size(); dim-- > 0;) { // the last dimension has the largest stride
    size /= shape[dim];
    position += i % shape[dim] * size;
    i /= shape[dim];
  }
  return position;
}

bool sameNumber(long double a, long double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::string spell(long double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.9Lg", value);
  return buffer;
}

llvm::Error convert(StringRef path, const Header &header, HostTensor &tensor, llvm::raw_ostream &notes) {
  ElementType declared = tensor.type;
  bool narrow =
      declared == ElementType::BF16 || declared == ElementType::F8E4M3 || declared == ElementType::F8E5M2;
  bool raw = narrow && header.kind == 'u' && header.bytes * 8 == getBits(declared);
  bool mayRound = (narrow && header.kind == 'f' && header.bytes == 4) ||
                  (declared == ElementType::F32 && header.kind == 'f' && header.bytes == 8);
  bool lost = false;
  for (int64_t i = 0, end = tensor.size(); i < end; ++i) {
    int64_t position = header.fortran ? fortranPosition(header.shape, i) : i;
    long double number = raw ? fromBits(readCode(header, position), declared) : readNumber(header, position);
    tensor.set(i, number);
    if (raw || sameNumber(tensor.get(i), number))
      continue;
    lost = true;
    if (!mayRound)
      return failure(path, "holds " + header.descr + ", declared " + getName(declared) + ": " +
                               spell(number) + " cannot be stored without loss; convert the file");
  }
  if (lost && !narrow)
    notes << "note: " << (path == "-" ? "<stdin>" : path) << ": f64 rounded to the declared "
          << getName(declared) << "\n";
  return llvm::Error::success();
}

} // namespace

llvm::Expected<HostTensor> weir::readNpy(StringRef path, ElementType declared, llvm::raw_ostream &notes) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failure(path, "cannot be read: " + buffer.getError().message());
  llvm::Expected<Header> header = parseHeader(path, (*buffer)->getBuffer());
  if (!header)
    return header.takeError();
  HostTensor tensor(declared, header->shape);
  bool sameBytes = storedType(*header) == declared && declared != ElementType::Bool && !header->swapped &&
                   (!header->fortran || header->shape.size() < 2);
  if (sameBytes)
    std::copy_n(header->payload.data(), tensor.data.size(), tensor.data.begin());
  else if (llvm::Error error = convert(path, *header, tensor, notes))
    return error;
  return tensor;
}

llvm::Expected<llvm::SmallVector<int64_t>> weir::readNpyShape(StringRef path) {
  assert(path != "-" && "stdin can be read once only");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return failure(path, "cannot be read: " + buffer.getError().message());
  llvm::Expected<Header> header = parseHeader(path, (*buffer)->getBuffer());
  if (!header)
    return header.takeError();
  return header->shape;
}

/// The NumPy type of a file that holds `type`.
static StringRef numpyType(ElementType type, bool raw) {
  switch (type) {
  case ElementType::F64:
    return "<f8";
  case ElementType::F32:
    return "<f4";
  case ElementType::F16:
    return "<f2";
  case ElementType::BF16:
    return raw ? "<u2" : "<f4";
  case ElementType::F8E4M3:
  case ElementType::F8E5M2:
    return raw ? "|u1" : "<f4";
  case ElementType::I64:
    return "<i8";
  case ElementType::I32:
    return "<i4";
  case ElementType::I16:
    return "<i2";
  case ElementType::I8:
  case ElementType::I4:
    return "|i1";
  case ElementType::U32:
    return "<u4";
  case ElementType::U8:
    return "|u1";
  case ElementType::Bool:
    return "|b1";
  }
  llvm_unreachable("an element type without a NumPy type");
}

void weir::writeNpy(llvm::raw_ostream &os, const HostTensor &tensor, bool raw) {
  std::string shape;
  for (int64_t extent : tensor.shape)
    shape += std::to_string(extent) + (tensor.shape.size() == 1 ? "," : ", ");
  if (tensor.shape.size() > 1)
    shape.resize(shape.size() - 2);
  StringRef descr = numpyType(tensor.type, raw);
  std::string header =
      ("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }").str();
  // NumPy wants the numbers to begin at a multiple of 64: 10 bytes come before the header, a newline ends it.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  assert(header.size() < 65536 && "version 1 has two bytes for the header's length");
  os << StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 255) << char(header.size() >> 8) << header;
  bool widened = descr == "<f4" && tensor.type != ElementType::F32;
  if (!widened && tensor.type != ElementType::I4) {
    os.write(tensor.data.data(), tensor.data.size());
    return;
  }
  for (int64_t i = 0, end = tensor.size(); i < end; ++i) {
    uint64_t code = toBits(tensor.get(i), widened ? ElementType::F32 : ElementType::I8);
    os.write(reinterpret_cast<const char *>(&code), widened ? 4 : 1);
  }
}

llvm::Error weir::writeNpy(StringRef path, const HostTensor &tensor, bool raw) {
  StagedFiles files;
  if (llvm::Error error = files.add(path, [&](llvm::raw_ostream &os) { writeNpy(os, tensor, raw); }))
    return error;
  return files.commit();
}
