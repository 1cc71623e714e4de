// Simulated annotators on the command line.
#include "annotator_specs.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "rlhf/config/suggest.h"
#include "rlhf/core/error.h"

#include "feedback_source.h"

namespace rlhf {
namespace {

/// A key of an annotator: a number or a list.
struct SpecKey {
  std::string_view name;
  std::string_view what;
  double SimulatedAnnotator::*number = nullptr;
  std::vector<double> SimulatedAnnotator::*list = nullptr;
};

const std::array<SpecKey, 9> kKeys{{
    {"rationality", "log-odds of a right vote; 2 is 88 %, 0 a toss of a coin, below 0 an adversary",
     &SimulatedAnnotator::rationality},
    {"error", "share of votes that are tosses of a coin", &SimulatedAnnotator::error},
    {"cuts", "one cut: ties below it; two or three: strengths on a scale of 5 or 7", nullptr,
     &SimulatedAnnotator::cuts},
    {"position", "log-odds for the response shown first", &SimulatedAnnotator::position_bias},
    {"length", "log-odds per unit of length, which is ln(1 + characters)", &SimulatedAnnotator::length_bias},
    {"agreement", "log-odds for the response that agrees with the asker", &SimulatedAnnotator::agreement_bias},
    {"expertise", "factor on rationality in each domain, 1/0.2", nullptr, &SimulatedAnnotator::expertise},
    {"fatigue", "rationality falls by e^-fatigue in 100 votes", &SimulatedAnnotator::fatigue},
    {"cost", "of one vote (1)", &SimulatedAnnotator::cost},
}};

constexpr std::size_t kMostCuts = 3;  // a scale of 7
constexpr double kMostAnnotators = 100000;

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

double number_of(const std::string& flag, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    refuse(flag, "a number", text.empty() ? "nothing" : text);
  return value;
}

const SpecKey& key_named(const std::string& flag, const std::string& name) {
  std::vector<std::string_view> names;
  std::string all;
  for (const SpecKey& key : kKeys) {
    if (key.name == name) return key;
    names.push_back(key.name);
    all += (all.empty() ? "" : ", ") + std::string(key.name);
  }
  const auto meant = nearest(name, names);
  refuse(flag, "one of " + all, name + (meant ? "; did you mean `" + *meant + "`?" : ""));
}

void set_key(const std::string& flag, const std::string& assignment, SimulatedAnnotator& annotator) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) refuse(flag, "KEY=VALUE", assignment.empty() ? "nothing" : assignment);
  const SpecKey& key = key_named(flag, assignment.substr(0, equals));
  const std::string value = assignment.substr(equals + 1), place = flag + ": " + std::string(key.name);
  if (key.number) {
    annotator.*key.number = number_of(place, value);
    return;
  }
  std::vector<double>& list = annotator.*key.list;
  list.clear();
  for (const std::string& part : parts_of(value, '/')) list.push_back(number_of(place, part));
}

void check(const std::string& flag, const SimulatedAnnotator& annotator) {
  if (annotator.cuts.size() > kMostCuts) refuse(flag + ": cuts", "at most 3", std::to_string(annotator.cuts.size()));
  try {
    check_annotator(annotator);
  } catch (const ArgumentError& error) {
    throw ConfigError({"command line: " + flag + ": " + error.what()});
  }
}

}  // namespace

std::string annotator_spec_help() {
  std::string text;
  for (const SpecKey& key : kKeys) {
    std::string row = "  " + std::string(key.name);
    row.resize(16, ' ');
    text += row + std::string(key.what) + "\n";
  }
  return text;
}

std::vector<SimulatedAnnotator> annotators_of(const std::string& flag, const std::vector<std::string>& specs,
                                              const SimulatedAnnotator& defaults) {
  std::vector<SimulatedAnnotator> found;
  for (const std::string& spec : specs) {
    const auto colon = spec.find(':');
    const double count = number_of(flag, spec.substr(0, colon));
    if (count < 1 || count > kMostAnnotators || count != std::floor(count))
      refuse(flag, "a number of annotators, 1 to 100000", spec.substr(0, colon));
    SimulatedAnnotator annotator = defaults;
    if (colon != std::string::npos)
      for (const std::string& assignment : parts_of(spec.substr(colon + 1), ',')) set_key(flag, assignment, annotator);
    check(flag, annotator);
    found.insert(found.end(), static_cast<std::size_t>(count), annotator);
  }
  return found;
}

}  // namespace rlhf
