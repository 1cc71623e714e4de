#include "runs/event_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/runs/metrics.h"

#include "support/file_bytes.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::file_bytes;
using testing::TemporaryFolder;

Metrics metrics(const std::vector<std::pair<std::string, double>>& items) {
  Metrics result;
  for (const auto& [name, value] : items) result.set(name, value);
  return result;
}

// What TensorBoard's own writer makes of the same events: tests/golden/tensorboard/SOURCE.md.
std::string golden_bytes() {
  std::ifstream file(fs::path(testing::source_dir()) / "golden/tensorboard/events.json");
  const std::string hex = nlohmann::json::parse(file).at("bytes");
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::vector<std::string> golden_records() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kTime = 1700000000.125;
  return {
      framed(version_event(kTime)), framed(scalar_event(kTime, 0, metrics({{"loss", 2.5}}))),
      framed(scalar_event(kTime + 1, 1, metrics({{"loss", 0.1}, {"objective/kl", -3.25}}))),
      framed(scalar_event(kTime + 300, 300, metrics({{"learning_rate", 1e-6}, {"val/ratio", kInfinity}, {"λ", 0.0}}))),
      framed(scalar_event(kTime + 1e12, 1000000000000, metrics({{"loss", 123456.789}})))};
}

std::string joined(const std::vector<std::string>& records, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += records[i];
  return bytes;
}

TEST(Crc32c, MatchesTheVectorsOfRfc3720) {  // appendix B.4
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i), descending += static_cast<char>(31 - i);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
  EXPECT_EQ(crc32c(descending), 0x113FDB5Cu);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
}

TEST(EventFile, BytesAreThoseOfTensorBoardsOwnWriter) {
  const auto records = golden_records();
  EXPECT_EQ(joined(records, records.size()), golden_bytes());
}

TEST(EventFile, IsCutBeforeTheFirstEventOfALaterStep) {
  const TemporaryFolder folder;
  const auto records = golden_records();  // version, steps 0, 1, 300, 10^12
  const std::pair<std::int64_t, std::size_t> cases[] = {{-1, 0},  {0, 2},   {1, 3},
                                                        {299, 3}, {300, 4}, {2000000000000, 5}};
  for (const auto& [keep_until, count] : cases) {
    const auto file = folder.write("events", golden_bytes());
    cut_event_file(file, keep_until);
    EXPECT_EQ(file_bytes(file), joined(records, count)) << keep_until;
  }
}

TEST(EventFile, IsCutWhereItBreaksOff) {
  const TemporaryFolder folder;
  const auto records = golden_records();
  const std::string three = joined(records, 3);
  for (const std::size_t torn : {std::size_t{1}, std::size_t{11}, std::size_t{20}, records[3].size() - 1}) {
    const auto file = folder.write("events", three + records[3].substr(0, torn));
    cut_event_file(file, 1000);
    EXPECT_EQ(file_bytes(file), three) << torn;
  }
  std::string damaged = joined(records, 4);
  damaged[three.size() + 20] ^= 1;
  const auto file = folder.write("events", damaged);
  cut_event_file(file, 1000);
  EXPECT_EQ(file_bytes(file), three);
}

TEST(TensorboardSink, GoesOnInTheSameFileAfterAResume) {
  const TemporaryFolder folder;
  const fs::path board = folder / "run/tensorboard";
  {
    const auto sink = open_tensorboard_sink(board);
    for (int step = 1; step <= 5; ++step) sink->write(step, metrics({{"loss", 1.0 / step}}));
    sink->flush();
  }
  const fs::path file = fs::directory_iterator(board)->path();
  EXPECT_TRUE(file.filename().string().starts_with("events.out.tfevents."));
  const auto record = [](int step) { return framed(scalar_event(0, step, metrics({{"loss", 1.0}}))).size(); };
  const std::size_t version = framed(version_event(0)).size();
  EXPECT_EQ(fs::file_size(file), version + 5 * record(1));
  cut_event_file(file, 3);
  open_tensorboard_sink(board)->write(4, metrics({{"loss", 9.0}}));
  EXPECT_EQ(std::distance(fs::directory_iterator(board), {}), 1);
  EXPECT_EQ(fs::file_size(file), version + 4 * record(1));
}

TEST(TensorboardSink, AFolderThatCannotBeMadeIsAnOutputError) {
  const TemporaryFolder folder;
  folder.write("file", "");
  try {
    open_tensorboard_sink(folder / "file/tensorboard");
    FAIL() << "a file stands in the way";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::output) << error.what();
  }
}

TEST(TensorboardSink, TensorBoardReadsWhatWasWritten) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python that has tensorboard";
  const TemporaryFolder folder;
  {
    const auto sink = open_tensorboard_sink(folder.path());
    for (int step = 1; step <= 4; ++step)
      sink->write(step, metrics({{"loss", 1.0 / step}, {"objective/kl", step * 0.5}}));
  }
  cut_event_file(event_files(folder.path()).at(0), 2);
  open_tensorboard_sink(folder.path())->write(3, metrics({{"loss", 7.0}}));
  const std::string script = fs::path(testing::source_dir()) / "runs/print_scalars.py", out = folder / "out.txt";
  ASSERT_EQ(std::system((std::string(python) + " " + script + " " + folder.path().string() + " > " + out).c_str()), 0);
  EXPECT_EQ(file_bytes(out), "loss 1 1.0\nloss 2 0.5\nloss 3 7.0\nobjective/kl 1 0.5\nobjective/kl 2 1.0\n");
}

}  // namespace
}  // namespace rlhf
