#include "rlhf/report/run_report.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "report/markup_check.h"
#include "report/run_folder_maker.h"
#include "support/special_files.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::count;
using testing::is_well_formed;

class RunReport : public ::testing::Test {
 protected:
  RunReport() { testing::make_ppo_run(folder_, "first"); }

  std::string written() const {
    write_report(folder_ / "first");
    return read_file(folder_ / "first/report.html", ExitCode::data);
  }
  void write(const std::string& file, const std::string& text) const { folder_.write("first/" + file, text); }

  testing::TemporaryFolder folder_;
};

void expect_parts(const std::string& page, const std::vector<std::string>& parts) {
  EXPECT_TRUE(is_well_formed(page));
  for (const std::string& part : parts) EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(RunReport, ShowsWhatTheFolderHolds) {
  fs::create_directories(folder_ / "first/final");
  write("checkpoints/step-3/weights", std::string(3 << 20, 'x'));
  expect_parts(written(),
               {"<h1>rlhf-ppo: first</h1>", ">finished<", "<dd>3 of 3</dd>", "<dd>24 responses</dd>", "rlhf-ppo 9.8.7",
                "3 rollouts of 8 responses", "20 prompts\nlongest 5 tokens", "12 MiB", "cpu, float32",
                "2026-01-31 23:59:00", "2026-02-01 00:01:05, after 2m05s", "23:59:01  the value model is a new head",
                "ppo:\n  kl_coef: 0.05", "checkpoints/step-3  3 MiB", "score -1.5 · kl 0 · finish stop", ">second<",
                "After rollout 1", "After rollout 3"});
}

TEST_F(RunReport, PlanComesFromTheLogWhereRunJsonHasNone) {
  write("run.json", R"({"stage": "ppo", "total_steps": 3})");
  expect_parts(written(), {"<dt>Plan</dt>\n<dd>from the log</dd>"});
}

TEST_F(RunReport, AMethodOfTheUsersIsShownUnderItsOwnName) {
  write("run.json", R"({"stage": "rloo", "compute": "cpu, bfloat16", "plan": {"summary": "3 steps"}})");
  expect_parts(written(), {"<h1>rloo: first</h1>", "<dt>Compute</dt>\n<dd>cpu, bfloat16</dd>"});
}

TEST_F(RunReport, EveryMetricHasACurveAndTheirUnits) {
  const std::string page = written();
  for (const char* title : {"objective/kl", "policy/entropy_avg", "my/own"})
    EXPECT_EQ(count(page, std::string("<figcaption>") + title + "<span>"), 1u) << title;
  expect_parts(page, {"nats per sequence", "<h2>Objective</h2>", "<h2>Policy</h2>", "<h2>Other</h2>"});
  EXPECT_EQ(page.find("<figcaption>episode"), std::string::npos);
}

TEST_F(RunReport, AFigureThatIsNotFiniteIsAMarkedGap) {
  expect_parts(written(), {"<title>objective/scores is not finite at 2</title>"});
}

TEST_F(RunReport, SaysWhereARunStopped) {
  expect_parts(written(), {">stopped at step 3 of 3<"});
  expect_parts(run_page(folder_ / "first"), {">not finished: step 3 of 3<"});
}

TEST_F(RunReport, StepsAfterTheLastMetricsAreKnownByTheCheckpoint) {
  write("run.json", R"({"stage": "ppo", "total_steps": 20})");
  write("checkpoints/step-000007/weights", "");
  write("checkpoints/step-000012/weights", "");
  write("checkpoints/.step-000019.partial/weights", "");
  write("checkpoints/step-99999999999999999999/weights", "");
  const std::string page = written();
  expect_parts(page, {">stopped at step 12 of 20<", "checkpoints/step-000007"});
  EXPECT_EQ(page.find("step-000019"), std::string::npos);
}

TEST_F(RunReport, SamplesOfManyStepsAreTheFirstMiddleAndLast) {
  std::string lines;
  for (int step = 1; step <= 9; ++step)
    for (int i = 0; i < 6; ++i)
      lines += R"({"step":)" + std::to_string(step) + R"(,"prompt":"p","response":"r)" + std::to_string(step) + "\"}\n";
  write("samples.jsonl", lines);
  const std::string page = written();
  for (const char* shown : {">r1<", ">r5<", ">r9<"}) EXPECT_EQ(count(page, shown), 3u) << shown;
  EXPECT_EQ(count(page, "class=\"sample\""), 9u);
}

TEST_F(RunReport, SamplesOfAFileOfManyMegabytesAreFoundAtItsEnds) {
  std::string lines;
  const std::string filler(1000, 'x');
  for (int step = 1; step <= 9000; ++step)
    lines += R"({"step":)" + std::to_string(step) + R"(,"prompt":")" + filler + R"(","response":"r"})" + "\n";
  write("samples.jsonl", lines);
  const std::string page = written();
  expect_parts(page, {"After rollout 1<", "After rollout 9000<"});
  EXPECT_EQ(count(page, "After rollout 4") + count(page, "After rollout 5"), 1u);  // near the middle
}

TEST_F(RunReport, HostileTextIsShownAsText) {
  const std::string evil = R"(</pre><script>alert(1)</script>\u0000\u202e)";
  write("samples.jsonl", R"({"step":1,"prompt":")" + evil + R"(","response":")" + evil + R"(","finish":"<b>"})");
  write("metrics.jsonl", R"({"step":1,"<script>":1,"a\"b":2})");
  write("run.json", R"({"stage": "<script>", "version": "<b>", "plan": {"summary": "<i>"}})");
  write("config.yaml", "<script>: \xff\xfe");
  const std::string page = written();
  EXPECT_TRUE(is_well_formed(page));
  for (const char* tag : {"<script>alert", "<b>", "<i>", "<script>:"})
    EXPECT_EQ(page.find(tag), std::string::npos) << tag;
}

TEST_F(RunReport, TornAndMissingFilesAreLeftOut) {
  for (const char* file : {"run.json", "config.yaml", "metrics.jsonl", "samples.jsonl", "log.txt"}) {
    const std::string whole = read_file(folder_ / "first" / file, ExitCode::data);
    for (const std::size_t length :
         {whole.size() - 1, whole.size() - 3, whole.size() / 2, std::size_t{1}, std::size_t{0}}) {
      write(file, whole.substr(0, length));
      EXPECT_TRUE(is_well_formed(written())) << file << " " << length;
    }
    fs::remove(folder_ / "first" / file);
    EXPECT_TRUE(is_well_formed(written())) << file;
  }
  expect_parts(written(), {"<h1>first</h1>"});  // nothing is left but the page
}

TEST_F(RunReport, LinesOfAnotherShapeAreSkipped) {
  write("metrics.jsonl",
        "[1]\n3\n{\"step\":1e300,\"loss\":1}\n{\"step\":\"x\",\"loss\":1}\n{\"loss\":1}\n{\"step\":1,\"loss\":{\"a\":1}"
        ",\"b\":[2]}\n"
        "{\"step\":2,\"loss\":0.5,\"note\":\"text\"}\nnull\n");
  write("samples.jsonl", "{\"step\":1e300}\n" + std::string(100000, '[') +
                             "\n[]\n{\"step\":\"a\"}\n{\"step\":1,\"prompt\":[{\"role\":\"user\"}]}\n");
  write("run.json", "[\"stage\"]");
  write("log.txt", "no time here\n2026-99-99 aa: bb: cc\n");
  expect_parts(written(), {"<figcaption>loss<span>0.5</span>", "{&quot;role&quot;:&quot;user&quot;}"});
}

TEST_F(RunReport, SaysHowManyLinesItLeavesOut) {
  std::vector<std::string> said;
  set_log_sink([&](LogLevel, std::string_view line) { said.emplace_back(line); });
  write("metrics.jsonl", "{\"step\":1,\"loss\":1}\n\nrubbish\n{\"step\":2,\"loss\":2}\n{\"ste");
  write("samples.jsonl", "{\"step\":1,\"prompt\":\"p\",\"response\":\"r\"}\n3\n");
  expect_parts(written(), {"<figcaption>loss<span>2</span>"});
  set_log_sink({});
  const std::string file = (folder_ / "first").string() + "/", middle = ": expected an object with a \"step\", found ";
  EXPECT_EQ(said, (std::vector<std::string>{
                      file + "metrics.jsonl:2" + middle + "something else; left out of the page: 2 lines",
                      file + "samples.jsonl:2" + middle + "something else; left out of the page: 1 line"}));
}

TEST_F(RunReport, SpecialFilesInPlaceOfFilesAreLeftOut) {
  const testing::TemporaryFolder specials;
  for (const testing::SpecialFile& special : testing::make_special_files(specials.path()))
    for (const char* file : {"run.json", "config.yaml", "metrics.jsonl", "samples.jsonl", "log.txt"}) {
      if (special.name == "sparse file" && std::string(file).ends_with(".jsonl")) continue;  // read in part
      const std::string before = read_file(folder_ / "first" / file, ExitCode::data);
      fs::remove(folder_ / "first" / file);
      fs::create_symlink(special.path, folder_ / "first" / file);
      EXPECT_TRUE(is_well_formed(written())) << special.name << " " << file;
      fs::remove(folder_ / "first" / file);
      write(file, before);
    }
}

TEST_F(RunReport, FoldersInPlaceOfFilesAreLeftOut) {
  for (const char* file : {"run.json", "config.yaml", "metrics.jsonl", "samples.jsonl", "log.txt"}) {
    fs::remove(folder_ / "first" / file);
    fs::create_directories(folder_ / "first" / file);
  }
  EXPECT_TRUE(is_well_formed(written()));
}

TEST_F(RunReport, ALongRunIsASmallPage) {
  std::ofstream file(folder_ / "first/metrics.jsonl");
  for (int step = 1; step <= 100000; ++step) {
    file << "{\"step\":" << step;
    for (int metric = 0; metric < 8; ++metric) file << ",\"m" << metric << "\":" << (step * 7919 * (metric + 1)) % 1000;
    file << "}\n";
  }
  file.close();
  const std::string page = written();
  EXPECT_LT(page.size(), 400000u);  // 28 metrics, as PPO has, then stay below 2 MB
  expect_parts(page, {"<dd>100000 of 3</dd>"});
}

TEST_F(RunReport, APageThatCannotBeWrittenIsAnOutputError) {
  fs::create_directories(folder_ / "first/report.html/blocked");
  EXPECT_THROW(write_report(folder_ / "first"), OutputError);
  EXPECT_THROW(write_report(folder_ / "absent"), OutputError);
}

TEST_F(RunReport, AFolderThatIsNoRunIsNamed) {
  fs::create_directories(folder_ / "other");
  for (const std::string name : {"other", "absent"}) {
    try {
      run_page(folder_ / name);
      FAIL() << name;
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with((folder_ / name).string() + ": expected a run folder"))
          << error.what();
    }
    EXPECT_THROW(comparison_page({folder_ / "first", folder_ / name}), DataError);
  }
}

TEST_F(RunReport, RunsSideBySideShareTheirCharts) {
  testing::make_ppo_run(folder_, "second");
  folder_.write("second/config.yaml", "ppo: {kl_coef: 0.1}\ntrain: {seed: 1, steps: [1, 2], empty: \"\", none: ~}\n");
  folder_.write("second/metrics.jsonl", "{\"step\":1,\"objective/kl\":0.75}\n");
  const std::string page = comparison_page({folder_ / "first", folder_ / "second"});
  expect_parts(page, {"<h1>2 runs</h1>", "<tr><td>ppo.<wbr/>kl_<wbr/>coef</td><td>0.05</td><td>0.1</td></tr>",
                      "<tr><td>train.<wbr/>steps</td><td>–</td><td>[1, 2]</td></tr>",
                      "<tr><td>train.<wbr/>empty</td><td>–</td><td>&quot;&quot;</td></tr>",
                      "<tr><td>train.<wbr/>none</td><td>–</td><td>null</td></tr>",
                      "<tr><td>objective/<wbr/>kl, nats per sequence</td><td>0.25</td><td>0.75</td></tr>",
                      "<tr><td>objective/<wbr/>scores, reward units</td><td>2.5 (2.5 at 3)</td><td></td></tr>"});
  EXPECT_EQ(page.find("<td>train.<wbr/>seed</td>"), std::string::npos);
  const std::string kl = page.substr(page.find("<figcaption>objective/kl</figcaption>"), 6000);
  EXPECT_NE(kl.find("<title>first: 0.25 at 3</title>"), std::string::npos);
  EXPECT_NE(kl.find("<title>second: 0.75 at 1</title>"), std::string::npos);
}

TEST_F(RunReport, RunsOfOneNameAreToldApartByTheirPaths) {
  testing::make_ppo_run(folder_, "a/run");
  testing::make_ppo_run(folder_, "b/run");
  expect_parts(comparison_page({folder_ / "a/run", folder_ / "b/run"}),
               {(folder_ / "a/run").string(), (folder_ / "b/run").string()});
}

}  // namespace
}  // namespace rlhf
