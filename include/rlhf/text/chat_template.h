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

/// The local time of the clock: seconds from 1970-01-01 00:00 of the same calendar.
std::int64_t wall_clock();

/// The inputs of a chat template in addition to the messages.
struct ChatOptions {
  bool add_generation_prompt = false;  ///< end the text with the prompt for the next assistant turn
  Json tools;                          ///< JSON schemas of the tools that the model may call; null: none
  Json variables;                      ///< an object with further variables of the template; null: none
  std::optional<std::int64_t> now;     ///< the time for strftime_now, as wall_clock() gives it; default: the clock
};

/// A rendered conversation, and the bytes in it that the assistant wrote.
struct ChatText {
  std::string text;
  std::vector<ByteSpan> assistant;  ///< in order and disjoint: one per assistant turn, or per {% generation %} block
  /// Whether every assistant turn has one span and the span begins where the text of the messages before it, with the
  /// generation prompt, ends. Then the trained tokens are those that the model will sample. Always true for spans that
  /// come from prefixes; for {% generation %} blocks the texts are compared.
  bool verified = false;
};

/// A chat template of a Hugging Face folder. Renders like `transformers` 5.24 (trim_blocks, lstrip_blocks, loop
/// controls, immutable sandbox; docs/formats.md lists the differences). Members of a message that are null are dropped.
/// Templates are untrusted: steps, memory and depth are bounded. Immutable and thread-safe.
class ChatTemplate {
 public:
  /// Compiles `source`. `special_tokens` is an object of names and texts ({"bos_token": "<s>"}); `where` names the
  /// template in error messages. Throws ModelError, with line and column, if the source is not valid Jinja2.
  ChatTemplate(std::string source, Json special_tokens, std::string where);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  const std::string& source() const;

  /// All that renderings can read from the clock at `now`: two moments with equal texts give equal renderings. Empty if
  /// the template does not ask for the time.
  std::string clock_text(std::int64_t now) const;

  /// Renders a list of messages (objects with "role", "content" and any other keys that the template reads). Throws
  /// DataError if the template refuses the conversation or fails on it, and ModelError if it exceeds a limit.
  std::string render(const Json& messages, const ChatOptions& options = {}) const;

  /// Renders a list of messages and finds the spans that the assistant wrote.
  ///
  /// If the template has {% generation %} blocks, these are the spans. Otherwise a span begins where the text of the
  /// messages before the turn, with the generation prompt, ends, and it ends where the text of the messages up to the
  /// turn ends. The end-of-turn marker and the white space after it are part of the turn, as in TRL. An EOS that the
  /// template appends to every text, whatever its last turn (Phi-3), belongs only to the last turn.
  ///
  /// Throws DataError, with turn and reason, if these texts are not prefixes of each other (templates that rewrite
  /// earlier turns), and otherwise like render().
  ChatText render_with_spans(const Json& messages, const ChatOptions& options = {}) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

/// Returns the template `name` of a model folder: chat_template.jinja ("default") and
/// additional_chat_templates/NAME.jinja, or `chat_template` of tokenizer_config.json (a text, or a list of {"name",
/// "template"}). Its special tokens come from tokenizer_config.json and special_tokens_map.json; `roles` adds those
/// that neither file names. Returns nullopt if the folder has no template. Throws ModelError if a file is broken, or if
/// the folder has only templates of other names (the message lists them).
std::optional<ChatTemplate> find_chat_template(const std::filesystem::path& folder, const std::string& name = "default",
                                               const Json& roles = {});

/// A built-in template for folders without one: alpaca, chatml, gemma, llama2, llama3, mistral, phi3, vicuna, zephyr.
/// Special tokens that the format needs and `special_tokens` does not have get the text that the format defines. Throws
/// ConfigError (with the list) for other names.
ChatTemplate named_chat_template(const std::string& name, Json special_tokens);

}  // namespace rlhf
