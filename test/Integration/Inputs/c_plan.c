/* A plan is made once and taken by calls with other queries, keys and values: the same bits as without it, a loop over threads less, a smaller
   workspace. What does not fit is refused before anything is written. */
#include "planned.h"
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      printf("line %d: %s (%s)\n", __LINE__, #condition, planned_last_error());                              \
      exit(1);                                                                                               \
    }                                                                                                        \
  } while (0)

enum { B = 2, H = 3, M = 150, N = 400, D = 8, F = 16 };
static float q[B * H * M * D], k[B * H * N * D], v[B * H * N * F], o[B * H * M * F], expected[B * H * M * F];
static int32_t a[B * M], c[B * N];

static float draw(void) {
  static unsigned seed = 1;
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 16) / 32768.0f - 1.0f;
}

static void redraw(void) {
  int i;
  for (i = 0; i < B * H * M * D; ++i)
    q[i] = draw();
  for (i = 0; i < B * H * N * D; ++i)
    k[i] = draw();
  for (i = 0; i < B * H * N * F; ++i)
    v[i] = draw();
}

static int loops;
static void count(void *context, weir_body body, void *body_context, int64_t n) {
  (void)context;
  ++loops;
  body(body_context, 0, n);
}

static void set(weir_tensor *tensor, void *data, const int64_t *extents) {
  tensor->data = data;
  tensor->extents = (int64_t *)extents;
}

int main(void) {
  static const int64_t qs[4] = {B, H, M, D}, ks[4] = {B, H, N, D}, vs[4] = {B, H, N, F}, os[4] = {B, H, M, F};
  static const int64_t as[2] = {B, M}, cs[2] = {B, N}, fewer[2] = {B, M - 1}, fewer_qs[4] = {B, H, M - 1, D},
                       fewer_os[4] = {B, H, M - 1, F};
  planned_args args;
  int64_t bytes, whole;
  int trial, i, own;
  void *plan;
  for (i = 0; i < B * M; ++i)
    a[i] = i % M / 40;
  for (i = 0; i < B * N; ++i)
    c[i] = i % N / 40;
  planned_args_init(&args);
  set(&args.Q, NULL, qs);
  set(&args.K, NULL, ks);
  set(&args.V, NULL, vs);
  set(&args.A, NULL, as);
  set(&args.C, NULL, cs);
  set(&args.O, NULL, os);
  args.parallel_for = count;
  bytes = planned_plan(&args, NULL); /* without data */
  whole = planned_workspace_bytes(&args);
  CHECK(bytes > 0 && whole >= bytes - 64);
  plan = malloc((size_t)bytes);
  CHECK(plan && planned_plan(&args, plan) == -WEIR_E_NULL);
  set(&args.Q, q, qs);
  set(&args.K, k, ks);
  set(&args.V, v, vs);
  set(&args.A, a, as);
  set(&args.C, c, cs);
  set(&args.O, o, os);
  redraw();
  CHECK(planned_plan(&args, plan) == bytes);
  for (trial = 0; trial < 2; ++trial) {
    redraw();
    args.plan = NULL;
    loops = 0;
    CHECK(planned(&args) == WEIR_OK);
    own = loops;
    memcpy(expected, o, sizeof o);
    memset(o, 0, sizeof o);
    args.plan = plan;
    loops = 0;
    CHECK(planned(&args) == WEIR_OK);
    CHECK(loops < own);
    CHECK(memcmp(o, expected, sizeof o) == 0);
  }
  CHECK(planned_workspace_bytes(&args) < whole);
  /* The plan says which tiles are visited: of rows 0 to 39, none with keys that only the new ids allow. */
  for (i = 0; i < B * N; ++i)
    c[i] = 9 - c[i];
  CHECK(planned(&args) == WEIR_OK);
  CHECK(o[0] == 0);
  args.plan = NULL;
  CHECK(planned(&args) == WEIR_OK);
  CHECK(o[0] != 0);
  args.plan = plan;
  args.w = 999;
  CHECK(planned(&args) == WEIR_E_PLAN && strstr(planned_last_error(), "other extents or params"));
  args.w = 1000;
  set(&args.Q, q, fewer_qs);
  set(&args.A, a, fewer);
  set(&args.O, o, fewer_os);
  CHECK(planned(&args) == WEIR_E_PLAN);
  set(&args.Q, q, qs);
  set(&args.A, a, as);
  set(&args.O, o, os);
  args.plan = (char *)plan + 1;
  CHECK(planned(&args) == WEIR_E_ALIGNMENT);
  memset(plan, 0, 64);
  args.plan = plan;
  CHECK(planned(&args) == WEIR_E_PLAN && strstr(planned_last_error(), "not made by planned_plan"));
  free(plan);
  printf("all right\n");
  return 0;
}
