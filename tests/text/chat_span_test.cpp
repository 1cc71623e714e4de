#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

namespace rlhf {
namespace {

Json message(const std::string& role, const std::string& content) { return {{"role", role}, {"content", content}}; }

Json two_turns() {
  return {message("user", "Wer bist du?"), message("assistant", "Ich bin ü."), message("user", "b"),
          message("assistant", "c")};
}

std::vector<std::string> written(const ChatText& chat) {
  std::vector<std::string> texts;
  for (const ByteSpan& span : chat.assistant) texts.push_back(chat.text.substr(span.begin, span.end - span.begin));
  return texts;
}

std::string failure(const std::string& source, const Json& messages) {
  try {
    ChatTemplate(source, {{"eos_token", "</s>"}}, "t").render_with_spans(messages);
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ChatSpans, OfPrefixesReachFromThePromptToTheEndOfTheTurn) {
  const ChatText chat = named_chat_template("chatml", {}).render_with_spans(two_turns());
  EXPECT_EQ(written(chat), (std::vector<std::string>{"Ich bin ü.<|im_end|>\n", "c<|im_end|>\n"}));
  EXPECT_TRUE(chat.verified);
  EXPECT_EQ(chat.text.substr(0, chat.assistant[0].begin),
            "<|im_start|>user\nWer bist du?<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatSpans, EveryNamedTemplateHasOnePerTurnThatEndsWithItsMarker) {
  const std::vector<std::pair<std::string, std::string>> kEnds = {
      {"alpaca", "c</s>\n\n"}, {"chatml", "c<|im_end|>\n"}, {"gemma", "c<end_of_turn>\n"},
      {"llama2", " c </s>"},   {"llama3", "c<|eot_id|>"},   {"mistral", " c</s>"},
      {"phi3", "c<|end|>\n"},  {"vicuna", " c</s>"},        {"zephyr", "c</s>\n"},
  };
  for (const auto& [name, end] : kEnds) {
    const ChatText chat = named_chat_template(name, {}).render_with_spans(two_turns());
    ASSERT_EQ(chat.assistant.size(), 2u) << name;
    EXPECT_EQ(written(chat)[1], end) << name;
    EXPECT_EQ(chat.assistant[1].end, chat.text.size()) << name;
    EXPECT_TRUE(chat.verified) << name;
  }
}

TEST(ChatSpans, OfGenerationBlocksAreWhatTheyEnclose) {
  const ChatTemplate chat(
      "{% for m in messages %}[{{ m.role }}]{% if m.role == 'assistant' %}{% generation %}{{ m.content }}!"
      "{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}{% if add_generation_prompt %}[assistant]"
      "{% endif %}",
      {}, "t");
  const ChatText text = chat.render_with_spans(two_turns());
  EXPECT_EQ(written(text), (std::vector<std::string>{"Ich bin ü.!", "c!"}));
  EXPECT_TRUE(text.verified);
}

TEST(ChatSpans, OfGenerationBlocksThatDoNotBeginAtThePromptAreNotVerified) {
  const ChatTemplate chat(
      "{% for m in messages %}{% generation %}[{{ m.role }}]{{ m.content }}{% endgeneration %}{% endfor %}", {}, "t");
  const ChatText text = chat.render_with_spans(Json::array({message("assistant", "a")}));
  EXPECT_EQ(written(text), (std::vector<std::string>{"[assistant]a"}));
  EXPECT_TRUE(text.verified);
  EXPECT_FALSE(chat.render_with_spans(two_turns()).verified);
}

// As Phi-3's own: EOS stands behind the whole text, whatever turn is the last.
TEST(ChatSpans, EosBehindTheWholeTextIsNoPartOfEarlierTurns) {
  const std::string source =
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>\n{% endfor %}"
      "{% if add_generation_prompt %}<assistant>{% else %}{{ eos_token }}{% endif %}";
  const ChatText chat = ChatTemplate(source, {{"eos_token", "</s>"}}, "t").render_with_spans(two_turns());
  EXPECT_EQ(written(chat), (std::vector<std::string>{"Ich bin ü.<end>\n", "c<end>\n</s>"}));
}

TEST(ChatSpans, NeverEndBeforeTheyBegin) {
  // Empty turns leave no text, EOS stands behind any text: the first turn would reach from behind EOS to before it.
  const std::string error = failure("{% for m in messages if m.content %}[{{ m.content }}]{% endfor %}{{ eos_token }}",
                                    {message("user", "q"), message("assistant", ""), message("user", "r")});
  EXPECT_NE(error.find("message 2: expected the text up to this turn to be the same"), std::string::npos) << error;
}

TEST(ChatSpans, AreRefusedWhereATemplateRewritesEarlierTurns) {
  const std::string strips =
      "{% for m in messages %}[{{ m.role }}]{{ m.content if loop.last else m.content | first }};{% endfor %}"
      "{% if add_generation_prompt %}[assistant]{% endif %}";
  const std::string error = failure(strips, two_turns());
  EXPECT_NE(error.find("finding the assistant's turns: chat template t: message 2:"), std::string::npos) << error;
}

TEST(ChatSpans, AreRefusedWhereThePromptIsNotHowATurnBegins) {
  const std::string error = failure(
      "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}<go>{% endif %}",
      two_turns());
  EXPECT_NE(error.find("message 2: expected the turn to begin with the generation prompt"), std::string::npos) << error;
}

TEST(ChatSpans, AreRefusedForGenerationBlocksWhosePlaceIsNotKnown) {
  const std::string error =
      failure("{% macro m() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ m() }}", two_turns());
  EXPECT_NE(error.find("{% generation %} block is inside a macro"), std::string::npos) << error;
}

TEST(ChatSpans, WithoutAnAssistantAreNone) {
  const ChatText chat = named_chat_template("llama3", {}).render_with_spans(Json::array({message("user", "a")}));
  EXPECT_TRUE(chat.assistant.empty());
  EXPECT_TRUE(chat.verified);
}

}  // namespace
}  // namespace rlhf
