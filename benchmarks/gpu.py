#!/usr/bin/env python3
"""Times attention by Weir and by PyTorch on an NVIDIA GPU, in turns within one process.

    benchmarks/gpu.py                                 everything, some five minutes, most of which FlexAttention compiles
    benchmarks/gpu.py --cases causal --peers sdpa     cases whose name has `causal`, without FlexAttention
    benchmarks/gpu.py --json out.json                 besides the table

Every contestant's result is compared with a reference in double precision before it is timed; one that is wrong is not timed. Before and after
each case a product of bf16 matrices by cuBLAS and a copy of memory are timed, what the GPU gives at the time. Times are between events on
the GPU, least and median of many turns; in a turn a short kernel is launched several times. `README.md` beside this file says more.
"""
import argparse
import datetime
import importlib.util
import json
import pathlib
import statistics
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent / "python")]
import cases as table  # noqa: E402
import cpu  # noqa: E402
import peers  # noqa: E402
import weir  # noqa: E402

TURN = 4e-3  # seconds of the GPU's time, or one call


def seconds_of(torch, call, count):
    """Of one call, of `count` that are launched one after another."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(count):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) * 1e-3 / count


def calibrate(torch):
    """FLOP/s of cuBLAS, and bytes that a copy reads and writes a second."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(1 << 28, device="cuda", dtype=torch.float32)
    target = torch.empty_like(source)
    product = lambda: torch.matmul(a, b)
    copy = lambda: target.copy_(source)
    for warm in product, copy:
        seconds_of(torch, warm, 2)
    return 2 * 8192 ** 3 / min(seconds_of(torch, product, 2) for _ in range(3)), 2 * source.nbytes / min(seconds_of(torch, copy, 2) for _ in range(3))


class Weirc(cpu.Weirc):
    def __init__(self, path, folder, target, torch):
        super().__init__(path, folder)
        self.target, self.torch = target, torch

    def prepare(self, case, tensors):
        """The kernel with innermost extents fixed and lengths open, on tensors that are on the GPU."""
        torch, extents = self.torch, case.extents()
        self.made += 1
        library = self.folder / f"kernel{self.made}.so"
        fixed = [f"-D{name}={extents[name]}" for name in ("D", "F", *(("R",) if case.M == 1 else ())) if name in extents]
        self.run("compile", *self.options(case), "--target", self.target, "--no-cache", "-o", str(library), *fixed)
        kernel = weir.load(library)
        kinds = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
        given = {}
        for tensor in kernel.inputs:
            array = torch.from_numpy(case.shaped(tensor.name, tensors[tensor.name])).cuda()
            given[tensor.name] = array.to(kinds[tensor.dtype]) if tensor.dtype in kinds else array
        out = {tensor.name: torch.full([extents[rank] for rank in tensor.ranks], float("nan"), device="cuda", dtype=kinds[tensor.dtype])
               for tensor in kernel.outputs}
        call = kernel.bind(**given, out=out)
        return call, lambda outputs: outputs["O"].reshape(case.H, case.M, case.D).double().cpu().numpy(), {}

    def predicted(self, case):
        """Seconds of the wall model for this GPU, or nothing where it has none."""
        extents = [f"-D{name}={value}" for name, value in case.extents().items()]
        made = json.loads(self.run("explain", *self.options(case), *extents, "--target", self.target, "--no-cache", "--json"))
        return made["predicted"]["seconds"]


def race(torch, contestants, seconds):
    times, spent, turn = {name: [] for name in contestants}, 0, 0
    counts = {}
    for name, call in contestants.items():
        seconds_of(torch, call, 2)
        counts[name] = max(1, min(200, int(TURN / seconds_of(torch, call, 1))))
    while turn < 5 or spent < seconds * len(contestants):
        names = list(contestants)
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            times[name].append(seconds_of(torch, contestants[name], counts[name]))
            spent += times[name][-1] * counts[name]
        turn += 1
    return times


def measure(torch, case, weirc, chosen, seconds):
    tensors = cpu.round_to(case.dtype, case.draw())
    row = {"name": case.name, "mask": case.mask, "dtype": case.dtype, "extents": case.extents(),
           "flops": case.flops(case.count_pairs(tensors)), "bytes": case.bytes(), "runs": {}}
    ready = cpu.contestants_of(case, weirc, tensors, chosen, row)
    row["problem"] = row.get("failed", {}).get("weir", "")
    try:
        row["predicted_s"] = weirc.predicted(case)
    except (RuntimeError, TypeError):  # nothing is predicted
        row["predicted_s"] = None
    row["calibration"] = [calibrate(torch)]
    for name, list_of in (race(torch, ready, seconds) if ready else {}).items():
        row["runs"][name] |= {"best_s": min(list_of), "median_s": statistics.median(list_of), "count": len(list_of)}
    row["calibration"].append(calibrate(torch))
    return row


HEADER = "| case | Weir, best / median ms | TFLOP/s | of cuBLAS | of a copy | SDPA ms | Flex ms | wall model / measured | cuBLAS TFLOP/s, copy TB/s |\n" + "|---" * 9 + "|"


def row_text(row):
    own, (flops, rate) = row["runs"].get("weir"), (max(pair) for pair in zip(*row["calibration"]))
    cells = [row["name"]]
    if own:
        work = row["flops"] / own["best_s"]
        cells += [f"{1e3 * own['best_s']:.3g} / {1e3 * own['median_s']:.3g}", f"{work / 1e12:.3g}", f"{100 * work / flops:.0f} %",
                  f"{100 * row['bytes'] / own['best_s'] / rate:.0f} %"]
    else:
        cells += [row["problem"].replace("|", "/")[:60], "", "", ""]
    for name in "sdpa", "flex":
        peer = row["runs"].get(name)
        cells.append(f"{1e3 * peer['best_s']:.3g}" + (f" = {peer['best_s'] / own['best_s']:.2f} x" if own else "") if peer else "")
    cells.append(f"{row['predicted_s'] / own['best_s']:.2f}" if own and row["predicted_s"] else "")
    cells.append(f"{flops / 1e12:.0f}, {rate / 1e12:.2f}")
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weirc", default=str(table.ROOT / "build" / "bin" / "weirc"))
    parser.add_argument("--target", default="cuda:sm_80", help="what Weir compiles for (default %(default)s)")
    parser.add_argument("--quick", action="store_true", help="lengths an eighth")
    parser.add_argument("--cases", default="", help="only cases whose name has one of these texts, separated by commas")
    parser.add_argument("--peers", default="sdpa,flex", help="none, or some of sdpa,flex")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if not importlib.util.find_spec("torch"):
        parser.error("'torch' is not installed in this Python; see benchmarks/README.md")
    import torch
    if not torch.cuda.is_available():
        print("there is no GPU here; `weirc verify FILE --target cuda:sm_80` executes kernels without one", file=sys.stderr)
        return 1
    torch.backends.cuda.matmul.allow_tf32 = False
    heading = (f"{torch.cuda.get_device_name()}, {datetime.date.today()}, Weir for {options.target}, "
               + ", ".join(f"{name} {version}" for name, version in peers.versions().items()))
    print(heading + "\n\n" + HEADER, flush=True)
    rows, chosen = [], [] if options.peers == "none" else options.peers.split(",")
    with tempfile.TemporaryDirectory() as folder:
        weirc = Weirc(options.weirc, pathlib.Path(folder), options.target, torch)
        for case in table.gpu_cases(lambda length: length // 8 if options.quick else length):
            if any(text in case.name for text in options.cases.split(",")):
                rows.append(measure(torch, case, weirc, chosen, 0.3))
                print(row_text(rows[-1]), flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"machine": heading, "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
