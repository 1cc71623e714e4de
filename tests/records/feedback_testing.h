#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/records/feedback_formats.h"

#include "support/temporary_folder.h"

namespace rlhf::testing {

struct Feedback {
  std::vector<JudgedRecord> records;
  std::vector<std::string> lines;  ///< the records as JSON texts
  FeedbackCounts counts;
};

/// Reads the bytes of a file of feedback.
inline Feedback read_feedback(const std::string& bytes, const FeedbackReading& reading) {
  const TemporaryFolder folder;
  Feedback read;
  read.counts = for_each_feedback(folder.write("a.json", bytes), reading, [&](JudgedRecord record) {
    read.lines.push_back(to_json(record).dump());
    read.records.push_back(std::move(record));
  });
  return read;
}

}  // namespace rlhf::testing
