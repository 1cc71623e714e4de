// Rules between the keys of a config.
#include "rlhf/config/validate.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "rlhf/config/metrics_list.h"
#include "rlhf/config/record_formats.h"
#include "rlhf/config/stage.h"
#include "rlhf/config/suggest.h"
#include "rlhf/core/error.h"

#include "config/scalars.h"

namespace rlhf {
namespace {

using Issues = std::vector<Issue>;

std::string number(std::int64_t x) { return std::to_string(x); }

void require_said(Issues& issues, const std::string& key, const std::string& value, const std::string& what) {
  if (value.empty()) issues.push_back({{key}, "expected " + what + ", found nothing"});
}

void require_divides(Issues& issues, const std::string& key, std::int64_t divisor, const std::string& whole_key,
                     std::int64_t whole) {
  if (divisor > 0 && whole % divisor == 0) return;
  issues.push_back(
      {{key, whole_key}, "expected a divisor of " + whole_key + " = " + number(whole) + ", found " + number(divisor)});
}

void check_most(Issues& issues, const std::string& key, std::int64_t value, std::int64_t most,
                const std::string& what) {
  if (value > most)
    issues.push_back({{key}, "expected at most " + number(most) + " " + what + ", found " + number(value)});
}

/// More threads than a few for each CPU only take turns, and a system may refuse to start them.
void check_threads(Issues& issues, const std::string& key, const std::optional<std::int64_t>& threads) {
  constexpr std::int64_t kPerCpu = 4, kAlways = 64;
  const auto cpus = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  const std::int64_t limit = std::max(kAlways, kPerCpu * cpus);
  if (!threads || *threads <= limit) return;
  issues.push_back({{key},
                    "expected at most " + number(limit) + " threads on a machine with " + number(cpus) +
                        (cpus == 1 ? " CPU" : " CPUs") + ", found " + number(*threads)});
}

void check_files(Issues& issues, const std::string& key, const std::vector<std::string>& files) {
  if (std::find(files.begin(), files.end(), "") != files.end()) {
    issues.push_back({{key}, "expected paths or globs, found an empty text in the list"});
  }
}

void require_files(Issues& issues, const std::string& key, const std::vector<std::string>& files) {
  if (files.empty()) issues.push_back({{key}, "expected at least one file, found none"});
  check_files(issues, key, files);
}

std::string did_you_mean(const std::string& word, const std::vector<std::string_view>& candidates) {
  const auto meant = nearest(word, candidates);
  return meant ? "; did you mean `" + *meant + "`?" : "";
}

/// The keys of `fields` must be names of fields that the records of this stage have.
void check_fields(Issues& issues, const std::map<std::string, std::string>& fields, Stage stage) {
  const FieldList ours = fields_of(stage);
  for (const auto& [our, theirs] : fields) {
    if (!ours.contains(our)) {
      issues.push_back({{"data.fields"},
                        "expected {name: name in the file} with name one of " + joined_names(ours) + ", found " + our +
                            did_you_mean(our, {ours.begin(), ours.end()})});
    } else if (theirs.empty()) {
      issues.push_back({{"data.fields"}, "expected the name of the field for " + our + ", found nothing"});
    }
  }
}

void check_template(Issues& issues, const std::string& key, const std::string& text) {
  if (text.empty()) return;
  const std::size_t prompt = text.find("{prompt}"), completion = text.find("{completion}");
  const bool once = text.find("{prompt}", prompt + 1) == std::string::npos &&
                    text.find("{completion}", completion + 1) == std::string::npos;
  if (prompt < completion && completion != std::string::npos && once) return;
  issues.push_back({{key}, "expected {prompt} and then {completion}, once each, found \"" + text + "\""});
}

void check_init(Issues& issues, const ModelInit& init, std::optional<std::int64_t> max_length) {
  const std::string at = "model.init.";
  require_divides(issues, at + "num_attention_heads", init.num_attention_heads, at + "hidden_size", init.hidden_size);
  require_divides(issues, at + "num_key_value_heads", init.num_key_value_heads, at + "num_attention_heads",
                  init.num_attention_heads);
  const bool has_heads = init.num_attention_heads > 0 && init.hidden_size % init.num_attention_heads == 0;
  const std::int64_t head_width = has_heads ? init.hidden_size / init.num_attention_heads : 0;
  if (head_width % 2 != 0) {
    issues.push_back({{at + "hidden_size", at + "num_attention_heads"},
                      "expected an even width per head (rotary embeddings rotate pairs), found " +
                          number(init.hidden_size) + " / " + number(init.num_attention_heads) + " = " +
                          number(head_width)});
  }
  if (max_length && *max_length > init.max_position_embeddings) {
    issues.push_back({{"data.max_length", at + "max_position_embeddings"},
                      "expected at most model.init.max_position_embeddings = " + number(init.max_position_embeddings) +
                          ", found " + number(*max_length)});
  }
}

void check_texts(Issues& issues, const std::string& key, const std::vector<std::string>& texts) {
  if (std::find(texts.begin(), texts.end(), "") == texts.end()) return;
  issues.push_back({{key}, "expected texts, found an empty one"});
}

/// An adapter is saved without the weights of its base, so these must be in a folder.
void check_lora(Issues& issues, const ModelOptions& model) {
  if (!model.lora) return;
  check_texts(issues, "model.lora.targets", model.lora->targets);
  if (model.init)
    issues.push_back(
        {{"model.lora", "model.init"}, "expected the folder of a base model (model.path), found model.init"});
  if (model.allow_missing_head)
    issues.push_back({{"model.allow_missing_head", "model.lora"},
                      "expected false with model.lora (a new head must be trained), found true"});
}

void check_model(Issues& issues, const ModelOptions& model, std::optional<std::int64_t> max_length) {
  check_lora(issues, model);
  if (model.path.empty() && !model.init) {
    issues.push_back({{"model.path", "model.init"}, "expected a model folder (or model.init), found nothing"});
  }
  if (!model.init) return;
  if (!model.path.empty()) {
    issues.push_back({{"model.init", "model.path"}, "expected either model.path or model.init, found both"});
  }
  if (model.tokenizer.empty()) {
    issues.push_back({{"model.tokenizer", "model.init"}, "expected a tokenizer for the new model, found nothing"});
  }
  check_init(issues, *model.init, max_length);
}

void check_data(Issues& issues, const DataOptions& data, Stage stage) {
  if (data.train.empty()) issues.push_back({{"data.train"}, "expected at least one file, found none"});
  std::vector<std::string> train;
  for (const WeightedPath& item : data.train) train.push_back(item.path);
  check_files(issues, "data.train", train);
  check_files(issues, "data.eval", data.eval);
  const auto folds = static_cast<double>(data.eval_fold + 1);
  if (data.eval_fold > 0 && (data.eval_share == 0 || folds * data.eval_share > 1 + 1e-9)) {
    issues.push_back(
        {{"data.eval_fold", "data.eval_share"},
         "expected data.eval_share above 0 and at most 1 / (eval_fold + 1), found " + format_double(data.eval_share)});
  }
  if (!data.eval.empty() && data.eval_share > 0) {
    issues.push_back({{"data.eval_share", "data.eval"}, "expected either data.eval or data.eval_share, found both"});
  }
  if (data.max_length && data.min_length > *data.max_length) {
    issues.push_back(
        {{"data.min_length", "data.max_length"},
         "expected at most data.max_length = " + number(*data.max_length) + ", found " + number(data.min_length)});
  }
  if (const auto* format = find_format(data.format); format != nullptr && !reads(stage, *format)) {
    issues.push_back({{"data.format"}, wrong_format(stage, data.format)});
  }
  check_fields(issues, data.fields, stage);
  check_template(issues, "data.template", data.template_);
}

/// Evaluations do not scale scores (train/policy_evaluation.h), but the coefficient of the KL is one for scaled scores.
void check_best_by(Issues& issues, const EvalOptions& eval, const RewardOptions& reward) {
  if (reward.scaling == RewardScaling::none || eval.best_by != "eval_objective/rlhf_reward") return;
  issues.push_back({{"eval.best_by", "reward.scaling"},
                    "expected another metric with reward.scaling (evaluations do not scale scores, and the KL "
                    "coefficient is one for scaled scores), found " +
                        eval.best_by + "; hint: eval_objective/scores"});
}

/// `data_keys` are the keys that give data to evaluate on.
void check_eval(Issues& issues, const EvalOptions& eval, bool has_data, const std::vector<std::string>& data_keys,
                Stage stage) {
  const auto needs_data = [&](const std::string& key) {
    std::string missing = data_keys.size() > 1 ? "neither " : "no ";
    for (const std::string& data_key : data_keys)
      missing += (&data_key == &data_keys.front() ? "" : " nor ") + data_key;
    std::vector<std::string> keys = {key};
    keys.insert(keys.end(), data_keys.begin(), data_keys.end());
    issues.push_back({std::move(keys), "expected data to evaluate on, found " + missing});
  };
  if (eval.every_steps > 0 && !has_data) needs_data("eval.every_steps");
  if (eval.patience > 0 && eval.every_steps == 0) {
    issues.push_back({{"eval.patience", "eval.every_steps"},
                      "expected eval.every_steps above 0 (the run can only end after an evaluation), found 0"});
  }
  if (eval.best_by.empty()) return;
  if (!has_data) needs_data("eval.best_by");
  const std::vector<std::string> known = best_by_names(stage);
  if (std::find(known.begin(), known.end(), eval.best_by) != known.end()) return;
  issues.push_back({{"eval.best_by"},
                    "expected one of " + joined_names(known) + ", found " + eval.best_by +
                        did_you_mean(eval.best_by, {known.begin(), known.end()})});
}

void check_micro_batch(Issues& issues, const std::optional<std::int64_t>& tokens, std::int64_t longest,
                       const std::vector<std::string>& longest_keys) {
  if (!tokens || *tokens >= longest) return;
  std::string sum;
  for (const std::string& key : longest_keys) sum += (sum.empty() ? "" : " + ") + key;
  std::vector<std::string> keys = {"train.micro_batch_tokens"};
  keys.insert(keys.end(), longest_keys.begin(), longest_keys.end());
  issues.push_back({std::move(keys), "expected at least " + sum + " = " + number(longest) +
                                         " (sequences are not split), found " + number(*tokens)});
}

/// The rules of all stages that train on samples from files.
template <typename Config>
Issues check_supervised(const Config& config, Stage stage) {
  Issues issues;
  check_model(issues, config.model, config.data.max_length);
  check_data(issues, config.data, stage);
  require_said(issues, "train.output", config.train.output, "a folder for the run");
  check_micro_batch(issues, config.train.micro_batch_tokens, config.data.max_length.value_or(0), {"data.max_length"});
  check_threads(issues, "train.threads", config.train.threads);
  check_eval(issues, config.eval, !config.data.eval.empty() || config.data.eval_share > 0,
             {"data.eval", "data.eval_share"}, stage);
  return issues;
}

void check_truncated_sampling(Issues& issues, const RolloutOptions& rollout) {
  if (rollout.allow_truncated_sampling) return;
  const std::string why = " (the log-probabilities do not describe truncated samples), found ";
  const std::string hint = "; hint: allow it with rollout.allow_truncated_sampling=true";
  const std::string switch_key = "rollout.allow_truncated_sampling";
  if (rollout.top_p < 1) {
    issues.push_back({{"rollout.top_p", switch_key}, "expected 1" + why + format_double(rollout.top_p) + hint});
  }
  if (rollout.top_k > 0) {
    issues.push_back({{"rollout.top_k", switch_key}, "expected 0" + why + number(rollout.top_k) + hint});
  }
}

void check_clip_range(Issues& issues, const std::array<double, 2>& range) {
  const auto [lowest, highest] = range;
  if (lowest < highest || (lowest == 0 && highest == 0)) return;
  issues.push_back({{"reward.clip_range"},
                    "expected [lowest, highest] with lowest < highest, or [0, 0] for no clipping, found [" +
                        format_double(lowest) + ", " + format_double(highest) + "]"});
}

/// Letters, digits, "_" and "-".
bool is_metric_name(const std::string& name) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.find_first_not_of(allowed) == std::string::npos;
}

/// The lengths of a check: overlong. A response has at most `longest` tokens (rollout.max_new_tokens).
void check_overlong(Issues& issues, const std::string& key, const RewardTerm& term, std::int64_t longest) {
  const std::int64_t buffer = term.buffer_tokens, most = term.max_tokens.value_or(longest);
  if (buffer > most) {
    const std::string limit = term.max_tokens ? "max_tokens" : "rollout.max_new_tokens, the default of max_tokens";
    issues.push_back({{key + ".buffer_tokens", key + ".max_tokens", "rollout.max_new_tokens"},
                      "expected at most " + number(most) + ", " + limit + ", found " + number(buffer) +
                          "; hint: lower it, or " + (term.max_tokens ? "raise" : "set") + " max_tokens"});
  } else if (buffer >= 1 && most - buffer >= longest) {
    issues.push_back({{key + ".max_tokens", key + ".buffer_tokens", "rollout.max_new_tokens"},
                      "expected below rollout.max_new_tokens + buffer_tokens = " + number(longest + buffer) +
                          " (no response is longer than max_tokens − buffer_tokens, so all score 0), found " +
                          number(most) + "; hint: omit it"});
  }
}

void check_terms(Issues& issues, const std::vector<RewardTerm>& terms, std::int64_t longest) {
  std::set<std::string> names = {"model"};
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const RewardTerm& term = terms[i];
    const std::string key = "reward.terms[" + std::to_string(i) + "]";
    if (!is_metric_name(term.name)) {
      issues.push_back({{key + ".name"}, "expected letters, digits, _ and -, found \"" + term.name + "\""});
    } else if (!names.insert(term.name).second) {
      issues.push_back(
          {{key + ".name"},
           "expected a name that no other term and not the reward model has, found \"" + term.name + "\""});
    }
    const int ways = (term.check != RewardCheck::none) + !term.command.empty() + !term.url.empty();
    if (ways != 1)
      issues.push_back({{key},
                        std::string("expected a check, a command or a url, found ") +
                            (ways == 0 ? "none of them" : "more than one")});
    if (!term.url.empty() && !term.url.starts_with("http://") && !term.url.starts_with("https://"))
      issues.push_back({{key + ".url"}, "expected http://… or https://…, found " + term.url});
    if ((term.check == RewardCheck::regex) != !term.pattern.empty())
      issues.push_back({{key + ".pattern"},
                        std::string("expected ") + (term.pattern.empty() ? "an expression with check: regex, found none"
                                                                         : "none without check: regex, found one")});
    if ((term.check == RewardCheck::overlong) != (term.buffer_tokens > 0))
      issues.push_back({{key + ".buffer_tokens"},
                        term.buffer_tokens > 0
                            ? "expected 0 without check: overlong, found " + number(term.buffer_tokens)
                            : "expected at least 1 with check: overlong, found 0"});
    if (term.check == RewardCheck::overlong) {
      check_overlong(issues, key, term, longest);
    } else if (term.max_tokens) {
      issues.push_back(
          {{key + ".max_tokens"}, "expected none without check: overlong, found " + number(*term.max_tokens)});
    }
  }
}

/// The rules for scoring given answers.
Issues check_scoring(const GenerateConfig& config) {
  Issues issues;
  require_said(issues, "reward", config.reward, "the folder of the reward model that scores");
  require_said(issues, "input", config.input, "a file of answers to score (or model, to generate answers)");
  const std::pair<const char*, bool> not_used[] = {
      {"prompt", !config.prompt.empty()}, {"chat", config.chat}, {"best", config.best}};
  for (const auto& [key, used] : not_used)
    if (used) issues.push_back({{key}, "expected none where given answers are scored (score_only), found one"});
  check_template(issues, "template", config.template_);
  return issues;
}

void check_annotators(Issues& issues, const RewardModelOptions& options) {
  if (learns_labels(options.annotators) && options.loss == RewardLoss::ipo) {
    issues.push_back({{"reward_model.loss", "reward_model.annotators"},
                      "expected bradley_terry beside reward_model.annotators latent, em and trust, found ipo"});
  }
  if (options.domains == DomainSharing::per_domain && options.annotators != AnnotatorMethod::latent) {
    issues.push_back({{"reward_model.domains", "reward_model.annotators"},
                      "expected reward_model.annotators: latent beside per_domain, found another method"});
  }
  const bool needs_bias = options.annotators == AnnotatorMethod::drop_in_play;
  if (needs_bias && options.biases.empty()) {
    issues.push_back({{"reward_model.biases", "reward_model.annotators"},
                      "expected at least one beside reward_model.annotators: drop_in_play, found none"});
  }
}

/// What refers to a model or to data that is not there.
void check_models(Issues& issues, const OnPolicyModelOptions& model, const PromptDataOptions& data,
                  const RewardOptions& reward, const EvalOptions& eval) {
  require_said(issues, "model.policy", model.policy, "the folder of the initial policy");
  if (!model.eval_reward.empty() && data.eval.empty())
    issues.push_back({{"model.eval_reward", "data.eval"}, "expected data.eval, on which it scores, found none"});
  if (eval.best_by == "eval_objective/held_out_scores" && model.eval_reward.empty())
    issues.push_back({{"eval.best_by", "model.eval_reward"},
                      "expected model.eval_reward, which gives eval_objective/held_out_scores, found none"});
  if (reward.spread_penalty > 0 && model.reward_ensemble.empty())
    issues.push_back({{"reward.spread_penalty", "model.reward_ensemble"},
                      "expected 0 without model.reward_ensemble, found " + format_double(reward.spread_penalty)});
  if (!model.reward_ensemble.empty() && model.reward.empty())
    issues.push_back({{"model.reward_ensemble", "model.reward"}, "expected none without model.reward, found some"});
}

void check_on_policy_lora(Issues& issues, const std::optional<LoraOptions>& lora) {
  if (!lora) return;
  check_texts(issues, "model.lora.targets", lora->targets);
  if (lora->dropout > 0)
    issues.push_back({{"model.lora.dropout"},
                      "expected 0 (updates compare log-probabilities with those of the rollout), found " +
                          format_double(lora->dropout)});
}

}  // namespace

Issues validate(const SftConfig& config) { return check_supervised(config, Stage::sft); }

Issues validate(const RewardModelConfig& config) {
  Issues issues = check_supervised(config, Stage::reward_model);
  if (config.model.allow_missing_head) {
    issues.push_back(
        {{"model.allow_missing_head"}, "expected false (a reward model needs no output head), found true"});
  }
  if (config.reward_model.unbiased_smoothing && config.reward_model.label_smoothing == 0) {
    issues.push_back({{"reward_model.unbiased_smoothing", "reward_model.label_smoothing"},
                      "expected reward_model.label_smoothing above 0, found 0"});
  }
  check_annotators(issues, config.reward_model);
  return issues;
}

Issues validate(const DpoConfig& config) {
  Issues issues = check_supervised(config, Stage::dpo);
  if (config.dpo.loss == PreferenceLoss::robust && config.dpo.label_smoothing == 0) {
    issues.push_back({{"dpo.label_smoothing", "dpo.loss"},
                      "expected above 0 beside dpo.loss: robust (it is the share of wrong labels), found 0"});
  }
  if (!config.dpo.reference.empty() && !needs_reference(config.dpo.loss)) {
    issues.push_back({{"dpo.reference", "dpo.loss"}, "expected none beside a dpo.loss without a reference, found one"});
  }
  if (config.dpo.loss == PreferenceLoss::kto) return issues;
  if (config.data.format == RecordFormat::unpaired) {
    issues.push_back({{"data.format", "dpo.loss"}, "expected dpo.loss: kto beside unpaired, found another loss"});
  }
  for (const auto& [key, weight] : {std::pair("dpo.desirable_weight", config.dpo.desirable_weight),
                                    std::pair("dpo.undesirable_weight", config.dpo.undesirable_weight)}) {
    if (weight != 1)
      issues.push_back({{key, "dpo.loss"}, "expected 1 without dpo.loss: kto, found " + format_double(weight)});
  }
  return issues;
}

Issues validate_on_policy(const OnPolicyModelOptions& model, const PromptDataOptions& data,
                          const RolloutOptions& rollout, const RewardOptions& reward, const PpoTrainOptions& train,
                          const EvalOptions& eval) {
  Issues issues;
  check_models(issues, model, data, reward, eval);
  check_on_policy_lora(issues, model.lora);
  require_files(issues, "data.prompts", data.prompts);
  check_files(issues, "data.eval", data.eval);
  check_files(issues, "data.ptx", data.ptx);
  check_fields(issues, data.fields, Stage::ppo);
  check_template(issues, "data.template", data.template_);
  require_said(issues, "train.output", train.output, "a folder for the run");
  require_divides(issues, "rollout.num_samples_per_prompt", rollout.num_samples_per_prompt, "rollout.batch_size",
                  rollout.batch_size);
  check_texts(issues, "rollout.stop", rollout.stop);
  check_truncated_sampling(issues, rollout);
  check_threads(issues, "train.threads", train.threads);
  check_clip_range(issues, reward.clip_range);
  check_terms(issues, reward.terms, rollout.max_new_tokens);
  check_eval(issues, eval, !data.eval.empty(), {"data.eval"}, Stage::ppo);
  check_best_by(issues, eval, reward);
  check_micro_batch(issues, train.micro_batch_tokens, data.max_prompt_length + rollout.max_new_tokens,
                    {"data.max_prompt_length", "rollout.max_new_tokens"});
  return issues;
}

/// What refers to files or to an option that is not there.
void check_references(Issues& issues, const PpoConfig& config) {
  const RewardOptions& reward = config.reward;
  if (reward.scaling != RewardScaling::none && !reward.agreement_penalty.number)
    issues.push_back({{"reward.agreement_penalty", "reward.scaling"},
                      "expected a number with reward.scaling (the estimate is in reward units), found auto"});
  if ((config.ppo.ptx_coef > 0) != !config.data.ptx.empty())
    issues.push_back({{"data.ptx", "ppo.ptx_coef"},
                      config.data.ptx.empty() ? "expected at least one file with ppo.ptx_coef above 0, found none"
                                              : "expected none without ppo.ptx_coef, found some"});
}

/// One optimizer has one limit of the norm.
void check_one_optimizer(Issues& issues, const PpoConfig& config) {
  const double policy = config.optimizer.max_grad_norm, value = config.value_optimizer.max_grad_norm;
  if (!config.ppo.vf_coef || policy == value) return;
  issues.push_back({{"value_optimizer.max_grad_norm", "optimizer.max_grad_norm", "ppo.vf_coef"},
                    "expected that of optimizer, " + format_double(policy) +
                        ", with ppo.vf_coef (gradients are clipped together), found " + format_double(value)});
}

/// What an advantage without a value model needs and refuses, and where the KL penalty may be.
void check_advantage(Issues& issues, const PpoConfig& config) {
  const PpoOptions& ppo = config.ppo;
  if (ppo.kl_in == KlPlace::loss && ppo.kl_estimator == KlEstimator::k1)
    issues.push_back({{"ppo.kl_estimator", "ppo.kl_in"},
                      "expected k2 or k3 in the loss (the gradient of k1 is 0 in expectation), found k1"});
  if (ppo.dual_clip > 0 && ppo.dual_clip <= 1)
    issues.push_back({{"ppo.dual_clip"}, "expected 0 or above 1, found " + format_double(ppo.dual_clip)});
  const std::string name(enum_names<AdvantageKind>()[static_cast<std::size_t>(ppo.advantage)]);
  if (config.rollout.refill_equal_groups > 0 && !compares_samples(ppo.advantage))
    issues.push_back({{"rollout.refill_equal_groups", "ppo.advantage"},
                      "expected 0 with ppo.advantage: " + name + " (responses to a prompt are not compared), found " +
                          number(config.rollout.refill_equal_groups)});
  if (ppo.has_value_model()) return;
  if (ppo.vf_coef)
    issues.push_back({{"ppo.vf_coef", "ppo.advantage"},
                      "expected none with ppo.advantage: " + name + " (there is no value model), found " +
                          format_double(*ppo.vf_coef)});
  if (ppo.score_position == ScorePosition::after_eos)
    issues.push_back(
        {{"ppo.score_position", "ppo.advantage"},
         "expected last_token with ppo.advantage: " + name + " (there is no value model), found after_eos"});
  if (compares_samples(ppo.advantage) && config.rollout.num_samples_per_prompt < 2)
    issues.push_back({{"rollout.num_samples_per_prompt", "ppo.advantage"},
                      "expected at least 2 with ppo.advantage: " + name + " (their rewards are compared), found 1"});
  if (!config.model.value.empty())
    issues.push_back({{"model.value", "ppo.advantage"},
                      "expected none with ppo.advantage: " + name + " (there is no value model), found one"});
  if (ppo.value_warmup_steps > 0)
    issues.push_back({{"ppo.value_warmup_steps", "ppo.advantage"},
                      "expected 0 with ppo.advantage: " + name + " (there is no value model), found " +
                          number(ppo.value_warmup_steps)});
}

Issues validate(const PpoConfig& config) {
  Issues issues = validate_on_policy(on_policy_models(config.model), config.data, config.rollout, config.reward,
                                     config.train, config.eval);
  const RolloutOptions& rollout = config.rollout;
  const std::int64_t last_rollout = (config.train.total_episodes - 1) / std::max<std::int64_t>(1, rollout.batch_size);
  if (config.ppo.value_warmup_steps > last_rollout) {
    issues.push_back({{"ppo.value_warmup_steps", "train.total_episodes", "rollout.batch_size"},
                      "expected at most " + number(last_rollout) +
                          ", so that the policy is trained on a rollout of the " + number(last_rollout + 1) +
                          ", found " + number(config.ppo.value_warmup_steps)});
  }
  check_advantage(issues, config);
  check_one_optimizer(issues, config);
  check_references(issues, config);
  require_divides(issues, "ppo.num_mini_batches", config.ppo.num_mini_batches, "rollout.batch_size",
                  rollout.batch_size);
  if (config.ppo.kl_controller == KlControllerKind::adaptive && config.ppo.kl_coef == 0) {
    issues.push_back(
        {{"ppo.kl_coef", "ppo.kl_controller"}, "expected above 0 (the adaptive controller multiplies it), found 0"});
  }
  if (!config.reward.agreement_penalty.number && config.ppo.kl_coef == 0) {
    issues.push_back({{"reward.agreement_penalty", "ppo.kl_coef"},
                      "expected a number where ppo.kl_coef is 0 (without a KL penalty no finite one is enough), found "
                      "auto"});
  }
  if (config.ppo.kl_controller == KlControllerKind::adaptive &&
      config.ppo.kl_horizon <= 0.2 * static_cast<double>(rollout.batch_size)) {
    issues.push_back(
        {{"ppo.kl_horizon", "rollout.batch_size"},
         "expected above a fifth of rollout.batch_size (otherwise a step could make the coefficient negative), found " +
             format_double(config.ppo.kl_horizon)});
  }
  return issues;
}

Issues validate(const GenerateConfig& config) {
  Issues issues;
  if (config.scores_given_answers()) return check_scoring(config);
  require_said(issues, "model", config.model, "a model folder (or, to score the answers in input, reward)");
  const int ways = !config.prompt.empty() + !config.input.empty() + config.chat;
  if (ways != 1) {
    issues.push_back(
        {{"prompt", "input", "chat"},
         std::string("expected a prompt, an input file or a chat, found ") + (ways == 0 ? "none" : "more than one")});
  }
  if (!config.chat && !config.system.empty()) {
    issues.push_back({{"system", "chat"}, "expected --chat with a system message, found none"});
  }
  check_texts(issues, "stop", config.stop);
  if (!config.prompt.empty() && !config.chat_template.empty()) {
    issues.push_back(
        {{"chat_template", "prompt"}, "expected a chat or an input of messages, found a prompt, which is plain text"});
  }
  if (config.best && (config.reward.empty() || config.num_samples < 2)) {
    issues.push_back({{"best", "reward", "num_samples"}, "expected a reward model and num_samples of at least 2"});
  }
  check_threads(issues, "threads", config.threads);
  check_most(issues, "num_samples", config.num_samples, 65536, "responses per prompt, which are held in memory");
  check_most(issues, "batch_size", config.batch_size, 65536, "sequences at once, whose keys and values are in memory");
  check_template(issues, "template", config.template_);
  return issues;
}

Issues validate(const RewardEvaluationConfig& config) {
  Issues issues;
  require_said(issues, "model", config.model, "the folder of the reward model");
  require_files(issues, "data", config.data);
  check_threads(issues, "threads", config.threads);
  check_template(issues, "template", config.template_);
  return issues;
}

Issues validate(const SycophancyConfig& config) {
  Issues issues;
  const bool compares = !config.before.empty() || !config.after.empty();
  if (compares && !config.model.empty())
    issues.push_back({{"model"}, "expected none beside before and after, found one"});
  if (compares) {
    require_said(issues, "before", config.before, "the folder before training, beside after");
    require_said(issues, "after", config.after, "the folder after training, beside before");
  } else {
    require_said(issues, "model", config.model, "the folder of a policy or reward model, or before and after");
  }
  if ((config.samples & (config.samples - 1)) != 0)
    issues.push_back({{"samples"}, "expected a power of 2, found " + std::to_string(config.samples)});
  if (!config.policy.empty() && config.max_new_tokens == 0)
    issues.push_back({{"max_new_tokens", "policy"}, "expected at least 1 with policy, which answers, found 0"});
  check_threads(issues, "threads", config.threads);
  check_template(issues, "template", config.template_);
  return issues;
}

Issues validate(const MergeConfig& config) {
  Issues issues;
  require_said(issues, "model", config.model, "the folder of an adapter");
  require_said(issues, "output", config.output, "a folder to write");
  return issues;
}

Issues validate(const AverageConfig& config) {
  Issues issues;
  if (config.model.size() < 2)
    issues.push_back({{"model"}, "expected at least 2 folders, found " + std::to_string(config.model.size())});
  require_said(issues, "output", config.output, "a folder for the mean");
  return issues;
}

void throw_if_any(const Issues& issues) {
  std::vector<std::string> lines;
  for (const Issue& issue : issues) lines.push_back(issue.keys.front() + ": " + issue.message);
  if (!lines.empty()) throw ConfigError(lines);
}

}  // namespace rlhf
