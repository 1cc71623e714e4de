#include "rlhf/io/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/mount.h>
#include <unistd.h>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"

#include "support/misuse.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::close;
using testing::f32;
using testing::TemporaryFolder;

Checkpoint example(double value) {
  return {.groups = {{"policy", {{"w", f32({value, 2})}, {"b", testing::normal({3, 2}, 1, at::kBFloat16)}}},
                     {"policy_optimizer", {{"w.exp_avg", f32({value * 3})}}}},
          .state = {{"step", value}, {"kl_coef", 0.1}}};
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// Collects what is logged while it lives.
class LogWatch {
 public:
  LogWatch() {
    set_log_sink([this](LogLevel, std::string_view line) { lines.emplace_back(line); });
  }
  ~LogWatch() { set_log_sink({}); }
  std::vector<std::string> lines;
};

/// A file system in memory, mounted on a folder while this lives, where the user may mount.
class MemoryDisk {
 public:
  MemoryDisk(fs::path path, unsigned long flags, const char* options) : path_(std::move(path)) {
    fs::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", flags, options) == 0;
  }
  ~MemoryDisk() {
    if (mounted_) ::umount(path_.c_str());
  }
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path path_;
  bool mounted_ = false;
};

TEST(Checkpoint, IsReadBackAsItWasSaved) {
  const TemporaryFolder folder;
  save_checkpoint(folder / "checkpoints", 123, example(7), 2);
  EXPECT_EQ(
      names_in(folder / "checkpoints/step-000123"),
      (std::vector<std::string>{"manifest.json", "policy.safetensors", "policy_optimizer.safetensors", "state.json"}));
  const auto found = find_checkpoint(folder / "checkpoints");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 123);
  const SavedCheckpoint loaded = load_checkpoint(found->folder);
  EXPECT_EQ(loaded.state, example(7).state);
  ASSERT_EQ(loaded.groups.size(), 2u);
  const at::Tensor w = at::zeros({2}), b = at::zeros({3, 2}, at::kBFloat16), moment = at::zeros({1});
  restore_tensors(loaded.groups.at("policy"), {{"w", w}, {"b", b}}, "policy");
  restore_tensors(loaded.groups.at("policy_optimizer"), {{"w.exp_avg", moment}}, "optimizer");
  EXPECT_TRUE(close(w, f32({7, 2}), 0) && close(moment, f32({21}), 0));
  EXPECT_TRUE(close(b, testing::normal({3, 2}, 1, at::kBFloat16), 0));
}

// Two processes with parts of "w" of 6 elements, read as a whole, as parts of three, and with a gap.
TEST(Checkpoint, PartsOfSeveralProcessesAreOneGroup) {
  const TemporaryFolder folder;
  const at::Tensor all = f32({0, 1, 2, 3, 4, 5});
  Checkpoint first{.groups = {{group_part("policy", 0), {{"w[0:4]", all.narrow(0, 0, 4)}, {"count", f32({2})}}}},
                   .state = {{"step", 1}}};
  save_checkpoint(folder.path(), 1, first, 1, [&](const fs::path& open) {
    return [&all, open] {
      write_group(open, group_part("policy", 1), {{"w[4:6]", all.narrow(0, 4, 2)}, {"count", f32({2})}});
    };
  });
  const SavedCheckpoint loaded = load_checkpoint(find_checkpoint(folder.path())->folder);
  const auto& files = loaded.groups.at("policy");
  ASSERT_EQ(files.size(), 2U);
  const at::Tensor whole = at::zeros({2, 3}), part = at::zeros({3}), count = at::zeros({1});
  restore_tensors(files, {{"w", whole}, {"count", count}}, "policy");
  EXPECT_TRUE(close(whole, all.view({2, 3}), 0) && close(count, f32({2}), 0));
  restore_tensors(files, {{"w[2:5]", part}, {"count", count}}, "policy");
  EXPECT_TRUE(close(part, f32({2, 3, 4}), 0));
  testing::expect_misuse<ModelError>("policy: tensor w: expected its elements from 0 to 6, found none at 4", [&] {
    restore_tensors(std::span(files).first(1), {{"w", whole}, {"count", count}}, "policy");
  });
  testing::expect_misuse<ModelError>("policy: tensor w: expected 3 elements, found more", [&] {
    restore_tensors(files, {{"w", part}, {"count", count}}, "policy");
  });
}

TEST(Checkpoint, OnlyTheNewestStayAndStrangersAreLeftAlone) {
  const TemporaryFolder folder;
  folder.write("note.txt", "mine");
  folder.write(".step-000001.partial/half", "left by a killed process");
  for (const std::int64_t step : {5, 10, 1'000'000, 1'000'001}) save_checkpoint(folder.path(), step, example(1), 2);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"note.txt", "step-1000000", "step-1000001"}));
}

TEST(Checkpoint, ABrokenOneFromTheFutureNeverPushesOutTheOneJustSaved) {
  const TemporaryFolder folder;
  folder.write("step-000900/manifest.json", "{}");
  save_checkpoint(folder.path(), 100, example(1), 1);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"step-000100"});
}

TEST(Checkpoint, SavingTheSameStepAgainReplacesIt) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), 5, example(1), 1);
  save_checkpoint(folder.path(), 5, example(2), 1);
  EXPECT_EQ(load_checkpoint(find_checkpoint(folder.path())->folder).state["step"], 2);
}

TEST(FindCheckpoint, FindsNothingWhereNothingIs) {
  const TemporaryFolder folder;
  EXPECT_FALSE(find_checkpoint(folder.path()));
  EXPECT_FALSE(find_checkpoint(folder / "absent"));
}

TEST(FindCheckpoint, SkipsABrokenOneWithAWarningThatNamesTheFile) {
  const TemporaryFolder folder;
  const LogWatch log;
  save_checkpoint(folder.path(), 1, example(1), 3);
  save_checkpoint(folder.path(), 2, example(2), 3);
  fs::resize_file(folder / "step-000002/policy.safetensors", 20);
  EXPECT_EQ(find_checkpoint(folder.path())->step, 1);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("step-000002/policy.safetensors: expected "), std::string::npos) << log.lines[0];
  fs::remove(folder / "step-000001/manifest.json");
  EXPECT_THROW(find_checkpoint(folder.path()), ModelError);
}

TEST(FindCheckpoint, SeesEveryTruncatedAndEveryMissingFile) {
  const TemporaryFolder folder;
  const LogWatch log;
  save_checkpoint(folder.path(), 1, example(1), 3);
  for (const std::string& name : names_in(folder / "step-000001")) {
    for (const bool missing : {false, true}) {
      save_checkpoint(folder.path(), 2, example(2), 3);
      const fs::path file = folder / "step-000002" / name;
      // One byte less; the manifest's own last byte is its newline.
      missing ? void(fs::remove(file)) : fs::resize_file(file, fs::file_size(file) - (name == "manifest.json" ? 2 : 1));
      EXPECT_EQ(find_checkpoint(folder.path())->step, 1) << name;
    }
  }
}

TEST(FindCheckpoint, SeesAnyFlippedBitInAnyFile) {
  const TemporaryFolder folder;
  const LogWatch log;
  save_checkpoint(folder.path(), 1, example(1), 3);
  save_checkpoint(folder.path(), 2, example(2), 3);
  const std::vector<std::string> names = names_in(folder / "step-000002");
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    const fs::path path = folder / "step-000002" / names[trial % names.size()];
    const std::uint64_t bit = random_below(1, 0, trial, 8 * fs::file_size(path));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto flip = [&] {
      file.seekg(static_cast<std::streamoff>(bit / 8));
      const int byte = file.get();
      file.seekp(static_cast<std::streamoff>(bit / 8));
      file.put(static_cast<char>(byte ^ (1 << (bit % 8)))).flush();
    };
    flip();
    EXPECT_EQ(find_checkpoint(folder.path())->step, 1) << path << ", bit " << bit;
    flip();
    EXPECT_EQ(find_checkpoint(folder.path())->step, 2) << "unflipped " << path;
  }
}

TEST(RestoreTensors, CopiesNothingUnlessEverythingFits) {
  const at::Tensor a = f32({0}), b = f32({0, 0});
  const NamedTensors targets{{"a", a}, {"b", b}};
  const TemporaryFolder folder;
  const auto message = [&](const NamedTensors& saved) -> std::string {
    write_safetensors(folder / "policy.safetensors", saved);
    try {
      restore_tensors(SafetensorsFile(folder / "policy.safetensors"), targets, "policy");
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({{"a", f32({1})}}), "policy: expected a tensor b, found none");
  EXPECT_EQ(message({{"a", f32({1})}, {"b", f32({1})}}), "policy: tensor b: expected [2], found [1]");
  EXPECT_EQ(message({{"a", f32({1})}, {"b", f32({1, 1})}, {"c", f32({1})}}),
            "policy: expected no other tensors, found c");
  EXPECT_TRUE(close(a, f32({0}), 0));
  EXPECT_EQ(message({{"b", testing::f64({2, 3})}, {"a", f32({1})}}), "");
  EXPECT_TRUE(close(a, f32({1}), 0) && close(b, f32({2, 3}), 0));
}

TEST(SaveCheckpoint, OnAFullDiskKeepsTheOldOneAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const fs::path disk = folder / "disk";
  const MemoryDisk mount(disk, 0, "size=1m");
  if (!mount.mounted()) GTEST_SKIP() << "this user may not mount a small disk";
  save_checkpoint(disk, 1, example(1), 2);
  Checkpoint large = example(2);
  large.groups["value"] = {{"w", at::zeros({1 << 19})}};
  std::string message;
  try {
    save_checkpoint(disk, 2, large, 2);
  } catch (const OutputError& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("value.safetensors: No space left on device"), std::string::npos) << message;
  EXPECT_EQ(names_in(disk), std::vector<std::string>{"step-000001"});
  EXPECT_EQ(find_checkpoint(disk)->step, 1);
}

TEST(SaveCheckpoint, WhereAFolderCannotBeMadeIsAnOutputError) {
  const TemporaryFolder folder;
  EXPECT_THROW(save_checkpoint(folder.write("file", "") / "checkpoints", 1, example(1), 2), OutputError);
}

TEST(SaveCheckpoint, OnAReadOnlyDiskIsAnOutputError) {
  const TemporaryFolder folder;
  const fs::path disk = folder / "disk";
  const MemoryDisk mount(disk, MS_RDONLY, nullptr);
  // Root may write to a folder without permission, so root needs the mount; nobody else may mount.
  if (!mount.mounted()) fs::permissions(disk, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THROW(save_checkpoint(disk, 1, example(1), 2), OutputError);
  EXPECT_TRUE(fs::is_empty(disk));
}

TEST(SaveCheckpoint, WithANonFiniteWeightThrowsAndLeavesNothing) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = example(1);
  checkpoint.groups["policy"].emplace_back("nan", f32({std::nan("")}));
  EXPECT_THROW(save_checkpoint(folder.path(), 1, checkpoint, 2), NumericsError);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace rlhf
