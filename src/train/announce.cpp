// The announcement of a run: plan, data, memory forecast, first samples.
#include "announce.h"

#include <iostream>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/message.h"

namespace rlhf {

namespace {

std::vector<std::string> lines(const Announcement& announcement) {
  std::vector<std::string> all = {"plan: " + announcement.plan};
  for (const std::string& line : announcement.data) all.push_back("data: " + line);
  all.push_back("compute: " + announcement.compute);
  all.push_back("memory forecast: " + announcement.memory.summary());
  return all;
}

}  // namespace

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
