/*===- c_api.c - the compiler from C, step by step -------------------------------------------------===*/
/* Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.                       */
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                                              */
/* usage: c_api softmax.attn OUT.so */
#define _POSIX_C_SOURCE 200809L
#include "attention.h"
#include "weir-c/Weir.h"
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;

static void check(int holds, const char *what) {
  checks++;
  if (!holds) {
    failures++;
    printf("FAILED: %s (last error: %s)\n", what, weirLastError());
  }
}

static int contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

enum { ROWS = 5, KEYS = 7, WIDTH = 3, VALUES = 4 };
static float q[ROWS * WIDTH], k[KEYS * WIDTH], v[KEYS * VALUES], o[ROWS * VALUES];
static const int64_t qs[4] = {1, 1, ROWS, WIDTH}, ks[4] = {1, 1, KEYS, WIDTH};
static const int64_t vs[4] = {1, 1, KEYS, VALUES}, os[4] = {1, 1, ROWS, VALUES};

static void fill(float *data, int count, int step) {
  for (int i = 0; i < count; i++)
    data[i] = (float)((i * step) % 11 - 5) / 4;
}

static attention_args arguments(void) {
  attention_args args;
  attention_args_init(&args);
  args.Q.data = q, args.Q.extents = qs;
  args.K.data = k, args.K.extents = ks;
  args.V.data = v, args.V.extents = vs;
  args.O.data = o, args.O.extents = os;
  return args;
}

/* The largest difference between `o` and attention in double. */
static double difference(void) {
  double worst = 0;
  for (int m = 0; m < ROWS; m++) {
    double weight[KEYS], sum = 0;
    for (int n = 0; n < KEYS; n++) {
      double score = 0;
      for (int d = 0; d < WIDTH; d++)
        score += (double)q[m * WIDTH + d] * k[n * WIDTH + d];
      sum += weight[n] = exp(score / sqrt(WIDTH));
    }
    for (int f = 0; f < VALUES; f++) {
      double value = 0;
      for (int n = 0; n < KEYS; n++)
        value += weight[n] / sum * v[n * VALUES + f];
      worst = fmax(worst, fabs(value - o[m * VALUES + f]));
    }
  }
  return worst;
}

static char *readFile(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file)
    exit(2);
  char *text = malloc(1 << 16);
  *length = fread(text, 1, 1 << 16, file);
  fclose(file);
  return text;
}

static void testErrors(weirContext *context) {
  const char *wrong = "cascade c(A[N]) -> (B[N]) {\n  B[n] = A[n] + missing[n]\n}\n";
  check(!weirModuleParseAttn(context, wrong, strlen(wrong), "mine.attn", NULL), "a wrong text is refused");
  check(contains(weirLastError(), "mine.attn:2:") && contains(weirLastError(), "missing"), "with its place");
  check(!weirModuleParseMLIR(context, "func.func", 9, "mine.mlir"), "wrong MLIR is refused");
  check(contains(weirLastError(), "mine.mlir:1:"), "with its place");
  weirModule *empty = weirModuleParseMLIR(context, "module {}", 9, "empty.mlir");
  check(empty != NULL, "an empty module");
  check(!weirModuleCompile(empty, NULL) && contains(weirLastError(), "no cascade"), "has nothing to compile");
  check(weirModuleRunPipeline(empty, "builtin.module(no-such-pass)") &&
            contains(weirLastError(), "no-such-pass"),
        "a pass that does not exist");
  check(weirModuleRunPipeline(empty, "func.func(cse)") && contains(weirLastError(), "builtin.module"),
        "a pipeline for something else");
  check(weirModuleRunPipeline(empty, "builtin.module(tiles-to-cpu-pipeline{target=cpu:abacus})") &&
            contains(weirLastError(), "abacus"),
        "a processor that does not exist");
  check(!weirModuleRunPipeline(empty, "builtin.module(cse)"), "an error leaves the module as it was");
  weirModuleDestroy(empty);

  check(!weirModuleParseMLIR(context, "ML\xefR\1 is not bytecode", 20, "mine.mlirbc"),
        "broken bytecode is refused");
  check(!weirModuleParseAttn(NULL, wrong, strlen(wrong), "mine.attn", NULL) &&
            contains(weirLastError(), "context"),
        "no context");
  check(!weirModuleCompile(NULL, NULL) && contains(weirLastError(), "null"), "no module");
  check(weirModuleRunPipeline(NULL, "builtin.module()") && weirModulePrint(NULL, NULL), "none here either");
  const char *hollow = "func.func @f() attributes {weir.kernel} { return }";
  weirModule *module = weirModuleParseMLIR(context, hollow, strlen(hollow), "hollow.mlir");
  check(module && !weirModuleCompile(module, NULL) && contains(weirLastError(), "not a kernel"),
        "a kernel that is none");
  weirModuleDestroy(module);
  const char *foreign =
      "func.func @f(%x: tensor<4xf32> {attn.name = \"X\", attn.ranks = [\"M\"]})"
      " -> (tensor<4xf32> {attn.name = \"Y\", attn.ranks = [\"M\"]}) attributes {attn.cascade} {\n"
      "  %e = math.exp %x : tensor<4xf32>\n  %y = attn.materialize %e : tensor<4xf32> to tensor<4xf32>\n"
      "  return %y : tensor<4xf32>\n}\n";
  module = weirModuleParseMLIR(context, foreign, strlen(foreign), "foreign.mlir");
  check(module && !weirModuleCompile(module, NULL) && contains(weirLastError(), "foreign.mlir:2:") &&
            contains(weirLastError(), "not math.exp"),
        "a cascade with another's op in it");
  weirModuleDestroy(module);
}

static void testKernel(weirContext *context, const weirModule *module) {
  weirKernel *kernel = weirModuleCompile(module, NULL);
  check(kernel != NULL, "a cascade compiles");
  attention_args args = arguments();
  memset(o, 0, sizeof o);
  check(weirKernelCall(kernel, &args) == WEIR_OK && difference() < 1e-6, "and computes attention");
  args.V.rank = 3;
  check(weirKernelCall(kernel, &args) == WEIR_E_RANK && weirLastError()[0],
        "a wrong rank is refused with a reason");
  check(weirKernelCall(kernel, NULL) == WEIR_E_NULL && contains(weirLastError(), "null"), "and so are none");
  weirKernelDestroy(kernel);
  check(!weirModuleCompile(module, "other") && contains(weirLastError(), "attention"),
        "a wrong name lists the right one");

  weirModule *tiled = weirModuleClone(module);
  weirBytes text;
  check(!weirModuleRunPipeline(tiled, "builtin.module(attn-to-tiles-pipeline{target=cpu:native})"),
        "a pipeline runs");
  check(!weirModulePrint(tiled, &text) && contains(text.data, "weir.kernel") &&
            !contains(text.data, "attn.einsum"),
        "and leaves loops");
  weirModule *again = weirModuleParseMLIR(context, text.data, text.length, "tiled.mlir");
  check(again != NULL, "which are read back");
  weirBytesFree(&text);
  check(text.data == NULL && text.length == 0, "freed bytes are empty");
  kernel = weirModuleCompile(again, "attention");
  args = arguments();
  memset(o, 0, sizeof o);
  weirModuleDestroy(again);
  check(weirKernelCall(kernel, &args) == WEIR_OK && difference() < 1e-6,
        "and computed by a kernel that outlives them");
  weirKernelDestroy(kernel);
  weirModuleDestroy(tiled);
}

static void testEmit(const weirModule *module, const char *path) {
  weirBytes bytes = {NULL, 0};
  check(weirModuleEmit(module, NULL, "exe", &bytes) && contains(weirLastError(), "exe"),
        "a kind that does not exist");
  check(weirModuleEmit(module, "cpu:x86-64-v3,", "so", &bytes) && contains(weirLastError(), "missing"),
        "a target without a name");
  check(weirModuleEmit(module, "cpu:abacus", "so", &bytes) && contains(weirLastError(), "abacus"),
        "no such processor");
  check(!weirModuleEmit(module, NULL, "h", &bytes) && contains(bytes.data, "attention_args"), "a header");
  weirBytesFree(&bytes);
  check(!weirModuleEmit(module, NULL, "so", &bytes) && bytes.length > 1000, "a shared library");
  FILE *file = fopen(path, "wb");
  check(file && fwrite(bytes.data, 1, bytes.length, file) == bytes.length && !fclose(file), "is written");
  weirBytesFree(&bytes);
  void *library = dlopen(path, RTLD_NOW);
  int (*run)(const attention_args *) = NULL;
  if (library)
    *(void **)&run = dlsym(library, "attention");
  attention_args args = arguments();
  memset(o, 0, sizeof o);
  check(run && run(&args) == WEIR_OK && difference() < 1e-6, "loaded, and computes attention");
  if (library)
    dlclose(library);
}

/* Another thread has its own last error. */
static void *elsewhere(void *quiet) {
  *(int *)quiet = weirLastError()[0] == 0;
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  size_t length;
  char *text = readFile(argv[1], &length);
  fill(q, ROWS * WIDTH, 3), fill(k, KEYS * WIDTH, 7), fill(v, KEYS * VALUES, 5);
  check(weirLastError()[0] == 0, "no error before the first");
  weirContext *context = weirContextCreate();
  testErrors(context);
  int quiet = 0;
  pthread_t thread;
  check(!pthread_create(&thread, NULL, elsewhere, &quiet) && !pthread_join(thread, NULL) && quiet,
        "errors are a thread's own");
  weirModule *module = weirModuleParseAttn(context, text, length, argv[1], "attention");
  check(module != NULL, "the text is read");
  free(text);
  weirBytes printed;
  check(!weirModulePrint(module, &printed) && contains(printed.data, "attn.einsum"), "a cascade is printed");
  weirBytesFree(&printed);
  testKernel(context, module);
  testEmit(module, argv[2]);
  weirModuleDestroy(module);
  weirContextDestroy(context);
  printf("%d checks, %d failures\n", checks, failures);
  return failures != 0;
}
