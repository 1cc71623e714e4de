"""The table of all finished rows."""
import json
from pathlib import Path

import figures
from rows import GOALS, ROWS, Goal

KNOWN = {row.name: row for row in ROWS}


def show(value: float, unit: str) -> str:
    if unit == "%":
        return f"{100 * value:.0f} %"
    return f"{1000 * value:.0f} ms" if unit == "ms" else f"{value:.2f}x"


def row_of(goal: Goal, results: dict[str, dict]) -> str:
    """Where `auto` is float32 already, a row for float32 is not measured a second time."""
    plain = goal.row.removesuffix("-fp32")
    return plain if plain in results and results[plain]["dtype"] == "float32" else goal.row


def goal_line(goal: Goal, results: dict[str, dict]) -> str:
    bar, row = ("≤ " if goal.at_most else "≥ ") + show(goal.bar, goal.unit), row_of(goal, results)
    if row not in results:
        return f"| {goal.text} | {row} | {bar} | not measured | |"
    figure = results[row]["figures"][goal.figure]
    interval = f"[{show(figure['low'], goal.unit)}, {show(figure['high'], goal.unit)}]"
    met = "yes" if goal.met(figure) else "no"
    return f"| {goal.text} | {row} | {bar} | {show(figure['median'], goal.unit)} {interval} | {met} |"


def row_line(name: str, result: dict) -> str:
    f = {key: value["median"] for key, value in result["figures"].items()}
    if "our_rate" not in f:
        return ""
    share = "matmul_share" if "matmul_share" in f else "bandwidth_share"
    shares = f"{100 * f[share]:.0f} / {100 * f['peer_' + share]:.0f}" if share in f else ""
    peer = result["settings"].get("peer", "")
    what = KNOWN[name].what + (f"; peer: {peer} cache" if peer else "")
    return (f"| {name} | {what} | {f['our_rate']:.0f} / {f['peer_rate']:.0f} | {f['our_peak_gib']:.2f} / "
            f"{f['peer_peak_gib']:.2f} | {shares} | {len(result['pairs'])} |")


def parts_line(name: str, result: dict) -> str:
    """What a reader may ask of a row that has no rate, or more than one."""
    f = {key: value["median"] for key, value in result["figures"].items()}
    if "our_update_seconds" in f:
        return (f"- {name}: our step is rollout {f['our_rollout_seconds']:.2f} s, scores "
                f"{f['our_score_seconds']:.2f} s, update {f['our_update_seconds']:.2f} s; "
                f"the peer's rollout {f['peer_rollout_seconds']:.2f} s.")
    if "our_startup_seconds" in f:
        return f"- {name}: {f['our_startup_seconds']:.2f} s against {f['peer_startup_seconds']:.2f} s."
    if "peer_help_seconds" in f:
        return f"- {name}: {1000 * f['help_seconds']:.1f} ms against {1000 * f['peer_help_seconds']:.0f} ms."
    return ""


def roofline_line(results: dict[str, dict]) -> str:
    limits = [pair["roofline"] for result in results.values() for pair in result["pairs"]]
    others = sorted(side.get("others_share", 0) for result in results.values() for pair in result["pairs"]
                    for name, side in pair.items() if name not in ("order", "roofline", "figures"))

    def span(key: str, scale: float) -> str:
        values = sorted(limit[key] / scale for limit in limits if key in limit)
        return f"{values[0]:.2f} to {values[-1]:.2f}"
    bfloat16 = f"bf16 {span('bf16_flops', 1e12)} TFLOP/s, " if any("bf16_flops" in limit for limit in limits) else ""
    return (f"torch, before each pair: matmul 2048³ {bfloat16}fp32 {span('fp32_flops', 1e12)} TFLOP/s; read {span('read_bytes_per_second', 1e9)} GB/s. "
            f"Other processes took {100 * others[len(others) // 2]:.0f} % of the processors' time in the median run, "
            f"{100 * others[-1]:.0f} % in the worst.")


def dtype_line(dtype: str) -> str:
    if dtype == "bfloat16":
        return ("The processor multiplies bfloat16: where a row says nothing else, our weights are bfloat16 beside "
                "float32 masters, the peer trains under bfloat16 autocast, and its generation has the setting that the row names.")
    return ("The processor has no instructions for bfloat16, so both sides train in float32, which is `dtype: auto` for "
            "our tools. For generation the peer has the setting that the row names, the fastest of those tried; one "
            "answer alone, which waits for memory, we decode in bfloat16.")


def markdown(results: dict[str, dict]) -> str:
    first = next(iter(results.values()))
    host, versions = first["host"], first["versions"]
    dates = sorted(result["date"] for result in results.values())
    commits = ", ".join(sorted({result["commit"] for result in results.values()}))
    lines = [
        "# Against the Python peers, on one CPU machine", "",
        f"{dates[0][:10]} to {dates[-1][:10]}; {host['cpu']}, {host['cores']} cores "
        f"({', '.join(host['instructions'])}), {host['memory_gib']} GiB, {first['threads']} threads; ours at {commits}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".", "",
        "Made by `bench/compare.py`; bench/README.md says what is compared. A figure is the median of the pairs' "
        "ratios with its 95 % bootstrap interval, and the bar applies to the interval's worse end.", "",
        dtype_line(first["dtype"]), "",
        "| goal | row | bar | measured | met? |", "|---|---|---|---|---|",
        *(goal_line(goal, results) for goal in GOALS), "",
        "| row | peer's setting | tokens/s, ours / peer | peak GiB, ours / peer | share of the roof %, ours / peer "
        "| pairs |",
        "|---|---|---|---|---|---|",
        *filter(None, (row_line(name, result) for name, result in results.items())), "",
        *filter(None, (parts_line(name, result) for name, result in results.items())), "",
        roofline_line(results), "",
        "The roof is torch's matmul rate of the same minute in the row's dtype (training) or its read bandwidth "
        "(decoding). Useful operations:", "", *(f"- {formula}" for formula in figures.FORMULAS), ""]
    return "\n".join(lines)


def read_results(folder: Path) -> dict[str, dict]:
    files = {path.stem: path for path in folder.glob("*.json")}
    return {name: json.loads(files[name].read_text()) for name in KNOWN if name in files}


def write_table(rows_folder: Path) -> None:
    """Reads the rows' JSON files in a folder and writes the table beside it, as folder.md."""
    results = read_results(rows_folder)
    if not results:
        raise SystemExit("bench: no row is finished yet")
    rows_folder.with_suffix(".md").write_text(markdown(results))
