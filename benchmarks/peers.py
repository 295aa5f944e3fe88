"""What Weir is compared with. Each peer gets its tensors in its own layout and type before anything is timed, and returns a call without
arguments and a function that brings the call's result into [heads, rows, D]."""
import shutil
import time
import os

import numpy as np


class Unsupported(Exception):
    """The peer has no such attention."""


def _torch(threads):
    import torch
    torch.set_num_threads(threads)
    return torch


def _tensors(case, tensors, torch):
    kind = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16, "f64": torch.float64}[case.dtype]
    return [torch.from_numpy(tensors[name]).to(case.device, kind) for name in "QKV"]


def sdpa(case, tensors):
    """PyTorch's scaled_dot_product_attention."""
    torch = _torch(case.threads)
    if case.weights != "softmax" or case.mask not in ("none", "causal", "window"):
        raise Unsupported
    q, k, v = _tensors(case, tensors, torch)
    m, n = torch.arange(case.M, device=case.device)[:, None], torch.arange(case.N, device=case.device)[None, :]
    mask = case.sees(m, n) if case.mask == "window" else None

    def call():
        torch.set_num_threads(case.threads)
        with torch.inference_mode():
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, is_causal=case.mask == "causal",
                                                                    enable_gqa=case.G != case.H)
    return call, lambda o: o[0].float().cpu().numpy(), {}


def _score_mod(case, tensors, torch):
    if case.weights == "alibi":
        slope = torch.from_numpy(tensors["SLOPE"]).to(case.device)
        return lambda s, b, h, m, n: s - slope[h] * (m - n)
    if case.weights == "softcap":
        return lambda s, b, h, m, n: 50.0 * torch.tanh(s / 50.0)
    if case.weights != "softmax":
        raise Unsupported
    return None


def _mask_mod(case, tensors, torch):
    if case.mask == "none":
        return None
    if case.mask == "documents":
        ids = torch.from_numpy(tensors["DOC"][0]).to(case.device)
        return lambda b, h, m, n: (ids[m] == ids[n]) & (n <= m)
    if case.mask == "blocks":
        keep = torch.from_numpy(np.ascontiguousarray(tensors["KEEP"][0, 0])).to(case.device)
        return lambda b, h, m, n: keep[m // 64, n // 64]
    if case.mask == "neighbours":
        side = case.side
        first = lambda i: (i - 6).clamp(0, side - 13)

        def sees(b, h, m, n):
            y, x, u, r = m // side, m % side, n // side, n % side
            return (u >= first(y)) & (u < first(y) + 13) & (r >= first(x)) & (r < first(x) + 13)
        return sees
    return lambda b, h, m, n: case.sees(m, n)


def flex(case, tensors):
    """PyTorch's FlexAttention, compiled; the making of its block mask is timed apart."""
    torch = _torch(case.threads)
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    if case.device == "cpu" and not os.environ.get("CXX") and not shutil.which("g++"):
        raise Unsupported
    torch._dynamo.reset()
    q, k, v = _tensors(case, tensors, torch)
    score_mod, mask_mod, info = _score_mod(case, tensors, torch), _mask_mod(case, tensors, torch), {}
    block_mask = None
    with torch.inference_mode():
        if mask_mod:
            size = 64 if case.mask == "blocks" else 128
            make = lambda: create_block_mask(mask_mod, None, None, case.M, case.N, device=case.device, BLOCK_SIZE=size)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                block_mask = make()
                if case.device == "cuda":
                    torch.cuda.synchronize()
                times.append(time.perf_counter() - start)
            info["mask_s"] = min(times)
        compiled = torch.compile(flex_attention, dynamic=False)

        def call():
            torch.set_num_threads(case.threads)
            with torch.inference_mode():
                return compiled(q, k, v, score_mod=score_mod, block_mask=block_mask, enable_gqa=case.G != case.H)
        start = time.perf_counter()
        call()
        info["compile_s"] = time.perf_counter() - start
    return call, lambda o: o[0].float().cpu().numpy(), info


def _session(case, node, inputs, outputs, opset=17):
    import onnxruntime
    from onnx import TensorProto, helper
    kinds = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.int32): TensorProto.INT32}
    graph = helper.make_graph([node], "attention", [helper.make_tensor_value_info(name, kinds[array.dtype], array.shape)
                                                    for name, array in inputs.items()],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 10
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = case.threads, 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _check_onnx(case, masks):
    if case.dtype != "f32" or case.weights != "softmax" or case.mask not in masks:
        raise Unsupported
    import onnx  # noqa: F401, the error of its absence is wanted here


def _rows(array):
    """[1, heads, length, D] -> [1, length, heads * D], as ONNX Runtime's own operators want it."""
    return np.ascontiguousarray(array.transpose(0, 2, 1, 3).reshape(1, array.shape[2], -1))


def _heads(case):
    return lambda outputs: outputs[0].reshape(case.M, case.H, case.D).transpose(1, 0, 2)


def ort_mha(case, tensors):
    """ONNX Runtime's MultiHeadAttention."""
    _check_onnx(case, ("none", "causal"))
    if case.G != case.H:
        raise Unsupported
    from onnx import helper
    inputs = {name: _rows(tensors[name]) for name in "QKV"}
    node = helper.make_node("MultiHeadAttention", list(inputs), ["O"], domain="com.microsoft", num_heads=case.H,
                            unidirectional=int(case.mask == "causal"))
    session = _session(case, node, inputs, ["O"])
    return lambda: session.run(["O"], inputs), _heads(case), {}


def ort_attention(case, tensors):
    """The Attention of ONNX itself, opset 23."""
    _check_onnx(case, ("none", "causal"))
    from onnx import helper
    inputs = {name: tensors[name] for name in "QKV"}
    node = helper.make_node("Attention", list(inputs), ["O"], is_causal=int(case.mask == "causal"))
    session = _session(case, node, inputs, ["O"], opset=23)
    return lambda: session.run(["O"], inputs), lambda outputs: outputs[0][0], {}


def ort_gqa(case, tensors):
    """ONNX Runtime's GroupQueryAttention, causal. With one query the cache of keys is shared between past and present, as it is meant to be."""
    _check_onnx(case, ("causal", "window") if case.M > 1 else ("none",))
    import onnxruntime
    from onnx import helper
    past = case.N - case.M
    new = {name: _rows(tensors[name][:, :, past:] if name != "Q" else tensors[name]) for name in "QKV"}
    length = case.N if past else 0
    cache = {"PK": np.ascontiguousarray(tensors["K"][:, :, :length]), "PV": np.ascontiguousarray(tensors["V"][:, :, :length])}
    inputs = new | cache | {"LAST": np.array([case.N - 1], np.int32), "TOTAL": np.array([case.N], np.int32)}
    window = {"local_window_size": case.defines["W"]} if case.mask == "window" else {}
    node = helper.make_node("GroupQueryAttention", list(inputs), ["O", "NK", "NV"], domain="com.microsoft", num_heads=case.H,
                            kv_num_heads=case.G, **window)
    session = _session(case, node, inputs, ["O", "NK", "NV"])
    if not past:
        return lambda: session.run(["O"], inputs), _heads(case), {}
    binding = session.io_binding()
    values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in inputs.items()}
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    binding.bind_ortvalue_output("NK", values["PK"])
    binding.bind_ortvalue_output("NV", values["PV"])
    output = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, case.M, case.H * case.D), np.float32))
    binding.bind_ortvalue_output("O", output)

    def call():
        session.run_with_iobinding(binding)
        return [output]
    return call, lambda outputs: _heads(case)([outputs[0].numpy()]), {}


PEERS = {"sdpa": [sdpa], "flex": [flex], "ort": [ort_mha, ort_attention, ort_gqa]}
PACKAGES = {"torch": ["sdpa", "flex"], "onnxruntime": ["ort"]}


def versions():
    """Of the packages that are installed."""
    from importlib import metadata
    found = {}
    for package in ("torch", "onnxruntime", "onnx", "numpy"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found
