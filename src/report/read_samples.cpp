// Reads some lines of the first, the middle and the last step from samples.jsonl.
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/utf8.h"

#include "report/bad_lines.h"
#include "report/file_ends.h"
#include "report/run_data.h"
#include "report/scale.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPart = 1 << 20;
constexpr std::size_t kSamplesPerStep = 3;
constexpr std::size_t kMostBytes = 4000;  // limit for a prompt or response

// Deeply nested values are omitted, because writing them as text would need a deep stack.
bool is_shallow(int depth, Json::parse_event_t, Json&) { return depth <= 32; }

std::string text_of(const Json& line, const char* key) {
  const auto field = line.find(key);
  if (field == line.end()) return "";
  return shortened(field->is_string() ? field->get_ref<const std::string&>() : field->dump(), kMostBytes);
}

std::string fact(const Json& value) { return value.is_number() ? show_number(value) : value.get<std::string>(); }

// All other fields that are numbers or short texts.
std::string facts_of(const Json& line) {
  constexpr std::size_t kShort = 40;
  std::string facts;
  for (const auto& [key, value] : line.items()) {
    if (key == "step" || key == "prompt" || key == "response") continue;
    const bool is_short_text = value.is_string() && value.get_ref<const std::string&>().size() <= kShort;
    if (!value.is_number() && !is_short_text) continue;
    facts += (facts.empty() ? "" : " · ") + key + " " + fact(value);
  }
  return facts;
}

std::map<std::int64_t, std::vector<RunSample>> by_step(const std::vector<std::string>& lines, BadLines& bad) {
  std::map<std::int64_t, std::vector<RunSample>> steps;
  std::int64_t number = 0;
  for (const std::string& text : lines) {
    const Json line = Json::parse(text, is_shallow, /*allow_exceptions=*/false);
    ++number;
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) {
      bad.add(number);
      continue;
    }
    auto& samples = steps[line["step"].get<std::int64_t>()];
    if (samples.size() < kSamplesPerStep)
      samples.push_back({line["step"], text_of(line, "prompt"), text_of(line, "response"), facts_of(line)});
  }
  return steps;
}

}  // namespace

std::vector<RunSample> read_samples(const std::filesystem::path& file) {
  BadLines bad(file);
  const auto steps = by_step(sampled_lines(file, kPart), bad);
  bad.warn();
  std::vector<RunSample> samples;
  std::size_t place = 0;
  for (const auto& [step, answers] : steps) {
    const bool is_shown = place == 0 || place == steps.size() / 2 || place + 1 == steps.size();
    if (is_shown) samples.insert(samples.end(), answers.begin(), answers.end());
    ++place;
  }
  return samples;
}

}  // namespace rlhf
