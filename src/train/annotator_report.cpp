// What was learned about annotators and labels, as text and files.
#include "annotator_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>
#include <ostream>
#include <utility>

#include "rlhf/core/atomic_file.h"
#include "rlhf/records/records.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownAnnotators = 20;

std::string name_of(AnnotatorMethod method) {
  switch (method) {
    case AnnotatorMethod::majority:
      return "majority";
    case AnnotatorMethod::drop_in_play:
      return "drop_in_play";
    case AnnotatorMethod::latent:
      return "latent";
    case AnnotatorMethod::em:
      return "em";
    case AnnotatorMethod::trust:
      return "trust";
  }
  return "";
}

std::string shown(double value, const Interval& interval) {
  char text[96];
  std::snprintf(text, sizeof text, "%.2f [%.2f, %.2f]", value, interval.low, interval.high);
  return text;
}
std::string shown(const NormalEstimate& estimate) { return shown(estimate.value, estimate.interval); }

Json to_json(const NormalEstimate& estimate) {
  return {{"value", estimate.value},
          {"standard_error", estimate.standard_error},
          {"low", estimate.interval.low},
          {"high", estimate.interval.high}};
}

/// How an annotator's votes are used: counted, ignored (no better than a coin, as far as is known) or turned round.
std::string use_of(const Interval& interval, double coin) {
  if (interval.high < coin) return "turned round";
  return interval.low > coin ? "counted" : "ignored";
}

std::string use_of(const LearnedLabels& labels, std::size_t annotator) {
  const LearnedAnnotators& learned = labels.annotators();
  if (learned.em) return use_of(learned.em->annotators[annotator].interval, 0.5);
  if (!learned.latent) return use_of(learned.trust[annotator].interval, 0);
  return learned.latent->annotators[annotator].alpha0.value > learned.latent->least_alpha ? "counted" : "ignored";
}

std::vector<std::int64_t> votes_by_annotator(const JudgedVotes& judged) {
  std::vector<std::int64_t> votes(judged.annotators.size(), 0);
  for (const PairVote& vote : judged.votes.votes) ++votes[static_cast<std::size_t>(vote.annotator)];
  return votes;
}

std::string estimates_of(const AnnotatorEstimate& estimate, const JudgedVotes& judged) {
  std::string line = "alpha0 " + shown(estimate.alpha0) + ", alpha1 " + shown(estimate.alpha1);
  for (std::size_t f = 0; f < judged.features.size(); ++f)
    line += ", " + judged.features[f] + " " + shown(estimate.beta[f]);
  for (std::size_t d = 0; d < estimate.alpha0_in.size(); ++d)
    line += ", alpha0 in \"" + judged.domains[d] + "\" " + shown(estimate.alpha0_in[d]);
  return line;
}

std::string line_of(const LearnedLabels& labels, std::size_t annotator) {
  const LearnedAnnotators& learned = labels.annotators();
  if (learned.latent) return estimates_of(learned.latent->annotators[annotator], labels.judged());
  if (learned.em) {
    const AnnotatorReliability& estimate = learned.em->annotators[annotator];
    return "right with probability " + shown(estimate.value, estimate.interval);
  }
  return "alpha " + shown(learned.trust[annotator]);
}

Json json_of(const AnnotatorEstimate& estimate, const JudgedVotes& judged) {
  Json made{{"alpha0", to_json(estimate.alpha0)},
            {"alpha1", to_json(estimate.alpha1)},
            {"position", to_json(estimate.position)},
            {"anchors", estimate.anchors},
            {"anchors_in_play", estimate.anchors_in_play}};
  for (std::size_t f = 0; f < judged.features.size(); ++f)
    made["biases"][judged.features[f]] = to_json(estimate.beta[f]);
  for (std::size_t d = 0; d < estimate.alpha0_in.size(); ++d)
    made["domains"][judged.domains[d]] = {{"alpha0", to_json(estimate.alpha0_in[d])},
                                          {"delta", to_json(estimate.delta[d])},
                                          {"anchors", estimate.anchors_in[d]}};
  return made;
}

Json json_of(const LearnedLabels& labels, std::size_t annotator) {
  const LearnedAnnotators& learned = labels.annotators();
  if (learned.latent) return json_of(learned.latent->annotators[annotator], labels.judged());
  if (!learned.em) return {{"alpha", to_json(learned.trust[annotator])}};
  const AnnotatorReliability& estimate = learned.em->annotators[annotator];
  return {{"right", {{"value", estimate.value}, {"low", estimate.interval.low}, {"high", estimate.interval.high}}},
          {"anchors", estimate.anchors}};
}

/// Pairs whose label is the opposite of what most of the votes say.
std::int64_t count_turned(const LearnedLabels& labels) {
  std::int64_t turned = 0;
  for (std::size_t pair = 0; pair < labels.judged().at.size(); ++pair)
    turned += labels.log_odds(pair) * static_cast<double>(labels.majority(pair)) < 0;
  return turned;
}

std::int64_t count_anchors(const JudgedVotes& judged) {
  return static_cast<std::int64_t>(judged.anchors.size()) - std::ranges::count(judged.anchors, 0);
}

/// The label of pair `pair`, whose responses are 0 and 1.
JudgmentLabel label_of(const LearnedLabels& labels, std::size_t pair) {
  const double log_odds = labels.log_odds(pair), probability = 1 / (1 + std::exp(-std::abs(log_odds)));
  return {.chosen = log_odds >= 0 ? 0 : 1, .probability = probability, .method = name_of(labels.method())};
}

}  // namespace

std::vector<std::string> table_of(const LearnedLabels& labels) {
  const JudgedVotes& judged = labels.judged();
  const std::vector<std::int64_t> votes = votes_by_annotator(judged);
  std::vector<std::size_t> order(votes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t annotator) { return votes[annotator]; });
  std::map<std::string, int> uses;
  for (const std::size_t annotator : order) ++uses[use_of(labels, annotator)];
  std::vector<std::string> lines = {"annotators (" + name_of(labels.method()) + "): " + std::to_string(votes.size()) +
                                    ", " + std::to_string(judged.votes.votes.size()) + " votes on " +
                                    std::to_string(judged.at.size()) + " pairs, of which " +
                                    std::to_string(count_anchors(judged)) + " have an expert's label"};
  for (const auto& [use, count] : uses) lines.back() += "; " + std::to_string(count) + " " + use;
  if (labels.annotators().latent)
    lines.push_back("mean of the annotators: " + estimates_of(labels.annotators().latent->mean, judged));
  for (std::size_t i = 0; i < std::min(order.size(), kShownAnnotators); ++i) {
    const WeighedAnnotator& annotator = judged.annotators[order[i]];
    lines.push_back(annotator.name + " (" + std::string(rlhf::name_of(annotator.role)) + ", " +
                    std::to_string(votes[order[i]]) + " votes): " + line_of(labels, order[i]) + ", " +
                    use_of(labels, order[i]));
  }
  return lines;
}

Json to_json(const LearnedLabels& labels) {
  const JudgedVotes& judged = labels.judged();
  const std::vector<std::int64_t> votes = votes_by_annotator(judged);
  Json made{{"method", name_of(labels.method())},
            {"pairs", judged.at.size()},
            {"votes", judged.votes.votes.size()},
            {"expert_votes", judged.expert_votes},
            {"anchors", count_anchors(judged)},
            {"turned_pairs", count_turned(labels)},
            {"limits", limits(labels)}};
  if (const auto& latent = labels.annotators().latent) {
    made["mean"] = json_of(latent->mean, judged);
    made["spread"] = {
        {"alpha0", latent->spread.alpha0}, {"alpha1", latent->spread.alpha1}, {"position", latent->spread.position}};
    for (std::size_t f = 0; f < judged.features.size(); ++f)
      made["spread"]["biases"][judged.features[f]] = latent->spread.beta[f];
  }
  made["annotators"] = Json::array();
  for (std::size_t i = 0; i < judged.annotators.size(); ++i) {
    Json one{{"annotator", judged.annotators[i].name},
             {"role", rlhf::name_of(judged.annotators[i].role)},
             {"votes", votes[i]},
             {"use", use_of(labels, i)}};
    one.update(json_of(labels, i));
    made["annotators"].push_back(std::move(one));
  }
  return made;
}

std::int64_t write_labels(const LearnedLabels& labels, const DataOptions& data, const std::filesystem::path& file) {
  const std::vector<ComparedResponses>& at = labels.judged().at;
  std::map<std::pair<std::size_t, std::int64_t>, std::size_t> pairs;
  for (std::size_t pair = 0; pair < at.size(); ++pair)
    pairs[{static_cast<std::size_t>(at[pair].file), at[pair].record}] = pair;
  std::vector<std::string> paths;
  for (const WeightedPath& item : data.train) paths.push_back(item.path);
  RecordReading reading{data.fields, data.max_bad_lines, data.format, data.sample_by};
  reading.log_bad_lines = false;
  reading.keep_judgments = true;
  std::int64_t written = 0;
  write_file_gradually(file, [&](std::ostream& out) {
    for_each_preference(paths, reading, [&](const Preference& record, const RecordPlace& place) {
      const auto pair = pairs.find({place.file, place.index});
      if (!record.judged || record.judged->responses.size() != 2 || pair == pairs.end()) return;
      JudgedRecord labelled = *record.judged;
      JudgmentLabel label = label_of(labels, pair->second);
      if (labelled.label) {
        label.history = std::move(labelled.label->history);
        labelled.label->history.clear();
        label.history.push_back(*labelled.label);
      }
      labelled.label = std::move(label);
      out << rlhf::to_json(labelled).dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
      ++written;
    });
  });
  return written;
}

}  // namespace rlhf
