// The announcement of a run: plan, data, memory forecast, first samples.
#include "announce.h"

#include <cstdio>
#include <iostream>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/message.h"

namespace rlhf {

namespace {

std::vector<std::string> lines(const Announcement& announcement) {
  std::vector<std::string> all = {"plan: " + announcement.plan};
  for (const std::string& line : announcement.data) all.push_back("data: " + line);
  if (!announcement.adapter.empty()) all.push_back("adapter: " + announcement.adapter);
  all.insert(all.end(), announcement.cluster.begin(), announcement.cluster.end());
  if (!announcement.cluster.empty()) return all;
  all.push_back("compute: " + announcement.compute);
  all.push_back("memory forecast: " + announcement.memory.summary());
  return all;
}

}  // namespace

std::string describe_adapter(const ModelFolder& folder) {
  if (!folder.adapter) return "";
  const std::int64_t trained = count_adapter_parameters(folder), all = trained + count_parameters(folder.shape);
  char share[16];
  std::snprintf(share, sizeof share, "%.2g", 100.0 * static_cast<double>(trained) / static_cast<double>(all));
  return "rank " + std::to_string(folder.adapter->options.rank) + ", " + std::to_string(trained) + " of " +
         std::to_string(all) + " weights are trained (" + share + " %)";
}

void print(const Announcement& announcement) {
  for (const std::string& line : lines(announcement)) std::cout << one_line(line) << '\n';
  for (const std::string& sample : announcement.first_samples) std::cout << "sample: " << sample << '\n';
  if (!std::cout.flush()) throw OutputError("writing the plan: cannot write stdout");
}

void log(const Announcement& announcement) {
  for (const std::string& line : lines(announcement)) log_info(line);
  for (const std::string& sample : announcement.first_samples) log_debug("sample: " + sample);
}

void log_finished(const RunFolder& folder) {
  log_info("nothing to do: the run in " + folder.path().string() + " is already finished");
}

}  // namespace rlhf
