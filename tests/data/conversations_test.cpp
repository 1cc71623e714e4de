#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"
#include "support/chat.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
using testing::chat;
using testing::kShortChat;

Templates short_chat(const std::string& source = kShortChat) {
  Templates templates;
  templates.chat = ChatTemplate(source, nlohmann::ordered_json::object(), "test");
  return templates;
}

TokenIds bytes(const std::string& text) { return {text.begin(), text.end()}; }

Demonstration conversation(nlohmann::ordered_json messages, std::size_t prompt_turns = 0) {
  Demonstration record;
  record.chat.messages = std::move(messages);
  record.prompt_turns = prompt_turns;
  return record;
}

const nlohmann::ordered_json kTwoAnswers = chat({{"user", "q"}, {"assistant", "x"}, {"user", "r"}, {"assistant", "y"}});

SampleSet<Sample> make(const Demonstration& record, const DataOptions& options = {},
                       const ByteTokenizer& tokenizer = {}) {
  return make_samples({record}, tokenizer, short_chat(), options);
}

DataOptions trained_on(TrainOn train_on) {
  DataOptions options;
  options.train_on = train_on;
  return options;
}

// <u>q;\n is bytes 0 to 5, <a>x;\n 6 to 11 with the answer at 9, <u>r;\n 12 to 17, <a>y; 18 to 22 with the answer
// at 21.
TEST(Conversations, EveryTurnOfTheAssistantIsTrainedWithItsEnd) {
  const auto set = make(conversation(kTwoAnswers));
  EXPECT_EQ(set.samples.at(0).ids, bytes("<u>q;\n<a>x;\n<u>r;\n<a>y;")) << "no BOS, no EOS, no white space at the end";
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{9, 11}, {21, 23}}));
  EXPECT_EQ(set.report.trained_tokens, 4);
}

TEST(Conversations, TheLastTurnAloneOrAllOfItIsTrainedWhenSaid) {
  EXPECT_EQ(make(conversation(kTwoAnswers), trained_on(TrainOn::last_turn)).samples.at(0).trained,
            (std::vector<Span>{{21, 23}}));
  EXPECT_EQ(make(conversation(kTwoAnswers), trained_on(TrainOn::all)).samples.at(0).trained,
            (std::vector<Span>{{1, 23}}));
}

TEST(Conversations, WhatFollowsThePromptIsTheCompletion) {
  const auto set = make(conversation(kTwoAnswers, 3));
  EXPECT_EQ(set.samples.at(0).trained, (std::vector<Span>{{21, 23}}));
  const auto longer = make(conversation(kTwoAnswers, 1));  // the user's second turn is part of the completion
  EXPECT_EQ(longer.samples.at(0).trained, (std::vector<Span>{{9, 23}}));
}

TEST(Conversations, TruncationCutsSpansAndDropsThoseThatAreGone) {
  DataOptions options;
  options.over_length = OverLength::truncate;
  options.max_length = 22;
  EXPECT_EQ(make(conversation(kTwoAnswers), options).samples.at(0).trained, (std::vector<Span>{{9, 11}, {21, 22}}));
  options.max_length = 21;
  const auto cut = make(conversation(kTwoAnswers), options);
  EXPECT_EQ(cut.samples.at(0).trained, (std::vector<Span>{{9, 11}}));
  EXPECT_EQ(cut.report.truncated, 1);
  options.max_length = 9;
  EXPECT_THROW(make(conversation(kTwoAnswers), options), DataError) << "no answer is left";
}

TEST(Conversations, TokensAcrossTheEdgesOfAnAnswerAreTrainedAndCounted) {
  ByteTokenizer tokenizer;
  tokenizer.merges = {">x", ";\n"};  // <u>q[;\n]<a[>x][;\n]<u>r[;\n]<a>y;
  const auto set = make(conversation(kTwoAnswers), {}, tokenizer);
  EXPECT_EQ(set.samples.at(0).ids.size(), 19u);
  EXPECT_EQ(set.samples[0].trained, (std::vector<Span>{{7, 9}, {17, 19}}));
  EXPECT_EQ(set.report.straddling, 1);
}

TEST(Conversations, PairsShareTheirRenderedPrompt) {
  Preference pair;
  pair.chat.messages = chat({{"user", "q"}});
  pair.answers = {{"", chat({{"assistant", "x"}})}, {"", chat({{"assistant", "yz"}})}};
  pair.pairs = {{}};
  const auto set = make_ranked({pair}, ByteTokenizer(), short_chat(), {});
  EXPECT_EQ(set.samples.at(0).texts.at(0), bytes("<u>q;\n<a>x;"));
  EXPECT_EQ(set.samples[0].texts.at(1), bytes("<u>q;\n<a>yz;"));
  EXPECT_EQ(set.samples[0].prompt_length, 9);
}

TEST(Conversations, PromptsEndWhereTheAnswerBegins) {
  Prompt prompt{"", R"({"id":1})"};
  prompt.chat.messages = chat({{"user", "q"}});
  const auto set = make_prompts({prompt}, ByteTokenizer(), short_chat(), 16);
  EXPECT_EQ(set.samples.at(0).ids, bytes("<u>q;\n<a>"));
  EXPECT_EQ(set.samples[0].text, "<u>q;\n<a>");
  EXPECT_EQ(set.samples[0].extra, R"({"id":1})");
}

TEST(Conversations, WithoutATemplateTheyAreRefusedWithTheHint) {
  try {
    make_samples({conversation(kTwoAnswers)}, ByteTokenizer(), {}, {});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "chat_template: expected one for records of messages, found none; hint: set data.chat_template "
                 "(rlhf-generate: --chat-template) to a name (chatml, llama3, zephyr, …) or a .jinja file");
  }
}

TEST(Conversations, APromptThatTheTemplateWritesInAnotherWayIsRefused) {
  const Templates counts = short_chat(
      "{{ messages | length }}{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<a>{% "
      "endif %}");
  try {
    make_samples({conversation(kTwoAnswers, 1)}, ByteTokenizer(), counts, {});
    FAIL() << "accepted";
  } catch (const DataError& error) {
    const std::string message = error.what();
    EXPECT_EQ(
        message.substr(0, message.find(" at byte 1; hint: ")),
        "tokenising record 1: expected the rendered conversation to begin with its rendered prompt, found \"4qxry\" "
        "instead of \"1q<a>\"");
  }
}

TEST(Conversations, ShortOnesAreDroppedWhenSaid) {
  DataOptions options;
  options.min_length = 12;
  const auto set = make_samples({conversation(kTwoAnswers), conversation(chat({{"user", "q"}, {"assistant", "x"}}))},
                                ByteTokenizer(), short_chat(), options);
  EXPECT_EQ(set.samples.size(), 1u);
  EXPECT_EQ(set.report.dropped_short, 1) << "<u>q;\\n<a>x; has 11 bytes";
}

}  // namespace
}  // namespace rlhf
