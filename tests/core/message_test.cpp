#include "rlhf/core/message.h"

#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/log.h"

namespace rlhf {
namespace {

struct MessageCase {
  const char* what;
  std::string text, line;
};

// General category Cc, the line separators, and the embeddings, overrides and isolates of Unicode's UAX #9.
TEST(OneLine, EscapesWhatCouldChangeTheTerminal) {
  const MessageCase cases[] = {
      {"plain text", "naïve 日本 🙂 \\n", "naïve 日本 🙂 \\n"},
      {"colour", "\x1b[31mred", "\\x1b[31mred"},
      {"line ends", "a\nb\rc\td", "a\\nb\\rc\\td"},
      {"NUL and DEL", std::string("a\0b\x7f", 4), "a\\x00b\\x7f"},
      {"C1: control sequence introducer",
       "\xC2\x9B"
       "31m",
       "\\u009b31m"},
      {"first and last of C1", "\xC2\x80\xC2\x9F\xC2\xA0", "\\u0080\\u009f\xC2\xA0"},
      {"right-to-left override", "\u202Egnp.exe", "\\u202egnp.exe"},
      {"isolates", "\u2066a\u2069", "\\u2066a\\u2069"},
      {"separators", "\u2028\u2029", "\\u2028\\u2029"},
      {"not UTF-8", "caf\xE9 \xE2\x82", "caf\\xe9 \\xe2\\x82"},
      {"marks that only order their neighbours", "\u200E\u200F", "\u200E\u200F"},
  };
  for (const MessageCase& c : cases) EXPECT_EQ(one_line(c.text), c.line) << c.what;
}

TEST(TerminalText, KeepsLinesAndTabs) { EXPECT_EQ(terminal_text("a\n\tb\r\x1b"), "a\n\tb\\r\\x1b"); }

TEST(MessageLine, LosesItsMiddleAndKeepsItsHint) {
  EXPECT_EQ(message_line(std::string(500, 'x')), std::string(500, 'x'));
  const std::string line = message_line("start " + std::string(1 << 20, 'x') + "; hint: end");
  EXPECT_EQ(line.size(), 500u);
  EXPECT_TRUE(line.starts_with("start xxx")) << line;
  EXPECT_TRUE(line.ends_with("xxx; hint: end")) << line;
  EXPECT_NE(line.find("x…x"), std::string::npos);
}

TEST(MessageLine, IsNeverCutInsideACharacter) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(static_cast<std::size_t>(shift), 'x');
    for (int i = 0; i < 300; ++i) text += "日";
    const std::string line = message_line(text);
    EXPECT_LE(line.size(), 500u);
    EXPECT_GE(line.size(), 490u);
    EXPECT_EQ(line.find("\\x"), std::string::npos) << line;
    EXPECT_EQ(one_line(line), line) << "well formed";
  }
}

TEST(Log, WritesMessagesAsOneLine) {
  std::string line;
  set_log_sink([&](LogLevel, std::string_view text) { line = text; });
  log_warning("a\x1b[2J\nb");
  EXPECT_EQ(line, "a\\x1b[2J\\nb");
  log_warning(std::string(1 << 20, 'x'));
  EXPECT_EQ(line.size(), 500u);
  set_log_sink({});
}

}  // namespace
}  // namespace rlhf
