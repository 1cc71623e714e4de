// Device, model folder, tokenizer and templates of a run.
#include <algorithm>
#include <charconv>

#include <ATen/Parallel.h>

#include "rlhf/config/show_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/io/foreign_folder.h"
#include "rlhf/io/model_json.h"
#include "rlhf/io/model_path.h"
#include "rlhf/rollout/sampling.h"
#include "rlhf/tensor/rank_device.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/same_tokens.h"

#include "changed_tokenizer.h"
#include "fingerprint.h"
#include "prepare.h"

namespace rlhf {

namespace {

PromptTemplate choose_template(const ModelFolder& folder, const std::string& text, const RunOptions& options) {
  const std::optional<std::string>& own = folder.prompt_template;
  if (text.empty()) return own ? PromptTemplate(*own) : PromptTemplate();
  PromptTemplate chosen = PromptTemplate::of_option(text);
  if (own && *own != chosen.text() && !options.accept_differences)
    throw ConfigError({"data.template: expected " + quoted_yaml(*own) + ", which " + folder.path.string() +
                       " was trained with, found " + quoted_yaml(chosen.text()) +
                       "; hint: omit the key, or add --accept-differences"});
  return chosen;
}

/// The folder or file of the tokenizer.
std::string find_tokenizer(const ModelOptions& model, const ModelFolder& folder) {
  if (model.tokenizer.empty()) return folder.tokenizer_path();
  const std::string path = find_model(model.tokenizer);
  if (!is_there(path))
    throw ModelError("model.tokenizer: expected the folder or file of a tokenizer, found " +
                     describe_foreign_folder(path));
  return path;
}

/// A size of the plan: the one in the config, otherwise the one in the checkpoint. The fingerprint refuses a config
/// that differs from the checkpoint.
std::optional<std::int64_t> settle(std::optional<std::int64_t> set, const std::optional<ResumePoint>& resume,
                                   const std::string& name) {
  if (set || !resume) return set;
  const Fingerprint fingerprint = resume->fingerprint();
  const auto text = fingerprint.find(name);
  if (text == fingerprint.end()) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text->second.data() + text->second.size();
  const auto [stop, error] = std::from_chars(text->second.data(), end, value);
  if (error == std::errc() && stop == end && value > 0) return value;
  throw ModelError("checkpoint of step " + std::to_string(resume->step) + ": state.json: fingerprint: " + name +
                   ": expected a whole number above 0, found " + text->second);
}

void add_new_adapter(ModelFolder& folder, const LoraOptions& options) {
  if (folder.adapter)
    throw ConfigError({"model.lora: expected none, because " + folder.path.string() +
                       " is an adapter, found one; hint: omit the section to train that adapter further, or merge it "
                       "with rlhf-merge and train a new one"});
  add_adapter(folder, options);
}

/// What a plan for a cluster computes with. No tensor is made, so the device does not matter.
Compute compute_of_cluster(DtypeChoice dtype) {
  return {at::kCPU, dtype == DtypeChoice::float32 ? at::kFloat : at::kBFloat16, "that of the cluster"};
}

}  // namespace

SaveOptions Setup::save_options(const RecordCounts& counts, bool with_template, SavedHead head) const {
  SaveOptions options;
  options.dtype = folder.saved_dtype();
  if (with_template || folder.prompt_template) options.prompt_template = templates.prompt.text();
  options.stop_ids = templates.stop_ids;
  std::string pad_token;
  if (head == SavedHead::scalar) {
    options.pad_id = padding_id(*tokenizer, templates.stop_ids);
    if (tokenizer->pad_id() != options.pad_id) pad_token = tokenizer->piece(*options.pad_id);
  }
  const std::string chat_template = counts.chat ? templates.chat_template().source() : "";
  options.tokenizer_files = saved_tokenizer_files(tokenizer_files, chat_template, pad_token);
  return options;
}

std::int64_t Setup::choose_micro_batch_tokens(std::int64_t resident, std::int64_t longest) const {
  if (micro_batch_tokens) return std::max(*micro_batch_tokens, longest);
  const std::int64_t installed = cluster ? static_cast<std::int64_t>(spec_of(cluster->gpu).memory)
                                         : installed_memory_bytes(compute.device) / sharers_of_memory();
  return derive_micro_batch_tokens(folder.shape, compute.dtype, resident, installed, longest,
                                   cluster || !compute.device.is_cpu(), recompute);
}

int Setup::sharers_of_memory() const { return compute.device.is_cpu() ? ranks->local_size() : 1; }

StateShards Setup::state_shards() const {
  const int size = ranks->size();
  const auto shared = [&](Sharding kind) { return sharding >= kind ? size : 1; };
  return {shared(Sharding::optimizer), shared(Sharding::gradients), shared(Sharding::parameters)};
}

WeightKeeping Setup::keeping() const {
  return sharding == Sharding::parameters ? keep_parts(*ranks, lends_whole) : WeightKeeping();
}

void Setup::prepare_to_train(CausalLM& model) const {
  model.set_recompute(recompute);
  model.set_router_loss(router_loss);
}

Setup prepare(const RunSettings& settings, const std::optional<ResumePoint>& resume, const RunOptions& options,
              std::shared_ptr<const Ranks> ranks) {
  const ModelOptions& model = settings.model;
  const auto threads = settle(settings.threads, resume, kThreads).value_or(at::get_num_threads());
  at::set_num_threads(static_cast<int>(threads));
  Setup setup;
  setup.ranks = std::move(ranks);
  setup.sharding = settings.sharding;
  setup.accept_differences = options.accept_differences;
  setup.micro_batch_tokens = settle(settings.micro_batch_tokens, resume, kMicroBatchTokens);
  setup.cluster = options.cluster;
  setup.dry_run = options.dry_run;
  setup.compute = options.cluster ? compute_of_cluster(settings.dtype)
                                  : resolve_compute(settings.device, settings.dtype, setup.ranks->place());
  setup.recompute = settings.recompute;
  setup.router_loss = settings.router_loss;
  if (!model.init) setup.folder = read_model_folder(find_model(model.path));
  if (setup.router_loss && setup.folder.shape.num_experts == 0)
    throw ConfigError({"train.router_aux_loss_coef: expected none for a model without experts, found one"});
  if (model.lora) add_new_adapter(setup.folder, *model.lora);
  if (setup.folder.adapter && model.allow_missing_head)
    throw ConfigError(
        {"model.allow_missing_head: expected false where an adapter is trained (a new head must be trained "
         "too), found true"});
  if (setup.folder.adapter && !model.add_tokens.empty())
    throw ConfigError(
        {"model.add_tokens: expected none where an adapter is trained (it has no rows of the embedding), "
         "found some; hint: add them in a run of all weights first"});
  std::string tokenizer_path = find_tokenizer(model, setup.folder);
  if (!model.add_tokens.empty() || !model.eos_token.empty()) {
    tokenizer_path = load_changed_tokenizer(model, tokenizer_path, setup);
  } else {
    setup.tokenizer =
        model.init ? load_tokenizer(tokenizer_path) : load_tokenizer(tokenizer_path, setup.folder.shape.vocab_size);
  }
  if (model.init)
    setup.folder = describe_new_model(*model.init, setup.tokenizer->vocab_size(), setup.tokenizer->bos_id(),
                                      setup.tokenizer->eos_id());
  setup.tokenizer_files = read_side_files(setup.tokenizer->files());
  setup.templates.prompt = choose_template(setup.folder, settings.prompt_template, options);
  if (is_template_file(settings.chat_template)) setup.chat_file = settings.chat_template;
  choose_chat_template(setup.templates, settings.chat_template, tokenizer_path, *setup.tokenizer);
  setup.templates.stop_ids = stop_ids(setup.folder, *setup.tokenizer, setup.templates.end_of_turn.id);
  return setup;
}

void expect_language_model(const ModelFolder& folder, const std::string& key) {
  if (!folder.scalar_head) return;
  throw ModelError(key + ": " + folder.path.string() +
                   ": expected a language model, found one with a scalar head, such as rlhf-rm writes; hint: " +
                   (key.starts_with("model.") && key != "model.path" ? "give a reward model as model.reward"
                                                                     : "rlhf-sft trains language models"));
}

void warn_of_turn_end(const Setup& setup, const RecordCounts& counts) {
  const EndOfTurn& end = setup.templates.end_of_turn;
  if (!counts.chat || end.id) return;
  log_warning("chat template: expected a special token at the end of an answer, found " +
              (end.text.empty() ? "nothing" : "the plain text " + quoted_yaml(end.text)) +
              ", so the model does not learn from the end of a turn to stop; hint: use a template whose turns end in a "
              "special token (model.add_tokens of rlhf-sft adds one that the tokenizer lacks)" +
              (end.text.empty() ? "" : ", or stop at this text: rollout.stop of rlhf-ppo, --stop of rlhf-generate"));
}

void check_positions(const ModelFolder& folder, const std::string& key, std::int64_t longest) {
  if (longest <= folder.shape.max_positions) return;
  throw ModelError(key + ": expected at most " + std::to_string(folder.shape.max_positions) +
                   " tokens, the positions " +
                   (folder.path.empty() ? "of model.init" : "that " + folder.path.string() + " was made for") +
                   ", found " + std::to_string(longest));
}

ModelFolder read_companion(const std::string& path, const std::string& key, const Setup& setup) {
  ModelFolder folder = read_model_folder(find_model(path));
  const std::string where = key + ": " + folder.path.string() + ": expected the policy's ";
  const ModelFolder& policy = setup.folder;
  if (folder.path != policy.path)
    check_same_tokens(*setup.tokenizer, folder, key, "the policy (" + policy.path.string() + ")");
  const std::string& own = setup.templates.prompt.text();
  if (!folder.prompt_template || *folder.prompt_template == own || setup.accept_differences) return folder;
  throw ModelError(where + "template " + quoted_yaml(own) + ", found " + quoted_yaml(*folder.prompt_template) +
                   "; hint: use it anyway with --accept-differences");
}

ModelFolder read_reward_folder(const std::string& path, const std::string& key, const Setup& setup) {
  ModelFolder folder = read_companion(path, key, setup);
  if (folder.scalar_head) return folder;
  throw ModelError(key + ": " + path +
                   ": expected a model with a scalar head, found a language model; hint: train one with rlhf-rm");
}

}  // namespace rlhf
