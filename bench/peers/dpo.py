"""TRL's DPOTrainer on ids that prepare.py made: dpo.py CONFIG.json"""
from datasets import Dataset
from trl import DPOConfig, DPOTrainer

import common


class GivenIds(DPOTrainer):
    """Trains on the ids that it is given, instead of tokenising texts."""

    def _prepare_dataset(self, dataset, *arguments):
        return dataset


def split(row: dict) -> dict:
    prompt = row["prompt_length"]
    return {"prompt_ids": row["chosen_ids"][:prompt], "chosen_ids": row["chosen_ids"][prompt:],
            "rejected_ids": row["rejected_ids"][prompt:]}


def main() -> None:
    config = common.read_config()
    arguments = common.training_arguments(config)
    if config["setting"] != "default":
        arguments["precompute_ref_log_probs"] = True  # a step then has one forward pass, as ours
    clock = common.StepClock()
    trainer = GivenIds(model=config["model"], args=DPOConfig(**arguments),
                       train_dataset=Dataset.from_list([split(row) for row in common.read_ids(config["data"])]),
                       callbacks=[clock])
    trainer.train()
    common.write_result(config, seconds=clock.seconds, losses=clock.losses)


main()
