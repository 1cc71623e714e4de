// Records in the layouts of published data sets, and what each is read as.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/records/records.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
using testing::TemporaryFolder;

template <typename Records>
Records read_one(Records (*read)(const std::vector<std::string>&, const RecordReading&), const std::string& line,
                 const RecordReading& reading = {}) {
  const TemporaryFolder folder;
  return read({folder.write("a.jsonl", line + "\n")}, reading);
}

Demonstration demonstration(const std::string& line, const RecordReading& reading = {}) {
  return read_one(read_demonstrations, line, reading).records.at(0);
}
Preference preference(const std::string& line, const RecordReading& reading = {}) {
  return read_one(read_preferences, line, reading).records.at(0);
}
Prompt prompt(const std::string& line, const RecordReading& reading = {}) {
  return read_one(read_prompts, line, reading).records.at(0);
}

/// "role: content" of each message.
std::vector<std::string> turns_of(const Json& messages) {
  std::vector<std::string> turns;
  for (const Json& message : messages)
    turns.push_back(message.at("role").get<std::string>() + ": " + message.at("content").get<std::string>());
  return turns;
}
using Turns = std::vector<std::string>;

/// The error without the path, or "accepted".
template <typename Read>
std::string refusal(const Read& read, const std::string& line) {
  try {
    read(line, {});
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(text.find("a.jsonl:1: ") + 11);
  }
  return "accepted";
}

// The order of LLaMA-Factory's Alpaca template: the system text instead of the first sentences, then the turns.
TEST(Strangers, AlpacaSystemAndHistoryAreInThePrompt) {
  const Demonstration record =
      demonstration(R"({"instruction": "And now?", "input": "", "output": "Seven.", "system": "You count apples.",)"
                    R"( "history": [["I have three.", "Noted."], ["I buy four.", "More."]]})");
  EXPECT_EQ(record.prompt,
            "You count apples.\n\n### Instruction:\nI have three.\n\n### Response:\nNoted."
            "\n\n### Instruction:\nI buy four.\n\n### Response:\nMore.\n\n### Instruction:\nAnd now?\n\n### Response:");
  EXPECT_EQ(record.completion, "Seven.");
  EXPECT_EQ(refusal(demonstration, R"({"instruction": "i", "output": "o", "history": [["a"]]})"),
            "history[0]: expected [instruction, output], found [\"a\"]");
}

TEST(Strangers, NullIsAbsentInEveryOptionalField) {
  const std::string plain = demonstration(R"({"instruction": "i", "output": "o"})").prompt;
  EXPECT_EQ(
      demonstration(R"({"instruction": "i", "output": "o", "input": null, "system": null, "history": null})").prompt,
      plain);
  EXPECT_EQ(preference(R"({"prompt": "p", "chosen": "c", "rejected": "r", "margin": null})").pairs.at(0).margin, 0.0F);
  const Demonstration chat =
      demonstration(R"({"messages": [{"role": "user", "content": "q", "name": null, "tool_calls": null},)"
                    R"({"role": "assistant", "content": "a", "weight": null}], "system": null, "tools": null,)"
                    R"("chat_template_kwargs": null, "prompt": null, "completion": null})");
  EXPECT_EQ(chat.chat.messages.dump(), R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])");
  EXPECT_TRUE(chat.chat.tools.is_null());
  EXPECT_TRUE(chat.untrained.empty());
}

TEST(Strangers, FormatsWhoseFieldsAreNullAreNotRecognised) {
  EXPECT_EQ(demonstration(R"({"messages": null, "conversations": null, "prompt": "p", "completion": "c"})").prompt,
            "p");
  EXPECT_EQ(demonstration(R"({"prompt": null, "text": "t"})").completion, "t");
}

TEST(Strangers, SystemBesideMessagesComesFirst) {
  const std::string u = R"({"role": "user", "content": "q"})", a = R"({"role": "assistant", "content": "a"})",
                    b = R"({"role": "assistant", "content": "b"})", s = R"({"role": "system", "content": "s"})";
  const Demonstration record =
      demonstration("{\"system\": \"s\", \"messages\": [" + u + "," +
                    R"({"role": "assistant", "content": "a", "weight": 0},)" + u + "," + a + "]}");
  EXPECT_EQ(turns_of(record.chat.messages), (Turns{"system: s", "user: q", "assistant: a", "user: q", "assistant: a"}));
  EXPECT_EQ(record.untrained, (std::vector<std::size_t>{2}));
  const Preference pair =
      preference("{\"system\": \"s\", \"prompt\": [" + u + "], \"chosen\": [" + a + "], \"rejected\": [" + b + "]}");
  EXPECT_EQ(turns_of(pair.chat.messages), (Turns{"system: s", "user: q"}));
  EXPECT_EQ(turns_of(prompt("{\"system\": \"s\", \"prompt\": [" + u + "]}").chat.messages),
            (Turns{"system: s", "user: q"}));
  const auto same = read_one(read_demonstrations, "{\"system\": \"s\", \"messages\": [" + s + "," + u + "," + a + "]}");
  EXPECT_EQ(same.records.at(0).chat.messages.size(), 3u);
  EXPECT_TRUE(same.counts.unread.empty());
  const auto other =
      read_one(read_demonstrations, "{\"system\": \"other\", \"messages\": [" + s + "," + u + "," + a + "]}");
  EXPECT_EQ(other.counts.unread.at("system"), 1);
}

TEST(Strangers, FieldsThatNothingReadsAreCountedAndThoseWithAMeaningWarnedOf) {
  const TemporaryFolder folder;
  const auto read = read_preferences(
      {folder.write("a.jsonl", R"({"id": 1, "system": "s", "prompt": "p", "chosen": "c", "rejected": "r", "tie": true})"
                               "\n"
                               R"({"id": 2, "system": null, "prompt": "p", "chosen": "c", "rejected": "r"})"
                               "\n")},
      {});
  EXPECT_EQ(read.counts.unread, (std::map<std::string, std::int64_t>{{"id", 2}, {"system", 1}, {"tie", 1}}));
  EXPECT_EQ(read.counts.notes(),
            (std::vector<std::string>{
                "fields that were not read, with the number of records that have them: id (2), system (1), tie (1)"}));
  EXPECT_EQ(
      read.counts.warnings(),
      (std::vector<std::string>{
          "the field `system` of 1 records was not read; hint: plain texts have no place for it, records of messages "
          "do",
          "the field `tie` of 1 records was not read; hint: remove the ties, or write a ranking with equal ranks"}));
  const auto prompts = read_one(read_prompts, R"({"prompt": "p", "answer": "42", "system": "s"})");
  EXPECT_EQ(prompts.counts.unread, (std::map<std::string, std::int64_t>{{"system", 1}})) << "others go to the reward";
}

TEST(Strangers, ManyNamesOfUnreadFieldsStayFew) {
  std::string line = R"({"text": "t")";
  for (int i = 0; i < 200; ++i) line += ", \"k" + std::to_string(i) + "\": 1";
  const auto read = read_one(read_demonstrations, line + "}");
  EXPECT_EQ(read.counts.unread.size(), 51u);
  EXPECT_EQ(read.counts.unread.at("others"), 150);
}

TEST(Strangers, EveryMarkOfATurnThatIsNotTrainedIsRead) {
  const auto untrained = [](const std::string& mark) {
    return demonstration(R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", )" +
                         mark + R"(}, {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]})")
        .untrained;
  };
  const std::vector<std::size_t> first = {1}, none;
  for (const char* mark :
       {"\"weight\": 0", "\"weight\": 0.0", "\"weight\": false", "\"train\": false", "\"training\": false",
        "\"trainable\": 0", "\"loss\": false", "\"loss\": 0", "\"loss_mask\": 0", "\"loss_weight\": 0.0",
        "\"learn\": false", "\"mask\": true", "\"masked\": true", "\"weight\": 0, \"train\": false"})
    EXPECT_EQ(untrained(mark), first) << mark;
  for (const char* mark : {"\"weight\": 1", "\"weight\": 1.0", "\"weight\": null", "\"train\": true", "\"loss\": true",
                           "\"mask\": false", "\"loss_mask\": 1"})
    EXPECT_EQ(untrained(mark), none) << mark;
  const auto fault = [&](const std::string& mark) {
    return refusal(demonstration, R"({"messages": [{"role": "assistant", "content": "a", )" + mark + "}]}");
  };
  EXPECT_EQ(
      fault("\"weight\": 0.5"),
      "messages[0].weight: expected 1 or 0 (a turn is trained or not; other weights are not supported), found 0.5");
  EXPECT_EQ(fault("\"train\": \"no\""),
            "messages[0].train: expected 1, 0, true or false (whether the turn is trained), found \"no\"");
  EXPECT_EQ(fault("\"mask\": 1"), "messages[0].mask: expected true (the turn is not trained) or false, found 1");
  EXPECT_EQ(fault("\"weight\": 0, \"train\": true"),
            "messages[0].train: expected the same as the other marks of this turn, found true");
  EXPECT_EQ(fault("\"training_detail\": []"),
            "messages[0].training_detail: expected a mark for the whole turn, such as \"train\", found []");
}

TEST(Strangers, AMarkToTrainAUsersTurnIsWarnedOf) {
  const auto read = read_one(read_demonstrations, R"({"messages": [{"role": "user", "content": "q", "train": true},)"
                                                  R"({"role": "assistant", "content": "a"}], "images": [], "x": ""})");
  EXPECT_EQ(read.counts.unread,
            (std::map<std::string, std::int64_t>{{"train: true, of a turn that is not the assistant's", 1}}))
      << "fields that are empty are not lost";
  EXPECT_EQ(read.counts.warnings().size(), 1u);
}

TEST(Strangers, MarksOfShareGptAndOfCompletionsCount) {
  EXPECT_EQ(
      demonstration(R"({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a",)"
                    R"("weight": 0}, {"from": "human", "value": "r"}, {"from": "gpt", "value": "b", "weight": 1}]})")
          .untrained,
      (std::vector<std::size_t>{1}));
  EXPECT_EQ(demonstration(R"({"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant",)"
                          R"("content": "a", "weight": 0}, {"role": "assistant", "content": "b"}]})")
                .untrained,
            (std::vector<std::size_t>{1}));
}

TEST(Strangers, ShareGptCallsAndObservationsBecomeToolTurns) {
  const Demonstration record =
      demonstration(R"({"conversations": [{"from": "Human", "value": "Weather?"},)"
                    R"({"from": "function_call", "value": "{\"name\": \"get\", \"arguments\": {\"city\": \"Bern\"}}"},)"
                    R"({"from": "observation", "value": "7C"}, {"from": "gpt", "value": "7 degrees.", "score": 3}],)"
                    R"("tools": "[{\"name\": \"get\"}]"})");
  EXPECT_EQ(
      record.chat.messages.dump(),
      R"([{"role":"user","content":"Weather?"},{"role":"assistant","content":"","tool_calls":[{"type":"function",)"
      R"("function":{"name":"get","arguments":{"city":"Bern"}}}]},{"role":"tool","content":"7C"},)"
      R"({"role":"assistant","content":"7 degrees.","score":3}])");
  EXPECT_EQ(record.chat.tools.dump(), R"([{"name":"get"}])") << "a list in a JSON text, as LLaMA-Factory writes it";
  EXPECT_EQ(
      refusal(demonstration, R"({"conversations": [{"from": "human", "value": null}, {"from": "gpt", "value": "a"}]})"),
      "conversations[0].value: expected a string, found null");
}

TEST(Strangers, ListsOfMessagesAreReadUnderEitherName) {
  const Turns both = {"user: q", "assistant: a"};
  EXPECT_EQ(
      turns_of(demonstration(
                   R"({"conversations": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})")
                   .chat.messages),
      both);
  EXPECT_EQ(turns_of(demonstration(R"({"messages": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})")
                         .chat.messages),
            both);
}

TEST(Strangers, MessagesOfCallsNeedNoContentAndImagesAreRefused) {
  const Demonstration record = demonstration(
      R"({"messages": [{"role": "user", "content": "Weather?"}, {"role": "assistant", "content": null, "tool_calls":)"
      R"([{"id": "c1", "type": "function", "function": {"name": "get", "arguments": "{}"}}]},)"
      R"({"role": "tool", "tool_call_id": "c1", "name": "get", "content": {"temperature": 7}},)"
      R"({"role": "assistant", "content": null, "reasoning_content": "hm"}, {"role": "assistant", "content": "7."}]})");
  EXPECT_FALSE(record.chat.messages.at(1).contains("content"));
  EXPECT_EQ(record.chat.messages.at(2).dump(),
            R"({"role":"tool","tool_call_id":"c1","name":"get","content":{"temperature":7}})");
  EXPECT_EQ(refusal(demonstration,
                    R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]})"),
            "messages[0].content[0].type: expected \"text\" (only text is supported), found \"image_url\"");
}

// Pairs without a prompt are scored as they are, as TRL's RewardTrainer does.
TEST(Strangers, PairsWithoutAPromptAreWholeTexts) {
  const std::string line = R"({"chosen": "The sky is blue.", "rejected": "The sky is green."})";
  const Preference pair = preference(line);
  EXPECT_TRUE(pair.whole);
  EXPECT_EQ(pair.prompt, "");
  EXPECT_EQ(pair.answers.at(0).text, "The sky is blue.");
  EXPECT_EQ(pair.answers.at(1).text, "The sky is green.");
  const Demonstration chosen = demonstration(line);
  EXPECT_TRUE(chosen.whole);
  EXPECT_EQ(chosen.completion, "The sky is blue.");
  const Preference chats =
      preference(R"({"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content":)"
                 R"("b"}], "rejected": [{"role": "user", "content": "c"},)"
                 R"({"role": "assistant", "content": "d"}]})");
  EXPECT_TRUE(chats.whole);
  EXPECT_TRUE(chats.chat.messages.empty());
  EXPECT_EQ(turns_of(chats.answers.at(1).turns), (Turns{"user: c", "assistant: d"}));
}

TEST(Strangers, ATextBesideAnswersOfMessagesIsTheUsersTurn) {
  const Preference pair = preference(R"({"prompt": "q", "chosen": [{"role": "assistant", "content": "a"}],)"
                                     R"("rejected": [{"role": "assistant", "content": "b"}]})");
  EXPECT_FALSE(pair.whole);
  EXPECT_EQ(turns_of(pair.chat.messages), (Turns{"user: q"}));
}

TEST(Strangers, PairsAndRankingsGiveDemonstrationsAndPrompts) {
  const std::string hh =
      R"({"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: No"})";
  const Demonstration chosen = demonstration(hh);
  EXPECT_EQ(chosen.prompt, "\n\nHuman: Hi\n\nAssistant:");
  EXPECT_EQ(chosen.completion, " Hello");
  EXPECT_EQ(prompt(hh).prompt, "\n\nHuman: Hi\n\nAssistant:");
  const std::string ranking = R"({"prompt": "p", "completions": [{"text": "b", "rank": 2}, {"text": "a", "rank": 1}]})";
  EXPECT_EQ(demonstration(ranking).completion, "a") << "the lowest rank";
  EXPECT_EQ(prompt(ranking).prompt, "p");
  const std::string chats = R"({"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "assistant",)"
                            R"("content": "a"}], "rejected": [{"role": "assistant", "content": "b"}], "margin": 2})";
  EXPECT_EQ(turns_of(demonstration(chats).chat.messages), (Turns{"user: q", "assistant: a"}));
  EXPECT_EQ(demonstration(chats).prompt_turns, 1u);
  EXPECT_EQ(turns_of(prompt(chats).chat.messages), (Turns{"user: q"}));
  EXPECT_EQ(prompt(R"({"prompt": "p", "completion": "c"})").prompt, "p");
  EXPECT_EQ(
      turns_of(prompt(R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})")
                   .chat.messages),
      (Turns{"user: q"}));
  EXPECT_EQ(prompt(R"({"instruction": "i", "output": "o"})").prompt,
            demonstration(R"({"instruction": "i", "output": "o"})").prompt);
  EXPECT_EQ(read_one(read_prompts, hh).counts.kind(), "transcripts records, prompts");
  EXPECT_EQ(read_one(read_demonstrations, hh).counts.kind(), "transcripts records, chosen completions");
  EXPECT_EQ(read_one(read_demonstrations, ranking).counts.kind(), "ranking records, best completions");
}

// A tree as in ready.trees.jsonl of OpenAssistant/oasst1: two ranked answers, a follow-up after the better one.
const std::string kTree =
    R"({"message_tree_id": "t", "tree_state": "ready_for_export", "prompt": {"message_id": "m", "text": "Why?",)"
    R"("role": "prompter", "replies": [{"text": "B", "role": "assistant", "rank": 1, "replies": []},)"
    R"({"text": "A", "role": "assistant", "rank": 0, "replies": [{"text": "More?", "role": "prompter", "replies":)"
    R"([{"text": "Yes", "role": "assistant", "rank": null, "replies": []}]}]},)"
    R"({"text": "spam", "role": "assistant", "deleted": true, "rank": 2, "replies": []}]}})";

TEST(Strangers, TreesGiveTheirBestPathTheirRankingsAndTheirPrompts) {
  const auto sft = read_one(read_demonstrations, kTree);
  EXPECT_EQ(sft.counts.kind(), "tree records, best completions");
  EXPECT_EQ(turns_of(sft.records.at(0).chat.messages),
            (Turns{"user: Why?", "assistant: A", "user: More?", "assistant: Yes"}));
  const auto ranked = read_one(read_preferences, kTree);
  ASSERT_EQ(ranked.records.size(), 1u) << "one answer alone is no ranking";
  EXPECT_EQ(turns_of(ranked.records[0].chat.messages), (Turns{"user: Why?"}));
  EXPECT_EQ(ranked.records[0].answers.size(), 2u);
  EXPECT_EQ(ranked.records[0].pairs.size(), 1u);
  EXPECT_EQ(ranked.records[0].pairs[0].chosen, 1) << "A, whose rank is 0";
  const auto prompts = read_one(read_prompts, kTree);
  ASSERT_EQ(prompts.records.size(), 2u);
  EXPECT_EQ(turns_of(prompts.records[1].chat.messages), (Turns{"user: Why?", "assistant: A", "user: More?"}));
}

TEST(Strangers, ATreeWithoutAnswersIsCounted) {
  const auto read = read_one(read_demonstrations, R"({"prompt": {"role": "prompter", "text": "Why?", "replies": []}})");
  EXPECT_TRUE(read.records.empty());
  EXPECT_EQ(read.counts.without_sample, 1);
  EXPECT_EQ(refusal(demonstration, R"({"prompt": {"role": "robot", "text": "Why?", "replies": []}})"),
            "prompt.role: expected one of prompter, user, human, assistant, system, found \"robot\"");
}

TEST(Strangers, EachFileHasItsOwnFormat) {
  const TemporaryFolder folder;
  const auto read = read_demonstrations(
      {folder.write("a.jsonl",
                    R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})"
                    "\n"),
       folder.write("b.jsonl", R"({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "b"}]})"
                               "\n"),
       folder.write("c.jsonl", R"({"prompt": "p", "completion": "c"})"
                               "\n")},
      {});
  EXPECT_EQ(read.records.size(), 3u);
  EXPECT_EQ(read.counts.kind(),
            "messages records (a.jsonl); sharegpt records (b.jsonl); demonstration records (c.jsonl)");
  EXPECT_TRUE(read.counts.chat);
  EXPECT_TRUE(read.counts.templated);
}

TEST(Strangers, NamesOfPublishedDataAreSuggested) {
  const auto hint = [](const std::string& error) { return error.substr(error.find("hint: ")); };
  // Dolly, OpenOrca, HelpSteer, WildChat
  EXPECT_EQ(hint(refusal(demonstration, R"({"instruction": "i", "context": "x", "response": "r", "category": "c"})")),
            "hint: data.fields {output: response, input: context}");
  EXPECT_EQ(hint(refusal(demonstration, R"({"id": "1", "system_prompt": "s", "question": "q", "response": "r"})")),
            "hint: data.fields {prompt: question, completion: response}");
  EXPECT_EQ(hint(refusal(demonstration, R"({"prompt": "p", "response": "r", "helpfulness": 3})")),
            "hint: data.fields {completion: response}");
  EXPECT_EQ(hint(refusal(demonstration, R"({"conversation": [{"role": "user", "content": "q"}], "model": "m"})")),
            "hint: data.fields {messages: conversation}");
  // Capybara, UltraChat
  EXPECT_EQ(refusal(demonstration, R"({"source": "s", "conversation": [{"input": "q", "output": "a"}]})"),
            "expected {\"messages\"}, {\"conversations\"}, {\"instruction\", \"output\"}, {\"prompt\", \"completion\"} "
            "or {\"text\"}, found another kind of conversation (a list of {\"input\", \"output\"}); hint: jq -c "
            "'{messages: [.[\"conversation\"][] | {role: \"user\", content: .input}, {role: \"assistant\", content: "
            ".output}]}' FILE");
  EXPECT_EQ(read_one(read_prompts, R"({"prompt": "q", "prompt_id": "1", "messages": [{"role": "user", "content": "q"},)"
                                   R"({"role": "assistant", "content": "a"}]})")
                .records.at(0)
                .prompt,
            "q");
  // orca_dpo_pairs, Nectar
  EXPECT_EQ(hint(refusal(preference, R"({"system": "s", "question": "q", "chosen": "c", "rejected": "r"})")),
            "hint: data.fields {prompt: question}");
  EXPECT_EQ(hint(refusal(preference, R"({"prompt": "p", "answers": [{"answer": "a", "rank": 1.0, "model": "m"}]})")),
            "hint: data.fields {completions: answers, text: answer}");
  EXPECT_EQ(hint(refusal(prompt, R"({"question": "q", "answer": "a"})")), "hint: data.fields {prompt: question}");
  // SHP
  EXPECT_EQ(hint(refusal(preference, R"({"history": "h", "human_ref_A": "a", "human_ref_B": "b", "labels": 1})")),
            "hint: rename fields with data.fields {name: name in the file} (rlhf-generate: --field)");
}

TEST(Strangers, TheSuggestedNamesWork) {
  const Preference orca =
      preference(R"({"system": "s", "question": "q", "chosen": "c", "rejected": "r"})", {{{"prompt", "question"}}});
  EXPECT_EQ(orca.prompt, "q");
  const Preference nectar = preference(R"({"prompt": "p", "answers": [{"answer": "a", "rank": 2.0, "model": "m"},)"
                                       R"({"answer": "b", "rank": 1.0, "model": "n"}]})",
                                       {{{"completions", "answers"}, {"text", "answer"}}});
  EXPECT_EQ(nectar.pairs.at(0).chosen, 1);
  const Demonstration dolly = demonstration(R"({"instruction": "i", "context": "x", "response": "r"})",
                                            {{{"output", "response"}, {"input", "context"}}});
  EXPECT_NE(dolly.prompt.find("### Input:\nx\n"), std::string::npos);
}

// UltraFeedback binarized: each tool takes its fields.
TEST(Strangers, RecordsOfSeveralFormatsGiveEachToolItsOwn) {
  const std::string line =
      R"({"prompt": "q", "prompt_id": "1", "chosen": [{"role": "user", "content": "q"}, {"role": "assistant",)"
      R"("content": "a"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}],)"
      R"("messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "score_chosen": 8.0})";
  EXPECT_EQ(read_one(read_demonstrations, line).counts.kind(), "messages records");
  EXPECT_EQ(turns_of(preference(line).chat.messages), (Turns{"user: q"}));
  EXPECT_EQ(turns_of(prompt(line).chat.messages), (Turns{"user: q"}));
}

TEST(Strangers, ValuesThatJsonDoesNotHaveMayStandWhereNothingReadsThem) {
  const TemporaryFolder folder;
  const auto read = read_demonstrations(
      {folder.write("a.jsonl",
                    R"({"prompt": "NaN \"Infinity", "completion": "a", "quality": NaN, "x": [-Infinity, Infinity]})"
                    "\n")},
      {});
  EXPECT_EQ(read.records.at(0).prompt, "NaN \"Infinity");
  EXPECT_EQ(read.counts.unread.at("quality"), 1);
  EXPECT_EQ(prompt(R"({"prompt": "p", "quality": NaN})").extra, R"({"prompt":"p","quality":null})");
}

}  // namespace
}  // namespace rlhf
