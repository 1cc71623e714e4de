"""TRL's SFTTrainer: sft.py CONFIG.json, on ids that prepare.py made, or on `texts`, which it tokenises itself"""
from datasets import Dataset, load_dataset
from trl import SFTConfig, SFTTrainer

import common


def from_ids(config: dict) -> Dataset:
    """With labels of our own: given ids and a completion_mask alone, TRL would train on the prompts too."""
    def sample(ids: list[int], labels: int) -> dict:
        prompt = len(ids) - labels
        return {"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]}
    return Dataset.from_list([sample(row["input_ids"], row["labels"]) for row in common.read_ids(config["data"])])


def from_texts(config: dict) -> Dataset:
    rows = load_dataset("json", data_files=config["texts"], split="train")
    return rows.map(lambda row: {"prompt": row["question"] + "\n", "completion": row["answer"]},
                    remove_columns=["question", "answer"])


def main() -> None:
    config = common.read_config()
    clock = common.StepClock()
    model = common.adapted(config["model"]) if config.get("adapter") else config["model"]
    trainer = SFTTrainer(model=model, args=SFTConfig(**common.training_arguments(config)),
                         train_dataset=from_texts(config) if "texts" in config else from_ids(config), callbacks=[clock])
    trainer.train()
    common.write_result(config, seconds=clock.seconds, losses=clock.losses, first_step_at=clock.first_step_at)


main()
