//===- Peak.cpp - what this machine can do, measured now ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The peak is measured in the process that is judged by it, just before: clocks wander and neighbours come
// and go. Twelve independent accumulators hide the latency of a fused multiply-add on every processor with
// two units of it.
#include "Peak.h"
#include "Timing.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <immintrin.h>
#include <memory>
#include <thread>
#include <vector>

using namespace weirc;

namespace {

constexpr int kAccumulators = 12;
constexpr long kIterations = 4000000;

/// Inlined into a function for a target that has such vectors.
template <typename Number, int bytes> [[gnu::always_inline]] inline Number multiplyAdd(Number a) {
  using Wide = Number __attribute__((vector_size(bytes)));
  Wide sums[kAccumulators], x = Wide{} + a, y = Wide{} + Number(0.5);
  for (Wide &sum : sums)
    sum = y;
  for (long i = 0; i < kIterations; ++i)
    for (Wide &sum : sums)
      sum = __builtin_elementwise_fma(sum, x, y);
  Wide total = y;
  for (Wide sum : sums)
    total += sum;
  return total[0];
}

template <typename Number> __attribute__((target("avx512f"))) Number multiplyAdd512(Number a) {
  return multiplyAdd<Number, 64>(a);
}

template <typename Number> __attribute__((target("avx2,fma"))) Number multiplyAdd256(Number a) {
  return multiplyAdd<Number, 32>(a);
}

/// Seconds until all of `threads` have done `work`.
double timeOnThreads(unsigned threads, const std::function<void(unsigned)> &work) {
  double start = now();
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back(work, thread);
  work(0);
  for (std::thread &other : others)
    other.join();
  return now() - start;
}

template <typename Number> double measureFlops(unsigned threads) {
  volatile Number factor = Number(0.999), sink;
  bool wide = __builtin_cpu_supports("avx512f");
  double lanes = (wide ? 64 : 32) / sizeof(Number), best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    double seconds = timeOnThreads(threads, [&](unsigned) {
      sink = wide ? multiplyAdd512<Number>(factor) : multiplyAdd256<Number>(factor);
    });
    best = std::max(best, threads * 2.0 * lanes * kAccumulators * kIterations / seconds);
  }
  (void)sink;
  return best;
}

/// Reads a piece of memory, four cache lines a step; `ahead`: bytes that it asks for in advance, 0 where the
/// processor's own prefetching is left alone. Which of the two is faster differs from machine to machine.
template <size_t ahead> __attribute__((target("avx2"))) uint64_t readAll(const char *from, size_t bytes) {
  __m256i sums[8] = {};
  for (size_t i = 0; i < bytes; i += sizeof sums) {
    if (ahead)
      for (size_t line = 0; line < sizeof sums; line += 64)
        _mm_prefetch(from + i + line + ahead, _MM_HINT_T0); // beyond the end it does nothing
    for (size_t k = 0; k < 8; ++k)
      sums[k] = _mm256_xor_si256(sums[k], _mm256_load_si256((const __m256i *)(from + i) + k));
  }
  for (size_t k = 1; k < 8; ++k)
    sums[0] = _mm256_xor_si256(sums[0], sums[k]);
  return _mm256_extract_epi64(sums[0], 0);
}

double measureBytes(unsigned threads) {
  constexpr size_t kBytes = size_t(192) << 20, kStep = 4096;
  size_t each = kBytes / threads / kStep * kStep;
  auto free = [](void *memory) { std::free(memory); };
  std::unique_ptr<char, decltype(free)> memory((char *)std::aligned_alloc(size_t(2) << 20, kBytes), free);
  if (!memory)
    return 0;
  std::memset(memory.get(), 1, kBytes);
  volatile uint64_t sink = 0;
  double best = 0;
  for (int repeat = 0; repeat < 6; ++repeat) {
    auto read = repeat % 2 ? readAll<2048> : readAll<0>;
    double seconds =
        timeOnThreads(threads, [&](unsigned thread) { sink = read(memory.get() + thread * each, each); });
    best = std::max(best, double(each) * threads / seconds);
  }
  (void)sink;
  return best;
}

} // namespace

Peak weirc::measurePeak(unsigned threads, bool f64) {
  threads = std::max(1u, threads);
  Peak peak = {0, 0};
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return peak;
  peak.bytes = measureBytes(threads);
  peak.flops = f64 ? measureFlops<double>(threads) : measureFlops<float>(threads);
  return peak;
}
