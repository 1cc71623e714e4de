// rlhf-generate --chat: a conversation on stdin and stdout.
#include "chat.h"

#include <functional>
#include <iostream>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/core/message.h"
#include "rlhf/core/random.h"
#include "rlhf/core/signals.h"
#include "rlhf/rollout/generator.h"

#include "answer_stream.h"
#include "answer_writer.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kChatStream = 0x63686174;

}  // namespace

Chat::Chat(const GenerateConfig& config, const ModelFolder& folder, const Tokenizer& tokenizer,
           const ChatTemplate& chat_template, CausalLM& model)
    : tokenizer_(tokenizer),
      template_(chat_template),
      model_(model),
      stop_(tokenizer, config.stop),
      sampling_(sampling_options(config, folder, tokenizer)),
      system_(config.system) {
  if (!stop_.empty()) sampling_.stops = [this](const TokenIds& answer) { return stop_.reached(answer); };
  reset();
}

void Chat::run(std::istream& in, std::ostream& out, bool prompts) {
  const auto ask = [&] {
    if (prompts) out << "> " << std::flush;
  };
  std::string line;
  const auto read = [&] {
    const StopAtOnce at_prompt;  // there is nothing to save, and getline() would not end
    return static_cast<bool>(std::getline(in, line));
  };
  for (ask(); read(); ask()) {
    if (line.starts_with('/')) {
      if (command(line) == Next::end) return;
    } else if (!line.empty()) {
      reply(line, out);
    }
  }
}

Chat::Next Chat::command(const std::string& line) {
  constexpr std::string_view kSystem = "/system ";
  if (line == "/exit") return Next::end;
  if (line.starts_with(kSystem)) system_ = line.substr(kSystem.size());
  if (line == "/reset" || line.starts_with(kSystem)) {
    reset();
  } else {
    std::cerr << "expected /reset, /system TEXT or /exit, found " << message_line(line) << '\n';
  }
  return Next::line;
}

void Chat::reset() {
  messages_ = nlohmann::ordered_json::array();
  if (!system_.empty()) messages_.push_back({{"role", "system"}, {"content", system_}});
}

void Chat::reply(const std::string& line, std::ostream& out) {
  messages_.push_back({{"role", "user"}, {"content", line}});
  TokenIds prompt;
  try {
    prompt = conversation_ids();
  } catch (const DataError& error) {
    std::cerr << message_line(error.what()) << '\n';
    messages_.erase(messages_.size() - 1);
    return;
  }
  AnswerStream stream(tokenizer_, stop_, prompt, out);
  const GenerationRequest request{&prompt, random_stream(kChatStream, turn_++)};
  const auto answers = generate(model_, {&request, 1}, sampling_, /*max_rows=*/1,
                                [&](std::size_t, std::int32_t token) { stream.add(token); });
  stream.finish();
  out << '\n' << std::flush;
  if (!out) throw OutputError("writing responses: cannot write stdout");
  messages_.push_back(
      {{"role", "assistant"}, {"content", stop_.cut(decode_after(tokenizer_, prompt, answers.front().tokens))}});
}

TokenIds Chat::conversation_ids() const {
  TokenIds ids = tokenizer_.encode(template_.render(messages_, {.add_generation_prompt = true}), Bos::none).ids;
  const std::int64_t room = model_.shape().max_positions - sampling_.max_new_tokens;
  if (static_cast<std::int64_t>(ids.size()) > room) {
    throw DataError("the conversation: expected at most " + std::to_string(room) + " tokens (the model's " +
                    std::to_string(model_.shape().max_positions) + " positions minus --max-new-tokens), found " +
                    std::to_string(ids.size()) + "; hint: start a new conversation with /reset");
  }
  return ids;
}

}  // namespace rlhf
