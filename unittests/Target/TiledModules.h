//===- TiledModules.h - level-4 modules for tests -------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_TARGET_TILEDMODULES_H
#define WEIR_UNITTESTS_TARGET_TILEDMODULES_H
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "weir/Pipelines/RegisterAll.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <string>

namespace weir::test {

/// The value, or the error's text and an end: llvm::cantFail does nothing in a release build.
template <typename T> T must(llvm::Expected<T> value) {
  if (!value)
    llvm::report_fatal_error(llvm::Twine(llvm::toString(value.takeError())));
  return std::move(*value);
}

struct Context {
  mlir::DialectRegistry registry;
  mlir::MLIRContext context;
  Context() : context(mlir::MLIRContext::Threading::DISABLED) {
    registerAll(registry);
    context.appendDialectRegistry(registry);
  }
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module;
  }
};

inline std::string readModule(const std::string &name) {
  auto file = llvm::MemoryBuffer::getFile(WEIR_SOURCE_DIR "/test/Integration/Inputs/" + name + ".tiled.mlir");
  EXPECT_TRUE(bool(file)) << name;
  return file ? (*file)->getBuffer().str() : "";
}

/// Y[m,n] = a * k * X[m,n] + W[n] (a negated where flip), Z[m] = sum(n) Y[m,n]; N must be even.
inline std::string scaleModule() { return readModule("scale"); }
inline std::string vectorsModule() { return readModule("vectors"); }

/// Fills its output, as long as its input, with `value`.
inline std::string fillKernel(const std::string &name, int value) {
  return "func.func @" + name + R"((%X: memref<?xf32, strided<[1]>> {attn.name = "X", attn.ranks = ["N"]},
      %Y: memref<?xf32, strided<[1]>> {attn.name = "Y", attn.ranks = ["N"], weir.output}, %ws: memref<?xi8>)
      attributes {weir.kernel} {
    %c0 = arith.constant 0 : index
    %v = arith.constant )" +
         std::to_string(value) + R"(.0 : f32
    %n = memref.dim %X, %c0 : memref<?xf32, strided<[1]>>
    scf.forall (%i) in (%n) { memref.store %v, %Y[%i] : memref<?xf32, strided<[1]>> }
    return
  }
)";
}

/// Y[N, C] with C = N + p, which @f.extents says.
inline std::string extentsModule() {
  return R"(func.func @f(%X: memref<?xf32, strided<[1]>> {attn.name = "X", attn.ranks = ["N"]},
      %p: i64 {attn.name = "p"},
      %Y: memref<?x?xf32, strided<[?, 1]>> {attn.name = "Y", attn.ranks = ["N", "C"], weir.output}, %ws: memref<?xi8>)
      attributes {weir.kernel} {
    return
  }
  func.func @f.extents(%X: memref<?xf32, strided<[1]>>, %p: i64, %Y: memref<?x?xf32, strided<[?, 1]>>,
                       %out: memref<?xi64>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = memref.dim %X, %c0 : memref<?xf32, strided<[1]>>
    %n64 = arith.index_cast %n : index to i64
    %c = arith.addi %n64, %p : i64
    memref.store %n64, %out[%c0] : memref<?xi64>
    memref.store %c, %out[%c1] : memref<?xi64>
    return
  }
)";
}

inline std::string libmModule() {
  return R"(func.func @f(%X: memref<?xf32, strided<[1]>> {attn.name = "X"},
      %Y: memref<?xf32, strided<[1]>> {attn.name = "Y", weir.output}, %ws: memref<?xi8>) attributes {weir.kernel} {
    %c0 = arith.constant 0 : index
    %x = memref.load %X[%c0] : memref<?xf32, strided<[1]>>
    %y = func.call @erff(%x) : (f32) -> f32
    memref.store %y, %Y[%c0] : memref<?xf32, strided<[1]>>
    return
  }
  func.func private @erff(f32) -> f32
)";
}

} // namespace weir::test
#endif
