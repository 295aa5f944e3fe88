/* A kernel that goes on from a state, called from C with one key at a time: after each token its row is what one call with all keys gives,
   and the last call's rows are all of them. The state goes from call to call in two sets of buffers. */
#include "token.h"
#include "whole.h"
#include <stdio.h>

enum { N = 19, D = 8, F = 5 };
static float q[N * D], k[N * D], v[N * F], o[N * F], expected[N * F];
/* Zeros: the state before the first key. */
static struct {
  float reference[N], sum[N], value[F * N];
  uint8_t there[N];
} state[2];

static float draw(void) {
  static unsigned seed = 1;
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 16) / 32768.0f - 1.0f;
}

static void set(weir_tensor *tensor, void *data, const int64_t *extents) {
  tensor->data = data;
  tensor->extents = (int64_t *)extents;
}

/* A score is rounded by at most D * 2^-24 * 4*D = 1.5e-5, so weights of two ways to compute it differ by 6e-5 of themselves; values are at most 1. */
static const double tolerance = 1e-4;

/* The largest difference in rows `first` to `last` - 1. */
static double worst(int first, int last) {
  double most = 0, difference;
  int i;
  for (i = first * F; i < last * F; ++i) {
    difference = fabs((double)o[i] - expected[i]);
    most = difference <= most ? most : difference;
  }
  return most;
}

static int call(int n) {
  static const int64_t q_extents[2] = {N, D}, one_key[2] = {1, D}, one_value[2] = {1, F}, o_extents[2] = {N, F};
  static const int64_t rows[1] = {N}, features[2] = {F, N};
  token_args args;
  int old = n % 2, next = 1 - old;
  token_args_init(&args);
  set(&args.Q, q, q_extents);
  set(&args.K, k + n * D, one_key);
  set(&args.V, v + n * F, one_value);
  set(&args.O, o, o_extents);
  set(&args.R3_in, state[old].reference, rows);
  set(&args.R3_there_in, state[old].there, rows);
  set(&args.S4_in, state[old].sum, rows);
  set(&args.S5_in, state[old].value, features);
  set(&args.R3_out, state[next].reference, rows);
  set(&args.R3_there_out, state[next].there, rows);
  set(&args.S4_out, state[next].sum, rows);
  set(&args.S5_out, state[next].value, features);
  args.N_start = n;
  return token(&args);
}

int main(void) {
  static const int64_t q_extents[2] = {N, D}, v_extents[2] = {N, F};
  whole_args args;
  double tokens = 0, difference;
  int i, n;
  for (i = 0; i < N * D; ++i)
    q[i] = 4 * draw(), k[i] = draw();
  for (i = 0; i < N * F; ++i)
    v[i] = draw();
  whole_args_init(&args);
  set(&args.Q, q, q_extents);
  set(&args.K, k, q_extents);
  set(&args.V, v, v_extents);
  set(&args.O, expected, v_extents);
  if (whole(&args))
    return printf("refused: %s\n", whole_last_error()), 1;
  for (n = 0; n < N; ++n) {
    if (call(n))
      return printf("refused: %s\n", token_last_error()), 1;
    difference = worst(n, n + 1);
    tokens = difference <= tokens ? tokens : difference;
  }
  printf("tokens: %s\n", tokens < tolerance ? "right" : "wrong");
  printf("all rows: %s\n", worst(0, N) < tolerance ? "right" : "wrong");
  return 0;
}
