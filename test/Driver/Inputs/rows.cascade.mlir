func.func @rows(%X: tensor<?x?xf32> {attn.name = "X", attn.ranks = ["M", "N"]},
                %W: tensor<?xi32> {attn.name = "W", attn.ranks = ["N"]},
                %scale: f32 {attn.name = "scale", attn.type = f32, attn.default = "2.0"},
                %shift: f32 {attn.name = "shift", attn.type = f32})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["M"]}, tensor<?xi64> {attn.name = "T", attn.ranks = ["M"]})
    attributes {attn.cascade} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %M = tensor.dim %X, %c0 : tensor<?x?xf32>
  %N = tensor.dim %X, %c1 : tensor<?x?xf32>
  %S = attn.einsum "S" [m, n] in (%M, %N) {
  ^bb0(%m: i64, %n: i64):
    %x = attn.read %X[%m, %n] : tensor<?x?xf32> -> f32
    %sx = attn.map mul(%scale, %x) : (f32, f32) -> f32
    %s = attn.map add(%sx, %shift) : (f32, f32) -> f32
    %p = attn.map le(%n, %m) : (i64, i64) -> i1
    %w = attn.where %s, %p : f32
    attn.yield %w : f32
  } : tensor<?x?xf32>
  %Y = attn.einsum "Y" [m] in (%M) {
  ^bb0(%m: i64):
    %y = attn.reduce sum [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %w = attn.read %W[%n] : tensor<?xi32> -> i64
      %wr = attn.map real(%w) : (i64) -> f32
      %sw = attn.map mul(%s, %wr) : (f32, f32) -> f32
      attn.yield %sw : f32
    } : f32
    attn.yield %y : f32
  } : tensor<?xf32>
  %T = attn.einsum "T" [m] in (%M) {
  ^bb0(%m: i64):
    %t = attn.reduce count [n] in (%N) {
    ^bb0(%n: i64):
      %s = attn.read %S[%m, %n] : tensor<?x?xf32> -> f32
      %zero = attn.literal "0" : f32
      %q = attn.map gt(%s, %zero) : (f32, f32) -> i1
      attn.yield %q : i1
    } : i64
    attn.yield %t : i64
  } : tensor<?xi64>
  %Yw = attn.materialize %Y : tensor<?xf32> to tensor<?xf32>
  %Tw = attn.materialize %T : tensor<?xi64> to tensor<?xi64>
  return %Yw, %Tw : tensor<?xf32>, tensor<?xi64>
}
