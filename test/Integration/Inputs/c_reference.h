/* What is drawn, and the largest error of attention against plain loops in double precision. Needs H, M, N, D, F and the arrays q, k, v, o. */
#include <math.h>

static float draw(void) {
  static unsigned state = 1;
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 16) / 32768.0f - 1.0f;
}

static double worst(void) {
  double most = 0;
  int h, m, n, d, f;
  for (h = 0; h < H; ++h)
    for (m = 0; m < M; ++m) {
      double p[N], max = -HUGE_VAL, sum = 0;
      for (n = 0; n < N; ++n) {
        p[n] = 0;
        for (d = 0; d < D; ++d)
          p[n] += (double)q[(h * M + m) * D + d] * k[(h * N + n) * D + d] / 4.0;
        max = p[n] > max ? p[n] : max;
      }
      for (n = 0; n < N; ++n)
        sum += p[n] = exp(p[n] - max);
      for (f = 0; f < F; ++f) {
        double expected = 0, difference;
        for (n = 0; n < N; ++n)
          expected += p[n] / sum * v[(h * N + n) * F + f];
        difference = fabs(expected - o[(h * M + m) * F + f]);
        most = difference > most ? difference : most;
      }
    }
  return most;
}
