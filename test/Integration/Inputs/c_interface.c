/* Uses the kernel `scale` (scale.tiled.mlir) as a C program does: values, strides, threads, and every refusal. */
#define _POSIX_C_SOURCE 200809L
#include "scale.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int checks, failures;
#define CHECK(condition)                                                                                      \
  do {                                                                                                        \
    ++checks;                                                                                                 \
    if (!(condition)) {                                                                                       \
      ++failures;                                                                                             \
      printf("line %d: %s (last error: %s)\n", __LINE__, #condition, scale_last_error());                     \
    }                                                                                                         \
  } while (0)
#define REFUSED(code, text)                                                                                   \
  do {                                                                                                        \
    untouched_before(&p);                                                                                     \
    CHECK(scale(&p.args) == (code));                                                                          \
    CHECK(strstr(scale_last_error(), (text)) != NULL);                                                        \
    CHECK(untouched(&p));                                                                                     \
  } while (0)

enum { M = 3, N = 4 };

typedef struct problem {
  float x[M * N * 4], w[N * 4], y[M * N * 4], z[M * 4];
  int64_t x_extents[2], w_extents[1], y_extents[2], z_extents[1];
  int64_t x_strides[2], w_strides[1], y_strides[2], z_strides[1];
  scale_args args;
} problem;

static void set_up(problem *p) {
  int i;
  memset(p, 0, sizeof *p);
  for (i = 0; i < M * N * 4; ++i)
    p->x[i] = (float)i;
  for (i = 0; i < N * 4; ++i)
    p->w[i] = 100.0f + (float)i;
  p->x_extents[0] = p->y_extents[0] = p->z_extents[0] = M;
  p->x_extents[1] = p->y_extents[1] = p->w_extents[0] = N;
  scale_args_init(&p->args);
  p->args.X.data = p->x;
  p->args.X.extents = p->x_extents;
  p->args.W.data = p->w;
  p->args.W.extents = p->w_extents;
  p->args.Y.data = p->y;
  p->args.Y.extents = p->y_extents;
  p->args.Z.data = p->z;
  p->args.Z.extents = p->z_extents;
}

static void untouched_before(problem *p) {
  int i;
  for (i = 0; i < M * N * 4; ++i)
    p->y[i] = -7.0f;
  for (i = 0; i < M * 4; ++i)
    p->z[i] = -7.0f;
}

static int untouched(const problem *p) {
  int i;
  for (i = 0; i < M * N * 4; ++i)
    if (p->y[i] != -7.0f)
      return 0;
  for (i = 0; i < M * 4; ++i)
    if (p->z[i] != -7.0f)
      return 0;
  return 1;
}

/* Y = factor * X + W, where X is at x[m * xs0 + n * xs1], and Z its sums. */
static int right(const problem *p, float factor, int xs0, int xs1, int ys0, int ys1) {
  int m, n;
  for (m = 0; m < M; ++m) {
    float sum = 0;
    for (n = 0; n < N; ++n) {
      float y = factor * p->x[m * xs0 + n * xs1] + p->w[n];
      if (p->y[m * ys0 + n * ys1] != y)
        return 0;
      sum += y;
    }
    if (p->z[m] != sum)
      return 0;
  }
  return 1;
}

static void values(void) {
  problem p;
  int64_t extents[3] = {-1, -1, -1};
  set_up(&p);
  CHECK(p.args.a == 2.0f && p.args.flip == 0 && p.args.k == 1); /* the defaults */
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, 2.0f, N, 1, N, 1));
  p.args.a = 0.5f;
  p.args.flip = 1;
  p.args.k = 3;
  p.args.threads = 2;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, -1.5f, N, 1, N, 1));
  CHECK(scale_output_extents(&p.args, extents) == WEIR_OK);
  CHECK(extents[0] == M && extents[1] == N && extents[2] == M);
  CHECK(scale_plan(&p.args, NULL) == 0);
  CHECK(strstr(scale_manifest, "\"kernel\":\"scale\"") != NULL);
}

static void strides(void) {
  problem p;
  set_up(&p); /* rows apart: no copy is needed */
  p.x_strides[0] = N + 3, p.x_strides[1] = 1;
  p.y_strides[0] = N + 1, p.y_strides[1] = 1;
  p.args.X.strides = p.x_strides;
  p.args.Y.strides = p.y_strides;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, 2.0f, N + 3, 1, N + 1, 1));
  set_up(&p); /* transposed, and every second: copied */
  p.x_strides[0] = 1, p.x_strides[1] = M;
  p.y_strides[0] = 2 * N, p.y_strides[1] = 2;
  p.args.X.strides = p.x_strides;
  p.args.Y.strides = p.y_strides;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, 2.0f, 1, M, 2 * N, 2));
  CHECK(p.y[1] == 0.0f); /* nothing between */
  set_up(&p); /* one row for all: an input may */
  p.x_strides[0] = 0, p.x_strides[1] = 1;
  p.args.X.strides = p.x_strides;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, 2.0f, 0, 1, N, 1));
  set_up(&p); /* backwards */
  p.x_strides[0] = -N, p.x_strides[1] = 1;
  p.args.X.strides = p.x_strides;
  p.args.X.data = p.x + (M - 1) * N;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(p.y[0] == 2.0f * p.x[(M - 1) * N] + p.w[0]);
  p.y_strides[0] = 0, p.y_strides[1] = 1; /* an output may not */
  p.args.Y.strides = p.y_strides;
  REFUSED(WEIR_E_STRIDES, "output Y has strides that put several entries in one place");
  p.y_strides[0] = INT64_MAX / 4;
  REFUSED(WEIR_E_STRIDES, "tensor Y has strides that leave the address space");
}

static void refusals(void) {
  problem p;
  set_up(&p);
  CHECK(scale(NULL) == WEIR_E_NULL);
  p.args.size -= 8;
  REFUSED(WEIR_E_VERSION, "expected");
  set_up(&p), p.args.version = 99;
  REFUSED(WEIR_E_VERSION, "version 99");
  set_up(&p), p.args.W.data = NULL;
  REFUSED(WEIR_E_NULL, "tensor W has a null data pointer");
  set_up(&p), p.args.Z.extents = NULL;
  REFUSED(WEIR_E_NULL, "tensor Z has null extents");
  set_up(&p), p.args.X.dtype = WEIR_F64;
  REFUSED(WEIR_E_DTYPE, "tensor X has type f64, expected f32");
  set_up(&p), p.args.Y.rank = 3;
  REFUSED(WEIR_E_RANK, "tensor Y has 3 dimensions, expected 2");
  set_up(&p), p.x_extents[0] = -1;
  REFUSED(WEIR_E_EXTENT, "extent -1");
  set_up(&p), p.w_extents[0] = N + 2;
  REFUSED(WEIR_E_EXTENT, "rank N is 4 in tensor X and 6 in tensor W");
  set_up(&p), p.z_extents[0] = M - 1;
  REFUSED(WEIR_E_EXTENT, "rank M is 3 in tensor X and 2 in tensor Z");
  set_up(&p), p.x_extents[0] = p.y_extents[0] = p.z_extents[0] = INT64_MAX / 8;
  REFUSED(WEIR_E_EXTENT, "more entries than memory can hold");
  set_up(&p), p.x_extents[1] = p.y_extents[1] = p.w_extents[0] = 3;
  REFUSED(WEIR_E_PROMISE, "N % 2 == 0");
  set_up(&p), p.args.Y.data = p.x + 5;
  CHECK(scale(&p.args) == WEIR_E_OVERLAP);
  CHECK(strstr(scale_last_error(), "output Y shares memory with input X") != NULL);
  set_up(&p), p.args.Z.data = p.y + 2;
  REFUSED(WEIR_E_OVERLAP, "output Z shares memory with output Y");
  set_up(&p), p.args.Y.data = p.x;
  CHECK(scale(&p.args) == WEIR_E_OVERLAP); /* in place only where it was compiled so */
  set_up(&p), p.args.W.data = (char *)p.w + 1;
  REFUSED(WEIR_E_ALIGNMENT, "tensor W is at an address");
  set_up(&p), p.args.flip = 2;
  REFUSED(WEIR_E_PARAM, "param flip is 2");
  set_up(&p), p.args.stream = &p;
  REFUSED(WEIR_E_DEVICE, "stream");
}

static void workspaces(void) {
  problem p;
  char buffer[256];
  set_up(&p);
  p.args.X.data = p.args.W.data = p.args.Y.data = p.args.Z.data = NULL;
  CHECK(scale_workspace_bytes(&p.args) == N + 63);
  set_up(&p), p.w_extents[0] = 1;
  CHECK(scale_workspace_bytes(&p.args) == -WEIR_E_EXTENT);
  set_up(&p), p.args.workspace = buffer + 1, p.args.workspace_bytes = N + 63;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(right(&p, 2.0f, N, 1, N, 1));
  p.args.workspace_bytes = N + 62;
  REFUSED(WEIR_E_WORKSPACE, "the workspace has 66 bytes, expected 67");
}

static void versions(void) {
  problem p;
  uint64_t has = scale_cpu_features();
  CHECK(scale_version_for(0) == -1);
  CHECK(scale_version_for(WEIR_CPU_V3) == 1);
  CHECK(scale_version_for(WEIR_CPU_V3 | WEIR_CPU_V4) == 0);
  CHECK(scale_version_for(WEIR_CPU_V3 | WEIR_CPU_AVX512_BF16) == 1);
  set_up(&p);
  untouched_before(&p);
  CHECK(scale_with_features(&p.args, 0) == WEIR_E_CPU);
  CHECK(strstr(scale_last_error(), "this processor has none of the feature sets") != NULL);
  CHECK(untouched(&p));
  if (has & WEIR_CPU_V3) {
    CHECK(scale_with_features(&p.args, WEIR_CPU_V3) == WEIR_OK);
    CHECK(right(&p, 2.0f, N, 1, N, 1));
  }
  /* Features that the processor has not are not believed. */
  CHECK(scale_with_features(&p.args, ~UINT64_C(0)) == (has & WEIR_CPU_V3 ? WEIR_OK : WEIR_E_CPU));
}

/* A host's own threads: one for each half, in the other order. */
typedef struct half {
  weir_body body;
  void *context;
  int64_t begin, end;
} half;
static int host_calls;
static void *run_half(void *argument) {
  half *h = (half *)argument;
  h->body(h->context, h->begin, h->end);
  return NULL;
}
static void host_parallel_for(void *context, weir_body body, void *body_context, int64_t n) {
  half halves[2];
  pthread_t threads[2];
  int i;
  ++*(int *)context;
  for (i = 0; i < 2; ++i) {
    half h;
    h.body = body;
    h.context = body_context;
    h.begin = i ? 0 : n / 2;
    h.end = i ? n / 2 : n;
    halves[i] = h;
    pthread_create(&threads[i], NULL, run_half, &halves[i]);
  }
  for (i = 0; i < 2; ++i)
    pthread_join(threads[i], NULL);
}

static void host_pool(void) {
  problem p;
  set_up(&p);
  p.args.parallel_for = host_parallel_for;
  p.args.parallel_context = &host_calls;
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(host_calls == 1);
  CHECK(right(&p, 2.0f, N, 1, N, 1));
}

/* Several threads in the kernel at once, some of them refused: each has its own last error. */
static void *caller(void *argument) {
  problem p;
  int i, bad = *(int *)argument;
  long wrong = 0;
  for (i = 0; i < 200; ++i) {
    set_up(&p);
    p.args.a = (float)i;
    if (bad)
      p.args.X.dtype = WEIR_I8 + bad % 4;
    if (scale(&p.args) != (bad ? WEIR_E_DTYPE : WEIR_OK))
      ++wrong;
    if (!bad && !right(&p, (float)i, N, 1, N, 1))
      ++wrong;
    if (bad && !strstr(scale_last_error(), bad % 4 == 1 ? "i4" : bad % 4 == 2 ? "u32" : "u8"))
      ++wrong;
  }
  return (void *)wrong;
}

static void many_threads(void) {
  pthread_t threads[6];
  int kinds[6] = {0, 1, 0, 2, 3, 0}, i;
  for (i = 0; i < 6; ++i)
    pthread_create(&threads[i], NULL, caller, &kinds[i]);
  for (i = 0; i < 6; ++i) {
    void *wrong;
    pthread_join(threads[i], &wrong);
    CHECK(wrong == NULL);
  }
}

/* The same struct as dlpack.h has. */
static void dlpack(void) {
  problem p;
  weir_dl_tensor dl;
  set_up(&p);
  memset(&dl, 0, sizeof dl);
  dl.data = p.x;
  dl.device.device_type = 1;
  dl.ndim = 2;
  dl.dtype.code = 2, dl.dtype.bits = 32, dl.dtype.lanes = 1;
  dl.shape = p.x_extents;
  dl.byte_offset = 4;
  CHECK(weir_from_dlpack(&p.args.X, &dl) == WEIR_OK);
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(p.y[0] == 2.0f * p.x[1] + p.w[0]);
  dl.device.device_type = 2; /* CUDA */
  CHECK(weir_from_dlpack(&p.args.X, &dl) == WEIR_E_DEVICE);
  dl.device.device_type = 1;
  dl.dtype.code = 5; /* complex */
  CHECK(weir_from_dlpack(&p.args.X, &dl) == WEIR_E_DTYPE);
  CHECK(weir_from_dlpack(&p.args.X, NULL) == WEIR_E_NULL);
}

static void empty(void) {
  problem p;
  set_up(&p);
  p.x_extents[0] = p.y_extents[0] = p.z_extents[0] = 0;
  p.args.X.data = p.args.Y.data = p.args.Z.data = NULL; /* nothing is there */
  untouched_before(&p);
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(untouched(&p));
  set_up(&p);
  p.x_extents[1] = p.y_extents[1] = p.w_extents[0] = 0;
  untouched_before(&p);
  CHECK(scale(&p.args) == WEIR_OK);
  CHECK(p.z[0] == 0.0f && p.z[M - 1] == 0.0f && p.y[0] == -7.0f);
}

int main(void) {
  values();
  strides();
  refusals();
  workspaces();
  versions();
  host_pool();
  many_threads();
  dlpack();
  empty();
  printf("%d checks, %d failures\n", checks, failures);
  return failures != 0;
}
