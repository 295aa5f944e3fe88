//===- Kernel.h - small kernels for tests of the PTX interpreter ----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_UNITTESTS_PTX_KERNEL_H
#define WEIR_UNITTESTS_PTX_KERNEL_H
#include "weir/PTX/Machine.h"
#include "llvm/ADT/bit.h"
#include <cstring>
#include <string>

namespace weir::ptx::test {

/// A kernel of one body. In it %r0 is the thread's number in the block, %rd1 and %rd2 are the addresses of
/// 32-bit words to read and to write, %rd3 and %rd4 the words of the thread. Registers %p1-9, %h1-19 (16
/// bits), %r1-79, %f1-39 (f32), %rd5-29, %fd1-9 are free.
struct Kernel {
  std::string body;
  std::string outside; ///< functions and variables of the module
  std::vector<uint32_t> in = std::vector<uint32_t>(1024, 0);
  size_t words = 32; ///< to write
  Launch launch;
  Checks checks;

  // After run().
  std::string problem; ///< empty: it ran
  bool fault = false;  ///< the problem is what a thread did
  std::vector<uint32_t> out;
  Statistics statistics;

  explicit Kernel(std::string body) : body(std::move(body)) {
    launch.kernel = "k";
    launch.block = {32, 1, 1};
  }

  std::string text() const {
    return ".version 8.0\n.target sm_80\n.address_size 64\n" + outside +
           "\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n"
           ".reg .pred %p<10>; .reg .b16 %h<20>; .reg .b32 %r<80>; .reg .f32 %f<40>; .reg .b64 %rd<30>; .reg "
           ".f64 %fd<10>;\n"
           "mov.u32 %r0, %tid.x;\nld.param.u64 %rd1, [in];\nld.param.u64 %rd2, [out];\n"
           "mad.wide.u32 %rd3, %r0, 4, %rd1;\nmad.wide.u32 %rd4, %r0, 4, %rd2;\n" +
           body + "\nret;\n}\n";
  }

  Kernel &run() {
    auto module = parseModule(text(), "k.ptx");
    if (!module) {
      problem = llvm::toString(module.takeError());
      return *this;
    }
    Machine machine(*module);
    llvm::ArrayRef<uint8_t> initial(reinterpret_cast<const uint8_t *>(in.data()), in.size() * 4);
    uint64_t addresses[] = {machine.allocate("in", in.size() * 4, Machine::Access::Read, initial),
                            machine.allocate("out", words * 4, Machine::Access::ReadWrite, {})};
    launch.arguments.assign(2, std::vector<uint8_t>(8));
    for (unsigned i = 0; i < 2; ++i)
      std::memcpy(launch.arguments[i].data(), &addresses[i], 8);
    auto result = machine.run(launch, checks);
    if (!result) {
      llvm::Error error = result.takeError();
      fault = error.isA<KernelFault>();
      problem = llvm::toString(std::move(error));
      return *this;
    }
    statistics = std::move(*result);
    out.resize(words);
    std::memcpy(out.data(), machine.contents(addresses[1]).data(), words * 4);
    return *this;
  }
};

inline uint32_t bits(float value) { return llvm::bit_cast<uint32_t>(value); }
inline float real(uint32_t value) { return llvm::bit_cast<float>(value); }

} // namespace weir::ptx::test
#endif
