//===- Workload.h - what a kernel is timed on -----------------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_WORKLOAD_H
#define WEIRC_WORKLOAD_H
#include "Job.h"
#include "llvm/Support/JSON.h"

namespace weirc {

/// Inputs and params, in the signature's order, and every extent.
struct Workload {
  std::vector<weir::HostTensor> inputs;
  std::vector<long double> params;
  llvm::StringMap<int64_t> extents;
};

/// What --in and --set give; the rest is drawn, so that every promise of the cascade is kept. Extents that
/// are open are 1024, or 64 where a rank is only contracted. Refuses what would take more than 4 GiB.
llvm::Expected<Workload> drawWorkload(Job &job);

/// Whether a kernel has been called often enough: --runs times, or 5 to 1000 times, in not much more than
/// `seconds` since `begin` (now() of then).
bool isTimedEnough(const Options &options, size_t runs, double begin, double seconds);

/// `{"m": 64, "fuse": "on"}` of what --map writes as m=64,fuse=on.
llvm::json::Object mappingToJson(llvm::StringRef mapping);

} // namespace weirc
#endif
