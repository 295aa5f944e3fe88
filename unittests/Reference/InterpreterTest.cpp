//===- InterpreterTest.cpp - the rules of the language, on numbers --------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "unittests/Reference/TestCascade.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace weir;
using namespace weir::test;

static const double kInf = std::numeric_limits<double>::infinity();

/// One equation Y[i] over an f32 input X[I]; `body` computes %y of the type given.
static std::string overVector(const std::string &body, const std::string &type = "f32") {
  return R"mlir(
func.func @f(%X: tensor<?xf32> {attn.name = "X", attn.ranks = ["I"]}) -> (tensor<?x)mlir" +
         type + R"mlir(> {attn.name = "Y", attn.ranks = ["I"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %I = tensor.dim %X, %c0 : tensor<?xf32>
  %n = arith.index_cast %I : index to i64
  %Y = attn.einsum "Y" [i] in (%I) {
  ^bb0(%i: i64):
)mlir" + body +
         R"mlir(
    attn.yield %y : )mlir" +
         type + R"mlir(
  } : tensor<?x)mlir" +
         type + R"mlir(>
  %O = attn.materialize %Y : tensor<?x)mlir" +
         type + R"mlir(> to tensor<?x)mlir" + type + R"mlir(>
  return %O : tensor<?x)mlir" +
         type + R"mlir(>
})mlir";
}

static std::vector<double> runOverVector(const std::string &body, llvm::ArrayRef<double> input,
                                         const std::string &type = "f32") {
  TestCascade cascade(overVector(body, type));
  EXPECT_TRUE(cascade.function);
  auto result = interpret(cascade.function, {tensor(ElementType::F32, {int64_t(input.size())}, input)}, {});
  EXPECT_TRUE(bool(result)) << (result ? "" : llvm::toString(result.takeError()));
  return result ? values(result->outputs[0]) : std::vector<double>();
}

using Doubles = std::vector<double>;

TEST(Interpreter, ReadOutsideIsAbsentAndAbsentIsStoredAsZero) {
  EXPECT_EQ(runOverVector(R"mlir(
    %one = attn.literal "1" : i64
    %at = attn.map sub(%i, %one) : (i64, i64) -> i64
    %y = attn.read %X[%at] : tensor<?xf32> -> f32
)mlir",
                          {5, 6, 7}),
            (Doubles{0, 5, 6}));
}

TEST(Interpreter, ElseAnswersToAbsence) {
  EXPECT_EQ(runOverVector(R"mlir(
    %one = attn.literal "1" : i64
    %at = attn.map add(%i, %one) : (i64, i64) -> i64
    %x = attn.read %X[%at] : tensor<?xf32> -> f32
    %z = attn.literal "-inf" : f32
    %y = attn.else %x, %z : f32
)mlir",
                          {5, 6, 7}),
            (Doubles{6, 7, -kInf}));
}

// `X[i] > 5` through each operation that answers to absence; X[i+1] is absent at the end.
TEST(Interpreter, ThreeValuedLogic) {
  const std::string head = R"mlir(
    %one = attn.literal "1" : i64
    %five = attn.literal "5" : f32
    %at = attn.map add(%i, %one) : (i64, i64) -> i64
    %x = attn.read %X[%i] : tensor<?xf32> -> f32
    %next = attn.read %X[%at] : tensor<?xf32> -> f32
    %p = attn.map gt(%x, %five) : (f32, f32) -> i1
    %q = attn.map gt(%next, %five) : (f32, f32) -> i1
)mlir";
  auto shown = [&](const std::string &op) { // absent is shown as 2
    return runOverVector(head + op + R"mlir(
    %gone = attn.isabsent %r : i1
    %a = attn.literal "2" : i64
    %b = attn.map integer(%r) : (i1) -> i64
    %y = attn.select %gone, %a, %b : i64
)mlir",
                         {4, 9, 3, 7}, "i64");
  };
  // p is 0 1 0 1, q is 1 0 1 absent
  EXPECT_EQ(shown("%r = attn.and %p, %q"), (Doubles{0, 0, 0, 2}));
  EXPECT_EQ(shown("%r = attn.and %q, %p"), (Doubles{0, 0, 0, 2}));
  EXPECT_EQ(shown("%r = attn.or %p, %q"), (Doubles{1, 1, 1, 1}));
  EXPECT_EQ(shown("%s = attn.not %p\n %r = attn.or %q, %s"), (Doubles{1, 0, 1, 2}));
  EXPECT_EQ(shown("%s = attn.not %p\n %r = attn.and %q, %s"), (Doubles{1, 0, 1, 0}));
  EXPECT_EQ(shown("%r = attn.not %q"), (Doubles{0, 1, 0, 1}));
  EXPECT_EQ(shown("%r = attn.select %q, %p, %q : i1"), (Doubles{0, 0, 0, 2}));
}

TEST(Interpreter, WhereKeepsOnlyPresentAndTrue) {
  EXPECT_EQ(runOverVector(R"mlir(
    %one = attn.literal "1" : i64
    %at = attn.map add(%i, %one) : (i64, i64) -> i64
    %next = attn.read %X[%at] : tensor<?xf32> -> f32
    %x = attn.read %X[%i] : tensor<?xf32> -> f32
    %p = attn.map lt(%x, %next) : (f32, f32) -> i1
    %y = attn.where %x, %p : f32
)mlir",
                          {1, 2, 1, 9}),
            (Doubles{1, 0, 1, 0}));
}

/// The reduction `op` over all n with X[n] < limit, stored as it is; absence is stored as 100.
static double reduced(const std::string &op, const std::string &type, llvm::ArrayRef<double> input,
                      const std::string &limit, const std::string &body = "%b = attn.where %x, %p : f32",
                      const std::string &bodyType = "f32") {
  return runOverVector(R"mlir(
    %none = attn.literal "100" : )mlir" +
                           type + R"mlir(
    %r = attn.reduce )mlir" +
                           op + R"mlir( [n] in (%I) {
    ^bb1(%k: i64):
      %x = attn.read %X[%k] : tensor<?xf32> -> f32
      %l = attn.literal ")mlir" +
                           limit + R"mlir(" : f32
      %p = attn.map lt(%x, %l) : (f32, f32) -> i1
      )mlir" + body + "\n attn.yield %b : " +
                           bodyType + "\n } : " + type + "\n %y = attn.else %r, %none : " + type,
                       input, type)[0];
}

TEST(Interpreter, ReductionsSkipAbsentBodies) {
  const Doubles x = {3, -2, 50, 3, 7};
  EXPECT_EQ(reduced("sum", "f32", x, "10"), 11);
  EXPECT_EQ(reduced("prod", "f32", x, "10"), -126);
  EXPECT_EQ(reduced("max", "f32", x, "10"), 7);
  EXPECT_EQ(reduced("min", "f32", x, "10"), -2);
  EXPECT_EQ(reduced("mean", "f32", x, "10"), 2.75);
  EXPECT_EQ(reduced("count", "i64", x, "10"), 4);
  EXPECT_EQ(reduced("argmax", "i64", x, "10"), 4);
  EXPECT_EQ(reduced("argmax", "i64", x, "5"), 0); // the lowest among equals
  EXPECT_EQ(reduced("argmin", "i64", x, "10"), 1);
}

TEST(Interpreter, ReductionsOverNothing) {
  const Doubles x = {3, 4};
  for (const char *op : {"sum", "prod", "max", "min", "mean"})
    EXPECT_EQ(reduced(op, "f32", x, "-1"), 100) << op;
  EXPECT_EQ(reduced("argmax", "i64", x, "-1"), 100);
  EXPECT_EQ(reduced("count", "i64", x, "-1"), 0);
  EXPECT_EQ(
      runOverVector(
          "%y = attn.reduce any [n] in (%I) {\n^bb1(%k: i64):\n %b0 = attn.literal \"true\" : i1\n"
          "%f = attn.literal \"false\" : i1\n %b = attn.where %b0, %f : i1\n attn.yield %b : i1\n } : i1",
          x, "i1")[0],
      0);
  EXPECT_EQ(
      runOverVector("%y = attn.reduce all [n] in (%I) {\n^bb1(%k: i64):\n %b0 = attn.literal \"false\" : i1\n"
                    "%b = attn.where %b0, %b0 : i1\n attn.yield %b : i1\n } : i1",
                    x, "i1")[0],
      1);
}

TEST(Interpreter, CountOfBoolsCountsTrue) {
  EXPECT_EQ(reduced("count", "i64", {3, -2, 50}, "10", "%b = attn.not %p", "i1"), 1);
}

TEST(Interpreter, NanInReductions) {
  const Doubles x = {3, std::nan(""), 5};
  const std::string all = "%t = attn.literal \"true\" : i1\n %b = attn.where %x, %t : f32";
  EXPECT_TRUE(std::isnan(reduced("max", "f32", x, "0", all)));
  EXPECT_TRUE(std::isnan(reduced("min", "f32", x, "0", all)));
  EXPECT_EQ(reduced("argmax", "i64", x, "0", all), 2);
  EXPECT_EQ(reduced("argmin", "i64", x, "0", all), 0);
}

TEST(Interpreter, IntegerArithmetic) {
  auto value = [&](const std::string &fn, const std::string &a, const std::string &b) {
    return runOverVector("%a = attn.literal \"" + a + "\" : i64\n %b = attn.literal \"" + b +
                             "\" : i64\n %none = attn.literal \"99\" : i64\n" + "%r = attn.map " + fn +
                             "(%a, %b) : (i64, i64) -> i64\n %y = attn.else %r, %none : i64",
                         {0}, "i64")[0];
  };
  EXPECT_EQ(value("floordiv", "-7", "2"), -4);
  EXPECT_EQ(value("floordiv", "7", "-2"), -4);
  EXPECT_EQ(value("mod", "-7", "2"), 1);
  EXPECT_EQ(value("mod", "-7", "-3"), 2);
  EXPECT_EQ(value("floordiv", "1", "0"), 99);
  EXPECT_EQ(value("mod", "1", "0"), 99);
  EXPECT_EQ(value("shr", "-1", "63"), 1);
  EXPECT_EQ(value("shl", "1", "64"), 0);
  EXPECT_EQ(value("shl", "1", "-1"), 0);
  EXPECT_EQ(value("powi", "-3", "3"), -27);
  EXPECT_EQ(value("add", "0x7fffffffffffffff", "1"), -0x1p63);
}

TEST(Interpreter, RealFunctions) {
  auto value = [&](const std::string &fn, double x) {
    return runOverVector(
        "%x = attn.read %X[%i] : tensor<?xf32> -> f32\n %y = attn.map " + fn + "(%x) : (f32) -> f32", {x})[0];
  };
  EXPECT_EQ(value("round", 2.5), 2);
  EXPECT_EQ(value("round", -1.5), -2);
  EXPECT_EQ(value("sign", -0.0), 0);
  EXPECT_FLOAT_EQ(value("gelu", -1), -0.15865525393145707);
  EXPECT_FLOAT_EQ(value("silu", 1), 0.7310585786300049);
  EXPECT_FLOAT_EQ(value("softplus", -40), 4.248354255291589e-18);
  EXPECT_FLOAT_EQ(value("rsqrt", 4), 0.5);
  EXPECT_EQ(value("exp", -kInf), 0);
  EXPECT_TRUE(std::isnan(value("log", -1)));
}

TEST(Interpreter, PowersOfNegativeBases) {
  auto power = [&](const std::string &exponent) {
    return runOverVector("%x = attn.read %X[%i] : tensor<?xf32> -> f32\n %k = " + exponent, {-2})[0];
  };
  EXPECT_EQ(power("attn.literal \"2\" : i64\n %y = attn.map powi(%x, %k) : (f32, i64) -> f32"), 4);
  EXPECT_EQ(power("attn.literal \"-1\" : i64\n %y = attn.map powi(%x, %k) : (f32, i64) -> f32"), -0.5);
  EXPECT_TRUE(
      std::isnan(power("attn.literal \"2.0\" : f32\n %y = attn.map pow(%x, %k) : (f32, f32) -> f32")));
}

TEST(Interpreter, CastsRoundAndSaturate) {
  auto cast = [&](const std::string &to, double x) {
    return runOverVector("%x = attn.read %X[%i] : tensor<?xf32> -> f32\n %y = attn.cast %x to " + to +
                             " : f32 -> i64",
                         {x}, "i64")[0];
  };
  EXPECT_EQ(cast("i8", -129.5), -128);
  EXPECT_EQ(cast("i8", -2.75), -2);
  EXPECT_EQ(cast("ui8", -1), 0);
  EXPECT_EQ(cast("i4", 100), 7);
  EXPECT_EQ(cast("i32", std::nan("")), 0);
  EXPECT_EQ(
      runOverVector("%x = attn.read %X[%i] : tensor<?xf32> -> f32\n %y = attn.cast %x to bf16 : f32 -> f32",
                    {1.005859375})[0],
      1.0078125);
}

/// Softmax attention with a causal mask; the sum over the keys divides once.
static const char *kAttention = R"mlir(
func.func @attention(%Q: tensor<?x?x?x?xf32> {attn.name = "Q", attn.ranks = ["B", "H", "M", "D"]},
                     %K: tensor<?x?x?x?xf32> {attn.name = "K", attn.ranks = ["B", "H", "N", "D"]},
                     %V: tensor<?x?x?x?xf32> {attn.name = "V", attn.ranks = ["B", "H", "N", "D"]})
    -> (tensor<?x?x?x?xf32> {attn.name = "O", attn.ranks = ["B", "H", "M", "D"]}) attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %B = tensor.dim %Q, %c0 : tensor<?x?x?x?xf32>
  %H = tensor.dim %Q, %c1 : tensor<?x?x?x?xf32>
  %M = tensor.dim %Q, %c2 : tensor<?x?x?x?xf32>
  %D = tensor.dim %Q, %c3 : tensor<?x?x?x?xf32>
  %N = tensor.dim %K, %c2 : tensor<?x?x?x?xf32>
  %S = attn.einsum "S" [b, h, m, n] in (%B, %H, %M, %N) {
  ^bb0(%b: i64, %h: i64, %m: i64, %n: i64):
    %0 = attn.reduce sum [d] in (%D) {
    ^bb1(%d: i64):
      %q = attn.read %Q[%b, %h, %m, %d] : tensor<?x?x?x?xf32> -> f32
      %k = attn.read %K[%b, %h, %n, %d] : tensor<?x?x?x?xf32> -> f32
      %qk = attn.map mul(%q, %k) : (f32, f32) -> f32
      attn.yield %qk : f32
    } : f32
    %p = attn.map le(%n, %m) : (i64, i64) -> i1
    %s = attn.where %0, %p : f32
    attn.yield %s : f32
  } : tensor<?x?x?x?xf32>
  %O = attn.einsum "O" [b, h, m, f] in (%B, %H, %M, %D) {
  ^bb0(%b: i64, %h: i64, %m: i64, %f: i64):
    %0 = attn.reduce sum [n] in (%N) {
    ^bb1(%n: i64):
      %x = attn.reduce max [l] in (%N) {
      ^bb2(%l: i64):
        %t = attn.read %S[%b, %h, %m, %l] : tensor<?x?x?x?xf32> -> f32
        attn.yield %t : f32
      } : f32
      %z = attn.reduce sum [l] in (%N) {
      ^bb2(%l: i64):
        %t = attn.read %S[%b, %h, %m, %l] : tensor<?x?x?x?xf32> -> f32
        %u = attn.map sub(%t, %x) : (f32, f32) -> f32
        %e = attn.map exp(%u) : (f32) -> f32
        attn.yield %e : f32
      } : f32
      %s = attn.read %S[%b, %h, %m, %n] : tensor<?x?x?x?xf32> -> f32
      %w = attn.map sub(%s, %x) : (f32, f32) -> f32
      %e = attn.map exp(%w) : (f32) -> f32
      %a = attn.map div(%e, %z) : (f32, f32) -> f32
      %v = attn.read %V[%b, %h, %n, %f] : tensor<?x?x?x?xf32> -> f32
      %av = attn.map mul(%a, %v) : (f32, f32) -> f32
      attn.yield %av : f32
    } : f32
    attn.yield %0 : f32
  } : tensor<?x?x?x?xf32>
  %R = attn.materialize %O : tensor<?x?x?x?xf32> to tensor<?x?x?x?xf32>
  return %R : tensor<?x?x?x?xf32>
})mlir";

static HostTensor wave(llvm::ArrayRef<int64_t> shape, double step) {
  HostTensor t(ElementType::F32, shape);
  for (int64_t i = 0; i < t.size(); ++i)
    t.set(i, std::sin(step * static_cast<double>(i + 1)));
  return t;
}

TEST(Interpreter, Attention) {
  TestCascade cascade(kAttention);
  ASSERT_TRUE(cascade.function);
  const int64_t M = 9, N = 7, D = 4;
  HostTensor q = wave({1, 2, M, D}, 0.7), k = wave({1, 2, N, D}, 1.3), v = wave({1, 2, N, D}, 2.1);
  InterpreterOptions options;
  options.errorBounds = true;
  auto result = interpret(cascade.function, {q, k, v}, {}, options);
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  for (int64_t h = 0; h < 2; ++h)
    for (int64_t m = 0; m < M; ++m)
      for (int64_t f = 0; f < D; ++f) {
        double z = 0, o = 0;
        for (int64_t n = 0; n < N && n <= m; ++n) {
          double s = 0;
          for (int64_t d = 0; d < D; ++d)
            s += static_cast<double>(q.get((h * M + m) * D + d) * k.get((h * N + n) * D + d));
          z += std::exp(s);
          o += std::exp(s) * static_cast<double>(v.get((h * N + n) * D + f));
        }
        size_t at = (h * M + m) * D + f;
        EXPECT_NEAR(static_cast<double>(result->outputs[0].value[at]), o / z, 1e-7);
        EXPECT_LT(result->outputs[0].error[at], 1e-4);
        EXPECT_GT(result->outputs[0].error[at], 0);
      }
  EXPECT_FALSE(result->intermediates.at("S").present[1]); // m = 0, n = 1
}

/// A kernel in plain f32 stays within the bound, and the bound is no more than some hundreds of times too
/// wide.
TEST(Interpreter, BoundsHoldForFloats) {
  TestCascade cascade(kAttention);
  const int64_t M = 40, N = 37, D = 16;
  HostTensor q = wave({1, 1, M, D}, 0.7), k = wave({1, 1, N, D}, 1.3), v = wave({1, 1, N, D}, 2.1);
  InterpreterOptions options;
  options.errorBounds = true;
  auto result = interpret(cascade.function, {q, k, v}, {}, options);
  ASSERT_TRUE(bool(result));
  double tightest = 1e9;
  for (int64_t m = 0; m < M; ++m) {
    std::vector<float> s(N, 0), o(D, 0);
    float x = -1e30f, z = 0;
    int64_t keys = std::min(N, m + 1);
    for (int64_t n = 0; n < keys; ++n) {
      for (int64_t d = 0; d < D; ++d)
        s[n] += static_cast<float>(q.get(m * D + d)) * static_cast<float>(k.get(n * D + d));
      x = std::max(x, s[n]);
    }
    for (int64_t n = 0; n < keys; ++n)
      z += std::exp(s[n] - x);
    for (int64_t n = 0; n < keys; ++n)
      for (int64_t f = 0; f < D; ++f)
        o[f] += std::exp(s[n] - x) / z * static_cast<float>(v.get(n * D + f));
    for (int64_t f = 0; f < D; ++f) {
      double distance = std::fabs(o[f] - static_cast<double>(result->outputs[0].value[m * D + f]));
      double bound = result->outputs[0].error[m * D + f];
      EXPECT_LE(distance, bound + 1e-8) << "m = " << m << ", f = " << f;
      tightest = std::min(tightest, bound / std::max(distance, 1e-9));
    }
  }
  EXPECT_LT(tightest, 500);
}

TEST(Interpreter, NestedReductionsAreHoisted) { // or this takes hours
  TestCascade cascade(kAttention);
  HostTensor q = wave({1, 2, 128, 64}, 0.7);
  auto result = interpret(cascade.function, {q, q, q}, {});
  ASSERT_TRUE(bool(result));
}

TEST(Interpreter, ExtentsThatDisagreeNameBothTensors) {
  TestCascade cascade(kAttention);
  HostTensor q = wave({1, 2, 3, 4}, 1), k = wave({1, 2, 5, 6}, 1);
  EXPECT_EQ(messageOf(interpret(cascade.function, {q, k, k}, {})), "rank D is 4 in Q and 6 in K");
}

TEST(Interpreter, TraceNamesTheFirstEquation) {
  TestCascade cascade(overVector(R"mlir(
    %x = attn.read %X[%i] : tensor<?xf32> -> f32
    %l = attn.map log(%x) : (f32) -> f32
    %y = attn.map neg(%l) : (f32) -> f32
)mlir"));
  std::string text;
  llvm::raw_string_ostream os(text);
  InterpreterOptions options;
  options.traceNonfinite = &os;
  ASSERT_TRUE(bool(interpret(cascade.function, {tensor(ElementType::F32, {3}, {1, 0, 2})}, {}, options)));
  EXPECT_EQ(text, "Y: -inf from log at i=1\n");
}
