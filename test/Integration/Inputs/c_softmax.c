/* Attention compiled from the language with D fixed at 16, called from C: values against plain loops, and what only a kernel with a fixed
   extent refuses. */
#include "softmax.h"
#include <stdio.h>

enum { H = 2, M = 5, N = 7, D = 16, F = 3 };
static float q[H * M * D], k[H * N * D], v[H * N * F], o[H * M * F];

#include "c_reference.h"

int main(void) {
  int64_t q_extents[4] = {1, H, M, D}, k_extents[4] = {1, H, N, D};
  int64_t v_extents[4] = {1, H, N, F}, o_extents[4] = {1, H, M, F}, asked[4];
  attention_args args;
  int i;
  for (i = 0; i < H * M * D; ++i)
    q[i] = 3 * draw();
  for (i = 0; i < H * N * D; ++i)
    k[i] = draw();
  for (i = 0; i < H * N * F; ++i)
    v[i] = draw();
  attention_args_init(&args);
  args.Q.data = q, args.Q.extents = q_extents;
  args.K.data = k, args.K.extents = k_extents;
  args.V.data = v, args.V.extents = v_extents;
  args.O.data = o, args.O.extents = o_extents;
  if (attention(&args))
    printf("refused: %s\n", attention_last_error());
  printf("values: %s\n", worst() < 1e-6 ? "right" : "wrong");

  if (attention_output_extents(&args, asked) == WEIR_OK)
    printf("extents: %d %d %d %d\n", (int)asked[0], (int)asked[1], (int)asked[2], (int)asked[3]);
  q_extents[3] = 8;
  printf("%d %s\n", attention(&args), attention_last_error());
  q_extents[3] = D;
  o_extents[3] = F + 1;
  printf("%d %s\n", attention(&args), attention_last_error());
  return 0;
}
