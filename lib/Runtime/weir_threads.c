/*===- weir_threads.c - threads, denormals, and what the processor can do ----------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
#define _DEFAULT_SOURCE /* for syscall */
#include "weir_internal.h"
#include <cpuid.h>
#include <dlfcn.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* MXCSR: flush-to-zero and denormals-are-zero. `volatile` and "memory" keep these in their place among the
 * calls around. */
uint32_t weir_denormals_off(void) {
  uint32_t saved, off;
  __asm__ volatile("stmxcsr %0" : "=m"(saved) : : "memory");
  off = saved | 0x8040u;
  __asm__ volatile("ldmxcsr %0" : : "m"(off) : "memory");
  return saved;
}

void weir_denormals_restore(uint32_t saved) { __asm__ volatile("ldmxcsr %0" : : "m"(saved) : "memory"); }

/* A loop on its way through a thread pool. */
typedef struct task {
  weir_body body;
  void *context;
  int64_t n, chunk, next;
} task;

static void run_piece(void *context, int64_t begin, int64_t end) {
  task *t = (task *)context;
  uint32_t saved = weir_denormals_off();
  t->body(t->context, begin, end);
  weir_denormals_restore(saved);
}

/* Each thread of an OpenMP team takes pieces until there are none. */
static void run_team(void *context) {
  task *t = (task *)context;
  for (;;) {
    int64_t begin = __atomic_fetch_add(&t->next, t->chunk, __ATOMIC_RELAXED);
    if (begin >= t->n)
      return;
    run_piece(t, begin, begin + t->chunk < t->n ? begin + t->chunk : t->n);
  }
}

typedef void (*omp_parallel)(void (*fn)(void *), void *data, unsigned threads, unsigned flags);
typedef int (*omp_count)(void);
typedef struct omp_runtime {
  omp_parallel parallel;
  omp_count max_threads;
} omp_runtime;

/* Both OpenMP runtimes have GOMP_parallel. One that is in the process already is taken, so that there are not
 * two pools. */
static int find_omp(void *library, omp_runtime *omp) {
  omp->parallel = (omp_parallel)dlsym(library, "GOMP_parallel");
  omp->max_threads = (omp_count)dlsym(library, "omp_get_max_threads");
  return omp->parallel && omp->max_threads;
}

static const omp_runtime *open_omp(void) {
  static omp_runtime found;
  static int state; /* 0: not asked, 1: there, 2: none, 3: somebody is asking */
  static const char *const names[] = {"libomp.so.5", "libgomp.so.1", "libomp5.so", "libomp.so"};
  int seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE), none = 0;
  if (seen == 0 && __atomic_compare_exchange_n(&state, &none, 3, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    int ok = find_omp(RTLD_DEFAULT, &found);
    for (size_t i = 0; i < sizeof names / sizeof *names && !ok; ++i) {
      void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
      ok = library && find_omp(library, &found);
    }
    __atomic_store_n(&state, ok ? 1 : 2, __ATOMIC_RELEASE);
  }
  while ((seen = __atomic_load_n(&state, __ATOMIC_ACQUIRE)) == 3)
    __builtin_ia32_pause();
  return seen == 1 ? &found : NULL;
}

void weir_fork(weir_rt *rt, weir_body body, void *body_context, int64_t n) {
  task t = {body, body_context, n, 1, 0};
  const omp_runtime *omp;
  int threads;
  if (n <= 0)
    return;
  if (rt->parallel_for) {
    rt->parallel_for(rt->parallel_context, run_piece, &t, n);
    return;
  }
  if (n == 1 || rt->threads == 1 || !(omp = open_omp())) {
    body(body_context, 0, n); /* this thread has denormals off already */
    return;
  }
  threads = rt->threads > 0 ? rt->threads : omp->max_threads();
  if (threads > n)
    threads = (int)n;
  /* Some pieces a thread, for loops whose iterations differ in length (causal rows). */
  t.chunk = n / ((int64_t)threads * 8) + 1;
  omp->parallel(run_team, &t, (unsigned)threads, 0);
}

/*---- What the processor can do. --------------------------------------------------------------------*/

static uint64_t read_xcr0(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

static int all(uint32_t reg, uint32_t bits) { return (reg & bits) == bits; }

static uint64_t ask_cpu(void) {
  uint32_t a, b, c, d, a7 = 0, b7 = 0, c7 = 0, d7 = 0, a71 = 0, b71 = 0, c71 = 0, d71 = 0, ce = 0;
  uint64_t mask = 0, xcr0;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return 0;
  if (!(c & bit_OSXSAVE))
    return 0;
  xcr0 = read_xcr0();
  if (__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7) && a7 >= 1)
    __get_cpuid_count(7, 1, &a71, &b71, &c71, &d71);
  if (__get_cpuid(0x80000001u, &a, &b, &ce, &d) == 0)
    ce = 0;
  __get_cpuid(1, &a, &b, &c, &d);
  /* SSE3 SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AVX F16C; BMI AVX2 BMI2; LAHF LZCNT; xmm and ymm state. */
  if (all(c, 1u << 0 | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 | 1u << 23 | 1u << 28 |
                 1u << 29) &&
      all(b7, 1u << 3 | 1u << 5 | 1u << 8) && all(ce, 1u << 0 | 1u << 5) && (xcr0 & 0x6) == 0x6)
    mask |= WEIR_CPU_V3;
  else
    return 0;
  if (b71 | a71) {
    if (a71 & 1u << 4)
      mask |= WEIR_CPU_AVX_VNNI;
    if (a71 & 1u << 23)
      mask |= WEIR_CPU_AVX_IFMA;
  }
  if (c7 & 1u << 8)
    mask |= WEIR_CPU_GFNI;
  if ((xcr0 & 0x60000) == 0x60000 && (d7 & 1u << 24)) {
    mask |= WEIR_CPU_AMX_TILE;
    mask |= d7 & 1u << 22 ? WEIR_CPU_AMX_BF16 : 0;
  }
  /* AVX512 F DQ CD BW VL; opmask and zmm state. */
  if (!all(b7, 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31) || (xcr0 & 0xe6) != 0xe6)
    return mask;
  mask |= WEIR_CPU_V4;
  mask |= a71 & 1u << 5 ? WEIR_CPU_AVX512_BF16 : 0;
  mask |= d7 & 1u << 23 ? WEIR_CPU_AVX512_FP16 : 0;
  mask |= c7 & 1u << 11 ? WEIR_CPU_AVX512_VNNI : 0;
  mask |= c7 & 1u << 1 ? WEIR_CPU_AVX512_VBMI : 0;
  mask |= c7 & 1u << 6 ? WEIR_CPU_AVX512_VBMI2 : 0;
  mask |= c7 & 1u << 12 ? WEIR_CPU_AVX512_BITALG : 0;
  mask |= c7 & 1u << 14 ? WEIR_CPU_AVX512_VPOPCNTDQ : 0;
  mask |= b7 & 1u << 21 ? WEIR_CPU_AVX512_IFMA : 0;
  return mask;
}

/* Linux lets a process use tiles (component 18 of the saved state) once it has asked. */
int weir_permit_tiles(void) {
  static int known; /* 0: not asked, 1: yes, 2: no */
  int state = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!state) {
    enum { request_permission = 0x1023, tile_data = 18 };
    state = syscall(SYS_arch_prctl, request_permission, tile_data) ? 2 : 1;
    __atomic_store_n(&known, state, __ATOMIC_RELAXED);
  }
  return state == 1;
}

uint64_t weir_cpu_features(void) {
  static uint64_t known; /* bit 62 is set when it has been asked */
  uint64_t mask = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!mask) {
    mask = ask_cpu() | UINT64_C(1) << 62;
    __atomic_store_n(&known, mask, __ATOMIC_RELAXED);
  }
  return mask & ~(UINT64_C(1) << 62);
}
