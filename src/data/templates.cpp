#include "rlhf/data/templates.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

constexpr const char* kHint = "; hint: data.chat_template names one (chatml, llama3, zephyr, …, or a .jinja file)";

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

/// A folder that has templates, but none of this name, says so by an error; then the name may be one of ours.
std::optional<ChatTemplate> find_in_folder(const std::filesystem::path& folder, const std::string& name) {
  try {
    return find_chat_template(folder, name);
  } catch (const ModelError&) {
    return std::nullopt;
  }
}

}  // namespace

const ChatTemplate& Templates::chat_template() const {
  if (!chat)
    throw ConfigError({"data.chat_template: expected a chat template for records of messages, found " +
                       (chat_absent.empty() ? "none" : chat_absent) + kHint});
  return *chat;
}

bool is_template_file(const std::string& said) { return said.ends_with(".jinja"); }

void choose_chat_template(Templates& templates, const std::string& said, const std::filesystem::path& path,
                          const Tokenizer& tokenizer) {
  const std::filesystem::path folder = std::filesystem::is_directory(path) ? path : path.parent_path();
  if (is_template_file(said)) {
    templates.chat.emplace(read_file(said, ExitCode::usage), special_tokens(tokenizer), said);
  } else if (!said.empty()) {
    templates.chat = find_in_folder(folder, said);
    if (!templates.chat) templates.chat = named_chat_template(said, special_tokens(tokenizer));
  } else {
    try {
      templates.chat = find_chat_template(folder);
      templates.chat_absent = "none in " + folder.string();
    } catch (const Error& error) {
      templates.chat_absent = std::string("one that cannot be read (") + error.what() + ")";
    }
  }
}

}  // namespace rlhf
