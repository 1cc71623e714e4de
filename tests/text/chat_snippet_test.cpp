// Against Jinja2 itself in the settings of transformers: tests/golden/chat_template/SOURCE.md.
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

#include "support/source_dir.h"

namespace rlhf {
namespace {

Json golden() {
  std::ifstream file(testing::source_dir() + "/golden/chat_template/snippets.json");
  return Json::parse(file);
}

struct Outcome {
  std::string text;
  std::string compile_error, render_error;
};

Outcome outcome(const std::string& source, const ChatOptions& options, const Json& messages) {
  std::optional<ChatTemplate> compiled;
  try {
    compiled.emplace(source, Json(), "snippet");
  } catch (const ModelError& error) {
    return {"", error.what(), ""};
  }
  try {
    return {compiled->render(messages, options), "", ""};
  } catch (const Error& error) {
    return {"", "", error.what()};
  }
}

TEST(ChatSnippets, GiveWhatJinja2Gives) {
  const Json all = golden();
  ChatOptions options;
  options.variables = all["variables"];
  options.variables.erase("messages");
  options.now = all["now"].get<std::int64_t>();
  const Json& messages = all["variables"]["messages"];
  int texts = 0;
  for (const Json& snippet : all["snippets"]) {
    if (!snippet.contains("text")) continue;
    const Outcome ours = outcome(snippet["template"], options, messages);
    EXPECT_EQ(ours.compile_error + ours.render_error, "") << snippet["template"];
    EXPECT_EQ(ours.text, snippet["text"].get<std::string>()) << snippet["template"];
    ++texts;
  }
  EXPECT_GE(texts, 400);
}

TEST(ChatSnippets, FailWhereJinja2Fails) {
  const Json all = golden();
  ChatOptions options;
  options.variables = all["variables"];
  options.variables.erase("messages");
  options.now = all["now"].get<std::int64_t>();
  int errors = 0;
  for (const Json& snippet : all["snippets"]) {
    if (!snippet.contains("error")) continue;
    const Outcome ours = outcome(snippet["template"], options, all["variables"]["messages"]);
    if (snippet["error"] == "compiling")
      EXPECT_NE(ours.compile_error, "") << snippet["template"];
    else
      EXPECT_NE(ours.compile_error + ours.render_error, "") << snippet["template"] << " gives " << ours.text;
    ++errors;
  }
  EXPECT_GE(errors, 140);
}

}  // namespace
}  // namespace rlhf
