#include "rlhf/config/validate.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/config/read_config.h"
#include "rlhf/core/error.h"

#include "config/temp_file.h"

namespace rlhf {
namespace {

using Lines = std::vector<std::string>;

template <typename C>
Lines faults(const Lines& base, const Lines& overrides) {
  Lines all = base;
  all.insert(all.end(), overrides.begin(), overrides.end());
  try {
    read_config<C>("", all);
  } catch (const ConfigError& e) {
    return e.issues();
  }
  return {};
}

struct RuleCase {
  Lines overrides;
  Lines expected;
};

const Lines kSft = {"model.path=m", "data.train=[a.jsonl]", "train.output=r"};
const Lines kInit = {"model.init={}", "model.tokenizer=t", "data.train=[a.jsonl]", "train.output=r"};
const Lines kPpo = {"model.policy=m", "data.prompts=[a.jsonl]", "train.output=r"};
const Lines kGenerate = {"model=m", "prompt=Hello"};

TEST(Validate, AcceptsTheLeastThatMeansSomething) {
  EXPECT_EQ(faults<SftConfig>(kSft, {}), Lines{});
  EXPECT_EQ(faults<SftConfig>(kInit, {}), Lines{});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {}), Lines{});
  EXPECT_EQ(faults<PpoConfig>(kPpo, {}), Lines{});
  EXPECT_EQ(faults<DpoConfig>(kSft, {}), Lines{});
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {}), Lines{});
}

TEST(Validate, HoldsTheRulesOfAdapters) {
  EXPECT_EQ(faults<SftConfig>(kSft, {"model.lora={}"}), Lines{});
  EXPECT_EQ(faults<SftConfig>(kInit, {"model.lora.rank=4"}),
            Lines{"command line: model.lora: expected the folder of a base model (model.path), found model.init"});
  EXPECT_EQ(faults<SftConfig>(kSft, {"model.lora.rank=4", "model.allow_missing_head=true"}),
            Lines{"command line: model.allow_missing_head: expected false with model.lora (a new head must be "
                  "trained), found true"});
  EXPECT_EQ(faults<SftConfig>(kSft, {"model.lora.targets=[q_proj, '']"}),
            Lines{"command line: model.lora.targets: expected texts, found an empty one"});
  EXPECT_EQ(faults<SftConfig>(kSft, {"model.lora.dropout=0.1"}), Lines{});
  EXPECT_EQ(faults<PpoConfig>(kPpo, {"model.lora.dropout=0.1"}),
            Lines{"command line: model.lora.dropout: expected 0 (updates compare log-probabilities with those of the "
                  "rollout), found "
                  "0.1"});
  EXPECT_EQ(faults<MergeConfig>({}, {}), (Lines{"model: expected the folder of an adapter, found nothing",
                                                "output: expected a folder to write, found nothing"}));
}

TEST(Validate, AsksForWhatARunCannotDoWithout) {
  EXPECT_EQ(faults<SftConfig>({}, {}), (Lines{"model.path: expected a model folder (or model.init), found nothing",
                                              "data.train: expected at least one file, found none",
                                              "train.output: expected a folder for the run, found nothing"}));
  EXPECT_EQ(faults<PpoConfig>({}, {}), (Lines{"model.policy: expected the folder of the initial policy, found nothing",
                                              "data.prompts: expected at least one file, found none",
                                              "train.output: expected a folder for the run, found nothing"}));
  EXPECT_EQ(faults<GenerateConfig>({}, {}),
            (Lines{"model: expected a model folder (or, to score the answers in input, reward), found nothing",
                   "prompt: expected a prompt, an input file or a chat, found none"}));
}

TEST(Validate, ReadsWeightsOfFiles) {
  const auto config =
      read_config<SftConfig>("", {"model.path=m", "train.output=r", "data.train=[a, {weight: 2.5, path: b}]"});
  EXPECT_EQ(config.data.train, (std::vector<WeightedPath>{{"a"}, {"b", 2.5}}));
}

TEST(Validate, HoldsTheRulesOfSft) {
  const RuleCase cases[] = {
      {{"model.init={}", "model.tokenizer=t"},
       {"command line: model.init: expected either model.path or model.init, found both"}},
      {{"data.train=[\"\"]"}, {"command line: data.train: expected paths or globs, found an empty text in the list"}},
      {{"data.train=[{path: \"\", weight: 2}]"},
       {"command line: data.train: expected paths or globs, found an empty text in the list"}},
      {{"data.min_length=9", "data.max_length=8"},
       {"command line: data.min_length: expected at most data.max_length = 8, found 9"}},
      {{"data.eval=[b]", "data.eval_share=0.1"},
       {"command line: data.eval_share: expected either data.eval or data.eval_share, found both"}},
      {{"data.fields={promt: q}"},
       {"command line: data.fields: expected {name: name in the file} with name one of messages, conversations, "
        "system, instruction, output, input, history, prompt, completion, text, chosen, rejected, margin, weight, "
        "probability, completions, "
        "rank, responses, judgments, id, domain, belief, gold, label, tools, chat_template_kwargs, found promt; did "
        "you mean "
        "`prompt`?"}},
      {{"data.fields={prompt: \"\"}"},
       {"command line: data.fields: expected the name of the field for prompt, found nothing"}},
      {{"data.template={completion}{prompt}"},
       {"command line: data.template: expected {prompt} and then {completion}, once each, found "
        "\"{completion}{prompt}\""}},
      {{"data.template={prompt}"},
       {"command line: data.template: expected {prompt} and then {completion}, once each, found \"{prompt}\""}},
      {{"data.template={prompt}{prompt}{completion}"},
       {"command line: data.template: expected {prompt} and then {completion}, once each, found "
        "\"{prompt}{prompt}{completion}\""}},
      {{"train.micro_batch_tokens=1023", "data.max_length=1024"},
       {"command line: train.micro_batch_tokens: expected at least data.max_length = 1024 (sequences are not split), "
        "found 1023"}},
      {{"train.micro_batch_tokens=1024", "data.max_length=1024"}, {}},
      {{"train.micro_batch_tokens=10"}, {}},  // the default of data.max_length follows it
      {{"data.format=preference"}, {}},
      {{"data.format=prompt"},
       {"command line: data.format: expected one of auto, messages, sharegpt, alpaca, demonstration, text, preference, "
        "ranking, judgments, transcripts, tree, found prompt, which is for rlhf-ppo"}},
      {{"eval.every_steps=5"},
       {"command line: eval.every_steps: expected data to evaluate on, found neither data.eval nor data.eval_share"}},
      {{"eval.patience=2", "data.eval=[b]"},
       {"command line: eval.patience: expected eval.every_steps above 0 (the run can only end after an evaluation), "
        "found 0"}},
      {{"eval.best_by=eval_los", "data.eval=[b]"},
       {"command line: eval.best_by: expected one of eval_loss, eval_mean_token_accuracy, found eval_los; did you mean "
        "`eval_loss`?"}},
      {{"eval.best_by=eval_mean_token_accuracy", "data.eval_share=0.1"}, {}},
      {{"data.format=alpaca"}, {}},
  };
  for (const RuleCase& c : cases) EXPECT_EQ(faults<SftConfig>(kSft, c.overrides), c.expected) << c.overrides[0];
}

TEST(Validate, HoldsTheRulesOfANewModel) {
  const RuleCase cases[] = {
      {{"model.tokenizer="}, {"command line: model.tokenizer: expected a tokenizer for the new model, found nothing"}},
      {{"model.init.num_attention_heads=5", "model.init.num_key_value_heads=5"},
       {"command line: model.init.num_attention_heads: expected a divisor of model.init.hidden_size = 64, found 5"}},
      {{"model.init.num_key_value_heads=3"},
       {"command line: model.init.num_key_value_heads: expected a divisor of model.init.num_attention_heads = 4, found "
        "3"}},
      {{"model.init.hidden_size=12"},
       {"command line: model.init.hidden_size: expected an even width per head (rotary embeddings rotate pairs), found "
        "12 "
        "/ "
        "4 = 3"}},
      {{"data.max_length=1025"},
       {"command line: data.max_length: expected at most model.init.max_position_embeddings = 1024, found 1025"}},
  };
  for (const RuleCase& c : cases) EXPECT_EQ(faults<SftConfig>(kInit, c.overrides), c.expected) << c.overrides[0];
}

TEST(Validate, HoldsTheRulesOfTheRewardModel) {
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"model.allow_missing_head=true"}),
            Lines{"command line: model.allow_missing_head: expected false (a reward model needs no output head), found "
                  "true"});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"reward_model.unbiased_smoothing=true"}),
            Lines{"command line: reward_model.unbiased_smoothing: expected reward_model.label_smoothing above 0, found "
                  "0"});
  EXPECT_EQ(
      faults<RewardModelConfig>(kSft, {"reward_model.annotators=em", "reward_model.loss=ipo"}),
      Lines{"command line: reward_model.loss: expected bradley_terry beside reward_model.annotators latent, em and "
            "trust, found ipo"});
  EXPECT_EQ(
      faults<RewardModelConfig>(kSft, {"data.eval_fold=2", "data.eval_share=0.4"}),
      Lines{"command line: data.eval_fold: expected data.eval_share above 0 and at most 1 / (eval_fold + 1), found "
            "0.4"});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"data.eval_fold=4", "data.eval_share=0.2"}), Lines{});
  EXPECT_EQ(
      faults<RewardModelConfig>(kSft, {"reward_model.domains=per_domain"}),
      Lines{"command line: reward_model.domains: expected reward_model.annotators: latent beside per_domain, found "
            "another method"});
  EXPECT_EQ(
      faults<RewardModelConfig>(kSft, {"reward_model.annotators=drop_in_play", "reward_model.biases=[]"}),
      Lines{"command line: reward_model.biases: expected at least one beside reward_model.annotators: drop_in_play, "
            "found none"});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"data.fields={completions: answers, text: answer, rank: place}"}),
            Lines{});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"eval.best_by=eval_accuracy", "data.eval=[b]"}), Lines{});
  EXPECT_EQ(faults<RewardModelConfig>(kSft, {"data.format=text"}),
            Lines{"command line: data.format: expected one of auto, preference, ranking, judgments, transcripts, tree, "
                  "found text, "
                  "which is for rlhf-sft"});
  EXPECT_EQ(
      faults<RewardModelConfig>(kSft, {"data.fields={completion: x}"}),
      Lines{"command line: data.fields: expected {name: name in the file} with name one of prompt, chosen, "
            "rejected, margin, weight, "
            "probability, completions, text, rank, responses, judgments, id, domain, belief, gold, label, system, "
            "tools, chat_template_kwargs, "
            "found completion; did you mean `completions`?"});
}

TEST(Validate, HoldsTheRulesOfDpo) {
  const RuleCase cases[] = {
      {{"dpo.loss=robust"},
       {"dpo.label_smoothing: expected above 0 beside dpo.loss: robust (it is the share of wrong "
        "labels), "
        "found 0"}},
      {{"dpo.loss=robust", "dpo.label_smoothing=0.1"}, {}},
      {{"dpo.loss=simpo", "dpo.reference=m"},
       {"command line: dpo.reference: expected none beside a dpo.loss without a reference, found one"}},
      {{"dpo.loss=kto", "dpo.reference=m"}, {}},
      {{"dpo.loss=kto", "dpo.desirable_weight=2", "data.format=unpaired"}, {}},
      {{"dpo.undesirable_weight=2", "data.format=unpaired"},
       {"command line: data.format: expected dpo.loss: kto beside unpaired, found another loss",
        "command line: dpo.undesirable_weight: expected 1 without dpo.loss: kto, found 2"}},
      {{"dpo.loss=kto", "dpo.desirable_weight=0"},
       {"command line: dpo.desirable_weight: expected a number, above 0, found 0"}},
      {{"dpo.loss=sigmoid"},
       {"command line: dpo.loss: expected one of dpo, robust, dpo_norm, ipo, hinge, simpo, orpo, kto, found sigmoid"}},
      {{"dpo.beta=0"}, {"command line: dpo.beta: expected a number, above 0, found 0"}},
      {{"dpo.label_smoothing=0.5"},
       {"command line: dpo.label_smoothing: expected a number, at least 0, below 0.5, found 0.5"}},
      {{"data.format=text"},
       {"command line: data.format: expected one of auto, preference, ranking, judgments, unpaired, transcripts, tree, "
        "found "
        "text, "
        "which is for rlhf-sft"}},
      {{"eval.best_by=eval_accuracy", "data.eval=[b]"},
       {"command line: eval.best_by: expected one of eval_loss, eval_rewards/accuracies, eval_rewards/margins, found "
        "eval_accuracy"}},
  };
  for (const RuleCase& c : cases) EXPECT_EQ(faults<DpoConfig>(kSft, c.overrides), c.expected) << c.overrides[0];
}

TEST(Validate, HoldsTheRulesOfPpo) {
  const std::string truncated = " (the log-probabilities do not describe truncated samples), found ";
  const std::string hint = "; hint: allow it with rollout.allow_truncated_sampling=true";
  const RuleCase cases[] = {
      {{"rollout.num_samples_per_prompt=3"},
       {"command line: rollout.num_samples_per_prompt: expected a divisor of rollout.batch_size = 64, found 3"}},
      {{"ppo.num_mini_batches=3"},
       {"command line: ppo.num_mini_batches: expected a divisor of rollout.batch_size = 64, found 3"}},
      {{"train.total_episodes=100"}, {}},
      {{"rollout.stop=[a, '']"}, {"command line: rollout.stop: expected texts, found an empty one"}},
      {{"reward.clip_range=[5, -5]"},
       {"command line: reward.clip_range: expected [lowest, highest] with lowest < highest, or [0, 0] for no clipping, "
        "found [5, -5]"}},
      {{"reward.clip_range=[3, 3]"},
       {"command line: reward.clip_range: expected [lowest, highest] with lowest < highest, or [0, 0] for no clipping, "
        "found [3, 3]"}},
      {{"reward.clip_range=[-5, 5]"}, {}},
      {{"reward.spread_penalty=1"},
       {"command line: reward.spread_penalty: expected 0 without model.reward_ensemble, found 1"}},
      {{"reward.spread_penalty=1", "model.reward=rm1", "model.reward_ensemble=[rm2]"}, {}},
      {{"data.eval=[\"\"]"}, {"command line: data.eval: expected paths or globs, found an empty text in the list"}},
      {{"eval.every_steps=5"}, {"command line: eval.every_steps: expected data to evaluate on, found no data.eval"}},
      {{"data.eval=[b]", "eval.every_steps=5", "eval.best_by=eval_objective/rlhf_reward", "eval.patience=3"}, {}},
      {{"ppo.value_warmup_steps=2", "train.total_episodes=128"},
       {"command line: ppo.value_warmup_steps: expected at most 1, so that the policy is trained on a rollout of the "
        "2, "
        "found 2"}},
      {{"ppo.value_warmup_steps=2", "train.total_episodes=129"}, {}},
      {{"ppo.advantage=rloo"},
       {"rollout.num_samples_per_prompt: expected at least 2 with ppo.advantage: rloo (their rewards are "
        "compared), found 1"}},
      {{"ppo.advantage=dr_grpo", "rollout.num_samples_per_prompt=4"}, {}},
      {{"ppo.advantage=reinforce_plus_plus"}, {}},
      {{"ppo.advantage=reinforce_plus_plus", "model.value=v", "ppo.value_warmup_steps=1"},
       {"command line: model.value: expected none with ppo.advantage: reinforce_plus_plus (there is no value model), "
        "found one",
        "command line: ppo.value_warmup_steps: expected 0 with ppo.advantage: reinforce_plus_plus (there is no value "
        "model), found 1"}},
      {{"ppo.kl_in=loss"},
       {"ppo.kl_estimator: expected k2 or k3 in the loss (the gradient of k1 is 0 in expectation), found "
        "k1"}},
      {{"ppo.kl_in=loss", "ppo.kl_estimator=k3"}, {}},
      {{"ppo.dual_clip=0.5"}, {"command line: ppo.dual_clip: expected 0 or above 1, found 0.5"}},
      {{"ppo.dual_clip=3"}, {}},
      {{"reward.terms=[{name: a, check: json}, {name: b, command: [cat], weight: -2}]"}, {}},
      {{"reward.terms=[{name: a b, check: json}, {name: c}, {name: c, check: answer, command: [cat]}]"},
       {"command line: reward.terms[0].name: expected letters, digits, _ and -, found \"a b\"",
        "reward.terms[1]: expected a check, a command or a url, found none of them",
        "command line: reward.terms[2].name: expected a name that no other term and not the reward model has, found "
        "\"c\"",
        "reward.terms[2]: expected a check, a command or a url, found more than one"}},
      {{"reward.terms=[{name: a, url: 'http://localhost:5000/score'}, {name: b, url: 'https://x.org', batch_size: 8}]"},
       {}},
      {{"reward.terms=[{name: a, url: 'localhost:5000'}, {name: b, url: 'http://x', check: json}]"},
       {"command line: reward.terms[0].url: expected http://… or https://…, found localhost:5000",
        "reward.terms[1]: expected a check, a command or a url, found more than one"}},
      {{"reward.terms=[{name: a, check: overlong, buffer_tokens: 16}, {name: b, check: overlong, buffer_tokens: 8, "
        "max_tokens: 8}]"},
       {}},
      {{"reward.terms=[{name: a, check: overlong}, {name: b, check: json, buffer_tokens: 4, max_tokens: 8}, {name: c, "
        "check: overlong, buffer_tokens: 9, max_tokens: 8}]"},
       {"reward.terms[0].buffer_tokens: expected at least 1 with check: overlong, found 0",
        "command line: reward.terms[1].buffer_tokens: expected 0 without check: overlong, found 4",
        "command line: reward.terms[1].max_tokens: expected none without check: overlong, found 8",
        "command line: reward.terms[2].buffer_tokens: expected at most 8, max_tokens, found 9; hint: lower it, or "
        "raise "
        "max_tokens"}},
      {{"rollout.max_new_tokens=8", "reward.terms=[{name: a, check: overlong, buffer_tokens: 9}]"},
       {"command line: reward.terms[0].buffer_tokens: expected at most 8, rollout.max_new_tokens, the default of "
        "max_tokens, found 9; hint: lower it, or set max_tokens"}},
      // 12 − 4 = 8: the longest response still scores 0; with 11, one of 8 tokens scores −1/4.
      {{"rollout.max_new_tokens=8",
        "reward.terms=[{name: a, check: overlong, buffer_tokens: 4, max_tokens: 12}, {name: b, check: overlong, "
        "buffer_tokens: 4, max_tokens: 11}]"},
       {"command line: reward.terms[0].max_tokens: expected below rollout.max_new_tokens + buffer_tokens = 12 (no "
        "response is longer than max_tokens − buffer_tokens, so all score 0), found 12; hint: omit it"}},
      {{"rollout.refill_equal_groups=3"},
       {"command line: rollout.refill_equal_groups: expected 0 with ppo.advantage: gae (responses to a prompt are not "
        "compared), found 3"}},
      {{"rollout.refill_equal_groups=3", "ppo.advantage=grpo", "rollout.num_samples_per_prompt=4"}, {}},
      {{"rollout.refill_equal_groups=65", "ppo.advantage=grpo", "rollout.num_samples_per_prompt=4"},
       {"command line: rollout.refill_equal_groups: expected a whole number, from 0 to 64, found 65"}},
      {{"reward.scaling=running_std"}, {}},
      {{"reward.scaling=running_std", "reward.agreement_penalty=auto"},
       {"command line: reward.agreement_penalty: expected a number with reward.scaling (the estimate is in reward "
        "units), found auto"}},
      {{"reward.scaling=running_std", "data.eval=[b]", "eval.best_by=eval_objective/rlhf_reward"},
       {"command line: eval.best_by: expected another metric with reward.scaling (evaluations do not scale scores, and "
        "the KL coefficient is one for scaled scores), found eval_objective/rlhf_reward; hint: eval_objective/scores"}},
      {{"reward.scaling=running_std", "data.eval=[b]", "eval.best_by=eval_objective/scores"}, {}},
      {{"data.eval=[b]", "eval.best_by=eval_objective/rlhf_reward"}, {}},
      {{"ppo.ptx_coef=27.8"}, {"data.ptx: expected at least one file with ppo.ptx_coef above 0, found none"}},
      {{"data.ptx=[a.jsonl]"}, {"command line: data.ptx: expected none without ppo.ptx_coef, found some"}},
      {{"data.ptx=[a.jsonl]", "ppo.ptx_coef=27.8"}, {}},
      {{"ppo.score_position=after_eos"}, {}},
      {{"ppo.score_position=after_eos", "ppo.advantage=reinforce_plus_plus"},
       {"command line: ppo.score_position: expected last_token with ppo.advantage: reinforce_plus_plus (there is no "
        "value model), found after_eos"}},
      {{"ppo.vf_coef=0.1", "optimizer.max_grad_norm=0.5", "value_optimizer.max_grad_norm=0.5"}, {}},
      {{"ppo.vf_coef=0.1", "value_optimizer.max_grad_norm=0.5"},
       {"command line: value_optimizer.max_grad_norm: expected that of optimizer, 1, with ppo.vf_coef (gradients are "
        "clipped together), found 0.5"}},
      {{"ppo.vf_coef=0.1", "ppo.advantage=reinforce_plus_plus"},
       {"command line: ppo.vf_coef: expected none with ppo.advantage: reinforce_plus_plus (there is no value model), "
        "found 0.1"}},
      {{"ppo.target_kl=0"}, {"command line: ppo.target_kl: expected a number, above 0, found 0"}},
      {{"ppo.target_kl=0.02"}, {}},
      {{"model.eval_reward=rm2"},
       {"command line: model.eval_reward: expected data.eval, on which it scores, found none"}},
      {{"data.eval=[b]", "eval.best_by=eval_objective/held_out_scores"},
       {"command line: eval.best_by: expected model.eval_reward, which gives eval_objective/held_out_scores, found "
        "none"}},
      {{"data.eval=[b]", "eval.best_by=eval_objective/held_out_scores", "model.eval_reward=rm2"}, {}},
      {{"reward.terms=[{name: a, command: [cat], workers: 0}]"},
       {"command line: reward.terms[0].workers: expected a whole number, from 1 to 256, found 0"}},
      {{"reward.terms=[{name: model, check: regex}, {name: j, check: json, pattern: x}]"},
       {"command line: reward.terms[0].name: expected a name that no other term and not the reward model has, found "
        "\"model\"",
        "reward.terms[0].pattern: expected an expression with check: regex, found none",
        "command line: reward.terms[1].pattern: expected none without check: regex, found one"}},
      {{"rollout.top_p=0.9"}, {"command line: rollout.top_p: expected 1" + truncated + "0.9" + hint}},
      {{"rollout.top_k=5"}, {"command line: rollout.top_k: expected 0" + truncated + "5" + hint}},
      {{"rollout.top_p=0.9", "rollout.top_k=5", "rollout.allow_truncated_sampling=true"}, {}},
      {{"train.micro_batch_tokens=575"},
       {"command line: train.micro_batch_tokens: expected at least data.max_prompt_length + rollout.max_new_tokens = "
        "576 "
        "(sequences are not split), found 575"}},
      {{"ppo.kl_controller=adaptive", "ppo.kl_coef=0"},
       {"command line: ppo.kl_coef: expected above 0 (the adaptive controller multiplies it), found 0"}},
      {{"ppo.kl_coef=0"}, {}},
      {{"ppo.kl_coef=0", "reward.agreement_penalty=auto"},
       {"command line: reward.agreement_penalty: expected a number where ppo.kl_coef is 0 (without a KL penalty no "
        "finite one is enough), found auto"}},
      {{"reward.agreement_penalty=auto", "reward.agreement_samples=1"},
       {"command line: reward.agreement_samples: expected a whole number, at least 2, found 1"}},
      {{"reward.agreement_penalty=-0.5"},
       {"command line: reward.agreement_penalty: expected auto, or a number, at least 0, found -0.5"}},
      {{"reward.agreement_penalty=automatic"},
       {"command line: reward.agreement_penalty: expected auto, or a number, at least 0, found automatic"}},
      {{"reward.agreement_penalty=[1]"},
       {"command line: reward.agreement_penalty: expected auto, or a number, at least 0, found a list of 1"}},
      {{"reward.agreement_penalty=2.5"}, {}},
  };
  for (const RuleCase& c : cases) EXPECT_EQ(faults<PpoConfig>(kPpo, c.overrides), c.expected) << c.overrides[0];
}

TEST(Validate, HoldsTheRulesOfGenerate) {
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {"input=a.jsonl"}),
            Lines{"command line: prompt: expected a prompt, an input file or a chat, found more than one"});
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {"system=be kind"}),
            Lines{"command line: system: expected --chat with a system message, found none"});
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {"best=true"}),
            Lines{"command line: best: expected a reward model and num_samples of at least 2"});
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {"stop=[a, '']"}),
            Lines{"command line: stop: expected texts, found an empty one"});
  EXPECT_EQ(
      faults<GenerateConfig>(kGenerate, {"chat_template=chatml"}),
      Lines{"command line: chat_template: expected a chat or an input of messages, found a prompt, which is plain "
            "text"});
  EXPECT_EQ(faults<GenerateConfig>(kGenerate, {"top_p=0"}),
            Lines{"command line: top_p: expected a number, above 0, at most 1, found 0"});
}

// "train.outptu" is told; that train.output is missing follows from it and would only be noise.
TEST(Validate, DoesNotRepeatWhatFollowsFromAnotherFault) {
  EXPECT_EQ(faults<SftConfig>({"model.path=m", "data.train=[a.jsonl]", "train.outptu=r"}, {}),
            Lines{"command line: train.outptu: unknown key; did you mean `train.output`?"});
  EXPECT_EQ(faults<PpoConfig>(kPpo, {"rollout.batch_size=0"}),
            Lines{"command line: rollout.batch_size: expected a whole number, at least 1, found 0"});
}

TEST(Validate, TellsTheLineOfTheFile) {
  const TempFile file("a.yaml",
                      "model: {policy: m}\ndata: {prompts: [a]}\nrollout:\n  batch_size: 10\nppo:\n"
                      "  num_mini_batches: 4\ntrain:\n  output: r\n");
  try {
    read_config<PpoConfig>(file.path());
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ConfigError& e) {
    EXPECT_EQ(e.issues(), Lines{file.path().string() +
                                ":6: ppo.num_mini_batches: expected a divisor of rollout.batch_size = 10, found 4"});
  }
}

TEST(Validate, CanBeAskedByAProgram) {
  PpoConfig config;
  EXPECT_THROW(throw_if_any(validate(config)), ConfigError);
  config.model.policy = "m";
  config.data.prompts = {"a.jsonl"};
  config.train.output = "r";
  EXPECT_NO_THROW(throw_if_any(validate(config)));
}

}  // namespace
}  // namespace rlhf
