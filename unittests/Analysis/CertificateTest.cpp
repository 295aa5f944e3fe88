//===- CertificateTest.cpp - cascades as JSON -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "weir/Analysis/Certificate.h"
#include "unittests/Frontend/Compiled.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace weir;

namespace {

std::string text(llvm::Expected<llvm::json::Value> value) {
  if (!value)
    return "error: " + llvm::toString(value.takeError());
  std::string out;
  llvm::raw_string_ostream(out) << *value;
  return out;
}

TEST(Certificate, RationalsAreExact) {
  EXPECT_EQ(text(rationalToJson("3")), R"({"den":1,"num":3})");
  EXPECT_EQ(text(rationalToJson("1.0")), R"({"den":1,"num":1})");
  EXPECT_EQ(text(rationalToJson("-2.50e-3")), R"({"den":10000,"num":-25})");
  EXPECT_EQ(text(rationalToJson("200e-2")), R"({"den":1,"num":2})");
  EXPECT_EQ(text(rationalToJson("-3/2")), R"({"den":2,"num":-3})");
  EXPECT_EQ(text(rationalToJson("-0.0")), R"({"den":1,"num":0})");
  EXPECT_EQ(text(rationalToJson("1e20")), R"({"den":1,"num":"100000000000000000000"})");
  EXPECT_EQ(text(rationalToJson("-inf")), R"({"den":0,"num":-1})");
  for (llvm::StringRef wrong : {"", "x", "--1", "1e99999", "nan"})
    EXPECT_EQ(text(rationalToJson(wrong)).substr(0, 5), "error") << wrong.str();
}

TEST(Certificate, CascadeIsWrittenAsItStands) {
  test::Compiled compiled("cascade rows(X: f16[M,N], len: i32[M]) -> (Y[M]) {\n"
                    "  Y[m] = sum(n | n < len[m]) X[m,n] - 0.5 where m > 0\n"
                    "}\n");
  ASSERT_TRUE(compiled.module) << compiled.messages;
  CascadeModel model(compiled.function);
  EXPECT_EQ(
      text(toJson(model)),
      R"({"equations":[{"expr":["add",["red","sum",["n"],["cmp","<",["coord","n"],["read","len",[["coord","m"]]]],)"
      R"(["read","X",[["coord","m"],["coord","n"]]]],["neg",["num",{"den":10,"num":5}]]],"idx":["m"],"line":2,)"
      R"("name":"Y","where":["cmp",">",["coord","m"],["num",{"den":1,"num":0}]]}],"given":[],)"
      R"("inputs":{"X":{"ranks":["M","N"],"type":"f16"},"len":{"ranks":["M"],"type":"i32"}},"name":"rows",)"
      R"("outputs":["Y"],"params":{},"ranks":{"M":null,"N":null}})");
}

TEST(Certificate, DigestIsOfTheSortedText) {
  // printf '{"a":1,"b":[true]}' | sha256sum
  EXPECT_EQ(digestOf(llvm::json::Object{{"b", llvm::json::Array{true}}, {"a", 1}}),
            "90eddf64b875cb5fa184bb12503cc7309b6ce21b175521a80bd8d83082bae604");
}

} // namespace
