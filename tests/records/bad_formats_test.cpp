// What bad records of messages, instructions, transcripts and prompts get: one line, exit code 3, the place and the
// field.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/records/records.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

enum class Tool { sft, rm, dpo, ppo };

/// The message after the file's name, or "accepted".
std::string refusal(Tool tool, const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string file = folder.write("d.jsonl", bytes);
  try {
    if (tool == Tool::sft) read_demonstrations({file}, {});
    if (tool == Tool::rm) read_preferences({file}, {});
    if (tool == Tool::dpo) read_preferences({file}, {.unpaired = true});
    if (tool == Tool::ppo) read_prompts({file}, {});
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::data) << error.what();
    const std::string text = error.what();
    EXPECT_EQ(text.find_first_of("\n\r\x1b"), std::string::npos) << "one printable line";
    const auto path = text.find(file);  // at the start, but where a file has no record
    EXPECT_NE(path, std::string::npos) << text;
    return text.substr(path + file.size());
  }
  return "accepted";
}

const std::string kUser = R"({"role": "user", "content": "q"})",
                  kAssistant = R"({"role": "assistant", "content": "a"})",
                  kOther = R"({"role": "assistant", "content": "b"})";

/// A record with LIST where a list of messages belongs.
struct Place {
  Tool tool;
  std::string field, line;
};
const Place kPlaces[] = {
    {Tool::sft, "messages", "{\"messages\": LIST}"},
    {Tool::sft, "prompt", "{\"prompt\": LIST, \"completion\": [" + kAssistant + "]}"},
    {Tool::sft, "completion", "{\"prompt\": [" + kUser + "], \"completion\": LIST}"},
    {Tool::ppo, "prompt", "{\"prompt\": LIST}"},
    {Tool::rm, "prompt", "{\"prompt\": LIST, \"chosen\": [" + kAssistant + "], \"rejected\": [" + kOther + "]}"},
    {Tool::rm, "chosen", "{\"prompt\": [" + kUser + "], \"chosen\": LIST, \"rejected\": [" + kOther + "]}"},
    {Tool::rm, "rejected", "{\"prompt\": [" + kUser + "], \"chosen\": [" + kAssistant + "], \"rejected\": LIST}"},
    {Tool::dpo, "prompt", "{\"prompt\": LIST, \"completion\": [" + kAssistant + "], \"label\": true}"},
    {Tool::dpo, "completion", "{\"prompt\": [" + kUser + "], \"completion\": LIST, \"label\": false}"},
    {Tool::rm, "chosen", "{\"chosen\": LIST, \"rejected\": [" + kUser + ", " + kOther + "]}"},
    {Tool::rm, "rejected", "{\"chosen\": [" + kUser + ", " + kAssistant + "], \"rejected\": LIST}"},
};

/// A list, and what is said after the field's name.
const std::pair<std::string, std::string> kBadLists[] = {
    {"[]", ": expected at least one of messages {\"role\", \"content\"}, found an empty list"},
    {"[1]", "[0]: expected an object {\"role\", \"content\"}, found 1"},
    {"[null]", "[0]: expected an object {\"role\", \"content\"}, found null"},
    {"[\"hi\"]", "[0]: expected an object {\"role\", \"content\"}, found \"hi\""},
    {"[[]]", "[0]: expected an object {\"role\", \"content\"}, found []"},
    {"[{}]", "[0].role: expected a string, found no such key; it has no field"},
    {R"([{"content": "c"}])", "[0].role: expected a string, found no such key; it has \"content\""},
    {R"([{"role": 3, "content": "c"}])", "[0].role: expected a string, found 3"},
    {R"([{"role": null, "content": "c"}])", "[0].role: expected a string, found null"},
    {R"([{"role": "", "content": "c"}])", "[0].role: expected a role, found an empty text"},
    {R"([{"role": "user"}])", "[0].content: expected a string, found no such key; it has \"role\""},
    {R"([{"role": "user", "content": 5}])", "[0].content: expected a string, found 5"},
    {R"([{"role": "user", "content": null}])", "[0].content: expected a string, found null"},
    {R"([{"role": "user", "content": {}}])", "[0].content: expected a string, found {}"},
    {R"([{"role": "user", "content": true}])", "[0].content: expected a string, found true"},
    {R"([{"role": "user", "content": []}])",
     "[0].content: expected at least one of {\"type\": \"text\", \"text\"}, found an empty list"},
    {R"([{"role": "user", "content": ["x"]}])", "[0].content[0]: expected an object {\"type\", \"text\"}, found \"x\""},
    {R"([{"role": "user", "content": [{"text": "x"}]}])",
     "[0].content[0].type: expected a string, found no such key; it has \"text\""},
    {R"([{"role": "user", "content": [{"type": "image"}]}])",
     "[0].content[0].type: expected \"text\" (only text is supported), found \"image\""},
    {R"([{"role": "user", "content": [{"type": "text"}]}])",
     "[0].content[0].text: expected a string, found no such key; it has \"type\""},
    {R"([{"role": "assistant", "content": "", "tool_calls": "x"}])",
     "[0].tool_calls: expected a list of calls, found \"x\""},
    {R"([{"role": "assistant", "tool_calls": [1]}])", "[0].tool_calls[0]: expected an object, found 1"},
    {R"([{"role": "assistant", "tool_calls": []}])",
     "[0].content: expected a string, found no such key; it has \"role\", \"tool_calls\""},
    {R"([{"role": "user", "content": "q"}, 7])", "[1]: expected an object {\"role\", \"content\"}, found 7"},
};

TEST(BadFormats, ListsOfMessagesAreCheckedWhereverTheyStand) {
  for (const Place& place : kPlaces)
    for (const auto& [list, message] : kBadLists) {
      std::string line = place.line;
      line.replace(line.find("LIST"), 4, list);
      EXPECT_EQ(refusal(place.tool, line + "\n"), ":1: " + place.field + message) << line;
    }
}

struct Case {
  Tool tool;
  std::string bytes, message;
};

TEST(BadFormats, ASingleCompletionNeedsItsLabel) {
  const auto with = [](const std::string& label) {
    return "{\"prompt\": \"p\", \"completion\": \"c\", \"label\": " + label + "}\n";
  };
  EXPECT_EQ(refusal(Tool::dpo, with("true") + with("false")), "accepted");
  for (const std::string label : {"1", "\"true\"", "null", "0.5", "[true]"})
    EXPECT_EQ(refusal(Tool::dpo, with("true") + with(label)), ":2: label: expected true or false, found " + label);
  EXPECT_EQ(refusal(Tool::dpo, "{\"prompt\": \"p\", \"completion\": \"c\"}\n"),
            ":1: expected {\"prompt\", \"chosen\", \"rejected\"}, {\"prompt\", \"completions\"}, {\"prompt\", "
            "\"responses\", \"judgments\"}, {\"prompt\", \"completion\", \"label\"} or {\"chosen\", \"rejected\"}, "
            "found {\"prompt\", \"completion\"}, which is demonstrations for rlhf-sft");
  EXPECT_EQ(refusal(Tool::dpo, "{\"prompt\": \"p\", \"completion\": 7, \"label\": true}\n"),
            ":1: completion: expected a string, found 7");
  EXPECT_EQ(refusal(Tool::dpo, "{\"prompt\": [" + kUser + "], \"completion\": \"c\", \"label\": true}\n"),
            ":1: completion: expected a list of messages {\"role\", \"content\"}, found \"c\"");
  EXPECT_EQ(refusal(Tool::rm, with("true")),
            ":1: expected {\"prompt\", \"chosen\", \"rejected\"}, {\"prompt\", \"completions\"}, {\"prompt\", "
            "\"responses\", \"judgments\"} or {\"chosen\", \"rejected\"}, found {\"prompt\", \"completion\", "
            "\"label\"}, which is single completions (dpo.loss: kto) for rlhf-dpo");
}

TEST(BadFormats, TurnsStandInTheirOrder) {
  const std::string u = kUser, a = kAssistant, b = kOther;
  const Case cases[] = {
      {Tool::sft, "{\"messages\": [" + u + "]}",
       ":1: messages[0]: expected an assistant turn at the end, found the role \"user\""},
      {Tool::sft, "{\"messages\": [" + u + "," + a + "," + u + "]}",
       ":1: messages[2]: expected an assistant turn at the end, found the role \"user\""},
      {Tool::sft, R"({"messages": [{"role": "bot\n\u001b", "content": ""}]})",
       ":1: messages[0]: expected an assistant turn at the end, found the role \"bot\\n\\u001b\""},
      {Tool::sft, "{\"prompt\": [" + u + "," + a + "], \"completion\": [" + a + "]}",
       ":1: prompt[1]: expected a turn of another role than assistant at the end, found the role \"assistant\""},
      {Tool::sft, "{\"prompt\": [" + u + "], \"completion\": [" + u + "," + a + "]}",
       ":1: completion[0]: expected an assistant turn at the start, found the role \"user\""},
      {Tool::sft, "{\"prompt\": [" + u + "], \"completion\": [" + a + "," + u + "]}",
       ":1: completion[1]: expected an assistant turn at the end, found the role \"user\""},
      {Tool::ppo, "{\"prompt\": [" + u + "," + a + "]}",
       ":1: prompt[1]: expected a turn of another role than assistant at the end, found the role \"assistant\""},
      {Tool::rm, "{\"prompt\": [" + a + "], \"chosen\": [" + a + "], \"rejected\": [" + b + "]}",
       ":1: prompt[0]: expected a turn of another role than assistant at the end, found the role \"assistant\""},
      {Tool::rm, "{\"prompt\": [" + u + "], \"chosen\": [" + u + "], \"rejected\": [" + b + "]}",
       ":1: chosen[0]: expected an assistant turn at the start, found the role \"user\""},
      {Tool::rm, "{\"prompt\": [" + u + "], \"chosen\": [" + a + "], \"rejected\": [" + b + "," + u + "]}",
       ":1: rejected[1]: expected an assistant turn at the end, found the role \"user\""},
      {Tool::rm,
       "{\"chosen\": [" + u + "," + a + "," + u + "," + a + "], \"rejected\": [" + u + "," + a + "," + b + "]}",
       ":1: chosen after the shared messages[0]: expected an assistant turn at the start, found the role \"user\""},
      {Tool::rm, "{\"chosen\": [" + u + "," + a + "," + u + "], \"rejected\": [" + u + "," + b + "]}",
       ":1: chosen after the shared messages[1]: expected an assistant turn at the end, found the role \"user\""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.tool, c.bytes + "\n"), c.message) << c.bytes;
}

TEST(BadFormats, ShareGptAndAlpacaFieldsAreChecked) {
  const std::string froms =
      "human, user, prompter, gpt, chatgpt, assistant, model, bot, function_call, system, tool, observation, "
      "function_response";
  const Case cases[] = {
      {Tool::sft, R"({"conversations": "x"})",
       ":1: conversations: expected a list of turns {\"from\", \"value\"}, found \"x\""},
      {Tool::sft, R"({"conversations": null})",
       ":1: conversations: expected a list of turns {\"from\", \"value\"}, found null"},
      {Tool::sft, R"({"conversations": []})",
       ":1: conversations: expected at least one of turns {\"from\", \"value\"}, found an empty list"},
      {Tool::sft, R"({"conversations": [3]})",
       ":1: conversations[0]: expected an object {\"from\", \"value\"}, found 3"},
      {Tool::sft, R"({"conversations": [{"value": "v"}]})",
       ":1: conversations[0].from: expected a string, found no such key; it has \"value\""},
      {Tool::sft, R"({"conversations": [{"from": 1, "value": "v"}]})",
       ":1: conversations[0].from: expected a string, found 1"},
      {Tool::sft, R"({"conversations": [{"from": "robot", "value": "v"}]})",
       ":1: conversations[0].from: expected one of " + froms + ", found \"robot\""},
      {Tool::sft, R"({"conversations": [{"from": "function_call", "value": "v"}]})",
       ":1: conversations[0].value: byte 1: expected JSON, found broken JSON (invalid literal)"},
      {Tool::sft, R"({"conversations": [{"from": "gpt"}]})",
       ":1: conversations[0].value: expected a string, found no such key; it has \"from\""},
      {Tool::sft, R"({"conversations": [{"from": "gpt", "value": ["v"]}]})",
       ":1: conversations[0].value: expected a string, found [\"v\"]"},
      {Tool::sft, R"({"conversations": [{"from": "gpt", "value": "v"}, {"from": "human", "value": "w"}]})",
       ":1: conversations[1]: expected an assistant turn at the end, found the role \"user\""},
      {Tool::sft, R"({"system": 1, "conversations": [{"from": "gpt", "value": "v"}]})",
       ":1: system: expected a string, found 1"},
      {Tool::sft, R"({"messages": "hi"})",
       ":1: messages: expected a list of messages {\"role\", \"content\"}, found \"hi\""},
      {Tool::sft, R"({"messages": {"role": "user"}})",
       ":1: messages: expected a list of messages {\"role\", \"content\"}, found {\"role\":\"user\"}"},
      {Tool::sft, R"({"instruction": 1, "output": "o"})", ":1: instruction: expected a string, found 1"},
      {Tool::sft, R"({"instruction": "i", "output": null})", ":1: output: expected a string, found null"},
      {Tool::sft, R"({"instruction": "i", "input": 2, "output": "o"})", ":1: input: expected a string, found 2"},
      {Tool::sft, "{\"messages\": [" + kAssistant + "], \"tools\": \"x\"}",
       ":1: tools: byte 1: expected JSON, found broken JSON (invalid literal)"},
      {Tool::sft, "{\"messages\": [" + kAssistant + "], \"tools\": 3}", ":1: tools: expected a list of tools, found 3"},
      {Tool::sft, "{\"messages\": [" + kAssistant + "], \"chat_template_kwargs\": [1]}",
       ":1: chat_template_kwargs: expected an object {name: value}, found [1]"},
      {Tool::ppo, "{\"prompt\": [" + kUser + "], \"tools\": {}}", ":1: tools: expected a list of tools, found {}"},
      {Tool::ppo, "{\"prompt\": {\"role\": \"user\"}}", ":1: prompt: expected a string, found {\"role\":\"user\"}"},
      {Tool::rm, "{\"prompt\": [" + kUser + "], \"chosen\": \"c\", \"rejected\": \"r\"}",
       ":1: prompt: expected a string, found [{\"role\":\"user\",\"content\":\"q\"}]"},
      {Tool::rm, "{\"prompt\": [" + kUser + "], \"chosen\": [" + kAssistant + "], \"rejected\": \"r\"}",
       ":1: rejected: expected a list of messages {\"role\", \"content\"}, found \"r\""},
      {Tool::rm,
       "{\"chosen\": [" + kUser + "," + kAssistant + "], \"rejected\": [" + kUser + "," + kOther + "], \"margin\": -1}",
       ":1: margin: expected a number from 0.0 to 1000000.0, found -1"},
      {Tool::sft, "{\"prompt\": \"p\", \"completion\": [" + kAssistant + "]}",
       ":1: completion: expected a string, found [{\"role\":\"assistant\",\"content\":\"a\"}]"},
      {Tool::sft, "{\"prompt\": [" + kUser + "], \"completion\": \"c\"}",
       ":1: completion: expected a list of messages {\"role\", \"content\"}, found \"c\""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.tool, c.bytes + "\n"), c.message) << c.bytes;
}

TEST(BadFormats, TranscriptsAreTexts) {
  EXPECT_EQ(refusal(Tool::rm, "{\"chosen\": 1, \"rejected\": \"r\"}\n"), ":1: chosen: expected a string, found 1");
  EXPECT_EQ(refusal(Tool::rm, "{\"chosen\": \"c\", \"rejected\": null}\n"),
            ":1: rejected: expected a string, found null");
  EXPECT_EQ(refusal(Tool::ppo, "{\"chosen\": \"c\", \"rejected\": \"d\"}\n"),
            ":1: expected a prompt, or a beginning that chosen and rejected share, found none");
}

TEST(BadFormats, RankingsAreChecked) {
  const std::string number = "expected a number (the lowest is the best), found ", good = R"({"text": "a", "rank": 1})";
  std::string many = good;
  for (int i = 1; i < 65; ++i) many += ", " + good;
  const std::pair<std::string, std::string> lists[] = {
      {"3", "completions: expected a list of 2 to 64 completions, found 3"},
      {"null", "completions: expected a list of 2 to 64 completions, found null"},
      {"{}", "completions: expected a list of 2 to 64 completions, found {}"},
      {"[]", "completions: expected a list of 2 to 64 completions, found a list of 0"},
      {"[" + good + "]", "completions: expected a list of 2 to 64 completions, found a list of 1"},
      {"[" + many + "]", "completions: expected a list of 2 to 64 completions, found a list of 65"},
      {"[" + good + ", 1]", "completions[1]: expected an object {\"text\", \"rank\"}, found 1"},
      {"[" + good + ", \"b\"]", "completions[1]: expected an object {\"text\", \"rank\"}, found \"b\""},
      {"[" + good + ", []]", "completions[1]: expected an object {\"text\", \"rank\"}, found []"},
      {"[{}, " + good + "]", "completions[0].text: expected a string, found no such key; it has no field"},
      {"[{\"rank\": 1}, " + good + "]", "completions[0].text: expected a string, found no such key; it has \"rank\""},
      {"[{\"text\": 1, \"rank\": 1}, " + good + "]", "completions[0].text: expected a string, found 1"},
      {"[{\"text\": \"a\"}, " + good + "]", "completions[0].rank: " + number + "no such key; it has \"text\""},
      {R"([{"text": "a", "rank": "1"}, )" + good + "]", "completions[0].rank: " + number + "\"1\""},
      {R"([{"text": "a", "rank": null}, )" + good + "]", "completions[0].rank: " + number + "null"},
      {R"([{"text": "a", "rank": true}, )" + good + "]", "completions[0].rank: " + number + "true"},
  };
  for (const auto& [list, message] : lists)
    for (const std::string& prompt : {std::string("\"p\""), "[" + kUser + "]"})
      EXPECT_EQ(refusal(Tool::rm, "{\"prompt\": " + prompt + ", \"completions\": " + list + "}\n"), ":1: " + message);
  EXPECT_EQ(refusal(Tool::rm, "{\"prompt\": 1, \"completions\": [" + good + ", " + good + "]}\n"),
            ":1: prompt: expected a string, found 1");
  EXPECT_EQ(refusal(Tool::rm, "{\"prompt\": [" + kAssistant + "], \"completions\": [" + good + ", " + good + "]}\n"),
            ":1: prompt[0]: expected a turn of another role than assistant at the end, found the role \"assistant\"");
}

TEST(BadFormats, TextsAndMessagesDoNotMix) {
  const std::string text = "{\"prompt\": \"p\", \"completion\": \"c\"}\n",
                    chat = "{\"prompt\": [" + kUser + "], \"completion\": [" + kAssistant + "]}\n";
  const auto ends_with = [](const std::string& message, const std::string& end) {
    EXPECT_TRUE(message.starts_with(":2: ") && message.ends_with(end)) << message;
  };
  ends_with(refusal(Tool::sft, text + chat), ":1, found demonstration records of messages");
  ends_with(refusal(Tool::sft, chat + text), ":1, found demonstration records");
  ends_with(refusal(Tool::sft, "{\"messages\": [" + kAssistant + "]}\n" + text),
            ":1, found \"prompt\", \"completion\"");
  ends_with(refusal(Tool::ppo, "{\"prompt\": \"p\"}\n{\"prompt\": [" + kUser + "]}\n"),
            ":1, found prompt records of messages");
  ends_with(refusal(Tool::rm,
                    "{\"chosen\": \"\\n\\nAssistant: a\", \"rejected\": \"\\n\\nAssistant: b\"}\n"
                    "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}\n"),
            ":1, found \"prompt\", \"chosen\", \"rejected\"");
}

/// A record with up to three changes of a kind that slips and attacks have.
std::string mutated(std::string text, std::uint64_t stream) {
  auto draw = [&, n = std::uint64_t{0}](std::uint64_t bound) mutable {
    return static_cast<std::size_t>(random_below(7, stream, n++, bound));
  };
  for (std::size_t changes = 1 + draw(3); changes > 0; --changes) {
    const std::size_t at = draw(text.size()), length = 1 + draw(12);
    constexpr std::string_view kTokens[] = {"{",    "}", "[",  "]",  "\"", ",",    ":",
                                            "null", "3", "[]", "{}", "\\", "\xff", "\n"};
    switch (draw(4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, text.substr(draw(text.size()), length));
        break;
      case 2:
        text.insert(at, kTokens[draw(std::size(kTokens))]);
        break;
      default:
        text.replace(at, std::min(length, text.size() - at), kTokens[draw(std::size(kTokens))]);
    }
    if (text.empty()) text = " ";
  }
  return text;
}

TEST(BadFormats, MutatedRecordsAreReadOrRefusedInOneLine) {
  const std::pair<Tool, std::string> records[] = {
      {Tool::sft, "{\"messages\": [" + kUser + ", " + kAssistant + "], \"tools\": [{}]}"},
      {Tool::sft, R"({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]})"},
      {Tool::sft, R"({"instruction": "i", "input": "", "output": "o"})"},
      {Tool::rm, "{\"chosen\": [" + kUser + ", " + kAssistant + "], \"rejected\": [" + kUser + ", " + kOther + "]}"},
      {Tool::rm, R"({"prompt": "q", "completions": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]})"},
      {Tool::rm, R"({"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"})"},
      {Tool::ppo, "{\"prompt\": [" + kUser + "], \"id\": 1.5}"},
  };
  int refused = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto& [tool, record] = records[i % std::size(records)];
    refused += refusal(tool, mutated(record, i) + "\n") == "accepted" ? 0 : 1;
  }
  EXPECT_GT(refused, 500);
}

TEST(BadFormats, DepthBytesAndNulInMessagesAreRefused) {
  const std::string deep = std::string(10000, '[') + std::string(10000, ']');
  EXPECT_EQ(refusal(Tool::sft, "{\"messages\": " + deep + "}\n"),
            ":1: expected at most 64 levels of nesting, found more");
  EXPECT_EQ(refusal(Tool::sft, "{\"messages\": [{\"role\": \"user\", \"content\": \"\xff\"}]}\n"),
            ":1: byte 44: expected UTF-8, found 0xFF; hint: iconv -t UTF-8 converts other encodings");
  EXPECT_EQ(refusal(Tool::sft, "{\"messages\": [{\"role\": \"user\", \"content\": \"\\u0000\"}]}\n"),
            ":1: expected text without NUL, found \\u0000");
}

}  // namespace
}  // namespace rlhf
