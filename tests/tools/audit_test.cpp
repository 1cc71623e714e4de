// rlhf-feedback audit, as a user starts it.
#include <cmath>
#include <fstream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/markup_check.h"
#include "support/file_bytes.h"
#include "support/read_golden.h"
#include "support/shared_data.h"
#include "support/temporary_folder.h"
#include "tools/run_program.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

// Of the five pairs, the votes for (first, second, tie) are (2,1,0), (0,3,0), (1,1,0), (0,0,2) and (2,0,0).
constexpr const char* kFive =
    R"({"id":"p1","prompt":"1","domain":"law","responses":["x","y"],"gold":0,"judgments":[)"
    R"({"annotator":"a","choice":0,"order":[0,1],"seconds":10},{"annotator":"b","choice":0,"order":[1,0]},)"
    R"({"annotator":"c","role":"expert","choice":1}]})"
    "\n"
    R"({"id":"p2","prompt":"2","domain":"law","responses":["x","y"],"gold":1,"judgments":[)"
    R"({"annotator":"a","choice":1,"seconds":20},{"annotator":"b","choice":1},)"
    R"({"annotator":"c","role":"expert","choice":1}]})"
    "\n"
    R"({"id":"p3","prompt":"3","responses":["x","y"],"judgments":[)"
    R"({"annotator":"a","choice":0},{"annotator":"b","choice":1}]})"
    "\n"
    R"({"id":"p4","prompt":"4","responses":["x","y"],"judgments":[)"
    R"({"annotator":"a","tie":true},{"annotator":"b","both_bad":true}]})"
    "\n"
    R"({"id":"p5","prompt":"5","responses":["x","y"],"judgments":[)"
    R"({"annotator":"a","choice":0},{"annotator":"b","choice":0}]})"
    "\n";

class AuditTool : public ::testing::Test {
 protected:
  ProgramResult run(const std::string& arguments) const {
    return run_program("cd " + folder_.path().string() + " && " + bin_dir() + "/rlhf-feedback audit " + arguments);
  }
  Json json(const std::string& arguments) const {
    const ProgramResult result = run(arguments + " --json");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out);
  }

  testing::TemporaryFolder folder_;
};

// By hand, with the formulas of feedback/agreement.h.
TEST_F(AuditTool, AgreementOfFivePairs) {
  folder_.write("a.jsonl", kFive);
  const Json found = json("a.jsonl"), agreement = found["agreement"];
  EXPECT_EQ(found["pairs"], 5);
  EXPECT_EQ(found["judgments"], 12);
  EXPECT_EQ(found["both_bad"], 1);
  EXPECT_EQ(found["split_pairs"], 2);
  EXPECT_EQ(agreement["pairs"], 5);
  const std::pair<const char*, double> expected[] = {
      {"percent", 2.0 / 3},
      {"fleiss_kappa", 137.0 / 287},
      {"gwet_ac1", 313.0 / 613},
      {"krippendorff_nominal", 23.0 / 45},
      {"krippendorff_interval", 4.0 / 15},
      {"noise_ceiling", (1 + std::sqrt(1.0 / 6)) / 2},
  };
  for (const auto& [name, value] : expected) {
    EXPECT_NEAR(agreement[name]["value"].get<double>(), value, 1e-12) << name;
    EXPECT_LE(agreement[name]["low"].get<double>(), value) << name;
    EXPECT_GE(agreement[name]["high"].get<double>(), value) << name;
  }
  const std::tuple<std::string, std::string, int, double> kappas[] = {
      {"a", "b", 5, 11.0 / 16}, {"a", "c", 2, 0}, {"b", "c", 2, 0}};
  ASSERT_EQ(agreement["cohen_kappa"].size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    const Json cohen = agreement["cohen_kappa"][k];
    EXPECT_EQ(cohen["first"], std::get<0>(kappas[k]));
    EXPECT_EQ(cohen["second"], std::get<1>(kappas[k]));
    EXPECT_EQ(cohen["pairs"], std::get<2>(kappas[k]));
    EXPECT_NEAR(cohen["kappa"]["value"].get<double>(), std::get<3>(kappas[k]), 1e-12);
  }
}

TEST_F(AuditTool, AnnotatorsRolesAndDomains) {
  folder_.write("a.jsonl", kFive);
  const Json found = json("a.jsonl"), a = found["annotators"][0], b = found["annotators"][1];
  EXPECT_EQ(a["annotator"], "a");
  EXPECT_EQ(a["votes"], 5);
  EXPECT_EQ(a["ties"], 1);
  EXPECT_NEAR(a["agreement"].get<double>(), 3.5 / 5, 1e-12);
  EXPECT_EQ(a["right_on_gold"]["votes"], 2);
  EXPECT_EQ(a["right_on_gold"]["value"], 1);
  const double z = 1.959963984540054;
  EXPECT_NEAR(a["right_on_gold"]["low"].get<double>(), 2 / (2 + z * z), 1e-9);
  EXPECT_EQ(a["for_first_shown"]["value"], 1);
  EXPECT_EQ(b["for_first_shown"]["value"], 0);
  EXPECT_EQ(a["median_seconds"], 15);
  EXPECT_EQ(b["median_seconds"], nullptr);
  EXPECT_EQ(found["annotators"][2]["role"], "expert");
  ASSERT_EQ(found["roles"].size(), 2U);
  EXPECT_EQ(found["roles"][1]["role"], "expert");
  EXPECT_EQ(found["roles"][1]["right_on_gold"]["value"], 0.5);
  ASSERT_EQ(found["domains"].size(), 2U);
  EXPECT_EQ(found["domains"][0]["domain"], "law");
  EXPECT_EQ(found["domains"][0]["votes"], 6);
  EXPECT_EQ(found["domains"][1]["domain"], "(none)");
  EXPECT_EQ(found["pay"]["missing"], "needs at least 20 votes that are not ties");
}

// x beats y, y beats z and z beats x; the first pair comes again the other way round, with another answer of the same
// annotator and another checked answer; the last has two equal texts.
TEST_F(AuditTool, RecordsToLookAt) {
  const auto record = [](const std::string& id, const std::string& texts, int choice, const std::string& more) {
    return R"({"id":")" + id + R"(","prompt":"q","responses":[)" + texts +
           R"(],"judgments":[{"annotator":"k","choice":)" + std::to_string(choice) + "}]" + more + "}\n";
  };
  folder_.write("a.jsonl", record("1", R"("x","y")", 0, R"(,"gold":0)") + record("2", R"("y","z")", 0, "") +
                               record("3", R"("z","x")", 0, "") + record("4", R"("y","x")", 1, "") +
                               record("5", R"("y","x")", 0, R"(,"gold":0)") + record("6", R"("x","x")", 0, ""));
  const Json found = json("a.jsonl");
  EXPECT_EQ(found["pairs"], 3);
  EXPECT_EQ(found["cycles"]["number"], 1);
  EXPECT_EQ(found["cycles"]["first"][0], Json({"1/0", "1/1", "2/1"}));
  EXPECT_EQ(found["repeated_votes"], 3) << "of three votes on one pair";
  EXPECT_EQ(found["self_contradictions"], 2);
  EXPECT_EQ(found["repeated_pairs"]["first"], Json({"4", "5"}));
  EXPECT_EQ(found["same_texts"]["first"], Json({"6"}));
  EXPECT_EQ(found["gold_conflicts"]["first"], Json({"5"}));
  EXPECT_EQ(found["agreement"]["percent"], nullptr);
  EXPECT_EQ(found["annotators"][0]["reliability"], nullptr);
  EXPECT_EQ(found["findings"][0],
            "all judgments are by one annotator: agreement, noise ceiling and contested pairs need a second one");
}

// Of 4000 pairs that differ in length alone, ln(1 + n) by ln 2, the longer text won 3000: odds of 3. The ridge of 1
// changes the estimate by less than 1 %.
TEST_F(AuditTool, LengthIsPaidFor) {
  std::string text;
  for (int n = 0; n < 4000; ++n)
    text += R"({"prompt":")" + std::to_string(n) + R"(","responses":["xxxxxxxxx","xxxxxxxxxxxxxxxxxxx"],)" +
            R"("judgments":[{"annotator":"k","choice":)" + (n % 4 == 0 ? "0" : "1") + "}]}\n";
  folder_.write("a.jsonl", text);
  const Json pay = json("a.jsonl")["pay"];
  EXPECT_EQ(pay["votes"], 4000);
  ASSERT_EQ(pay["features"].size(), 1U);
  const Json length = pay["features"][0];
  EXPECT_EQ(length["feature"], "length");
  EXPECT_NEAR(std::exp(std::log(2.0) * length["coefficient"].get<double>()), 3, 0.05);
  // 1/√(N·p·(1 − p)) per ln 2; a random order of the two lets it differ a little.
  EXPECT_NEAR(length["standard_error"].get<double>() * std::log(2.0), 1 / std::sqrt(4000 * 0.75 * 0.25), 0.002);
}

// Someone who chooses what is shown first, 40 times, and is wrong each time: Wilson's interval at 99.9 % is 0.79 to 1.
TEST_F(AuditTool, NamesAnnotatorsWhoChooseByPlaceOrAreWrong) {
  std::string text;
  for (int n = 0; n < 40; ++n) {
    const int first = n / 2 % 2;
    text += R"({"prompt":")" + std::to_string(n) + R"(","responses":["x","y"],"gold":)" + std::to_string(1 - first) +
            R"(,"judgments":[{"annotator":"k","choice":)" + std::to_string(first) + R"(,"order":[)" +
            std::to_string(first) + "," + std::to_string(1 - first) + "]}]}\n";
  }
  folder_.write("a.jsonl", text);
  const Json found = json("a.jsonl");
  EXPECT_EQ(found["findings"][1], "wrong on most checked answers: 1 of 1 annotator (k)");
  EXPECT_EQ(found["findings"][2], "choosing by the place on the screen: 1 of 1 annotator (k)");
  EXPECT_EQ(found["pay"]["features"][0]["feature"], "shown_first");
  EXPECT_GT(found["pay"]["features"][0]["low"].get<double>(), 0);
}

TEST_F(AuditTool, CrowdArgumentsAsPythonPackagesSay) {
  const auto file = testing::shared_data() / "data" / "crowd_arguments" / "judgments.jsonl.gz";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file << " (RLHF_SHARED_DATA)";
  const Json found = json(file.string());
  const nlohmann::json golden = testing::read_golden("feedback/audit.json");
  for (const char* name :
       {"percent", "gwet_ac1", "fleiss_kappa", "krippendorff_nominal", "krippendorff_interval", "noise_ceiling"}) {
    const Json share = found["agreement"][name];
    EXPECT_NEAR(share["value"].get<double>(), golden.at(name).get<double>(), 1e-9) << name;
    EXPECT_LT(share["low"].get<double>(), share["value"].get<double>()) << name;
    EXPECT_GT(share["high"].get<double>(), share["value"].get<double>()) << name;
  }
  EXPECT_EQ(found["pairs"], golden.at("pairs"));
  EXPECT_EQ(found["all"]["votes"], golden.at("votes"));
  EXPECT_EQ(found["all"]["ties"], golden.at("ties"));
  EXPECT_EQ(found["annotators"].size(), golden.at("annotators"));
  EXPECT_EQ(found["repeated_pairs"]["number"], golden.at("repeats"));
  EXPECT_EQ(found["same_texts"]["number"], golden.at("same_texts"));
  EXPECT_EQ(found["gold_conflicts"]["number"], golden.at("gold_conflicts"));
  const auto& busiest = golden.at("busiest");
  for (const Json& annotator : found["annotators"]) {
    if (annotator["annotator"] != busiest.at("annotator")) continue;
    EXPECT_EQ(annotator["votes"], busiest.at("votes"));
    EXPECT_EQ(annotator["median_seconds"], busiest.at("median_seconds"));
  }
}

TEST_F(AuditTool, PrintsAScreenAndWritesOnePage) {
  folder_.write("a.jsonl", kFive);
  const ProgramResult result = run("a.jsonl --html new/a.html");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("a.jsonl: 5 pairs, 12 votes by 3 annotators, 16.7 % ties")) << result.out;
  EXPECT_LT(std::count(result.out.begin(), result.out.end(), '\n'), 50);
  const std::string page = testing::file_bytes(folder_ / "new/a.html");
  EXPECT_TRUE(testing::is_well_formed(page));
  EXPECT_NE(page.find("<svg"), std::string::npos);
  for (const char* outside : {"src=", "href=", "url("}) EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  EXPECT_EQ(run("a.jsonl --html new/a.html </dev/null").exit_code, 2) << "it exists";
}

TEST_F(AuditTool, NamesCannotDoAnythingToTheTerminal) {
  folder_.write("a.jsonl", R"({"id":"p","prompt":"1","domain":"a\u001b[2J\nb","responses":["x","x"],"judgments":[)"
                           R"({"annotator":"\u001bk\n","choice":0}]})"
                           "\n"
                           R"({"prompt":"1","domain":"\u001b[2J","responses":["x","y"],"judgments":[)"
                           R"({"annotator":"\u001bk\n","choice":0}]})");
  const ProgramResult result = run("a.jsonl");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out.find('\x1b'), std::string::npos);
  EXPECT_NE(result.out.find("\\x1bk\\n"), std::string::npos) << result.out;
}

TEST_F(AuditTool, ReadsTheFormatsOfConvert) {
  folder_.write(
      "panda.json",
      R"([{"instruction":"i","input":"","response1":"a","response2":"b","annotator1":1,"annotator2":2,"annotator3":2}])");
  const Json found = json("panda.json --from pandalm");
  EXPECT_EQ(found["all"]["votes"], 3);
  EXPECT_NEAR(found["agreement"]["percent"]["value"].get<double>(), 1.0 / 3, 1e-12);
}

TEST_F(AuditTool, RefusesInOneLine) {
  folder_.write("bad.jsonl", R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","choice":2}]})");
  folder_.write("same.jsonl", R"({"prompt":"p","responses":["a","a"],"judgments":[{"annotator":"k","choice":1}]})");
  const std::tuple<std::string, int, std::string> cases[] = {
      {"", 2, "command line: FILE: expected a file to audit, found none"},
      {"bad.jsonl --html page.html", 3, "bad.jsonl:1: judgments[0].choice: expected an index from 0 to 1, found 2"},
      {"same.jsonl --html page.html", 3, "auditing same.jsonl: expected a judgment of two different texts, found none"},
      {"bad.jsonl --jsn", 2, "command line: unknown flag --jsn; hint: --help lists all of them"},
  };
  for (const auto& [arguments, code, message] : cases) {
    const ProgramResult result = run(arguments);
    EXPECT_EQ(result.exit_code, code) << arguments;
    EXPECT_EQ(result.err, "error: " + message + "\n");
    EXPECT_EQ(result.out, "");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "page.html"));
  EXPECT_TRUE(run("--help").out.starts_with("usage: rlhf-feedback audit FILE [flags]\n"));
}

}  // namespace
}  // namespace rlhf
