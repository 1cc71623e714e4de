// What bad records of judgments get: one line, exit code 3, the place and the field.
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/records/judgments.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

/// The message after the file's name, or "accepted". The bad record is the second of the file.
std::string refusal(const std::string& line) {
  const testing::TemporaryFolder folder;
  const std::string file =
      folder.write("d.jsonl", R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","choice":0}]})"
                              "\n" +
                                  line + "\n");
  const auto message = [&](const auto& read) -> std::string {
    try {
      read();
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), ExitCode::data) << error.what();
      return std::string(error.what()).substr(file.size());
    }
    return "accepted";
  };
  const std::string typed =
      message([&] { for_each_judged({file}, {}, [](const JudgedRecord&, const RecordPlace&) {}); });
  EXPECT_EQ(message([&] { read_preferences({file}, {}); }), typed) << "as rlhf-rm reads it";
  return typed;
}

/// A record with this value of "judgments", for responses r1 and r2.
std::string record(const std::string& judgments) {
  return R"({"prompt":"p","responses":[{"id":"r1","text":"a"},{"id":"r2","text":"b"}],"judgments":)" + judgments + "}";
}
std::string judgment(const std::string& fields) { return record("[{\"annotator\":\"k\"," + fields + "}]"); }

const std::string kNames = "one of the ids [\"r1\",\"r2\"] or an index from 0 to 1";

TEST(BadJudgments, AreRefusedByTheirField) {
  const std::pair<std::string, std::string> cases[] = {
      {record("[]"), "judgments: expected at least one judgment, found none"},
      {record("{}"), "judgments: expected a list, found {}"},
      {record("[1]"), "judgments[0]: expected a judgment {\"annotator\", \"choice\"}, found 1"},
      {record(R"([{"choice":0}])"), "judgments[0].annotator: expected a string, found no such key; it has \"choice\""},
      {record(R"([{"annotator":"","choice":0}])"),
       "judgments[0].annotator: expected the name of the annotator, found an empty text"},
      {judgment(R"("choice":0,"role":"admin")"),
       "judgments[0].role: expected one of crowd, expert, ai, found \"admin\""},
      {judgment(R"("choice":"r3")"), "judgments[0].choice: expected " + kNames + ", found \"r3\""},
      {judgment(R"("choice":2)"), "judgments[0].choice: expected " + kNames + ", found 2"},
      {judgment(R"("choice":-1)"), "judgments[0].choice: expected " + kNames + ", found -1"},
      {judgment(R"("choice":0.5)"), "judgments[0].choice: expected " + kNames + ", found 0.5"},
      {judgment(R"("choice":"")"), "judgments[0].choice: expected " + kNames + ", found \"\""},
      {judgment(R"("choice":null,"tie":false)"),
       "judgments[0]: expected exactly one of choice, ranks, tie and both_bad, found none"},
      {judgment(R"("choice":0,"tie":true)"),
       "judgments[0]: expected exactly one of choice, ranks, tie and both_bad, found choice, tie"},
      {judgment(R"("ranks":[1,2],"both_bad":true)"),
       "judgments[0]: expected exactly one of choice, ranks, tie and both_bad, found ranks, both_bad"},
      {judgment(R"("tie":"yes")"), "judgments[0].tie: expected true or false, found \"yes\""},
      {judgment(R"("ranks":[1])"),
       "judgments[0].ranks: expected a list of 2 ranks, one for each response, found a list of 1"},
      {judgment(R"("ranks":[1,NaN])"), "judgments[0].ranks[1]: expected a number (the lowest is the best), found NaN"},
      {judgment(R"("choice":0,"strength":1)"),
       "judgments[0].scale: expected 2, 3, 5 or 7, the steps of the scale of `strength`, found no such key; it has "
       "\"annotator\", \"choice\", \"strength\""},
      {judgment(R"("choice":0,"scale":4,"strength":1)"), "judgments[0].scale: expected 2, 3, 5 or 7 steps, found 4"},
      {judgment(R"("choice":0,"scale":5,"strength":3)"),
       "judgments[0].strength: expected a whole number from 1 to 2, steps from the middle of a scale of 5, found 3"},
      {judgment(R"("choice":0,"scale":7,"strength":0)"),
       "judgments[0].strength: expected a whole number from 1 to 3, steps from the middle of a scale of 7, found 0"},
      {judgment(R"("choice":0,"scale":2,"strength":2)"),
       "judgments[0].strength: expected a whole number from 1 to 1, steps from the middle of a scale of 2, found 2"},
      {judgment(R"("choice":0,"scale":5)"),
       "judgments[0].strength: expected a whole number from 1 to 2, steps from the middle of a scale of 5, found no "
       "such key; it has \"annotator\", \"choice\", \"scale\""},
      {judgment(R"("tie":true,"scale":5,"strength":1)"), "judgments[0].strength: expected 0 beside a tie, found 1"},
      {judgment(R"("tie":true,"scale":2)"),
       "judgments[0].scale: expected 3, 5 or 7 steps, because 2 have no middle for a tie, found 2"},
      {judgment(R"("ranks":[1,2],"scale":5)"), "judgments[0].scale: expected no scale beside ranks, found 5"},
      {judgment(R"("choice":0,"order":["r1"])"),
       "judgments[0].order: expected all 2 responses, in the order shown, found [\"r1\"]"},
      {judgment(R"("choice":0,"order":["r1","r1"])"),
       "judgments[0].order[1]: expected every response once, found \"r1\""},
      {judgment(R"("choice":0,"order":["r1","r7"])"), "judgments[0].order[1]: expected " + kNames + ", found \"r7\""},
      {judgment(R"("choice":0,"seconds":-1)"),
       "judgments[0].seconds: expected a number from 0.0 to 1000000000.0, found -1"},
      {judgment(R"("choice":0,"tags":"a")"), "judgments[0].tags: expected a list, found \"a\""},
      {judgment(R"("choice":0,"note":1)"), "judgments[0].note: expected a string, found 1"},
  };
  for (const auto& [line, message] : cases) EXPECT_EQ(refusal(line), ":2: " + message) << line;
}

TEST(BadJudgments, AnExpertMayNotContradictThemselves) {
  const auto two = [](const std::string& first, const std::string& second, const std::string& role = "expert") {
    const std::string start = R"({"annotator":"e","role":")" + role + "\",";
    return refusal(record("[{\"annotator\":\"e\",\"choice\":1}," + start + first + "}," + start + second + "}]"));
  };
  const std::string refused =
      ":2: judgments[2]: expected no contradiction to judgments[1] of the same expert, found another answer of \"e\"";
  EXPECT_EQ(two(R"("choice":0)", R"("choice":1)"), refused);
  EXPECT_EQ(two(R"("choice":0)", R"("tie":true)"), refused);
  EXPECT_EQ(two(R"("both_bad":true)", R"("ranks":[2,1])"), refused);
  EXPECT_EQ(two(R"("choice":0)", R"("choice":"r1","note":"again")"), "accepted");
  EXPECT_EQ(two(R"("choice":0)", R"("choice":1)", "crowd"), "accepted") << "a repeat of the crowd may differ";
}

TEST(BadJudgments, TheRestOfTheRecordIsCheckedToo) {
  const std::string vote = R"("judgments":[{"annotator":"k","choice":0}])";
  const std::string many = [] {
    std::string list = "\"x\"";
    for (int i = 0; i < 64; ++i) list += ",\"x\"";
    return list;
  }();
  const std::string pair = R"("prompt":"p","responses":["a","b"],)";
  const std::pair<std::string, std::string> cases[] = {
      {R"({"prompt":"p","responses":[],)" + vote + "}", "responses: expected 2 to 64 responses, found []"},
      {R"({"prompt":"p","responses":["a"],)" + vote + "}", "responses: expected 2 to 64 responses, found 1"},
      {R"({"prompt":"p","responses":[)" + many + "]," + vote + "}", "responses: expected 2 to 64 responses, found 65"},
      {R"({"prompt":"p","responses":["a",1],)" + vote + "}",
       "responses[1]: expected a text or an object {\"id\", \"text\"}, found 1"},
      {R"({"prompt":"p","responses":["a",{"id":"r"}],)" + vote + "}",
       "responses[1].text: expected a string, found no such key; it has \"id\""},
      {R"({"prompt":"p","responses":["a",{"messages":[]}],)" + vote + "}",
       "responses[1].messages: expected `text`, because the prompt is a text, found []"},
      {R"({"prompt":"p","responses":[{"id":"r","text":"a"},{"id":"r","text":"b"}],)" + vote + "}",
       "responses[1].id: expected an id of its own, found \"r\" again"},
      {R"({"prompt":"p","responses":[{"id":"tie","text":"a"},"b"],)" + vote + "}",
       "responses[0].id: expected another id, because this is a value of `gold`, found \"tie\""},
      {"{\"id\":1.5," + pair + vote + "}", "id: expected a text or a whole number, found 1.5"},
      {"{\"domain\":1," + pair + vote + "}", "domain: expected a string, found 1"},
      {"{\"gold\":2," + pair + vote + "}", "gold: expected an index from 0 to 1, found 2"},
      {"{\"gold\":\"draw\"," + pair + vote + "}", "gold: expected an index from 0 to 1, found \"draw\""},
      {"{\"gold\":[1]," + pair + vote + "}",
       "gold: expected a list of 2 ranks, one for each response, found a list of 1"},
      {"{\"label\":1," + pair + vote + "}", "label: expected a label {\"chosen\", \"probability\"}, found 1"},
      {"{\"label\":{\"chosen\":5}," + pair + vote + "}", "label.chosen: expected an index from 0 to 1, found 5"},
      {"{\"label\":{\"chosen\":0,\"probability\":1.5}," + pair + vote + "}",
       "label.probability: expected a number from 0.0 to 1.0, found 1.5"},
      {"{\"label\":{\"chosen\":0,\"weight\":-1}," + pair + vote + "}",
       "label.weight: expected a number from 0.0 to 1000000.0, found -1"},
      {"{\"label\":{\"chosen\":0,\"history\":[{}]}," + pair + vote + "}",
       "label.history[0].chosen: expected an index from 0 to 1, found no such key; it has no field"},
      {R"({"label":{"chosen":0},"prompt":"p","responses":["a","b","c"],)" + vote + "}",
       "label: expected two responses beside a label, found 3"},
      {R"({"prompt":[{"role":"user","content":"q"}],"responses":["a","b"],)" + vote + "}",
       "expected judgments records as at FILE:1, found judgments records of messages"},
  };
  for (auto [line, message] : cases) {
    std::string found = refusal(line);
    const auto path = found.find("/", 1);
    if (path != std::string::npos) found.replace(path, found.find(":1,") - path, "FILE");
    EXPECT_EQ(found, ":2: " + message) << line;
  }
}

}  // namespace
}  // namespace rlhf
