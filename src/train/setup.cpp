#include "setup.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include "rlhf/config/show_config.h"
#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/version.h"
#include "rlhf/io/model_path.h"
#include "rlhf/rollout/sampling.h"

namespace rlhf {

namespace {

const std::string kThreads = "machine.threads";

PromptTemplate choose_template(const ModelFolder& folder, const std::string& said, const RunOptions& options) {
  const std::optional<std::string>& own = folder.prompt_template;
  if (said.empty()) return own ? PromptTemplate(*own) : PromptTemplate();
  if (own && *own != said && !options.accept_differences)
    throw ConfigError({"data.template: expected " + quoted_yaml(*own) + ", which " + folder.path.string() +
                       " was trained with, found " + quoted_yaml(said) +
                       "; hint: leave the key out, or pass --accept-differences"});
  return PromptTemplate(said);
}

/// An id for the padding of a scalar model's config.json. `transformers` takes it off the end of a text before it looks
/// for the last token, so it must be nothing that ends a text.
std::int32_t padding_id(const Tokenizer& tokenizer, const TokenIds& stop_ids) {
  const auto ends_texts = [&](std::int32_t id) {
    return std::find(stop_ids.begin(), stop_ids.end(), id) != stop_ids.end();
  };
  for (const auto id : {tokenizer.pad_id(), tokenizer.unknown_id(), tokenizer.bos_id()}) {
    if (id && !ends_texts(*id)) return *id;
  }
  auto last = static_cast<std::int32_t>(tokenizer.vocab_size() - 1);
  while (last > 0 && ends_texts(last)) --last;
  return last;
}

}  // namespace

SaveOptions Setup::save_options(const RecordCounts& counts, bool with_template) const {
  SaveOptions options;
  options.dtype = folder.path.empty() ? at::kFloat : folder.file_dtype;
  if (with_template || folder.prompt_template) options.prompt_template = templates.prompt.text();
  if (counts.chat) options.chat_template = templates.chat_template().source();
  options.tokenizer_files = tokenizer->files();
  options.eos_id = tokenizer->eos_id();
  options.pad_id = padding_id(*tokenizer, templates.stop_ids);
  return options;
}

Setup prepare(const ModelOptions& model, const SaidTemplates& said, DeviceChoice device, DtypeChoice dtype,
              std::optional<std::int64_t> threads, const std::optional<ResumePoint>& resume,
              const RunOptions& options) {
  at::set_num_threads(static_cast<int>(settle(threads, resume, kThreads, at::get_num_threads())));
  Setup setup;
  setup.compute = resolve_compute(device, dtype);
  if (!model.init) setup.folder = read_model_folder(find_model(model.path));
  const std::string tokenizer_path = find_model(model.tokenizer.empty() ? model.path : model.tokenizer);
  setup.tokenizer =
      model.init ? load_tokenizer(tokenizer_path) : load_tokenizer(tokenizer_path, setup.folder.shape.vocab_size);
  if (model.init)
    setup.folder = describe_new_model(*model.init, setup.tokenizer->vocab_size(), setup.tokenizer->bos_id(),
                                      setup.tokenizer->eos_id());
  setup.templates.prompt = choose_template(setup.folder, said.prompt, options);
  if (is_template_file(said.chat)) setup.chat_file = said.chat;
  choose_chat_template(setup.templates, said.chat, tokenizer_path, *setup.tokenizer);
  setup.templates.stop_ids = stop_ids(setup.folder, *setup.tokenizer);
  return setup;
}

void add_machine(Fingerprint& fingerprint, const Setup& setup, std::int64_t micro_batch_tokens) {
  fingerprint["machine.device"] = setup.compute.device.str();
  fingerprint["machine.dtype"] = c10::toString(setup.compute.dtype);
  fingerprint["machine.instruction_set"] = instruction_set(setup.compute.device);
  fingerprint[kThreads] = std::to_string(at::get_num_threads());
  fingerprint[kMicroBatchTokens] = std::to_string(micro_batch_tokens);
}

void add_data(Fingerprint& fingerprint, const std::string& name, const RecordCounts& counts) {
  for (std::size_t i = 0; i < counts.files.size(); ++i)
    fingerprint[name + "[" + std::to_string(i) + "]"] =
        counts.files[i].filename().string() + " crc32 " + std::to_string(counts.file_crc32[i]);
}

void add_model(Fingerprint& fingerprint, const std::string& name, const std::string& said) {
  for (const auto& entry : std::filesystem::directory_iterator(find_model(said))) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() == ".safetensors" || file == "config.json" || file == "generation_config.json")
      fingerprint[name + "/" + file] = "crc32 " + std::to_string(crc32_of_file(entry.path(), ExitCode::model));
  }
}

void add_text(Fingerprint& fingerprint, const Setup& setup) {
  fingerprint["data.template"] = setup.templates.prompt.text();
  if (const auto eos = setup.tokenizer->eos_id()) fingerprint["tokenizer.eos"] = std::to_string(*eos);
  if (!setup.chat_file.empty())
    fingerprint["data.chat_template file"] = "crc32 " + std::to_string(crc32_of_file(setup.chat_file, ExitCode::usage));
  for (const auto& file : setup.tokenizer->files())
    fingerprint["tokenizer/" + file.filename().string()] =
        "crc32 " + std::to_string(crc32_of_file(file, ExitCode::model));
}

nlohmann::json describe_run(const std::string& stage, const Setup& setup, const Fingerprint& fingerprint,
                            std::int64_t total_steps) {
  return {{"stage", stage},
          {"total_steps", total_steps},
          {"version", kVersion},
          {"libtorch", TORCH_VERSION},
          {"compute", setup.compute.reason},
          {"fingerprint", fingerprint}};
}

std::int64_t settle(std::optional<std::int64_t> said, const std::optional<ResumePoint>& resume, const std::string& name,
                    std::int64_t derived) {
  if (said) return *said;
  if (!resume) return derived;
  const auto& fingerprint = resume->checkpoint.state.at("fingerprint");
  return fingerprint.contains(name) ? std::stoll(fingerprint.at(name).get<std::string>()) : derived;
}

void check_positions(const ModelFolder& folder, const std::string& key, std::int64_t longest) {
  if (longest <= folder.shape.max_positions) return;
  throw ModelError(key + ": expected at most " + std::to_string(folder.shape.max_positions) +
                   " tokens, the positions " +
                   (folder.path.empty() ? "of model.init" : "that " + folder.path.string() + " was made for") +
                   ", found " + std::to_string(longest));
}

}  // namespace rlhf
