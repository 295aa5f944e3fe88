//===- Arguments.h - a kernel's arguments from the command line -----------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_TOOLS_PTX_RUN_ARGUMENTS_H
#define WEIR_TOOLS_PTX_RUN_ARGUMENTS_H
#include "weir/PTX/Description.h"
#include "weir/Support/HostTensor.h"

/// An argument that was read. Of buffers, `tensor` is what lies there at first, or the shape and type of what
/// will.
struct Argument {
  enum class Form { Value, In, Out, InOut, Scratch };
  Form form = Form::Value;
  std::string name;           ///< for messages
  std::vector<uint8_t> value; ///< Form::Value
  weir::HostTensor tensor;
  std::string result; ///< the file that the buffer's contents go to
};

/// `i32:5`, `in:f32=q.npy`, `out:f32:8x64=o.npy`, `inout:f32=x.npy=y.npy`, `scratch:1024`, `null`.
llvm::Expected<Argument> parseArgument(llvm::StringRef text);

/// What a kernel of weirc is called with.
struct Tensors {
  std::vector<Argument> inputs;                             ///< and params, in the kernel's order
  std::vector<std::pair<std::string, std::string>> results; ///< an output, and the file that it goes to
};

/// From texts `NAME=FILE` (inputs and outputs) and `NAME=NUMBER` (params).
llvm::Expected<Tensors> bindTensors(const weir::ptx::Description &description,
                                    llvm::ArrayRef<std::string> texts);

#endif
