"""The results as text, goals, and a picture."""
import html

COLOURS = {"weir": "#0b6e4f", "sdpa": "#d1495b", "flex": "#edae49", "ort_mha": "#00798c", "ort_attention": "#30638e", "ort_gqa": "#7d5ba6"}
TITLES = {"weir": "Weir", "sdpa": "PyTorch SDPA", "flex": "FlexAttention, compiled", "ort_mha": "ONNX Runtime MultiHeadAttention",
          "ort_attention": "ONNX Runtime Attention", "ort_gqa": "ONNX Runtime GroupQueryAttention"}


def best_peer(row, which=None):
    """Name and least time of the fastest peer, or nothing."""
    peers = {name: run["best_s"] for name, run in row["runs"].items() if name != "weir" and (which is None or name in which)}
    return min(peers.items(), key=lambda item: item[1]) if peers else None


def limit(row):
    """Seconds below which no kernel gets: all of the work at the peak, or its bytes at the rate of reading."""
    return max(row["flops"] / row["peak_flops"], row["bytes"] / row["peak_bytes"])


def row_text(row):
    weir = row["runs"].get("weir")
    cells = [row["name"]]
    if weir:
        work = row["flops"] / weir["best_s"]
        cells += [f"{1e3 * weir['best_s']:.3g} / {1e3 * weir['median_s']:.3g}", f"{work / 1e9:.1f}", f"{100 * work / row['peak_flops']:.0f} %",
                  f"{100 * row['bytes'] / weir['best_s'] / row['peak_bytes']:.0f} %"]
    else:
        cells += [row["problem"].replace("|", "/")[:40], "", "", ""]
    for group in (("sdpa",), ("flex",), ("ort_mha", "ort_attention", "ort_gqa")):
        peer = best_peer(row, group)
        cells.append(f"{1e3 * peer[1]:.3g}" + (f" = {peer[1] / weir['best_s']:.2f} x" if weir else "") if peer else "")
    mask = row["runs"].get("flex", {}).get("mask_s")
    cells.append(f"{1e3 * mask:.3g}" if mask else "")
    predicted = row.get("predicted_s")
    cells.append(f"{'at most ' if row['predicted_at_most'] else ''}{predicted / weir['best_s']:.2f}" if weir and predicted else "")
    cells.append(f"{row['peak_flops'] / 1e9:.0f}, {row['peak_bytes'] / 1e9:.0f}" + ("" if row["steady"] else " unsteady"))
    return "| " + " | ".join(cells) + " |"


HEADER = ("| case | Weir, best / median ms | GFLOP/s | of peak | of reading | SDPA ms | Flex ms | ONNX Runtime ms | Flex mask ms | predicted / measured | "
          "peak GFLOP/s, GB/s |\n" + "|---" * 11 + "|")


def goals(rows):
    """(what, reached, wanted, met) with met None where a case is missing or was not steady."""
    by_name = {row["name"]: row for row in rows if row["steady"] and "weir" in row["runs"]}
    out = []

    def best(name):
        return by_name[name]["runs"]["weir"]["best_s"]

    def goal(what, names, value, wanted, at_least=True):
        if not all(name in by_name for name in names):
            return out.append((what, None, wanted, None))
        reached = value()
        if reached is not None:
            out.append((what, reached, wanted, reached >= wanted if at_least else reached <= wanted))

    def over_peer(name, which=None):
        peer = best_peer(by_name[name], which)
        return peer[1] / best(name) if peer else None

    for d in (64, 128):
        for n in (2048, 4096):
            dense, causal = f"dense D={d} N={n}", f"causal D={d} N={n}"
            goal(f"{dense}: of the FMA peak", [dense], lambda: by_name[dense]["flops"] / best(dense) / by_name[dense]["peak_flops"], 0.78)
            goal(f"{dense}: over the best peer", [dense], lambda: over_peer(dense), 1.25)
            goal(f"{causal}: of the dense time (at most)", [dense, causal], lambda: best(causal) / best(dense), 0.54, False)
            goal(f"{causal}: over the best peer", [causal], lambda: over_peer(causal), 1.3)
    for window, dense, wanted in (("window 256 N=4096", "dense D=64 N=4096", 0.10), ("window 256 N=16384, 2 heads", "dense N=16384, 2 heads", 0.026)):
        goal(f"{window}: of the dense time (at most)", [window, dense], lambda: best(window) / best(dense), wanted, False)
    documents, dense = "16 documents in 8192, causal", "dense N=8192"
    goal(f"{documents}: of dense efficiency a score", [documents, dense],
         lambda: by_name[documents]["flops"] / best(documents) / (by_name[dense]["flops"] / best(dense)), 0.8)
    goal("5 % of 64x64 blocks: over dense", ["5 % of 64x64 blocks, N=8192", dense], lambda: best(dense) / best("5 % of 64x64 blocks, N=8192"), 14)
    goal("neighbours 13x13: over dense", ["neighbours 13x13 on 56x56", "dense N=3136"],
         lambda: best("dense N=3136") / best("neighbours 13x13 on 56x56"), 7)
    for row in rows:
        if "flex" in row["runs"] and row["mask"] != "none":
            goal(f"{row['name']}: over FlexAttention", [row["name"]], lambda: over_peer(row["name"], ("flex",)), 1)
    for dtype, wanted in (("f32", 0.75), ("bf16", 0.65)):
        name = f"decode 32/8 heads L=32768 {dtype}"
        goal(f"{name}: of the rate of reading", [name], lambda: by_name[name]["bytes"] / best(name) / by_name[name]["peak_bytes"], wanted)
    goal("dense M=N=128: over the best peer", ["dense M=N=128"], lambda: over_peer("dense M=N=128"), 1)
    for d in (64, 128):
        one, two = f"dense D={d} N=2048", f"dense D={d} N=2048, two threads"
        goal(f"two threads over one, D={d}", [one, two], lambda: best(one) / best(two), 1.8)
    return out


def goals_text(rows):
    lines = ["| goal | reached | wanted | |", "|---|---|---|---|"]
    for what, reached, wanted, met in goals(rows):
        lines.append(f"| {what} | {'' if reached is None else f'{reached:.3g}'} | {wanted:g} | "
                     f"{'not measured' if met is None else 'met' if met else 'missed'} |")
    return "\n".join(lines)


def predictions_text(rows, factor=1.5):
    """Which predicted times are within a factor of the measured ones; where data decide, a prediction only says how long it takes at most."""
    known = [row for row in rows if row["predicted_s"] and "weir" in row["runs"] and not row["predicted_at_most"]]
    ratios = {row["name"]: row["predicted_s"] / row["runs"]["weir"]["best_s"] for row in known}
    outside = [f"{name} {ratio:.2f}" for name, ratio in ratios.items() if not 1 / factor <= ratio <= factor]
    by_data = [row["name"] for row in rows if row["predicted_at_most"]]
    return (f"predicted / measured: {len(ratios) - len(outside)} of {len(ratios)} within {factor}; outside: {', '.join(outside) or 'none'}; "
            f"decided by data: {', '.join(by_data) or 'none'}")


def svg(rows, heading):
    """Bars: what part of the limit each contestant reaches, by its least time."""
    left, width, bar, gap, top = 250, 560, 11, 14, 70
    shown = [row for row in rows if row["runs"]]
    height = top + sum(bar * len(row["runs"]) + gap for row in shown) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 130}" height="{height}" font-family="sans-serif" font-size="11">',
           f'<rect width="100%" height="100%" fill="white"/><text x="10" y="18" font-size="13">{html.escape(heading)}</text>']
    names = [name for name in TITLES if any(name in row["runs"] for row in shown)]
    for i, name in enumerate(names):
        x, y = 10 + (i % 3) * 280, 34 + (i // 3) * 15
        out.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[name]}"/><text x="{x + 14}" y="{y}">{TITLES[name]}</text>')
    for percent in range(0, 101, 20):
        x = left + width * percent / 100
        out.append(f'<line x1="{x:.0f}" y1="{top - 8}" x2="{x:.0f}" y2="{height - 24}" stroke="#ddd"/>'
                   f'<text x="{x:.0f}" y="{height - 10}" text-anchor="middle">{percent} %</text>')
    y = top
    for row in shown:
        label = row["name"] + ("" if row["steady"] else " (unsteady)")
        out.append(f'<text x="{left - 8}" y="{y + bar * len(row["runs"]) / 2 + 4:.0f}" text-anchor="end">{html.escape(label)}</text>')
        for name, run in row["runs"].items():
            part = min(1.15, limit(row) / run["best_s"])
            out.append(f'<rect x="{left}" y="{y}" width="{width * part:.1f}" height="{bar - 1}" fill="{COLOURS[name]}"/>'
                       f'<text x="{left + width * part + 4:.1f}" y="{y + bar - 2}" font-size="9">{1e3 * run["best_s"]:.3g} ms</text>')
            y += bar
        y += gap
    return "\n".join([*out, "</svg>", ""])
