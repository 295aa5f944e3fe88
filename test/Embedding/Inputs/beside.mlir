// A cascade beside a function of the host program.
func.func @host(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = tosa.exp %x : (tensor<8xf32>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}

func.func @double(%x: tensor<?xf32> {attn.name = "X", attn.ranks = ["M"]})
    -> (tensor<?xf32> {attn.name = "Y", attn.ranks = ["M"]}) attributes {attn.cascade} {
  %zero = arith.constant 0 : index
  %extent = tensor.dim %x, %zero : tensor<?xf32>
  %y = attn.einsum "Y" [m] in (%extent) {
  ^bb0(%m: i64):
    %a = attn.read %x[%m] : tensor<?xf32> -> f32
    %b = attn.map add(%a, %a) : (f32, f32) -> f32
    attn.yield %b : f32
  } : tensor<?xf32>
  %dense = attn.materialize %y : tensor<?xf32> to tensor<?xf32>
  return %dense : tensor<?xf32>
}
