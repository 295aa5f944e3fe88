/* Attention for a GPU, called from C: memory of the device by the driver's library, which is opened as the kernel
   opens it. Says what each call gives; with an argument that there is a driver. */
#define _POSIX_C_SOURCE 200809L
#include "softmax.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { H = 2, M = 20, N = 37, D = 16, F = 24 };
static float q[H * M * D], k[H * N * D], v[H * N * F], o[H * M * F];
static int64_t q_extents[4] = {1, H, M, D}, k_extents[4] = {1, H, N, D};
static int64_t v_extents[4] = {1, H, N, F}, o_extents[4] = {1, H, M, F};

#include "c_reference.h"

static void fill(float *x, int n) {
  while (n-- > 0)
    *x++ = draw();
}

/* The driver, as far as a program needs it. */
typedef int (*cu_create)(void **, unsigned, int);
typedef int (*cu_alloc)(uint64_t *, size_t);
typedef int (*cu_upload)(uint64_t, const void *, size_t);
typedef int (*cu_download)(void *, uint64_t, size_t);
static void *function(const char *name) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW), *found = library ? dlsym(library, name) : NULL;
  if (!found)
    printf("no %s: %s\n", name, dlerror()), exit(1);
  return found;
}

static weir_tensor on_device(const float *values, int64_t count, const int64_t *extents) {
  cu_alloc alloc;
  cu_upload upload;
  uint64_t address = 0;
  *(void **)&alloc = function("cuMemAlloc_v2");
  *(void **)&upload = function("cuMemcpyHtoD_v2");
  if (alloc(&address, (size_t)count * sizeof(float)) ||
      (values && upload(address, values, (size_t)count * sizeof(float))))
    printf("the driver fails\n"), exit(1);
  return weir_dense((void *)(uintptr_t)address, WEIR_F32, 4, extents);
}

static void say(const char *what, int status) {
  printf("%s: %d %s\n", what, status, status ? attention_last_error() : "");
}

int main(int argc, char **argv) {
  attention_args args;
  int64_t asked[4], strides[4] = {H * M * D, M * D, 1, M};
  cu_create create;
  cu_download download;
  int i;
  setvbuf(stdout, NULL, _IOLBF, 0); /* the driver has things to say, too */
  fill(q, H * M * D), fill(k, H * N * D), fill(v, H * N * F);
  attention_args_init(&args);
  say("nothing given", attention(&args));
  args.Q = weir_dense(q, WEIR_F32, 4, q_extents);
  args.K = weir_dense(k, WEIR_F32, 4, k_extents);
  args.V = weir_dense(v, WEIR_F32, 4, v_extents);
  args.O = weir_dense(NULL, WEIR_F32, 4, o_extents);
  say("no output", attention(&args));
  args.O.data = o;
  k_extents[3] = D + 1;
  say("another D", attention(&args));
  k_extents[3] = D;
  args.V.dtype = WEIR_F16;
  say("another type", attention(&args));
  args.V.dtype = WEIR_F32;
  args.Q.strides = strides;
  say("turned around", attention(&args));
  args.Q.strides = NULL;
  args.O.data = v;
  say("output over input", attention(&args));
  args.O.data = o;
  if (attention_output_extents(&args, asked) == WEIR_OK)
    printf("extents: %d %d %d %d\n", (int)asked[0], (int)asked[1], (int)asked[2], (int)asked[3]);
  if (argc < 2) {
    say("run", attention(&args));
    return 0;
  }
  *(void **)&create = function("cuCtxCreate_v2");
  *(void **)&download = function("cuMemcpyDtoH_v2");
  if (argv[1][0] == 'c') {
    void *context;
    create(&context, 0, 0);
  } else { /* the kernel takes the context of device 0, so its memory has to be of that */
    void *context;
    int (*retain)(void **, int), (*set)(void *);
    *(void **)&retain = function("cuDevicePrimaryCtxRetain");
    *(void **)&set = function("cuCtxSetCurrent");
    retain(&context, 0);
    set(context);
  }
  args.Q = on_device(q, H * M * D, q_extents);
  args.K = on_device(k, H * N * D, k_extents);
  args.V = on_device(v, H * N * F, v_extents);
  args.O = on_device(NULL, H * M * F, o_extents);
  if (argv[1][0] != 'c') {
    int (*set)(void *);
    *(void **)&set = function("cuCtxSetCurrent");
    set(NULL);
  }
  args.stream = argv[1][0] == 'c' ? (void *)7 : NULL;
  for (i = 0; i < 2; ++i)
    say("run", attention(&args));
  download(o, (uint64_t)(uintptr_t)args.O.data, sizeof o);
  printf("values: %s\n", worst() < 1e-6 ? "right" : "wrong");
  return 0;
}
