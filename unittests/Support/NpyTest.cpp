//===- NpyTest.cpp - .npy files -------------------------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Support/Npy.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"

using namespace weir;
using T = ElementType;

namespace {

class NpyTest : public testing::Test {
protected:
  void SetUp() override { ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("weir-npy", folder)); }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) { return (folder + "/" + name).str(); }
  std::string contents(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(path(name));
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
  void put(llvm::StringRef name, llvm::StringRef bytes) {
    std::error_code code;
    llvm::raw_fd_ostream os(path(name), code);
    os << bytes;
  }
  /// A file of version 1 with this dictionary and these numbers.
  void putArray(llvm::StringRef name, llvm::StringRef descr, llvm::StringRef order, llvm::StringRef shape,
                llvm::StringRef payload) {
    std::string header =
        ("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n").str();
    put(name, std::string("\x93NUMPY\x01\x00", 8) + char(header.size()) + '\0' + header + payload.str());
  }
  std::string error(llvm::StringRef name, T declared) {
    auto tensor = readNpy(path(name), declared, notes);
    return tensor ? "no error" : toString(tensor.takeError());
  }
  bool reports(llvm::StringRef name, T declared, llvm::StringRef words) {
    std::string text = error(name, declared);
    if (!llvm::StringRef(text).contains(words))
      ADD_FAILURE() << text;
    return true;
  }
  HostTensor read(llvm::StringRef name, T declared) {
    auto tensor = readNpy(path(name), declared, notes);
    if (tensor)
      return *tensor;
    ADD_FAILURE() << toString(tensor.takeError());
    return HostTensor(declared, {0});
  }
  template <typename Number> static llvm::StringRef bytes(llvm::ArrayRef<Number> numbers) {
    return {reinterpret_cast<const char *>(numbers.data()), numbers.size() * sizeof(Number)};
  }

  llvm::SmallString<128> folder;
  std::string noteText;
  llvm::raw_string_ostream notes{noteText};
};

TEST_F(NpyTest, everyTypeRoundTrips) {
  for (bool raw : {false, true})
    for (int index = 0; index < 14; ++index) {
      HostTensor tensor(static_cast<T>(index), {2, 3});
      for (int64_t i = 0; i < 6; ++i)
        tensor.set(i, i - 2);
      ASSERT_FALSE(writeNpy(path("a.npy"), tensor, raw));
      HostTensor back = read("a.npy", tensor.type);
      EXPECT_EQ(back.shape, tensor.shape);
      EXPECT_EQ(back.data, tensor.data) << getName(tensor.type).str();
    }
  EXPECT_EQ(noteText, "");
}

TEST_F(NpyTest, shapes) {
  for (llvm::SmallVector<int64_t> shape : {llvm::SmallVector<int64_t>{}, {1}, {0}, {2, 0, 3}, {2, 1, 2}}) {
    ASSERT_FALSE(writeNpy(path("a.npy"), HostTensor(T::F32, shape)));
    EXPECT_EQ(read("a.npy", T::F32).shape, shape);
    EXPECT_EQ(*readNpyShape(path("a.npy")), shape);
    EXPECT_EQ((contents("a.npy").find('\n') + 1) % 64, 0u);
  }
  ASSERT_FALSE(writeNpy(path("a.npy"), HostTensor(T::F32, {7})));
  EXPECT_NE(contents("a.npy").find("'shape': (7,)"), std::string::npos);
}

TEST_F(NpyTest, rawBitsOfBf16AreU2) {
  HostTensor tensor(T::BF16, {1});
  tensor.set(0, 1);
  ASSERT_FALSE(writeNpy(path("a.npy"), tensor, true));
  EXPECT_NE(contents("a.npy").find("<u2"), std::string::npos);
  EXPECT_EQ(contents("a.npy").substr(contents("a.npy").size() - 2), std::string("\x80\x3f"));
  ASSERT_FALSE(writeNpy(path("a.npy"), tensor));
  EXPECT_NE(contents("a.npy").find("<f4"), std::string::npos);
}

TEST_F(NpyTest, fortranOrder) {
  putArray("a.npy", "'|i1'", "True", "(2, 3)", llvm::StringRef("\0\3\1\4\2\5", 6));
  HostTensor tensor = read("a.npy", T::I8);
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(tensor.get(i), i);
}

TEST_F(NpyTest, bigEndian) {
  putArray("a.npy", "'>i4'", "False", "(2,)", llvm::StringRef("\0\0\1\2\xff\xff\xff\xfe", 8));
  HostTensor tensor = read("a.npy", T::I32);
  EXPECT_EQ(tensor.get(0), 258);
  EXPECT_EQ(tensor.get(1), -2);
}

TEST_F(NpyTest, convertsWhatLosesNothing) {
  putArray("ids.npy", "'<i8'", "False", "(2,)", bytes<int64_t>({-1, 70000}));
  EXPECT_EQ(read("ids.npy", T::I32).get(1), 70000);
  EXPECT_TRUE(reports("ids.npy", T::I16, "holds <i8, declared i16: 70000 cannot be stored without loss"));
  EXPECT_TRUE(reports("ids.npy", T::U32, "-1 cannot be stored"));
  putArray("big.npy", "'<i8'", "False", "(1,)", bytes<int64_t>({(int64_t(1) << 53) + 1}));
  EXPECT_TRUE(reports("big.npy", T::F64, "cannot be stored without loss"));
  putArray("h.npy", "'<f2'", "False", "(1,)", llvm::StringRef("\x00\x3c", 2));
  EXPECT_EQ(read("h.npy", T::F32).get(0), 1);
  EXPECT_EQ(noteText, "");
}

TEST_F(NpyTest, f64IntoF32WithANote) {
  putArray("d.npy", "'<f8'", "False", "(2,)", bytes<double>({0.5, 0.1}));
  EXPECT_EQ(read("d.npy", T::F32).get(1), 0.1f);
  EXPECT_NE(noteText.find("f64 rounded to the declared f32"), std::string::npos);
  EXPECT_TRUE(reports("d.npy", T::F16, "holds <f8, declared f16: 0.1"));
}

TEST_F(NpyTest, f32IntoNarrowIsRounded) {
  putArray("f.npy", "'<f4'", "False", "(1,)", bytes<float>({1.003f}));
  EXPECT_EQ(read("f.npy", T::BF16).get(0), 1);
  EXPECT_EQ(read("f.npy", T::F8E5M2).get(0), 1);
  EXPECT_TRUE(reports("f.npy", T::F16, "declared f16"));
  EXPECT_EQ(noteText, "");
}

TEST_F(NpyTest, nibblesTravelAsBytes) {
  putArray("n.npy", "'|i1'", "False", "(3,)", llvm::StringRef("\x07\xf8\x01", 3));
  HostTensor tensor = read("n.npy", T::I4);
  EXPECT_EQ(tensor.get(0), 7);
  EXPECT_EQ(tensor.get(1), -8);
  putArray("n.npy", "'|i1'", "False", "(1,)", "\x09");
  EXPECT_TRUE(reports("n.npy", T::I4, "declared i4: 9"));
}

TEST_F(NpyTest, refusesWhatIsNoTensor) {
  EXPECT_TRUE(reports("none.npy", T::F32, "cannot be read"));
  put("a.npy", "hello");
  EXPECT_TRUE(reports("a.npy", T::F32, "not a .npy file"));
  put("a.npy", llvm::StringRef("\x93NUMPY\x01\x00\xff\x00{", 11));
  EXPECT_TRUE(reports("a.npy", T::F32, "ends inside its header"));
  putArray("a.npy", "[('x', '<f4')]", "False", "(1,)", "aaaa");
  EXPECT_TRUE(reports("a.npy", T::F32, "header cannot be read"));
  putArray("a.npy", "'<c8'", "False", "(1,)", "aaaaaaaa");
  EXPECT_TRUE(reports("a.npy", T::F32, "'<c8' has no counterpart"));
  putArray("a.npy", "'<f4'", "False", "(2,)", "aaaa");
  EXPECT_TRUE(reports("a.npy", T::F32, "needs 8 bytes, the file holds 4"));
  putArray("a.npy", "'<f4'", "False", "(4294967296, 4294967296, 2)", "aaaa");
  EXPECT_TRUE(reports("a.npy", T::F32, "too large"));
  putArray("a.npy", "'<f4'", "False", "(-1,)", "aaaa");
  EXPECT_TRUE(reports("a.npy", T::F32, "header cannot be read"));
}

TEST_F(NpyTest, failedWriteLeavesNothing) {
  EXPECT_TRUE(bool(writeNpy(path("missing/a.npy"), HostTensor(T::F32, {1}))) == true);
  std::error_code code;
  int entries = 0;
  for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end && !code; it.increment(code))
    ++entries;
  EXPECT_EQ(entries, 0);
}

} // namespace
