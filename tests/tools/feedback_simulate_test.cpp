// rlhf-feedback simulate, as a user starts it.
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/file_bytes.h"
#include "support/temporary_folder.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

class SimulateTool : public ::testing::Test {
 protected:
  ProgramResult run(const std::string& arguments) const {
    return run_program("cd " + folder_.path().string() + " && " + RLHF_BIN + "/rlhf-feedback simulate " + arguments);
  }
  std::vector<nlohmann::json> records(const std::string& file) const {
    std::istringstream lines(testing::file_bytes(folder_ / file));
    std::vector<nlohmann::json> found;
    for (std::string line; std::getline(lines, line);) found.push_back(nlohmann::json::parse(line));
    return found;
  }

  testing::TemporaryFolder folder_;
};

/// Within 4 standard errors.
void expect_share(double count, double all, double expected) {
  EXPECT_NEAR(count / all, expected, 4 * std::sqrt(expected * (1 - expected) / all));
}

TEST_F(SimulateTool, WritesJudgmentsOfAnnotatorsOfKnownReliability) {
  const ProgramResult result = run("--annotators 6:rationality=2 --expert-share 0.2 --output new/a.jsonl");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  double right = 0, votes = 0, experts = 0;
  for (const auto& record : records("new/a.jsonl"))
    for (const auto& judgment : record.at("judgments")) {
      const bool expert = judgment.at("role") == "expert";
      experts += expert;
      votes += !expert;
      right += !expert && judgment.at("choice") == record.at("gold");
    }
  EXPECT_EQ(votes, 3000);
  expect_share(right, votes, 1 / (1 + std::exp(-2)));
  expect_share(experts, 1000, 0.2);
  EXPECT_NE(result.err.find("wrote 1000 records with " + std::to_string(int(votes + experts))), std::string::npos)
      << result.err;
}

TEST_F(SimulateTool, ASeedGivesTheSameFile) {
  for (const char* flags : {"--seed 4 --output a", "--seed 4 --output b", "--seed 5 --output c"})
    ASSERT_EQ(run(std::string("--pairs 50 --hinted 0.5 ") + flags).exit_code, 0);
  EXPECT_EQ(testing::file_bytes(folder_ / "a"), testing::file_bytes(folder_ / "b"));
  EXPECT_NE(testing::file_bytes(folder_ / "a"), testing::file_bytes(folder_ / "c"));
}

TEST_F(SimulateTool, JudgesPairsOfAFile) {
  // The asker is wrong. An annotator who is only after agreement chooses what the asker believes.
  std::string pairs;
  for (int i = 0; i < 40; ++i)
    pairs += "{\"prompt\":\"I think it is 8. What is 3+4?\",\"chosen\":\"It is 7.\",\"rejected\":\"It is 8.\"}\n";
  folder_.write("pairs.jsonl", pairs);
  const ProgramResult result =
      run("pairs.jsonl --annotators 1:rationality=0,agreement=30,cost=0.5 --votes 1 --expert-share 0 --output a.jsonl");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.err.find("wrong on 100.0 % of the pairs; the votes cost 20\n"), std::string::npos) << result.err;
  double first = 0;
  for (const auto& record : records("a.jsonl")) {
    const int gold = record.at("gold");
    EXPECT_EQ(record.at("responses").at(gold), "It is 7.");
    EXPECT_EQ(record.at("judgments").at(0).at("choice"), 1 - gold);
    first += gold == 0;
  }
  expect_share(first, 40, 0.5);
}

TEST_F(SimulateTool, WritesTiesStrengthsAndDomains) {
  ASSERT_EQ(run("--annotators 3:cuts=1/2,expertise=1/0 --domains 2 --output a.jsonl").exit_code, 0);
  double ties = 0, strong = 0, votes = 0, domains = 0;
  for (const auto& record : records("a.jsonl")) {
    domains += record.at("domain") == "domain 2";
    if (record.at("domain") != "domain 2") continue;
    for (const auto& judgment : record.at("judgments")) {
      if (judgment.at("role") == "expert") continue;
      ++votes;
      EXPECT_EQ(judgment.at("scale"), 5);
      ties += judgment.contains("tie");
      strong += judgment.value("strength", 0) == 2;
    }
  }
  expect_share(domains, 1000, 0.5);
  const double e1 = 1 / (1 + std::exp(1)), e2 = 1 / (1 + std::exp(2));  // where nothing is known: σ(−1), σ(−2)
  expect_share(ties, votes, 1 - 2 * e1);
  expect_share(strong, votes, 2 * e2);
}

TEST_F(SimulateTool, PrintsThePowerTable) {
  // Wrong labels of 3 and 5 votes by hand: 0.2³ + 3·0.2²·0.8 and 0.2⁵ + 5·0.2⁴·0.8 + 10·0.2³·0.8². Half is 10 %. Gold
  // items and the width of Wilson's interval as scipy and statsmodels find them (tests/golden/feedback/power.json).
  const ProgramResult result = run("--power");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::string line, cells;
  while (std::getline(lines, line) && !line.starts_with("   80 %")) {
  }
  std::istringstream words(line);
  for (std::string word; words >> word;) cells += word + " ";
  EXPECT_EQ(cells, "80 % 20.0 % 10.4 % 5.8 % 2.0 % 5 55.6 % 82 72 245 ") << result.out;
}

TEST_F(SimulateTool, RefusesBadInputAndWritesNothing) {
  const auto expect = [this](const std::string& arguments, int code, const std::string& text) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments;
    EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
    EXPECT_TRUE(fs::is_empty(folder_.path())) << arguments;
  };
  expect("", 2, "--output: expected a file to write, found nothing");
  expect("--output a --annotators 5:eror=1", 2, "found eror; did you mean `error`?");
  expect("--output a --annotators 5:error=2", 2, "--annotators: error: expected 0 to 1, found 2");
  expect("--output a --annotators 5:error=", 2, "--annotators: error: expected a number, found nothing");
  expect("--output a --annotators 5:cuts=1/2/3/4", 2, "--annotators: cuts: expected at most 3, found 4");
  expect("--output a --experts 0", 2, "--experts: expected a number of annotators, 1 to 100000, found 0");
  expect("--output a --annotators 2", 2, "--votes: expected 1 to the number of annotators, 2, found 3");
  expect("--output a --hinted 2", 2, "--hinted: expected 0 to 1");
  expect("--output a --pairs 0", 2, "--pairs: expected at least 1, found 0");
  expect("--output a --domains 3 --annotators 5:expertise=1", 2, "expected a factor for each of the --domains, 3");
  expect("pairs.jsonl --output a --pairs 7", 2, "expected sums that are made up, found pairs.jsonl");
  expect("no.jsonl --output a", 3, "cannot read no.jsonl");
}

}  // namespace
}  // namespace rlhf
