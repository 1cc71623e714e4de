#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace rlhf {

using Json = nlohmann::ordered_json;

/// A half-open range of bytes of a text.
struct ByteSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const ByteSpan&) const = default;
};

/// What a template may ask of the world.
struct ChatOptions {
  bool add_generation_prompt = false;  ///< end with what stands before an answer
  Json tools;                          ///< JSON schemas of the tools that the model may call; null: none
  Json variables;                      ///< further names that the template sees, as an object; null: none
  std::optional<std::int64_t> now;     ///< for strftime_now, seconds since 1970, shown in local time; else the clock
};

/// A conversation as text, and which bytes of it the assistant wrote.
struct ChatText {
  std::string text;
  std::vector<ByteSpan> assistant;  ///< in order and disjoint: one per assistant turn, or per {% generation %} block
  /// Every assistant turn has one span, and it begins where the prompt to write that turn ends: what is trained is what
  /// will be sampled. Always true for spans that come from prefixes; spans of {% generation %} blocks are only
  /// compared.
  bool verified = false;
};

/// A chat template of a Hugging Face folder: the part of Jinja2 that such templates use, rendered as `transformers`
/// does (trim_blocks, lstrip_blocks, loop controls, immutable sandbox; docs/formats.md has the list). A template is
/// untrusted: its steps, memory and depth are bounded. Immutable; may be used from several threads.
class ChatTemplate {
 public:
  /// Compiles `source`. `special_tokens` is an object of names and texts ({"bos_token": "<s>"}); `where` names the
  /// template in messages. Throws ModelError (with line, column and name) for what is not Jinja2 or not supported.
  ChatTemplate(std::string source, Json special_tokens, std::string where);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  const std::string& source() const;

  /// The text of a list of messages (objects with "role", "content" and whatever else the template reads).
  /// Throws DataError where the template refuses the conversation or fails on it, ModelError where it runs over a
  /// limit.
  std::string render(const Json& messages, const ChatOptions& options = {}) const;

  /// The text, and the spans that the assistant wrote: what {% generation %} blocks enclose, where the template has
  /// them. Else a turn begins where the text of the messages before it, with the generation prompt, ends, and reaches
  /// to the end of the text of the messages up to it: the marker that ends the turn, and the white space that the
  /// template puts behind it, are part of the turn, as TRL has it; EOS that a template writes behind any text, whatever
  /// turn is the last (Phi-3), belongs to the last turn alone. Throws DataError, with turn and reason, where these
  /// texts are not prefixes of each other (templates that rewrite earlier turns), else as render().
  ChatText render_with_spans(const Json& messages, const ChatOptions& options = {}) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

/// The template `name` of a model folder: chat_template.jinja ("default") and additional_chat_templates/NAME.jinja, or
/// `chat_template` of tokenizer_config.json (a text, or a list of {"name", "template"}). Its special tokens come from
/// tokenizer_config.json and special_tokens_map.json; those that neither names, from `roles`. Nothing if the folder has
/// no template at all. Throws ModelError: broken files, or templates of other names only (they are listed).
std::optional<ChatTemplate> find_chat_template(const std::filesystem::path& folder, const std::string& name = "default",
                                               const Json& roles = {});

/// A template for folders without one: alpaca, chatml, gemma, llama2, llama3, mistral, phi3, vicuna, zephyr. Special
/// tokens that the format needs and `special_tokens` lacks have the text that the format gives them.
/// Throws ConfigError (with the list) for other names.
ChatTemplate named_chat_template(const std::string& name, Json special_tokens);

}  // namespace rlhf
