// Chooses the chat template of a run.
#include "rlhf/data/templates.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr const char* kHint =
    "; hint: set data.chat_template (rlhf-generate: --chat-template) to a name (chatml, llama3, zephyr, …) or a .jinja "
    "file";

nlohmann::ordered_json special_tokens(const Tokenizer& tokenizer) {
  nlohmann::ordered_json tokens = nlohmann::ordered_json::object();
  const auto add = [&](const char* name, std::optional<std::int32_t> id) {
    if (id) tokens[name] = tokenizer.piece(*id);
  };
  add("bos_token", tokenizer.bos_id());
  add("eos_token", tokenizer.eos_id());
  add("unk_token", tokenizer.unknown_id());
  add("pad_token", tokenizer.pad_id());
  return tokens;
}

/// The template of this name in the folder, else the built-in one. If there is neither, the error also has the folder's
/// fault: a broken template, or templates of other names only.
ChatTemplate template_by_name(const std::string& name, const std::filesystem::path& folder,
                              const Tokenizer& tokenizer) {
  std::string in_folder;
  try {
    if (auto found = find_chat_template(folder, name, special_tokens(tokenizer))) return std::move(*found);
  } catch (const ModelError& error) {
    in_folder = std::string("; ") + error.what();
  }
  try {
    return named_chat_template(name, special_tokens(tokenizer));
  } catch (const ConfigError& error) {
    throw ConfigError({error.what() + in_folder});
  }
}

}  // namespace

const ChatTemplate& Templates::chat_template() const {
  if (!chat)
    throw ConfigError({"chat_template: expected one for records of messages, found " +
                       (chat_absent.empty() ? "none" : chat_absent) + kHint});
  return *chat;
}

bool is_template_file(const std::string& choice) { return choice.ends_with(".jinja"); }

void choose_chat_template(Templates& templates, const std::string& choice, const std::filesystem::path& path,
                          const Tokenizer& tokenizer) {
  const std::filesystem::path folder = std::filesystem::is_directory(path) ? path : path.parent_path();
  if (is_template_file(choice)) {
    templates.chat.emplace(read_file(choice, ExitCode::usage, kMaxTemplateBytes), special_tokens(tokenizer), choice);
  } else if (!choice.empty()) {
    templates.chat = template_by_name(choice, folder, tokenizer);
  } else {
    try {
      templates.chat = find_chat_template(folder, "default", special_tokens(tokenizer));
      templates.chat_absent = "none in " + folder.string();
    } catch (const Error& error) {
      templates.chat_absent = std::string("one that cannot be read (") + error.what() + ")";
    }
  }
  if (templates.chat) templates.end_of_turn = find_end_of_turn(*templates.chat, tokenizer);
}

}  // namespace rlhf
