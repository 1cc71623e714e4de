"""TRL's RewardTrainer on ids that prepare.py made: rm.py CONFIG.json"""
from datasets import Dataset
from trl import RewardConfig, RewardTrainer

import common


def main() -> None:
    config = common.read_config()
    rows = [{key: row[key] for key in ("chosen_ids", "rejected_ids")} for row in common.read_ids(config["data"])]
    clock = common.StepClock()
    trainer = RewardTrainer(model=config["model"], args=RewardConfig(**common.training_arguments(config)),
                            train_dataset=Dataset.from_list(rows), callbacks=[clock])
    trainer.train()
    common.write_result(config, seconds=clock.seconds, losses=clock.losses)


main()
