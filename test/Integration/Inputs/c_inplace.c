/* `scale` compiled with --inplace X=Y. */
#include "scale.h"
#include <stdio.h>

int main(void) {
  float x[6] = {1, 2, 3, 4, 5, 6}, w[2] = {10, 20}, z[3];
  const float expected[6] = {12, 24, 16, 28, 20, 32};
  const int64_t mn[2] = {3, 2};
  const int64_t shifted[2] = {2, 2};
  int i, wrong = 0;
  scale_args args;
  scale_args_init(&args);
  args.X.data = args.Y.data = x;
  args.X.extents = args.Y.extents = mn;
  args.W.data = w;
  args.W.extents = mn + 1;
  args.Z.data = z;
  args.Z.extents = mn;
  if (scale(&args) != WEIR_OK) {
    printf("refused: %s\n", scale_last_error());
    return 1;
  }
  for (i = 0; i < 6; ++i)
    if (x[i] != expected[i])
      wrong = printf("x[%d] is %g, expected %g\n", i, x[i], expected[i]);
  /* Overlapping without being the same is refused. */
  args.X.extents = args.Y.extents = shifted;
  args.Z.extents = shifted;
  args.Y.data = x + 2;
  if (scale(&args) != WEIR_E_OVERLAP)
    wrong = printf("a shifted output was not refused\n");
  if (wrong)
    return 1;
  printf("in place: right\n");
  return 0;
}
