#include "rlhf/runs/run_logs.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "rlhf/core/log.h"
#include "rlhf/runs/metrics.h"

#include "runs/event_file.h"
#include "support/file_bytes.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::file_bytes;
using testing::TemporaryFolder;

/// Collects warnings instead of writing them.
class Warnings {
 public:
  Warnings() {
    set_log_sink([this](LogLevel level, std::string_view line) {
      if (level == LogLevel::warning) lines_.emplace_back(line);
    });
  }
  ~Warnings() { set_log_sink({}); }
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

std::string metric(int step) { return "{\"step\":" + std::to_string(step) + ",\"loss\":0.5}\n"; }
std::string event(int step) { return framed(scalar_event(1.0, step, Metrics({{"loss", 0.5}}))); }

/// A run with steps 1 to 4, of which a checkpoint has 1 and 2, then a part of a line and of an event.
class RunLogs : public ::testing::Test {
 protected:
  void SetUp() override {
    write(2, "", "");
    stamps_ = stamp_logs(run_, {});
    write(4, "{\"st", event(5).substr(0, 9));
  }
  void write(int steps, const std::string& more_text, const std::string& more_bytes) {
    std::string text, bytes = framed(version_event(1.0));
    for (int step = 1; step <= steps; ++step) text += metric(step), bytes += event(step);
    folder_.write("run/metrics.jsonl", text + more_text);
    folder_.write("run/samples.jsonl", text + more_text);
    folder_.write("run/tensorboard/events.out.tfevents.1.host", bytes + more_bytes);
  }
  fs::path path(const std::string& name) const { return run_.path() / name; }

  const TemporaryFolder folder_;
  const RunFolder run_{folder_ / "run"};
  const std::string events_ = "tensorboard/events.out.tfevents.1.host";
  const std::string kept_ = metric(1) + metric(2);
  const std::string kept_events_ = framed(version_event(1.0)) + event(1) + event(2);
  LogStamps stamps_;
  Warnings warnings_;
};

TEST_F(RunLogs, AreStampedAsZlibDoes) {
  ASSERT_EQ(stamps_.size(), 3u);
  const auto* bytes = reinterpret_cast<const Bytef*>(kept_.data());
  const auto crc = static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(kept_.size())));
  EXPECT_EQ(stamps_.at("metrics.jsonl"), (LogStamp{kept_.size(), crc}));
  EXPECT_EQ(stamp_logs(run_, stamps_), stamp_logs(run_, {})) << "only what is new is read";
}

TEST_F(RunLogs, AreCutToTheCheckpointWithoutAWord) {
  restore_logs(run_, stamps_, 2);
  EXPECT_EQ(file_bytes(path("metrics.jsonl")), kept_);
  EXPECT_EQ(file_bytes(path("samples.jsonl")), kept_);
  EXPECT_EQ(file_bytes(path(events_)), kept_events_);
  EXPECT_EQ(warnings_.take(), std::vector<std::string>());
}

TEST_F(RunLogs, WithoutStampsKeepTheStepsOfTheCheckpoint) {
  restore_logs(run_, {}, 2);
  EXPECT_EQ(file_bytes(path("metrics.jsonl")), kept_);
  EXPECT_EQ(file_bytes(path(events_)), kept_events_);
  EXPECT_EQ(warnings_.take(), std::vector<std::string>());
}

// Every change of a file before the checkpoint is seen, and what is good in it stays.
TEST_F(RunLogs, ThatWereChangedKeepWhatIsGood) {
  struct Damage {
    const char* what;
    std::string text, kept;
  };
  std::string flipped = kept_;
  flipped[flipped.find('5')] = '6';
  const Damage damages[] = {
      {"a blank line", metric(1) + "\n" + metric(2), kept_},
      {"a line of something else", metric(1) + "rubbish\n" + metric(2), kept_},
      {"NUL bytes", metric(1) + std::string(20, '\0') + "\n" + metric(2), kept_},
      {"a line without a step", "{\"loss\":1}\n" + kept_, kept_},
      {"a step that is no number", "{\"step\":\"1\"}\n" + kept_, kept_},
      {"a list", "[1]\n" + kept_, kept_},
      {"not UTF-8", "{\"step\":1,\"\xff\":1}\n" + kept_, kept_},
      {"a line is gone", metric(2), metric(2)},
      {"a digit", flipped, flipped},
      {"lines in another order", metric(2) + metric(1), metric(2) + metric(1)},
      {"a line twice", metric(1) + kept_, metric(1) + kept_},
      {"cut inside a line", kept_.substr(0, kept_.size() - 5), metric(1)},
      {"empty", "", ""},
  };
  for (const Damage& damage : damages) {
    for (const char* name : {"metrics.jsonl", "samples.jsonl"}) {
      SetUp();
      const bool is_short = damage.text.size() < kept_.size();
      folder_.write("run/" + std::string(name), damage.text + (is_short ? "" : metric(3)));
      restore_logs(run_, stamps_, 2);
      EXPECT_EQ(file_bytes(path(name)), damage.kept) << damage.what;
      const auto said = warnings_.take();
      ASSERT_GE(said.size(), 1u) << damage.what;
      EXPECT_NE(said[0].find(std::string(name) + ": expected the file as it was at the checkpoint of step 2, found "),
                std::string::npos)
          << said[0];
    }
  }
}

TEST_F(RunLogs, NameTheFirstBadLineAndTheirNumber) {
  folder_.write("run/metrics.jsonl", metric(1) + "\n\n" + metric(2) + "x\n" + metric(3));
  cut_jsonl_after(path("metrics.jsonl"), 2);
  EXPECT_EQ(file_bytes(path("metrics.jsonl")), kept_);
  EXPECT_EQ(
      warnings_.take(),
      std::vector<std::string>{path("metrics.jsonl").string() +
                               ":2: expected an object with a \"step\", found something else; removing 3 such lines"});
}

TEST_F(RunLogs, ThatAreGoneAreNamed) {
  fs::remove(path("samples.jsonl"));
  restore_logs(run_, stamps_, 2);
  EXPECT_FALSE(fs::exists(path("samples.jsonl")));
  EXPECT_EQ(warnings_.take(),
            std::vector<std::string>{path("samples.jsonl").string() +
                                     ": expected the file as it was at the checkpoint of step 2, found no such file"});
}

TEST_F(RunLogs, KeepTheEventsAroundBrokenBytes) {
  const std::string version = framed(version_event(1.0));
  std::string payload_damaged = event(1), length_damaged = event(1);
  payload_damaged[20] ^= 1;
  length_damaged[2] ^= 1;
  const std::pair<std::string, std::string> cases[] = {
      {version + payload_damaged + event(2), version + event(2)},
      {version + length_damaged + event(2), version + event(2)},
      {version + event(1) + std::string(7, 'x') + event(2), kept_events_},
      {version + event(1).substr(0, 15) + event(2), version + event(2)},
      {std::string(100, '\0') + kept_events_, kept_events_},
  };
  for (const auto& [bytes, kept] : cases) {
    folder_.write("run/" + events_, bytes + event(3));
    restore_logs(run_, stamps_, 2);
    EXPECT_EQ(file_bytes(path(events_)), kept);
    const auto said = warnings_.take();
    ASSERT_EQ(said.size(), 2u);
    EXPECT_NE(said[1].find("found other bytes in 1 place"), std::string::npos) << said[1];
  }
}

}  // namespace
}  // namespace rlhf
