"""Judgments of real pairs: read, split by topic, spoiled by careless and hostile annotators, joined by experts."""
import gzip
import json
import random
from collections import Counter
from pathlib import Path

FOLDS = 4


def read_judgments(data: Path) -> list[dict]:
    """The records of crowd_arguments. A topic is a debate; its two stances are never split."""
    records = []
    with gzip.open(data / "crowd_arguments" / "judgments.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            votes = [{"annotator": j["annotator"], "tie": True} if j.get("tie") else
                     {"annotator": j["annotator"], "choice": j["choice"]} for j in record["judgments"]]
            gold = record.get("gold")
            topic = record["domain"].split("_")[0]
            records.append({"id": record["id"], "prompt": record["prompt"], "responses": record["responses"],
                            "topic": topic, "domain": topic, "judgments": votes,
                            "gold": gold if gold in (0, 1) else None})
    return records


def topics_of(records: list[dict]) -> list[str]:
    """The largest first."""
    sizes = Counter(record["topic"] for record in records)
    return [topic for topic, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))]


def is_held(records: list[dict], fold: int) -> list[bool]:
    """Whether a record is held out: every fourth topic, from the fold's on."""
    held = topics_of(records)[fold::FOLDS]
    return [record["topic"] in held for record in records]


def spoil(records: list[dict], careless: float, hostile: float, seed: int) -> list[dict]:
    """Of the annotators, drawn with equal chances, a share answers by tossing a coin, and a share says the opposite of
    what it said. Ties stay ties."""
    names = sorted({vote["annotator"] for record in records for vote in record["judgments"]})
    chance = random.Random(f"spoil {seed}")
    chance.shuffle(names)
    ends = round(careless * len(names)), round((careless + hostile) * len(names))
    kind = {name: "careless" if i < ends[0] else "hostile" if i < ends[1] else "honest" for i, name in enumerate(names)}

    def spoiled(vote: dict) -> dict:
        if vote.get("tie") or kind[vote["annotator"]] == "honest":
            return vote
        flip = kind[vote["annotator"]] == "hostile" or chance.random() < 0.5
        return {**vote, "choice": 1 - vote["choice"] if flip else vote["choice"]}

    return [{**record, "judgments": [spoiled(vote) for vote in record["judgments"]]} for record in records]


def one_vote(records: list[dict], seed: int) -> list[dict]:
    """One vote for each pair, drawn by chance; ties only where there is nothing else."""
    chance = random.Random(f"one vote {seed}")
    result = []
    for record in records:
        told = [vote for vote in record["judgments"] if not vote.get("tie")] or record["judgments"]
        result.append({**record, "judgments": [chance.choice(told)]})
    return result


def with_experts(records: list[dict], share: float, seed: int) -> list[dict]:
    """An expert gives the checked answer on this share of the pairs that have one."""
    checked = [i for i, record in enumerate(records) if record["gold"] is not None]
    asked = set(random.Random(f"experts {seed}").sample(checked, round(share * len(checked))))

    def asks(record: dict) -> dict:
        answer = {"annotator": "expert", "role": "expert", "choice": record["gold"]}
        return {**record, "judgments": [*record["judgments"], answer]}

    return [asks(record) if i in asked else record for i, record in enumerate(records)]


DOMAINS = ("first", "second", "special")
# P(right vote) in the domain "special" and in the others.
CROWD, SPECIALISTS = {"special": 0.5, "else": 0.88}, {"special": 0.95, "else": 0.55}


def by_specialty(records: list[dict], seed: int, crowd: int = 30, specialists: int = 4) -> list[dict]:
    """Records with a checked answer, their topics in three domains of about the same size, and simulated votes: of
    three of the crowd and of one specialist."""
    order = topics_of(records)
    chance = random.Random(f"specialty {seed}")

    def vote(name: str, right: dict, record: dict, domain: str) -> dict:
        is_right = chance.random() < right.get(domain, right["else"])
        return {"annotator": name, "choice": record["gold"] if is_right else 1 - record["gold"]}

    result = []
    for record in records:
        if record["gold"] is None:
            continue
        domain = DOMAINS[order.index(record["topic"]) % len(DOMAINS)]
        votes = [vote(f"crowd-{k}", CROWD, record, domain) for k in chance.sample(range(crowd), 3)]
        votes.append(vote(f"specialist-{chance.randrange(specialists)}", SPECIALISTS, record, domain))
        result.append({**record, "domain": domain, "judgments": votes})
    return result


def preference(record: dict, chosen: int, probability: float = 1) -> dict:
    return {"prompt": record["prompt"], "chosen": record["responses"][chosen],
            "rejected": record["responses"][1 - chosen], "probability": probability, "domain": record["domain"],
            "is_right": None if record["gold"] is None else chosen == record["gold"]}


def labelled(record: dict, first: float, probable: bool) -> dict | None:
    """The pair with P(the first is better) as its label, or with the more likely label; None if there is none."""
    chosen = 0 if first > 0.5 else 1
    if probable:
        return preference(record, chosen, max(first, 1 - first))
    return preference(record, chosen) if first != 0.5 else None


def majority(record: dict, experts_alone: bool) -> int | None:
    """The response that most votes are for; those of experts may count alone where there are some."""
    told = [vote for vote in record["judgments"] if not vote.get("tie")]
    experts = [vote for vote in told if vote.get("role") == "expert"]
    sides = sum(1 - 2 * vote["choice"] for vote in (experts_alone and experts) or told)
    return None if sides == 0 else 0 if sides > 0 else 1


def right_labels(records: list[dict], experts_alone: bool) -> dict[str, tuple[int, int]]:
    """By domain: how many labels agree with the checked answer, and how many of those with one have a label."""
    counts: Counter = Counter()
    for record in records:
        is_right = record.get("is_right")
        if "judgments" in record and record.get("gold") is not None:
            chosen = record["label"]["chosen"] if "label" in record else majority(record, experts_alone)
            is_right = None if chosen is None else chosen == record["gold"]
        if is_right is not None:
            counts.update({(record["domain"], "right"): int(is_right), (record["domain"], "total"): 1})
    return {domain: (counts[domain, "right"], total) for (domain, kind), total in counts.items() if kind == "total"}


def write_jsonl(path: Path, records: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(record) + "\n" for record in records)
    return path


def read_jsonl(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
