"""TRL 1.12.0's PPOTrainer, the last there is: ppo.py CONFIG.json

All four models have one shape; responses have the forced length, because no stop token is set. This trainer ignores
bf16=True (it makes its own Accelerator); ACCELERATE_MIXED_PRECISION=bf16, which compare.py sets for the setting `best`,
turns autocast on for its updates.
"""
import time

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

import common


class RolloutClock(TrainerCallback):
    """A step ends where the callbacks of the one before it end; the trainer does not say where it begins."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.rollout_seconds: list[float] = []
        self.last = 0.0

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self.last = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now

    def time_generation(self, generate):
        def timed(*args, **kwargs):
            began = time.perf_counter()
            result = generate(*args, **kwargs)
            self.rollout_seconds.append(time.perf_counter() - began)
            return result
        return timed


def main() -> None:
    config = common.read_config()
    clock = RolloutClock()
    ppo_trainer.batch_generation = clock.time_generation(ppo_trainer.batch_generation)
    tokenizer = AutoTokenizer.from_pretrained(config["model"], padding_side="left")
    causal = lambda: AutoModelForCausalLM.from_pretrained(config["model"], dtype="float32")
    scalar = lambda: AutoModelForSequenceClassification.from_pretrained(config["reward"], dtype="float32")
    settings = dict(
        output_dir=config["output"], use_cpu=True, per_device_train_batch_size=config["batch"],
        total_episodes=config["batch"] * config["steps"], response_length=config["new_tokens"], temperature=0.7,
        num_ppo_epochs=config["epochs"], num_mini_batches=1, learning_rate=3e-6, lr_scheduler_type="constant",
        adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, weight_decay=0.0, max_grad_norm=1.0,
        num_sample_generations=0, logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True)
    if config["setting"] != "default":
        settings.update(optim="adamw_torch_fused", gradient_checkpointing=False)
    prompts = Dataset.from_list([{"input_ids": row["input_ids"]} for row in common.read_ids(config["data"])])
    adapter = {}
    if config.get("adapter"):  # of the policy alone: the trainer has no adapters for its value model
        from peft import LoraConfig
        adapter = {"peft_config": LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")}
    ref_model = None if adapter else causal()
    trainer = PPOTrainer(args=PPOConfig(**settings), processing_class=tokenizer, model=causal(), ref_model=ref_model,
                         reward_model=scalar(), value_model=scalar(), train_dataset=prompts, eval_dataset=prompts,
                         callbacks=[clock], **adapter)
    trainer.train()
    common.write_result(config, seconds=clock.seconds, rollout_seconds=clock.rollout_seconds)


main()
