#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/data_options.h"

#include "learned_labels.h"

namespace rlhf {

/// What was learned, for people: a line for the whole, one for what all annotators have in common, and one for each of
/// the 20 annotators with the most votes.
std::vector<std::string> table_of(const LearnedLabels& labels);

/// The content of annotators.json (docs/formats.md, "annotators.json").
nlohmann::ordered_json to_json(const LearnedLabels& labels);

/// Writes the training records of judgments with two responses that have a learned label, each with this label, as
/// records of format judgments. Returns how many were written.
std::int64_t write_labels(const LearnedLabels& labels, const DataOptions& data, const std::filesystem::path& file);

}  // namespace rlhf
