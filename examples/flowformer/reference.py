"""Flow attention, not causal."""
import numpy as np

from support import example, identity, sigmoid, softmax


@example("flowformer.attn", "flowformer", sizes=dict(B=1, H=2, M=7, N=19, D=8, F=6), params=dict(eps=1e-6), huge=6.0)
def flowformer(Q, K, V, eps):
    q, k = sigmoid(Q), sigmoid(K)
    M, N = q.shape[2], max(k.shape[2], 1)
    dot = lambda x, total: ((x + eps) * (total[:, :, None] + eps)).sum(-1, keepdims=True)
    incoming, outgoing = 1 / dot(q, k.sum(2)), 1 / dot(k, q.sum(2))
    sink = dot(q, (k * outgoing).sum(2))
    source = np.clip(dot(k, (q * incoming).sum(2)), -1, 1)
    competition = softmax(source, axis=2) * N
    return (q * incoming) @ (k.swapaxes(-1, -2) @ (V * competition)) * sigmoid(sink * M / N)


@example("causal.attn", "causal_flowformer", sizes=dict(B=1, H=2, T=19, D=8, F=6), params=dict(eps=1e-6), huge=6.0)
def causal_flowformer(Q, K, V, eps):
    q, k = sigmoid(Q), sigmoid(K)
    B, H, T, D = q.shape
    sums = {name: np.zeros_like(q, shape=(B, H, D)) for name in ("k", "q", "ko", "qi")}
    state, total, rows = np.zeros_like(q, shape=(B, H, D, V.shape[-1])), np.zeros_like(q, shape=(B, H)), []
    dot = lambda a, b: ((a + eps) * (b + eps)).sum(-1)
    for t in range(T):
        a, b, n = q[:, :, t], k[:, :, t], t + 1
        sums["k"], sums["q"] = sums["k"] + b, sums["q"] + a
        incoming, outgoing = n / dot(a, sums["k"]), n / dot(b, sums["q"])
        sums["ko"], sums["qi"] = sums["ko"] + b * outgoing[..., None], sums["qi"] + a * incoming[..., None]
        sink, source = dot(a, sums["ko"]) / n, np.clip(dot(b, sums["qi"]) / n, -1, 1)
        total = total + np.exp(source)
        state = state + b[..., None] * V[:, :, t, None] * (np.exp(source) / total * n)[..., None, None]
        rows.append(sigmoid(sink)[..., None] * np.einsum("bhd,bhdf->bhf", a, state) * (incoming / n)[..., None])
    return np.stack(rows, 2) if rows else V


@identity
def the_past_does_not_see_the_future(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    head = lambda x: x[:, :, :4]
    return head(causal_flowformer(Q, K, V, 1e-6)), causal_flowformer(head(Q), head(K), head(V), 1e-6)


@identity
def the_order_of_the_keys_is_free(rng):
    Q, K, V = (rng.standard_normal((1, 2, 6, 4)) for _ in range(3))
    p = rng.permutation(6)
    return flowformer(Q, K[:, :, p], V[:, :, p], 1e-6), flowformer(Q, K, V, 1e-6)
