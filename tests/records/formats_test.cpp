// Every format that a record can have, and what it is read as.
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/records/records.h"

#include "support/gzip_file.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using testing::TemporaryFolder;

Records<Demonstration> demonstrations(const std::string& bytes, const RecordReading& reading = {},
                                      const std::string& name = "a.jsonl") {
  const TemporaryFolder folder;
  return read_demonstrations({folder.write(name, bytes)}, reading);
}

Records<Preference> preferences(const std::string& bytes, const RecordReading& reading = {}) {
  const TemporaryFolder folder;
  return read_preferences({folder.write("a.jsonl", bytes)}, reading);
}

Json messages(const std::string& text) { return Json::parse(text); }

const std::string kQuestion = R"({"role":"user","content":"q"})", kAnswer = R"({"role":"assistant","content":"a"})",
                  kOther = R"({"role":"assistant","content":"b"})";

TEST(Formats, MessagesKeepTheirOrderAndEveryKey) {
  const std::string list =
      R"([{"role":"system","content":"s"},{"content":"q","role":"user","name":"x"},)" + kAnswer + "]";
  const auto read = demonstrations("{\"messages\":" + list +
                                   ",\"tools\":[{\"name\":\"t\"}],"
                                   "\"chat_template_kwargs\":{\"thinking\":true}}\n");
  EXPECT_EQ(read.counts.kind(), "messages records");
  const Demonstration& record = read.records.at(0);
  EXPECT_EQ(record.chat.messages.dump(), list);
  EXPECT_EQ(record.chat.tools.dump(), R"([{"name":"t"}])");
  EXPECT_EQ(record.chat.template_kwargs.dump(), R"({"thinking":true})");
  EXPECT_EQ(record.prompt_turns, 0u);
}

TEST(Formats, PromptAndCompletionOfMessagesAreOneConversation) {
  const auto read = demonstrations("{\"prompt\":[" + kQuestion + "],\"completion\":[" + kAnswer + "]}\n");
  EXPECT_EQ(read.counts.format, RecordFormat::demonstration);
  EXPECT_TRUE(read.counts.chat);
  EXPECT_EQ(read.records.at(0).chat.messages, messages("[" + kQuestion + "," + kAnswer + "]"));
  EXPECT_EQ(read.records.at(0).prompt_turns, 1u);
}

TEST(Formats, ShareGptNamesBecomeRoles) {
  const auto read = demonstrations(
      R"({"system":"be brief","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"},)"
      R"({"from":"tool","value":"t"},{"from":"observation","value":"o"},{"from":"user","value":"u"},)"
      R"({"from":"system","value":"s"},{"from":"chatgpt","value":"c"},{"from":"assistant","value":"d"}]})"
      "\n");
  std::vector<std::string> roles, contents;
  for (const auto& message : read.records.at(0).chat.messages) {
    roles.push_back(message.at("role"));
    contents.push_back(message.at("content"));
  }
  EXPECT_EQ(read.counts.format, RecordFormat::sharegpt);
  EXPECT_EQ(roles, (std::vector<std::string>{"system", "user", "assistant", "tool", "tool", "user", "system",
                                             "assistant", "assistant"}));
  EXPECT_EQ(contents, (std::vector<std::string>{"be brief", "q", "a", "t", "o", "u", "s", "c", "d"}));
}

// The wording published with the data (tatsu-lab/stanford_alpaca, train.py).
TEST(Formats, AlpacaHasThePublishedWording) {
  const auto read = demonstrations(R"({"instruction":"Add.","input":"1 2","output":"3"})"
                                   "\n"
                                   R"({"instruction":"Greet.","input":"","output":"Hi"})"
                                   "\n"
                                   R"({"instruction":"Greet.","output":"Hi"})"
                                   "\n");
  EXPECT_EQ(read.counts.kind(), "alpaca records");
  EXPECT_EQ(read.records.at(0).prompt,
            "Below is an instruction that describes a task, paired with an input that provides further context. "
            "Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:");
  EXPECT_EQ(read.records.at(0).completion, "3");
  EXPECT_EQ(read.records.at(1).prompt,
            "Below is an instruction that describes a task. "
            "Write a response that appropriately completes the request.\n\n"
            "### Instruction:\nGreet.\n\n### Response:");
  EXPECT_EQ(read.records.at(2).prompt, read.records.at(1).prompt);
}

TEST(Formats, PairsOfMessagesShareTheirPrompt) {
  const auto read = preferences("{\"prompt\":[" + kQuestion + "],\"chosen\":[" + kAnswer + "],\"rejected\":[" + kOther +
                                "],\"margin\":2}\n");
  const Preference& pair = read.records.at(0);
  EXPECT_EQ(read.counts.kind(), "preference records of messages");
  EXPECT_EQ(pair.chat.messages, messages("[" + kQuestion + "]"));
  EXPECT_EQ(pair.answers.at(0).turns, messages("[" + kAnswer + "]"));
  EXPECT_EQ(pair.answers.at(1).turns, messages("[" + kOther + "]"));
  EXPECT_EQ(pair.pairs.at(0).margin, 2.0F);
}

TEST(Formats, ASingleCompletionHasItsLabelAndNoPair) {
  const auto read = preferences(R"({"prompt":"p","completion":"c","label":true})"
                                "\n"
                                R"({"label":false,"completion":"","prompt":"p"})"
                                "\n",
                                {.unpaired = true});
  EXPECT_EQ(read.counts.kind(), "unpaired records");
  EXPECT_EQ(read.counts.format, RecordFormat::unpaired);
  EXPECT_TRUE(read.counts.templated);
  EXPECT_TRUE(read.counts.unread.empty());
  EXPECT_EQ(read.records.at(0).prompt, "p");
  EXPECT_EQ(read.records.at(0).answers.at(0).text, "c");
  EXPECT_EQ(read.records.at(0).desirable, true);
  EXPECT_EQ(read.records.at(1).desirable, false);
  EXPECT_TRUE(read.records.at(0).pairs.empty());

  const auto chat = preferences(
      "{\"query\":[" + kQuestion + "],\"completion\":[" + kAnswer + "],\"kto_tag\":false,\"system\":\"s\"}\n",
      {.fields = {{"prompt", "query"}, {"label", "kto_tag"}}, .unpaired = true});
  EXPECT_EQ(chat.counts.kind(), "unpaired records of messages");
  EXPECT_EQ(chat.records.at(0).chat.messages, messages(R"([{"role":"system","content":"s"},)" + kQuestion + "]"));
  EXPECT_EQ(chat.records.at(0).answers.at(0).turns, messages("[" + kAnswer + "]"));
  EXPECT_EQ(chat.records.at(0).desirable, false);
}

TEST(Formats, WhatReadsSingleCompletionsReadsPairsToo) {
  const std::string pair = R"({"prompt":"p","chosen":"c","rejected":"r"})"
                           "\n";
  EXPECT_EQ(preferences(pair, {.unpaired = true}).counts.kind(), preferences(pair).counts.kind());
}

TEST(Formats, APlainPromptBesideConversationsIsTakenFromThem) {
  const auto read = preferences("{\"prompt\":\"q\",\"chosen\":[" + kQuestion + "," + kAnswer + "],\"rejected\":[" +
                                kQuestion + "," + kOther + "]}\n");
  EXPECT_EQ(read.records.at(0).chat.messages, messages("[" + kQuestion + "]"));
  EXPECT_EQ(read.records.at(0).answers.at(1).turns, messages("[" + kOther + "]"));
}

TEST(Formats, KeysInAnotherOrderAreTheSameMessage) {
  const auto read = preferences("{\"chosen\":[" + kQuestion + "," + kAnswer +
                                R"(],"rejected":[{"content":"q","role":"user"},)" + kOther + "]}\n");
  EXPECT_EQ(read.counts.kind(), "transcripts records of messages");
  EXPECT_EQ(read.records.at(0).chat.messages, messages("[" + kQuestion + "]"));
}

TEST(Formats, TranscriptsAreSplitAfterTheLastAssistantThatBothShare) {
  const auto split = [](const std::string& chosen, const std::string& rejected) {
    return preferences(Json({{"chosen", chosen}, {"rejected", rejected}}).dump() + "\n").records.at(0);
  };
  const std::string start = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Bye\n\nAssistant:";
  const Preference usual = split(start + " See you.", start + " So what.");
  EXPECT_EQ(usual.prompt, start);
  EXPECT_EQ(usual.answers.at(0).text, " See you.");
  EXPECT_EQ(usual.answers.at(1).text, " So what.");
  const Preference parted = split("\n\nHuman: Hi\n\nAssistant: A\n\nHuman: x\n\nAssistant: B",
                                  "\n\nHuman: Hi\n\nAssistant: A\n\nHuman: y\n\nAssistant: C");
  EXPECT_EQ(parted.prompt, "\n\nHuman: Hi\n\nAssistant:");
  EXPECT_EQ(parted.answers.at(1).text, " A\n\nHuman: y\n\nAssistant: C");
  EXPECT_EQ(split(start, start + " No.").answers.at(0).text, "");
}

std::vector<std::pair<int, int>> pairs_of(const Preference& record) {
  std::vector<std::pair<int, int>> pairs;
  for (const RankedPair& pair : record.pairs) pairs.emplace_back(pair.chosen, pair.rejected);
  return pairs;
}

TEST(Formats, ARankingIsEveryPairOfDifferentRanks) {
  const auto read = preferences(R"({"prompt":"p","completions":[{"text":"a","rank":2},{"text":"b","rank":1},)"
                                R"({"text":"c","rank":2},{"text":"d","rank":3.5}],"margin":"not read"})"
                                "\n");
  EXPECT_EQ(read.counts.kind(), "ranking records");
  const Preference& record = read.records.at(0);
  EXPECT_EQ(record.prompt, "p");
  ASSERT_EQ(record.answers.size(), 4u);
  EXPECT_EQ(record.answers[3].text, "d");
  using Pairs = std::vector<std::pair<int, int>>;
  EXPECT_EQ(pairs_of(record), (Pairs{{1, 0}, {0, 3}, {1, 2}, {1, 3}, {2, 3}})) << "a and c are tied";
}

TEST(Formats, ARankingOfMessagesHoldsTheAssistantsTurns) {
  const auto read = preferences("{\"question\":[" + kQuestion +
                                    "],\"completions\":[{\"answer\":\"a\",\"rank\":1},"
                                    "{\"answer\":\"b\",\"rank\":2}]}\n",
                                {{{"prompt", "question"}, {"text", "answer"}}, 0});
  EXPECT_EQ(read.counts.kind(), "ranking records of messages");
  const Preference& record = read.records.at(0);
  EXPECT_EQ(record.chat.messages, messages("[" + kQuestion + "]"));
  EXPECT_EQ(record.answers.at(0).turns, messages("[" + kAnswer + "]"));
  EXPECT_EQ(record.answers.at(1).turns, messages("[" + kOther + "]"));
}

TEST(Formats, APromptMayBeMessages) {
  const TemporaryFolder folder;
  const auto read = read_prompts({folder.write("a.jsonl", "{\"prompt\":[" + kQuestion + "],\"id\":1}\n")}, {});
  EXPECT_EQ(read.counts.kind(), "prompt records of messages");
  EXPECT_EQ(read.records.at(0).chat.messages, messages("[" + kQuestion + "]"));
  EXPECT_EQ(read.records.at(0).extra, "{\"prompt\":[" + kQuestion + "],\"id\":1}");
}

TEST(Formats, RenamedFieldsHoldForAllOfThem) {
  EXPECT_EQ(
      demonstrations("{\"chat\":[" + kQuestion + "," + kAnswer + "]}\n", {{{"messages", "chat"}}, 0}).counts.format,
      RecordFormat::messages);
  EXPECT_EQ(demonstrations(R"({"turns":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})",
                           {{{"conversations", "turns"}}, 0})
                .counts.format,
            RecordFormat::sharegpt);
  const auto alpaca =
      demonstrations(R"({"task":"t","result":"r"})", {{{"instruction", "task"}, {"output", "result"}}, 0});
  EXPECT_EQ(alpaca.records.at(0).completion, "r");
  EXPECT_EQ(preferences("{\"a\":[" + kQuestion + "," + kAnswer + "],\"b\":[" + kQuestion + "," + kOther + "]}\n",
                        {{{"chosen", "a"}, {"rejected", "b"}}, 0})
                .counts.format,
            RecordFormat::transcripts);
}

TEST(Formats, ARenamedFieldDecidesBetweenFormatsThatBothFit) {
  const std::string line = R"({"instruction":"i","input":"","output":"o"})";
  EXPECT_EQ(demonstrations(line).counts.format, RecordFormat::alpaca);
  const auto read = demonstrations(line, {{{"prompt", "instruction"}, {"completion", "output"}}, 0});
  EXPECT_EQ(read.counts.format, RecordFormat::demonstration);
  EXPECT_EQ(read.records.at(0).prompt, "i");
}

TEST(Formats, OneThatIsSaidIsNotGuessed) {
  const std::string line = R"({"messages":[],"prompt":"p","completion":"c","text":"t"})";
  EXPECT_EQ(demonstrations(line, {{}, 0, RecordFormat::demonstration}).records.at(0).completion, "c");
  EXPECT_EQ(demonstrations(line, {{}, 0, RecordFormat::text}).records.at(0).completion, "t");
  try {
    demonstrations(line, {{}, 0, RecordFormat::prompt});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "data.format: expected one of auto, messages, sharegpt, alpaca, demonstration, text, preference, ranking, "
        "judgments, transcripts, tree, found prompt, which is for rlhf-ppo");
  }
}

TEST(Formats, AFileMayBeOneArray) {
  const std::string text = "\xef\xbb\xbf [\n  {\"text\": \"a ] } \\\" , [\"},\r\n\n  {\"text\":\n  \"b\"}\n]\n";
  const auto read = demonstrations(text, {}, "a.json");
  ASSERT_EQ(read.records.size(), 2u);
  EXPECT_EQ(read.records[0].completion, "a ] } \" , [");
  EXPECT_EQ(read.records[1].completion, "b");
  const TemporaryFolder folder;
  const auto zipped = testing::write_gzip(folder / "a.json.gz", "[{\"text\":\"z\"}]");
  EXPECT_EQ(read_demonstrations({zipped}, {}).records.at(0).completion, "z");
  EXPECT_EQ(demonstrations("{\"text\":\"1\"}\n{\"text\":\"2\"}\n", {}, "lines.json").records.size(), 2u);
}

TEST(Formats, ArraysThatAreBrokenAreRefusedWithTheLineOfTheirElement) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& bytes) -> std::string {
    const std::string file = folder.write("a.json", bytes);
    try {
      read_demonstrations({file}, {});
    } catch (const DataError& error) {
      const std::string text = error.what();
      return text.starts_with(file) ? text.substr(file.size()) : text.substr(text.find(": ") + 2);
    }
    return "accepted";
  };
  EXPECT_EQ(message("[]"), "expected at least one record, found none");
  EXPECT_EQ(message("[{\"text\":\"a\"}"), "expected a JSONL file, found an array without an end");
  EXPECT_EQ(message("[{\"text\":\"a\"},"), "expected a JSONL file, found an array without an end");
  EXPECT_EQ(message("[{\"text\":\"a"), "expected a JSONL file, found an array without an end");
  EXPECT_EQ(message("[{\"text\":\"a\"}] x"), "expected a JSONL file, found more text after the array");
  EXPECT_EQ(message("[{\"text\":\"a\"},\n{\"text\":3}]"), ":2: text: expected a string, found 3");
  EXPECT_EQ(message("[\n\n3]"), ":3: expected one JSON object, found 3");
  const std::string broken = ":1: byte 1: expected JSON, found broken JSON";
  EXPECT_TRUE(message("[{\"text\":\"a\"},]").starts_with(broken));
  EXPECT_TRUE(message("[{\"text\":\"a\"},,{\"text\":\"b\"}]").starts_with(broken));
}

TEST(Formats, ALongListTakesTimeInProportionToItsLength) {
  // A parser that looks at all earlier elements again for each one would need an hour.
  std::string line = "{\"text\":\"t\",\"x\":[{}";
  for (int i = 0; i < 1'000'000; ++i) line += ",{}";
  EXPECT_EQ(demonstrations(line + "]}\n").records.size(), 1u);
}

}  // namespace
}  // namespace rlhf
