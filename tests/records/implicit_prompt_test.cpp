#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/records/records.h"

#include "records/conversation.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

nlohmann::ordered_json golden(const std::string& part) {
  std::ifstream file(testing::source_dir() + "/golden/implicit_prompt/implicit_prompt.json");
  EXPECT_TRUE(file.is_open());
  return nlohmann::ordered_json::parse(file).at(part);
}

TEST(ImplicitPrompt, IsAsLongAsTrlTakesIt) {
  const auto cases = golden("conversations");
  ASSERT_EQ(cases.size(), 100u);
  for (const auto& pair : cases)
    EXPECT_EQ(shared_turns(pair.at("chosen"), pair.at("rejected")), pair.at("prompt").get<std::size_t>()) << pair;
}

TEST(ImplicitPrompt, OfTranscriptsReachesToTheLastAssistant) {
  const testing::TemporaryFolder folder;
  const auto cases = golden("transcripts");
  ASSERT_EQ(cases.size(), 50u);
  std::string lines;
  for (const auto& pair : cases) lines += pair.dump() + "\n";
  // The field "prompt" of the golden file is what is expected, so it must not be read as the record's own.
  const RecordReading reading{{{"prompt", "none"}}, 0, {}};
  const auto read = read_preferences({folder.write("a.jsonl", lines)}, reading);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string prompt = cases[i].at("prompt");
    EXPECT_EQ(read.records.at(i).prompt, prompt);
    EXPECT_EQ(prompt + read.records[i].answers.at(0).text, cases[i].at("chosen"));
    EXPECT_EQ(prompt + read.records[i].answers.at(1).text, cases[i].at("rejected"));
  }
}

}  // namespace
}  // namespace rlhf
