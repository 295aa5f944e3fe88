// A module of a host program: a function of its own, and one that has an equation between ops of another dialect.
func.func @host(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = tosa.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

func.func @double(%x: tensor<?xf32> {attn.name = "X", attn.ranks = ["M"]})
    -> (tensor<?xf32> {attn.name = "Z", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %zero = arith.constant 0 : index
  %e = tosa.exp %x : (tensor<?xf32>) -> tensor<?xf32>
  %extent = tensor.dim %x, %zero : tensor<?xf32>
  %y = attn.einsum "Y" [m] in (%extent) {
  ^bb0(%m: i64):
    %a = attn.read %e[%m] : tensor<?xf32> -> f32
    %b = attn.map add(%a, %a) : (f32, f32) -> f32
    attn.yield %b : f32
  } : tensor<?xf32>
  %dense = attn.materialize %y : tensor<?xf32> to tensor<?xf32>
  %z = tosa.tanh %dense : (tensor<?xf32>) -> tensor<?xf32>
  return %z : tensor<?xf32>
}
