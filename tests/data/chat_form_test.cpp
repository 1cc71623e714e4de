// Messages in the form that a chat template reads, what a template leaves out, and turns that are not trained.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"
#include "support/chat.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using testing::ByteTokenizer;
using testing::chat;

using Counts = std::map<std::string, std::int64_t>;

// Concatenates, as most templates do.
const std::string kTexts =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' + m.content + ';' }}{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}";
// Shows strings only, as Qwen 3's.
const std::string kOnlyTexts =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' + (m.content if m.content is string else '') + ';' }}{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}";
// Shows parts only.
const std::string kParts =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' }}{% for part in m.content %}{{ part.text }}{% endfor %};{% "
    "endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}";
const std::string kPrints =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' }}{{ m.content }};{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}";
// As Qwen 3's: the last turn alone begins with its thinking.
const std::string kThinksLast =
    "{% for m in messages %}{{ '<' + m.role[0] + '>' }}{% if m.role == 'assistant' and loop.last %}(t){% endif %}"
    "{{ m.content + ';' }}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}";

SampleSet<Sample> make(const Json& messages, const std::string& source, const DataOptions& options = {},
                       const std::vector<std::size_t>& untrained = {}, const Json& tools = nullptr) {
  Templates templates;
  templates.chat.emplace(source, Json::object(), "t");
  Demonstration record{.untrained = untrained};
  record.chat.messages = messages;
  record.chat.tools = tools;
  return make_samples({record}, ByteTokenizer(), templates, options);
}

std::string text_of(const Sample& sample) { return ByteTokenizer().decode(sample.ids); }

/// The trained parts of the text.
std::vector<std::string> trained(const Sample& sample) {
  std::vector<std::string> parts;
  for (const Span& span : sample.trained)
    parts.push_back(ByteTokenizer().decode(TokenIds(sample.ids.begin() + span.begin, sample.ids.begin() + span.end)));
  return parts;
}

using Parts = std::vector<std::string>;

Json parts(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back({{"type", "text"}, {"text", text}});
  return list;
}

Json call(const Json& arguments) {
  return {{"role", "assistant"},
          {"tool_calls",
           Json::array({Json{{"type", "function"}, {"function", {{"name", "weather"}, {"arguments", arguments}}}}})}};
}

TEST(ChatForm, PartsAndTextsReachEveryTemplate) {
  Json of_parts = chat({{"user", ""}, {"assistant", ""}});
  of_parts[0]["content"] = parts({"Say ", "nine"});
  of_parts[1]["content"] = parts({"nine"});
  for (const std::string& source : {kTexts, kOnlyTexts, kParts, kPrints})
    for (const Json& messages : {of_parts, chat({{"user", "Say nine"}, {"assistant", "nine"}})}) {
      const auto set = make(messages, source);
      EXPECT_EQ(text_of(set.samples.at(0)), "<u>Say nine;<a>nine;") << source;
      EXPECT_EQ(trained(set.samples.at(0)), Parts{"nine;"});
      EXPECT_EQ(set.report.not_rendered, Counts{});
    }
}

TEST(ChatForm, AMissingContentIsEmptyText) {
  Json messages = chat({{"user", "q"}, {"assistant", "a"}, {"tool", "7C"}, {"assistant", "It is 7C."}});
  messages[1] = call(Json::object());
  for (const std::string& source : {kTexts, kPrints})
    EXPECT_EQ(text_of(make(messages, source).samples.at(0)), "<u>q;<a>;<t>7C;<a>It is 7C.;") << source;
}

TEST(ChatForm, ArgumentsOfCallsHaveTheFormThatTheTemplateReads) {
  const std::string start =
                        "{% for m in messages %}{{ '<' + m.role[0] + '>' }}{{ m.content or '' }}{% for c in "
                        "m.tool_calls or [] %}[{{ c.function.name }}",
                    end = "]{% endfor %};{% endfor %}{% if add_generation_prompt %}<a>{% endif %}";
  const std::string objects = start + "{{ c.function.arguments | tojson }}" + end,
                    names = start + "{% for k, v in c.function.arguments.items() %}{{ k }}={{ v }}{% endfor %}" + end,
                    texts = start + "{{ '' + c.function.arguments }}" + end;
  for (const Json& arguments : {Json{{"city", "Bern"}}, Json(R"({"city": "Bern"})")}) {
    const Json messages = Json::array({chat({{"user", "q"}})[0], call(arguments)});
    EXPECT_EQ(text_of(make(messages, objects).samples.at(0)), "<u>q;<a>[weather{\"city\": \"Bern\"}];");
    EXPECT_EQ(text_of(make(messages, names).samples.at(0)), "<u>q;<a>[weathercity=Bern];");
    if (arguments.is_string()) {
      EXPECT_EQ(text_of(make(messages, texts).samples.at(0)), "<u>q;<a>[weather{\"city\": \"Bern\"}];");
    }
  }
}

TEST(ChatForm, WhatATemplateLeavesOutIsCountedAndAnEmptyTurnIsNotTrained) {
  Json messages = chat({{"user", "Weather?"}, {"assistant", ""}, {"tool", "7C"}, {"assistant", "It is 7C."}});
  messages[1] = call({{"city", "Bern"}});
  messages[3]["reasoning_content"] = "cold";
  const Json tools = Json::parse(R"([{"type": "function", "function": {"name": "weather"}}])");
  const auto set = make(messages, kTexts, {}, {}, tools);
  EXPECT_EQ(set.report.not_rendered, (Counts{{"reasoning", 1}, {"tool_calls", 1}, {"tools", 1}}));
  EXPECT_EQ(set.report.unrendered_turns, 1);
  EXPECT_EQ(trained(set.samples.at(0)), Parts{"It is 7C.;"});
  const std::vector<std::string> warnings = set.report.warnings();
  ASSERT_EQ(warnings.size(), 4u);
  EXPECT_EQ(warnings[1],
            "the chat template leaves out: tool_calls, in 1 of 1 records (100 %); hint: data.chat_template chooses "
            "another template");
  EXPECT_EQ(warnings[3], "1 assistant turns are not trained, because the chat template shows nothing of them");
}

// "7C" is in the text only because the answer repeats it.
TEST(ChatForm, ATextThatOccursByChanceIsNotThere) {
  const std::string no_tools =
      "{% for m in messages %}{% if m.role != 'tool' %}{{ '<' + m.role[0] + '>' + m.content + ';' }}{% endif %}"
      "{% endfor %}{% if add_generation_prompt %}<a>{% endif %}";
  const Json messages = chat({{"user", "q"}, {"tool", "7C"}, {"assistant", "It is 7C."}});
  EXPECT_EQ(make(messages, no_tools).report.not_rendered, (Counts{{"content of the role tool", 1}}));
  EXPECT_EQ(make(messages, kTexts).report.not_rendered, Counts{});
}

TEST(ChatForm, EmptyAnswersAreCountedAndWarnedOf) {
  const auto set = make(chat({{"user", "q"}, {"assistant", " "}}), kTexts);
  EXPECT_EQ(set.report.empty_answers, 1);
  EXPECT_EQ(set.report.warnings().size(), 1u);
  EXPECT_EQ(make_samples({{"p", ""}}, ByteTokenizer(), {}, {}).report.empty_answers, 1);
}

TEST(ChatForm, MarkedTurnsAreNotTrained) {
  const Json messages = chat({{"user", "q"}, {"assistant", "bad"}, {"user", "r"}, {"assistant", "good"}});
  const auto one = make(messages, kTexts, {}, {1});
  EXPECT_EQ(trained(one.samples.at(0)), Parts{"good;"});
  EXPECT_EQ(one.report.untrained_turns, 1);
  DataOptions options;
  options.train_on = TrainOn::all;
  EXPECT_EQ(trained(make(messages, kTexts, options, {1}).samples.at(0)), (Parts{"u>q;<a>", "<u>r;<a>good;"}))
      << "all but the turn; nothing predicts the first token";
  options.train_on = TrainOn::last_turn;
  EXPECT_THROW(make(messages, kTexts, options, {3}), DataError) << "no label is left";
  EXPECT_THROW(make(messages, kTexts, {}, {1, 3}), DataError);
}

TEST(ChatForm, MarkedTurnsOfACompletionAreNotTrained) {
  Demonstration record{.prompt_turns = 1, .untrained = {1}};
  record.chat.messages = chat({{"user", "q"}, {"assistant", "bad"}, {"user", "r"}, {"assistant", "good"}});
  Templates templates;
  templates.chat.emplace(kTexts, Json::object(), "t");
  EXPECT_EQ(trained(make_samples({record}, ByteTokenizer(), templates, {}).samples.at(0)), Parts{"good;"});
}

TEST(ChatForm, EachTurnIsRenderedAsItIsSampled) {
  const Json messages = chat({{"user", "Hi"}, {"assistant", "Hello"}, {"user", "2+2?"}, {"assistant", "4"}});
  try {
    make(messages, kThinksLast);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("data.train_on: each_turn"), std::string::npos) << error.what();
  }
  DataOptions options;
  options.train_on = TrainOn::each_turn;
  const auto set = make(messages, kThinksLast, options);
  ASSERT_EQ(set.samples.size(), 2u);
  EXPECT_EQ(text_of(set.samples[0]), "<u>Hi;<a>(t)Hello;");
  EXPECT_EQ(trained(set.samples[0]), Parts{"(t)Hello;"});
  EXPECT_EQ(text_of(set.samples[1]), "<u>Hi;<a>Hello;<u>2+2?;<a>(t)4;");
  EXPECT_EQ(trained(set.samples[1]), Parts{"(t)4;"});
  EXPECT_EQ(set.report.records, 1);
  EXPECT_EQ(make(messages, kThinksLast, options, {1}).samples.size(), 1u) << "a marked turn gives no sample";
}

TEST(ChatForm, WholeConversationsArePairsWithoutAPrompt) {
  Preference pair;
  pair.chat.messages = Json::array();
  pair.whole = true;
  pair.answers = {{"", chat({{"user", "q"}, {"assistant", "a"}})}, {"", chat({{"user", "r"}, {"assistant", "b"}})}};
  pair.pairs = {{}};
  Templates templates;
  templates.chat.emplace(kTexts, Json::object(), "t");
  const auto set = make_ranked({pair}, ByteTokenizer(), templates, {});
  EXPECT_EQ(ByteTokenizer().decode(set.samples.at(0).texts.at(0)), "<u>q;<a>a;");
  EXPECT_EQ(ByteTokenizer().decode(set.samples.at(0).texts.at(1)), "<u>r;<a>b;");
}

TEST(ChatForm, PairsWithoutAPromptGetNoTemplate) {
  const Preference pair{.answers = {{"good"}, {"bad"}}, .pairs = {{}}, .whole = true};
  const auto set = make_ranked({pair}, ByteTokenizer(), {PromptTemplate("Q:{prompt}\nA:{completion}!")}, {});
  TokenIds good = {ByteTokenizer::kBos, 'g', 'o', 'o', 'd', ByteTokenizer::kEos};
  EXPECT_EQ(set.samples.at(0).texts.at(0), good);
  EXPECT_EQ(set.samples.at(0).prompt_length, 1) << "BOS";
}

}  // namespace
}  // namespace rlhf
