#!/usr/bin/env python3
"""Times attention by Weir and by what else people use on a processor, in turns within one process.

    benchmarks/cpu.py                                        everything, about ten minutes
    benchmarks/cpu.py --quick --peers none --cases causal    short lengths, Weir alone, cases whose name has `causal`
    benchmarks/cpu.py --json out.json --svg out.svg          besides the table

Every contestant's result is compared with a reference in double precision before it is timed; one that is wrong is not timed. The FMA peak and
the rate at which memory is read are measured before and after each case (`weirc bench` does it): where the one that limits it differs by more than a tenth
the case is run once more, and marked if that does not help. Times are of a call from Python, least and median of many. `README.md` beside this
file says how to install the peers.
"""
import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent / "python")]
import cases as table  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import weir  # noqa: E402

PAUSE = 0.005  # seconds in which the threads of the last contestant stop waiting for more work


class Weirc:
    """The compiler, and what is asked of it."""

    def __init__(self, path, folder):
        self.path, self.folder, self.made = path, folder, 0
        (folder / "tiny.attn").write_text("cascade tiny(X[M]) -> (Y[M]) { Y[m] = X[m] * 2 }\n")

    def run(self, *arguments):
        done = subprocess.run([self.path, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[0] if done.stderr else f"weirc gave {done.returncode}")
        return done.stdout

    def peak(self, case):
        """FLOP/s and bytes read a second, now."""
        dtype = "f64" if case.dtype == "f64" else "f32"
        made = json.loads(self.run("bench", str(self.folder / "tiny.attn"), "-D", "M=8", "--runs", "1", "--threads", str(case.threads),
                                   "--dtype", dtype, "--json", "--no-cache"))
        return 1e9 * made["peak_gflops"], 1e9 * made["peak_gbps"]

    def options(self, case):
        return [str(table.ROOT / case.file), "--dtype", case.dtype, *(f"-D{name}={value}" for name, value in case.defines.items())]

    def prepare(self, case, tensors):
        """The kernel as `weirc run` would have it: innermost extents and few rows fixed, lengths open."""
        extents = case.extents()
        fixed = [name for name in ("D", "F") + (("R",) if "R" in extents and "P" not in extents else ()) if name in extents]
        self.made += 1
        library = self.folder / f"kernel{self.made}.so"
        self.run("compile", *self.options(case), "--target", "cpu:native", "--no-cache", "-o", str(library), *(f"-D{name}={extents[name]}" for name in fixed))
        kernel = weir.load(library)
        wanted = {tensor.name: tensor for tensor in kernel.inputs}
        given = {}
        for name, array in tensors.items():
            array = case.shaped(name, array)
            if wanted[name].dtype in ("f16", "f64"):
                array = array.astype(wanted[name].numpy)
            given[name] = weir.encode(array, "bf16") if wanted[name].dtype == "bf16" else array
        call = kernel.bind(threads=case.threads, **given)

        def shape(outputs):
            o = outputs["O"]
            o = weir.decode(o, "bf16") if case.dtype == "bf16" else o
            return o.reshape(case.H, case.M, case.D).astype(np.float64)
        return call, shape, {}

    def predicted(self, case, tensors):
        """Seconds, and whether data decide how much less it may be. Masks are given: what they leave out is counted."""
        extents = [f"-D{name}={value}" for name, value in case.extents().items()]
        masks = []
        for name in {"documents": ["DOC"], "blocks": ["KEEP"]}.get(case.mask, []):
            np.save(self.folder / f"{name}.npy", case.shaped(name, tensors[name]))
            masks += ["--in", f"{name}={self.folder / name}.npy"]
        made = json.loads(self.run("explain", *self.options(case), *extents, *masks, "--threads", str(case.threads), "--no-cache", "--json"))
        return made["predicted"]["seconds"], made["predicted"]["at_most"]


def check(case, tensors, call, shape):
    """Raises where the result is not the reference's within what rounding may do."""
    rows = np.unique(np.linspace(0, case.M - 1, 12).astype(int))
    heads = [0, case.H - 1]
    wanted, bound = table.reference(case, tensors, heads, rows)
    # Weights in a narrow type, and the result in it, add a rounding each.
    narrow = {"bf16": 2.0 ** -8, "f16": 2.0 ** -10}.get(case.dtype, 0)
    spread = max(abs(tensors["V"]).max(), 1)
    got = np.asarray(shape(call()), np.float64)[np.ix_(heads, rows)]
    worst = (np.abs(got - wanted) - bound - narrow * spread).max()
    if not worst <= 0:
        raise RuntimeError(f"its result is off by {np.abs(got - wanted).max():.3g}, more than rounding may do")


def round_to(dtype, tensors):
    """Inputs as the narrow type holds them, so that a reference has the same ones."""
    if dtype == "bf16":
        return {name: weir.decode(weir.encode(a, "bf16"), "bf16") if a.dtype == np.float32 else a for name, a in tensors.items()}
    if dtype == "f16":
        return {name: a.astype(np.float16).astype(np.float32) if a.dtype == np.float32 else a for name, a in tensors.items()}
    return tensors


def race(contestants, seconds):
    """Turns of every contestant until the time is over, three at least; {name: [seconds, ...]}."""
    times = {name: [] for name in contestants}
    begin, turn = time.perf_counter(), 0
    while turn < 3 or time.perf_counter() - begin < seconds:
        names = list(contestants)
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            call = contestants[name]
            time.sleep(PAUSE)
            start = time.perf_counter()
            call()
            first = time.perf_counter() - start
            least = min([*times[name], first])
            if least > 0.02:  # what a pause costs a short call is no matter here
                times[name].append(first)
                continue
            for _ in range(min(200, max(1, int(0.05 / least)))):
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
        turn += 1
    return times


def contestants_of(case, weirc, tensors, chosen, row):
    """Those that give the right result, ready to be called."""
    found = {}
    entries = [("weir", weirc.prepare)] + [(make.__name__, make) for kind in case.peers if kind in chosen for make in peers.PEERS[kind]]
    for name, make in entries:
        try:
            call, shape, info = make(case, tensors)
            check(case, tensors, call, shape)
        except peers.Unsupported:
            continue
        except Exception as error:  # a peer's fault must not end the others' race
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            row.setdefault("failed", {})[name] = text
            print(f"  {case.name}: {name}: {text[:200]}", file=sys.stderr)
            continue
        found[name] = call
        row["runs"][name] = info
    return found


def measure(case, weirc, chosen, seconds):
    tensors = round_to(case.dtype, case.draw())
    row = {"name": case.name, "mask": case.mask, "dtype": case.dtype, "threads": case.threads, "group": case.group,
           "extents": case.extents(), "flops": case.flops(case.count_pairs(tensors)), "bytes": case.bytes(), "runs": {}}
    ready = contestants_of(case, weirc, tensors, chosen, row)
    row["problem"] = row.get("failed", {}).get("weir", "")
    try:
        row["predicted_s"], row["predicted_at_most"] = weirc.predicted(case, tensors)
    except (RuntimeError, TypeError):  # nothing is predicted
        row["predicted_s"] = row["predicted_at_most"] = None
    for attempt in range(2):
        before = weirc.peak(case)
        times = race(ready, seconds * max(1, len(ready))) if ready else {}
        after = weirc.peak(case)
        row["calibration"] = [before, after]
        row["peak_flops"], row["peak_bytes"] = (max(pair) for pair in zip(before, after))
        limiting = 0 if row["flops"] / row["peak_flops"] > row["bytes"] / row["peak_bytes"] else 1
        row["steady"] = abs(before[limiting] - after[limiting]) <= 0.1 * max(before[limiting], after[limiting])
        for name, list_of in times.items():
            row["runs"][name] |= {"best_s": min(list_of), "median_s": statistics.median(list_of), "count": len(list_of)}
        if row["steady"]:
            break
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weirc", default=str(table.ROOT / "build" / "bin" / "weirc"))
    parser.add_argument("--quick", action="store_true", help="lengths an eighth, and less time a case")
    parser.add_argument("--cases", default="", help="only cases whose name has one of these texts, separated by commas")
    parser.add_argument("--peers", default="torch,onnxruntime", help="none, or some of torch,onnxruntime")
    parser.add_argument("--predict", action="store_true", help="Weir alone, and how far predicted times are from measured ones")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--svg", metavar="FILE")
    options = parser.parse_args()
    named = [] if options.peers == "none" or options.predict else options.peers.split(",")
    for package in named:
        if package not in peers.PACKAGES:
            parser.error(f"--peers knows none, torch and onnxruntime, not '{package}'")
        if not importlib.util.find_spec(package):
            parser.error(f"'{package}' is not installed in this Python; see benchmarks/README.md, or use --peers none")
    chosen = [kind for package in named for kind in peers.PACKAGES[package]]
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "a processor")
    heading = f"{cpu}, {datetime.date.today()}, " + ", ".join(f"{name} {version}" for name, version in peers.versions().items())
    print(heading + "\n\n" + report.HEADER, flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        weirc = Weirc(options.weirc, pathlib.Path(folder))
        for case in table.all_cases(options.quick):
            if any(text in case.name for text in options.cases.split(",")):
                rows.append(measure(case, weirc, chosen, 0.1 if options.quick else 1))
                print(report.row_text(rows[-1]), flush=True)
    if options.predict:
        print("\n" + report.predictions_text(rows))
    elif not options.quick:
        print("\n" + report.goals_text(rows))
    if options.json:
        goals = [dict(zip(("goal", "reached", "wanted", "met"), goal)) for goal in report.goals(rows)]
        pathlib.Path(options.json).write_text(json.dumps({"machine": heading, "rows": rows, "goals": goals}, indent=1))
    if options.svg:
        pathlib.Path(options.svg).write_text(report.svg(rows, heading))


if __name__ == "__main__":
    main()
