"""How each kind of row is measured: pairs of fresh processes, in the order A B B A."""
import os
import statistics
import subprocess
import time
from dataclasses import replace

import environment
import figures
import sides
from rows import Row
from sides import Lab


def timed(result: dict, row: Row, lab: Lab) -> float:
    """Seconds of the steps after the warm-up."""
    return sum(result["step_seconds"][lab.steps[row.kind][0]:])


def training_side(row: Row, lab: Lab, ours: bool, *flags: str) -> dict:
    """`flags`: more for the command of our tool, or the launcher of the peer."""
    return rated((sides.run_ours if ours else sides.run_peer)(row, lab, sum(lab.steps[row.kind]), *flags), row, lab)


def rated(result: dict, row: Row, lab: Lab) -> dict:
    """The result with its rates."""
    tokens, flops = sides.work_per_step(row, lab)
    warmup, count = lab.steps[row.kind][0], len(result["step_seconds"])
    if result.get("tokens", tokens[:count]) != tokens[:count]:
        raise RuntimeError(f"{row.name}: expected batches of {tokens} tokens, found {result['tokens']}")
    seconds = timed(result, row, lab)
    done = sum(result.get("tokens", tokens)[warmup:count])
    result |= {"tokens_per_second": done / seconds, "seconds_per_step": seconds / (count - warmup),
               "flops_per_second": sum(flops[warmup:count]) / seconds}
    return result


def generate_side(row: Row, lab: Lab, ours: bool, dtype: str = "", cache: str = "dynamic") -> dict:
    dtype = dtype or ("default" if row.setting == "default" else lab.dtype(row))
    result = sides.generate_ours(row, lab) if ours else sides.generate_peer(row, lab, dtype, cache)
    seconds, prefill = statistics.median(result["seconds"]), statistics.median(result["prefill_seconds"])
    result |= {"tokens_per_second": row.batch * row.new_tokens / seconds,
               "decode_tokens_per_second": row.batch * (row.new_tokens - 1) / (seconds - prefill),
               "prefill_seconds": prefill, "seconds": seconds}
    return result


def startup_side(row: Row, lab: Lab, ours: bool) -> dict:
    return (sides.run_ours if ours else sides.run_peer)(replace(row, kind="sft"), lab, 1)


def wall(command: list, env: dict, expected: int, repeat: int) -> float:
    """Median seconds of a short process, from a warm cache."""
    seconds = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        code = subprocess.run(command, env=env, capture_output=True, check=False).returncode
        seconds.append(time.perf_counter() - began)
        if code != expected:
            raise RuntimeError(f"{command}: expected exit code {expected}, found {code}")
    return statistics.median(seconds[1:])


def help_side(row: Row, lab: Lab, ours: bool) -> dict:
    if not ours:
        env = environment.peer_environment(lab.work, lab.threads, row.setting)
        trl = lab.venvs["trl"].parent / "trl"
        return {"help_seconds": wall([trl, "sft", "--help"], env, 0, 1)}
    tool = lab.build / "bin" / "rlhf-sft"
    return {"help_seconds": wall([tool, "--help"], dict(os.environ), 0, 15),
            "error_seconds": wall([tool, "model.path=x", "train.batch_sise=8"], dict(os.environ), 2, 15)}


SIDES = {"sft": training_side, "rm": training_side, "dpo": training_side, "ppo": training_side, "generate": generate_side,
         "startup": startup_side, "help": help_side}


def compare(row: Row, lab: Lab, ours: dict, peer: dict, limits: dict) -> dict[str, float]:
    """The figures of one pair."""
    if row.kind == "help":
        return ours | {"help": ours["help_seconds"] / peer["help_seconds"], "peer_help_seconds": peer["help_seconds"]}
    if row.kind == "startup":
        return {"startup": ours["startup_seconds"] / peer["startup_seconds"],
                "our_startup_seconds": ours["startup_seconds"], "peer_startup_seconds": peer["startup_seconds"]}
    rate = "decode_tokens_per_second" if row.name.startswith("decode") else "tokens_per_second"
    result = {"speed": ours[rate] / peer[rate], "our_rate": ours[rate], "peer_rate": peer[rate],
              "memory": ours["peak_bytes"] / peer["peak_bytes"], "our_peak_gib": ours["peak_bytes"] / 2**30,
              "peer_peak_gib": peer["peak_bytes"] / 2**30}
    if row.kind == "generate":
        if row.batch == 1:
            for side, value in (("bandwidth_share", ours), ("peer_bandwidth_share", peer)):
                result[side] = value[rate] * figures.decode_bytes(row.model) / limits["read_bytes_per_second"]
        return result
    limit = limits["fp32_flops" if lab.dtype(row) == "float32" else "bf16_flops"]
    result |= {"matmul_share": ours["flops_per_second"] / limit, "peer_matmul_share": peer["flops_per_second"] / limit}
    if row.kind == "ppo":
        warmup = lab.steps["ppo"][0]
        for part in ("rollout_seconds", "score_seconds", "update_seconds"):
            result["our_" + part] = statistics.fmean(ours[part][warmup:])
        result["peer_rollout_seconds"] = statistics.fmean(peer["rollout_seconds"][warmup:])
    return result


def choose_setting(row: Row, lab: Lab) -> tuple[tuple[str, str], dict]:
    """Weights and cache with which the peer is fastest; at its defaults it has no choice."""
    if row.setting == "default":
        return ("default", "dynamic"), {}
    dtypes = ("bfloat16", "float32") if environment.torch_has_bfloat16_products() else ("float32",)
    rates = {(dtype, cache): generate_side(row, lab, False, dtype, cache)["tokens_per_second"]
             for dtype in dtypes for cache in ("dynamic", "static")}
    return max(rates, key=rates.get), {" ".join(setting): rate for setting, rate in rates.items()}


def take_turns(name: str, lab: Lab, pairs: int, runs: dict, compared, say) -> dict:
    """All pairs of a row, and the medians of their figures. `runs`: two sides by name, each a function that returns its
    result; `compared`: from the results and the roofline to the figures of a pair."""
    done = []
    for pair in range(pairs):
        sides.wait_until_quiet(lab)
        limits = sides.roofline(lab)
        order = list(runs) if pair % 2 == 0 else list(runs)[::-1]
        results = {side: runs[side]() for side in order}
        values = compared(results, limits)
        done.append({"order": f"{order[0]} first", "roofline": limits, "figures": values}
                    | {side: results[side] for side in runs})
        others = max(result.get("others_share", 0) for result in results.values())
        say(f"{name} pair {pair + 1}/{pairs} (others took {100 * others:.0f} %): "
            + ", ".join(f"{key} {value:.3g}" for key, value in values.items()))
    names = done[0]["figures"]
    return {"pairs": done,
            "figures": {key: figures.median_with_interval([pair["figures"][key] for pair in done]) for key in names}}


def measure(row: Row, lab: Lab, pairs: int, say) -> dict:
    """A row of the comparison with the peers."""
    extra, settings = (), {}
    if row.kind == "generate":
        extra, rates = choose_setting(row, lab)
        settings = {"peer": " ".join(extra), "peer_rates": rates}
    side = SIDES[row.kind]
    return {"settings": settings} | take_turns(
        row.name, lab, pairs, {"ours": lambda: side(row, lab, True), "peer": lambda: side(row, lab, False, *extra)},
        lambda results, limits: compare(row, lab, results["ours"], results["peer"], limits), say)
