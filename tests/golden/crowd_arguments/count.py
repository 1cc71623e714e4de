"""Counts of crowd_arguments/judgments.jsonl.gz, which the tests compare with. usage: count.py FILE > counts.json"""
import collections
import gzip
import json
import sys

counts = collections.Counter()
annotators = set()
for line in gzip.open(sys.argv[1], "rt", encoding="utf-8"):
    record = json.loads(line)
    votes = collections.Counter(judgment["choice"] for judgment in record["judgments"])
    annotators.update(judgment["annotator"] for judgment in record["judgments"])
    majority = None if votes[0] == votes[1] else int(votes[1] > votes[0])
    counts["records"] += 1
    counts["judgments"] += len(record["judgments"])
    counts["ties"] += votes[None]
    counts["first"] += majority == 0
    counts["second"] += majority == 1
    counts["gold"] += record["gold"] is not None
    counts["majority_is_gold"] += majority is not None and majority == record["gold"]
    counts["notes"] += sum(bool(judgment["note"]) for judgment in record["judgments"])
counts["annotators"] = len(annotators)
json.dump(counts, sys.stdout, indent=1)
print()
