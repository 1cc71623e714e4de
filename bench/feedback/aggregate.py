"""Labels of pairs from crowd-kit's aggregations of their votes."""
import pandas as pd
from crowdkit import aggregation

TIE = 2
FREQUENT = 50  # votes


def table_of(records: list[dict]) -> pd.DataFrame:
    """Votes of experts are those of one more annotator."""
    rows = [(i, vote["annotator"], TIE if vote.get("tie") else vote["choice"])
            for i, record in enumerate(records) for vote in record["judgments"]]
    return pd.DataFrame(rows, columns=["task", "worker", "label"]).drop_duplicates(["task", "worker"])


def anchors_of(records: list[dict]) -> dict[int, int]:
    return {i: vote["choice"] for i, record in enumerate(records) for vote in record["judgments"]
            if vote.get("role") == "expert"}


def of_classes(model, votes: pd.DataFrame, **known) -> dict[int, float]:
    """P(the first is better); a tie counts half."""
    shares = model.fit_predict_proba(votes, **known)
    first = shares[0] + (0.5 * shares[TIE] if TIE in shares else 0)
    return first.to_dict()


def of_frequent(votes: pd.DataFrame) -> dict[int, float]:
    """M-MSR needs annotators who share pairs with others, and takes seconds for an iteration over all of them."""
    counts = votes["worker"].value_counts()
    votes = votes[votes["worker"].isin(counts[counts >= FREQUENT].index)]
    labels = aggregation.MMSR(n_iter=100, random_state=0).fit_predict(votes)
    return labels.map({0: 1.0, 1: 0.0, TIE: 0.5}).to_dict()


def of_comparisons(records: list[dict]) -> dict[int, float]:
    """Scores of the texts of a topic from its comparisons; ties are left out."""
    rows = []
    for record in records:
        names = [(record["prompt"], text) for text in record["responses"]]
        rows += [(vote["annotator"], *names, names[vote["choice"]]) for vote in record["judgments"] if not vote.get("tie")]
    model = aggregation.NoisyBradleyTerry(n_iter=300).fit(pd.DataFrame(rows, columns=["worker", "left", "right", "label"]))
    scores = model.scores_.to_dict()
    first = {}
    for i, record in enumerate(records):
        left, right = (scores.get((record["prompt"], text)) for text in record["responses"])
        if left is not None and right is not None:
            first[i] = left / (left + right)
    return first


METHODS = {
    "MACE": lambda records, votes: of_classes(aggregation.MACE(), votes),
    "Dawid-Skene": lambda records, votes: of_classes(aggregation.DawidSkene(n_iter=100), votes),
    "Dawid-Skene, experts known": lambda records, votes: of_classes(
        aggregation.DawidSkene(n_iter=100), votes, true_labels=pd.Series(anchors_of(records))),
    "GLAD": lambda records, votes: of_classes(aggregation.GLAD(n_iter=20), votes),
    "M-MSR": lambda records, votes: of_frequent(votes),
    "NoisyBradleyTerry": lambda records, votes: of_comparisons(records),
}


def aggregate(name: str, records: list[dict]) -> dict[int, float]:
    """P(the first response is better) by the index of the record; experts have the last word."""
    first = METHODS[name](records, table_of(records))
    first.update({i: 1.0 - choice for i, choice in anchors_of(records).items()})
    return first
