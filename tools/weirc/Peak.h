//===- Peak.h - what this machine can do, measured now --------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIRC_PEAK_H
#define WEIRC_PEAK_H

namespace weirc {

struct Peak {
  double flops; ///< a second, of fused multiply-adds (two each)
  double bytes; ///< a second, read from memory that no cache holds: the better of a plain loop and one that
                ///< prefetches
};

/// Takes about a quarter of a second. `threads` run at once; `f64` counts fused multiply-adds of doubles.
Peak measurePeak(unsigned threads, bool f64);

} // namespace weirc
#endif
