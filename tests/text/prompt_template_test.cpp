#include "rlhf/text/prompt_template.h"

#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

TEST(PromptTemplate, DefaultAddsNothing) {
  const PromptTemplate plain;
  EXPECT_EQ(plain.text(), "{prompt}{completion}");
  EXPECT_EQ(plain.prompt("a b"), "a b");
  EXPECT_EQ(plain.completion("c\n"), "c\n");
}

TEST(PromptTemplate, SeamIsWhereTheCompletionBegins) {
  const PromptTemplate chat("Q: {prompt}\nA: {completion}\n--");
  EXPECT_EQ(chat.prompt("why?"), "Q: why?\nA: ");
  EXPECT_EQ(chat.completion("so."), "so.\n--");
}

TEST(PromptTemplate, BracesInTheTextsAreLeftAlone) {
  const PromptTemplate chat("<{prompt}|{completion}>");
  EXPECT_EQ(chat.prompt("{completion}{prompt}{}"), "<{completion}{prompt}{}|");
  EXPECT_EQ(chat.completion("{prompt}"), "{prompt}>");
}

class BadTemplate : public ::testing::TestWithParam<std::string> {};

TEST_P(BadTemplate, IsAConfigErrorThatShowsIt) {
  try {
    PromptTemplate bad(GetParam());
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("data.template: expected {prompt} and {completion} once each"),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find(GetParam()), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadTemplate,
                         ::testing::Values("", "{prompt}", "{completion}", "{completion}{prompt}",
                                           "{prompt}{prompt}{completion}", "{prompt}{completion}{completion}",
                                           "{ prompt}{completion}"));

TEST(PromptTemplate, OfAnOptionHasEscapes) {
  EXPECT_EQ(PromptTemplate::of_option(R"({prompt}\n{completion})").text(), "{prompt}\n{completion}");
  EXPECT_EQ(PromptTemplate::of_option("{prompt}\n{completion}").text(), "{prompt}\n{completion}");
  EXPECT_EQ(PromptTemplate::of_option(R"({prompt}\t\\n\q{completion}\)").text(), "{prompt}\t\\n\\q{completion}\\");
}

}  // namespace
}  // namespace rlhf
