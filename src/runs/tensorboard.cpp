// Metrics as TensorBoard scalars.
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/runs/metrics.h"

#include "runs/append_file.h"
#include "runs/event_file.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

double seconds_since_epoch() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

class TensorboardSink : public MetricSink {
 public:
  explicit TensorboardSink(const fs::path& file) : file_(file) {
    if (fs::file_size(file) == 0) file_.append(framed(version_event(seconds_since_epoch())));
  }
  void write(std::int64_t step, const Metrics& metrics) override {
    file_.append(framed(scalar_event(seconds_since_epoch(), step, metrics)));
  }
  void flush() override { file_.sync(); }

 private:
  AppendFile file_;
};

// The name that TensorBoard uses: the start time of the run, then the host.
std::string new_file_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {"host"};
  const auto seconds = static_cast<std::int64_t>(seconds_since_epoch());
  return "events.out.tfevents." + std::to_string(seconds) + "." + host.data();
}

}  // namespace

std::vector<fs::path> event_files(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> files;
  if (!fs::is_directory(folder, ignored)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::unique_ptr<MetricSink> open_tensorboard_sink(const fs::path& folder) {
  return with_file_errors(ExitCode::output, [&]() -> std::unique_ptr<MetricSink> {
    fs::create_directories(folder);
    const std::vector<fs::path> files = event_files(folder);
    return std::make_unique<TensorboardSink>(files.empty() ? folder / new_file_name() : files.back());
  });
}

}  // namespace rlhf
