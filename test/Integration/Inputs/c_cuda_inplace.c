/* `turned`, compiled for a GPU with --inplace X=Y, over its own input: every second line of a larger matrix. */
#define _POSIX_C_SOURCE 200809L
#include "turned.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { M = 40, WIDE = 50 };
static float lines[2 * M * WIDE];

static void *function(const char *name) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW), *found = library ? dlsym(library, name) : NULL;
  if (!found)
    printf("no %s: %s\n", name, dlerror()), exit(1);
  return found;
}

int main(void) {
  int (*create)(void **, unsigned, int), (*alloc)(uint64_t *, size_t);
  int (*upload)(uint64_t, const void *, size_t), (*download)(void *, uint64_t, size_t);
  const int64_t mm[2] = {M, M}, apart[2] = {2 * WIDE, 1};
  void *context;
  uint64_t address;
  turned_args args;
  int i, k, status, wrong = 0;
  setvbuf(stdout, NULL, _IOLBF, 0); /* the driver has things to say, too */
  *(void **)&create = function("cuCtxCreate_v2");
  *(void **)&alloc = function("cuMemAlloc_v2");
  *(void **)&upload = function("cuMemcpyHtoD_v2");
  *(void **)&download = function("cuMemcpyDtoH_v2");
  create(&context, 0, 0);
  for (i = 0; i < 2 * M * WIDE; ++i)
    lines[i] = (float)i;
  alloc(&address, sizeof lines);
  upload(address, lines, sizeof lines);
  turned_args_init(&args);
  args.stream = (void *)7;
  args.X = weir_dense((void *)(uintptr_t)address, WEIR_F32, 2, mm);
  args.X.strides = apart;
  args.Y = args.X;
  status = turned(&args);
  printf("in place: %d %s\n", status, status ? turned_last_error() : "");
  args.Y.data = (float *)args.X.data + 1; /* is somewhere else, and overlaps */
  printf("beside: %d\n", turned(&args));
  download(lines, address, sizeof lines);
  for (i = 0; i < 2 * M; ++i)
    for (k = 0; k < WIDE; ++k) {
      float was = (float)(i * WIDE + k), is = i % 2 == 0 && k < M ? (float)(2 * ((2 * M - 2 - i) * WIDE + k)) : was;
      wrong += lines[i * WIDE + k] != is;
    }
  printf("%d wrong values\n", wrong);
  return 0;
}
