"""Writes audit.json: what packages of SOURCE.md and plain Python say about the judgments of shared/data/crowd_arguments.

    python make_audit.py ../../../../shared/data/crowd_arguments/judgments.jsonl.gz
"""
import collections
import gzip
import json
import pathlib
import statistics
import sys
import warnings

import irrCAC.raw
import krippendorff
import numpy as np
import pandas

warnings.simplefilter("ignore")
TIE = 2


def read(path):
    """Votes {(item, annotator): choice} (the first of several), gold {item: choice}, and seconds by annotator."""
    votes, gold, seconds, counts = {}, {}, collections.defaultdict(list), collections.Counter()
    for line in gzip.open(path):
        record = json.loads(line)
        one, two = record["responses"]
        if one == two:
            counts["same_texts"] += 1
            continue
        swapped = (record["prompt"], two, one) in counts
        item = (record["prompt"], two, one) if swapped else (record["prompt"], one, two)
        counts["repeats"] += item in counts
        counts[item] += 1
        turn = {0: 1, 1: 0}.get if swapped else {0: 0, 1: 1}.get
        if record["gold"] is not None:
            gold.setdefault(item, set()).add(TIE if record["gold"] == "tie" else turn(record["gold"]))
        for judgment in record["judgments"]:
            choice = TIE if judgment["tie"] else turn(judgment["choice"])
            counts["votes"] += 1
            counts["ties"] += choice == TIE
            seconds[judgment["annotator"]].append(judgment["seconds"])
            votes.setdefault((item, judgment["annotator"]), choice)
    return votes, gold, seconds, counts


def matrix_of(votes):
    """[items, most votes of an item]: the coefficients do not depend on who voted."""
    rows = collections.defaultdict(list)
    for (item, _), choice in votes.items():
        rows[item].append(choice)
    width = max(map(len, rows.values()))
    return np.array([row + [np.nan] * (width - len(row)) for row in rows.values()])


def coefficients(matrix):
    cac = irrCAC.raw.CAC(pandas.DataFrame(matrix), categories=[0.0, 1.0, 2.0], digits=15)
    values = np.where(np.isnan(matrix), np.nan, np.take([1.0, -1.0, 0.0], np.nan_to_num(matrix).astype(int)))
    alpha = {level: krippendorff.alpha(reliability_data=values.T, level_of_measurement=level)
             for level in ("nominal", "interval")}
    return {"percent": cac.gwet()["est"]["pa"], "gwet_ac1": cac.gwet()["est"]["coefficient_value"],
            "fleiss_kappa": cac.fleiss()["est"]["coefficient_value"], "krippendorff_nominal": alpha["nominal"],
            "krippendorff_interval": alpha["interval"]}


def ceiling(matrix):
    without_ties = np.where(matrix == TIE, np.nan, matrix)
    without_ties = without_ties[(~np.isnan(without_ties)).any(1)]
    cac = irrCAC.raw.CAC(pandas.DataFrame(without_ties), categories=[0.0, 1.0], digits=15)
    return (1 + np.sqrt(2 * cac.gwet()["est"]["pa"] - 1)) / 2


def main():
    votes, gold, seconds, counts = read(sys.argv[1])
    matrix = matrix_of(votes)
    most = max(sorted(seconds), key=lambda name: len(seconds[name]))
    found = {"pairs": len(matrix), "votes": counts["votes"], "ties": counts["ties"], "annotators": len(seconds),
             "repeats": counts["repeats"], "same_texts": counts["same_texts"],
             "gold_conflicts": sum(len(said) > 1 for said in gold.values()), **coefficients(matrix),
             "noise_ceiling": ceiling(matrix),
             "busiest": {"annotator": most, "votes": len(seconds[most]),
                         "median_seconds": statistics.median(seconds[most])}}
    out = pathlib.Path(__file__).with_name("audit.json")
    out.write_text(json.dumps(found, indent=1) + "\n")
    print(out.read_text())


main()
