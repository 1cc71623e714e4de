// Whole templates against transformers' apply_chat_template: stored results, and live ones for all that TRL ships.
#include "rlhf/text/chat_template.h"

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/file_bytes.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::file_bytes;
using testing::TemporaryFolder;

std::string golden_file(const std::string& name) { return testing::source_dir() + "/golden/chat_template/" + name; }

struct Expected {
  std::string name;  // of the template
  Json conversation, special_tokens, result;
  std::int64_t now;
};

// transformers' text and spans, or its refusal.
void expect_same(const ChatTemplate& chat, const Expected& expected) {
  ChatOptions options;
  options.add_generation_prompt = expected.result["prompt"];
  options.tools = expected.conversation.value("tools", Json());
  options.variables = expected.conversation.value("variables", Json());
  options.now = expected.now;
  const std::string where = expected.name + ", " + expected.conversation["name"].get<std::string>() +
                            (options.add_generation_prompt ? ", with prompt" : "");
  try {
    const Json& messages = expected.conversation["messages"];
    const std::string text = chat.render(messages, options);
    ASSERT_TRUE(expected.result.contains("text"))
        << where << ": expected " << expected.result["error"] << ", found " << text;
    EXPECT_EQ(text, expected.result["text"].get<std::string>()) << where;
    if (chat.source().find("endgeneration") == std::string::npos) return;
    std::vector<ByteSpan> spans;
    for (const Json& span : expected.result["spans"]) spans.push_back({span[0], span[1]});
    EXPECT_EQ(chat.render_with_spans(messages, options).assistant, spans) << where;
  } catch (const Error& error) {
    EXPECT_TRUE(expected.result.contains("error")) << where << ": " << error.what();
  }
}

Json golden() { return Json::parse(file_bytes(golden_file("chats.json"))); }

int compare_golden(const char* part, const std::function<ChatTemplate(const std::string&, const Json&)>& make) {
  const Json all = golden();
  std::map<std::string, Json> conversations;
  for (const Json& one : all["conversations"]) conversations[one["name"]] = one;
  int texts = 0;
  for (const Json& result : all[part]) {
    const std::string name = result["template"];
    expect_same(make(name, all["special_tokens"]),
                {name, conversations.at(result["conversation"]), all["special_tokens"], result, all["now"]});
    texts += result.contains("text");
  }
  return texts;
}

TEST(ChatTemplates, OfOurOwnGiveWhatTransformersGives) {
  const auto make = [](const std::string& name, const Json& tokens) {
    return ChatTemplate(file_bytes(golden_file("templates/" + name + ".jinja")), tokens, name);
  };
  EXPECT_GE(compare_golden("own", make), 200);
}

TEST(ChatTemplates, NamedOnesGiveWhatTransformersGivesForTheirSource) {
  EXPECT_GE(compare_golden("named", named_chat_template), 450);
}

constexpr const char* kDated =
    "{{- 'Today is ' + strftime_now('%d %b %Y') }}{% for m in messages %}{{ ': ' ~ m.content }}{% endfor %}";

TEST(ChatTemplates, SeeTheTimeThatTheCallerGives) {
  const ChatTemplate chat(kDated, {}, "dated");
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}};
  ChatOptions options;
  options.now = 1735689600;  // 2025-01-01 00:00
  EXPECT_EQ(chat.render(messages, options), "Today is 01 Jan 2025: Hi");
  options.now = 1735689599;
  EXPECT_EQ(chat.render(messages, options), "Today is 31 Dec 2024: Hi");
  options.now = std::nullopt;
  const std::int64_t before = wall_clock();
  const std::string now = chat.render(messages, options);
  ChatOptions at_once = options, later = options;
  at_once.now = before;
  later.now = wall_clock();
  EXPECT_TRUE(now == chat.render(messages, at_once) || now == chat.render(messages, later)) << now;
}

TEST(ChatTemplates, TellWhatTheyReadFromTheClock) {
  const auto text = [](const std::string& source, std::int64_t now) {
    return ChatTemplate(source, {}, "t").clock_text(now);
  };
  EXPECT_EQ(text("{{ messages }}", 1735689600), "");
  EXPECT_EQ(text(kDated, 1735689600), text(kDated, 1735689600 + 86399)) << "the same day";
  EXPECT_NE(text(kDated, 1735689600), text(kDated, 1735689599));
  const std::string guarded = "{% if strftime_now is defined %}{{ strftime_now('%d %b') }}{% endif %}";
  EXPECT_EQ(text(guarded, 1735689600), text(guarded, 1735689600 + 86399));
  for (const char* source : {"{{ strftime_now(messages[0].content) }}", "{% set f = strftime_now %}{{ f('%Y') }}",
                             "{{ strftime_now('%S') }}", "{{ strftime_now('%Y') }}{{ strftime_now('%' ~ 'S') }}"})
    EXPECT_NE(text(source, 1735689600), text(source, 1735689601)) << source;
}

TEST(ChatTemplates, DropTheNullsOfAMessage) {
  const ChatTemplate chat("{{ messages }}", {}, "t");
  const Json messages = {
      {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {{{"id", nullptr}}}}, {"name", nullptr}}};
  EXPECT_EQ(chat.render(messages), "[{'role': 'assistant', 'tool_calls': [{'id': None}]}]")
      << "only those of the message";
}

TEST(ChatTemplates, TakeAMappingAsContent) {
  const ChatTemplate chat(
      "{% for m in messages %}{{ m.content | tojson if m.content is mapping else m.content }}{% endfor %}", {}, "t");
  EXPECT_EQ(chat.render({{{"role", "tool"}, {"content", {{"output", "22 °C"}}}}, {{"role", "user"}, {"content", "!"}}}),
            "{\"output\": \"22 °C\"}!");
}

TEST(ChatTemplates, OfTrlGiveWhatTransformersGives) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python that has transformers and trl";
  const TemporaryFolder folder;
  Json sources;
  for (const char* name : {"alpaca", "chatml", "gemma", "llama2", "llama3", "mistral", "phi3", "vicuna", "zephyr"})
    sources[name] = named_chat_template(name, {}).source();
  folder.write("sources.json", sources.dump());
  const std::string script = testing::source_dir() + "/text/render_chats.py", out = folder / "out.json";
  const std::string command =
      std::string(python) + " " + script + " " + (folder / "sources.json").string() + " > " + out;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Json theirs = Json::parse(file_bytes(out));
  if (theirs.contains("missing")) GTEST_SKIP() << "no " << theirs["missing"].get<std::string>() << " in " << python;
  std::map<std::string, ChatTemplate> templates;
  for (const auto& [name, source] : theirs["sources"].items())
    templates.emplace(name, ChatTemplate(source, theirs["special_tokens"], name));
  EXPECT_GE(templates.size(), 60u);
  for (const Json& result : theirs["cases"]) {
    const std::string name = result["template"];
    expect_same(templates.at(name), {name, theirs["conversations"][result["conversation"].get<std::size_t>()],
                                     theirs["special_tokens"], result, theirs["now"]});
  }
}

}  // namespace
}  // namespace rlhf
