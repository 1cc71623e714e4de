#include <algorithm>

#include <nlohmann/json.hpp>

#include "rlhf/algo/kl.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/io/model_path.h"
#include "rlhf/tensor/work_counters.h"
#include "rlhf/train/ppo.h"

#include "announce.h"
#include "ppo_update.h"
#include "progress.h"
#include "setup.h"

namespace rlhf {

namespace {

/// The folders beside the policy's, and what must hold between them.
struct PpoFolders {
  std::string reference, value;
  ModelFolder reference_folder, value_folder, reward_folder;
};

/// Models of one run share one tokenizer and one template.
void check_fits_policy(const ModelFolder& folder, const std::string& key, const Setup& setup,
                       const RunOptions& options) {
  const std::string where = key + ": " + folder.path.string() + ": expected the policy's ";
  const ModelFolder& policy = setup.folder;
  if (folder.shape.vocab_size != policy.shape.vocab_size)
    throw ModelError(where + "vocabulary of " + std::to_string(policy.shape.vocab_size) + " ids, found " +
                     std::to_string(folder.shape.vocab_size) + "; hint: models of one run share one tokenizer");
  if (folder.path != policy.path && has_tokenizer(folder.path)) {
    if (const auto id = first_difference(*setup.tokenizer, *load_tokenizer(folder.path, folder.shape.vocab_size)))
      throw ModelError(where + "tokenizer, found one that reads id " + std::to_string(*id) + " as another piece");
  }
  const bool same = !folder.prompt_template || *folder.prompt_template == setup.templates.prompt.text();
  if (!same && !options.accept_differences)
    throw ModelError(where + "template " + quoted_yaml(setup.templates.prompt.text()) + ", found " +
                     quoted_yaml(*folder.prompt_template) + "; hint: --accept-differences goes on all the same");
}

PpoFolders read_folders(const PpoModelOptions& model, const Setup& setup, bool own_reward, const RunOptions& options) {
  PpoFolders folders;
  folders.reference = model.reference.empty() ? model.policy : model.reference;
  folders.value = model.value.empty() ? model.reward : model.value;
  if (folders.value.empty()) folders.value = model.policy;  // a C++ reward and nothing said: a new head on the policy
  folders.reference_folder = read_model_folder(find_model(folders.reference));
  folders.value_folder = read_model_folder(find_model(folders.value));
  check_fits_policy(folders.reference_folder, "model.reference", setup, options);
  check_fits_policy(folders.value_folder, "model.value", setup, options);
  if (own_reward) return folders;
  folders.reward_folder = read_model_folder(find_model(model.reward));
  check_fits_policy(folders.reward_folder, "model.reward", setup, options);
  if (!folders.reward_folder.scalar_head)
    throw ModelError("model.reward: " + model.reward +
                     ": expected a model with a scalar head, found a language model; " + "hint: rlhf-rm makes one");
  return folders;
}

std::int64_t longest_prompt(const std::vector<PromptSample>& prompts) {
  std::size_t longest = 0;
  for (const PromptSample& prompt : prompts) longest = std::max(longest, prompt.ids.size());
  return static_cast<std::int64_t>(longest);
}

PpoPlan plan_run(const PpoConfig& config, const Setup& setup, const PpoFolders& folders,
                 const SampleSet<PromptSample>& prompts, const std::optional<ResumePoint>& resume) {
  const ModelShape& policy = setup.folder.shape;
  const at::ScalarType dtype = setup.compute.dtype;
  const std::int64_t longest = longest_prompt(prompts.samples) + config.rollout.max_new_tokens;
  const std::string key = "data.max_prompt_length + rollout.max_new_tokens";
  check_positions(setup.folder, key, longest);
  check_positions(folders.reference_folder, key, longest);
  check_positions(folders.value_folder, key, longest);
  if (!folders.reward_folder.path.empty()) check_positions(folders.reward_folder, key, longest);
  MemoryForecast memory;
  memory.parts = {
      {"policy and training state", model_bytes(policy, dtype, true)},
      {"value model and training state", model_bytes(folders.value_folder.shape, dtype, true)},
      {"reference", model_bytes(folders.reference_folder.shape, dtype, false)},
      {"reward model", model_bytes(folders.reward_folder.shape, dtype, false)},
      {"KV cache", 2 * policy.num_layers * config.rollout.batch_size * longest * policy.num_key_value_heads *
                       policy.head_dim * static_cast<std::int64_t>(c10::elementSize(dtype))}};
  const std::int64_t derived =
      derive_micro_batch_tokens(policy, dtype, memory.total(), installed_memory_bytes(setup.compute.device), longest,
                                setup.compute.device.is_cuda());
  PpoPlan plan = plan_ppo(config, settle(config.train.micro_batch_tokens, resume, kMicroBatchTokens, derived));
  memory.parts.push_back({"activations", std::min(plan.micro_batch_tokens, plan.sequences_per_mini_batch * longest) *
                                             activation_bytes_per_token(policy, dtype)});
  plan.memory = memory;
  return plan;
}

/// Prompts of rollout `step`: the data in a fresh order every epoch, each prompt num_samples_per_prompt times in a row.
std::vector<const PromptSample*> choose_prompts(const BatchOrder& order, const std::vector<PromptSample>& prompts,
                                                std::int64_t step, const PpoPlan& plan, const RolloutOptions& options) {
  std::vector<const PromptSample*> chosen;
  for (std::int64_t i = 0; i < plan.prompts_per_rollout; ++i) {
    const PromptSample* prompt = &prompts[order.batch(step * plan.prompts_per_rollout + i).front()];
    chosen.insert(chosen.end(), static_cast<std::size_t>(options.num_samples_per_prompt), prompt);
  }
  return chosen;
}

std::vector<nlohmann::ordered_json> sample_lines(const PpoStepResult& result) {
  const Rollout& rollout = result.scored.rollout;
  const at::Tensor scores = result.scored.scores.cpu();
  const at::Tensor kl = segment_sum(kl_k1(rollout.logprobs, result.scored.ref_logprobs), rollout.responses).cpu();
  std::vector<nlohmann::ordered_json> lines;
  for (std::int64_t i = 0; i < rollout.responses.count(); ++i) {
    lines.push_back({{"prompt", result.texts.prompts[i]},
                     {"response", result.texts.responses[i]},
                     {"score", scores[i].item<double>()},
                     {"kl", kl[i].item<double>()},
                     {"finish", rollout.finish[i] == Finish::stop ? "stop" : "length"},
                     {"record", nlohmann::ordered_json::parse(result.texts.records[i])}});
  }
  return lines;
}

/// The run: state, loop, checkpoints, results.
class PpoRun {
 public:
  PpoRun(const PpoConfig& config, const PpoPlan& plan, PpoModels& models, Run& run,
         const std::vector<PromptSample>& prompts, TokenIds stops)
      : config_(config),
        plan_(plan),
        models_(models),
        run_(run),
        prompts_(prompts),
        stop_ids_(std::move(stops)),
        order_(prompts.size(), 1, static_cast<std::uint64_t>(config.train.seed)),
        state_(models, config) {}

  void restore(const ResumePoint& resume) {
    restore_tensors(resume.checkpoint.groups.at("policy"), state_.policy_optimizer.state(), "checkpoint");
    restore_tensors(resume.checkpoint.groups.at("value"), state_.value_optimizer.state(), "checkpoint");
    state_.policy_optimizer.reload();
    state_.value_optimizer.reload();
    state_.step = resume.step;
    state_.kl_coef = resume.checkpoint.state.at("kl_coef");
  }

  void go() {
    Progress progress("ppo", state_.step, plan_.rollouts, "perf/tokens_per_second", "objective/scores", "objective/kl");
    try {
      while (state_.step < plan_.rollouts) {
        stop_if_signalled();
        step(progress);
        if (run_.checkpoint_due(state_.step)) save();
      }
    } catch (const Interrupted&) {
      save();
      throw;
    }
    if (run_.keeps_checkpoints()) save();
    run_.flush();
    log_info("work: " + work_counters().summary());
  }

  NamedTensors policy_weights() const { return state_.policy_optimizer.weights(); }
  NamedTensors value_weights() const { return state_.value_optimizer.weights(); }

 private:
  void step(Progress& progress) {
    const auto prompts = choose_prompts(order_, prompts_, state_.step, plan_, config_.rollout);
    PpoStepResult result = ppo_step(models_, state_, prompts, stop_ids_, config_, plan_);
    result.metrics.set("episode", static_cast<double>(state_.step * config_.rollout.batch_size));
    if (state_.step % config_.log.every_steps == 0 || state_.step == plan_.rollouts)
      run_.write_metrics(state_.step, result.metrics);
    const std::int64_t every = config_.log.samples_every_steps;
    if (every > 0 && (state_.step - 1) % every == 0) run_.write_samples(state_.step, sample_lines(result));
    progress.show(state_.step, result.metrics);
  }

  void save() {
    Checkpoint checkpoint;
    checkpoint.groups["policy"] = state_.policy_optimizer.state();
    checkpoint.groups["value"] = state_.value_optimizer.state();
    checkpoint.state = {{"kl_coef", state_.kl_coef}};
    run_.save(state_.step, std::move(checkpoint));
  }

  const PpoConfig& config_;
  const PpoPlan& plan_;
  PpoModels& models_;
  Run& run_;
  const std::vector<PromptSample>& prompts_;
  TokenIds stop_ids_;
  BatchOrder order_;
  PpoState state_;
};

Fingerprint make_fingerprint(const PpoConfig& config, const RecordCounts& counts, const Setup& setup,
                             const PpoFolders& folders, const PpoPlan& plan) {
  Fingerprint fingerprint = fixed_values(config);
  add_machine(fingerprint, setup, plan.micro_batch_tokens);
  add_text(fingerprint, setup);
  add_data(fingerprint, "data.prompts", counts);
  add_model(fingerprint, "model.policy", config.model.policy);
  add_model(fingerprint, "model.reference", folders.reference);
  add_model(fingerprint, "model.value", folders.value);
  if (!config.model.reward.empty()) add_model(fingerprint, "model.reward", config.model.reward);
  return fingerprint;
}

Announcement announce(const PpoConfig& config, const PpoPlan& plan, const Setup& setup,
                      const SampleSet<PromptSample>& prompts) {
  const std::int64_t mean_prompt =
      prompts.report.tokens / std::max<std::int64_t>(1, static_cast<std::int64_t>(prompts.samples.size()));
  Announcement announcement{plan.summary(config, mean_prompt + config.rollout.max_new_tokens),
                            prompts.report.lines(),
                            setup.compute.reason,
                            plan.memory,
                            {}};
  for (std::size_t i = 0; i < std::min<std::size_t>(3, prompts.samples.size()); ++i)
    announcement.first_samples.push_back(show_sample({prompts.samples[i].ids, {}}, *setup.tokenizer, false));
  return announcement;
}

}  // namespace

void train_ppo(const PpoConfig& config, const RunOptions& options, RewardSource* own_reward) {
  const RunFolder folder(config.train.output);
  const auto resume = find_resume_point(folder, "ppo", options);
  const ModelOptions policy_options{.path = config.model.policy, .init = {}, .tokenizer = {}};
  const Setup setup = prepare(policy_options, {config.data.template_, config.data.chat_template}, config.train.device,
                              config.train.dtype, config.train.threads, resume, options);
  const auto records = read_prompts(config.data.prompts, {config.data.fields, config.data.max_bad_lines});
  auto prompts = make_prompts(records.records, *setup.tokenizer, setup.templates, config.data.max_prompt_length,
                              config.data.max_bad_lines);
  prompts.report.kind = records.counts.kind();
  const PpoFolders folders = read_folders(config.model, setup, own_reward != nullptr, options);
  const PpoPlan plan = plan_run(config, setup, folders, prompts, resume);
  const Announcement announcement = announce(config, plan, setup, prompts);
  if (options.dry_run) return print(announcement);

  const Fingerprint fingerprint = make_fingerprint(config, records.counts, setup, folders, plan);
  if (already_finished(folder, resume, fingerprint, plan.rollouts, options)) return log_finished(folder);
  const at::Device device = setup.compute.device;
  const at::ScalarType dtype = setup.compute.dtype;
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  const auto policy = load_causal_lm(setup.folder, device, dtype, true);
  const auto reference = load_causal_lm(folders.reference_folder, device, dtype, false);
  ScalarModel value = load_scalar_model(folders.value_folder, device, dtype, true, seed);
  std::optional<ScalarModel> reward_model;
  std::unique_ptr<RewardSource> model_reward;
  if (!own_reward) {
    reward_model = load_scalar_model(folders.reward_folder, device, dtype, false);
    model_reward = reward_from_model(*reward_model, plan.micro_batch_tokens);
  }
  PpoModels models{*policy, *reference, value, own_reward ? *own_reward : *model_reward, setup.tokenizer.get()};

  Run run(folder, to_yaml(config), describe_run("ppo", setup, fingerprint, plan.rollouts), fingerprint, resume, options,
          config.log, config.checkpoint);
  log(announcement);
  PpoRun ppo(config, plan, models, run, prompts.samples, setup.templates.stop_ids);
  if (resume) ppo.restore(*resume);
  ppo.go();
  const bool with_template = setup.folder.prompt_template || !config.data.template_.empty();
  SaveOptions value_options = setup.save_options(records.counts, with_template);
  value_options.dtype = folders.value_folder.file_dtype;
  save_scalar_model(folders.value_folder, ppo.value_weights(), value.reward_mean(), value_options,
                    folder.path() / "final-value");
  save_causal_lm(setup.folder, ppo.policy_weights(), setup.save_options(records.counts, with_template),
                 folder.final_model());
}

}  // namespace rlhf
