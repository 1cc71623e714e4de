// The checks of pairs and of the votes on them.
#include <cmath>
#include <string>
#include <string_view>

#include "rlhf/core/check_argument.h"

#include "feedback/latent_rows.h"

namespace rlhf {
namespace {

void check_index_below(std::int32_t bound, std::int32_t index, std::string_view list, std::size_t place,
                       std::string_view field) {
  if (index >= 0 && index < bound) [[likely]]
    return;
  const std::string name = std::string(list) + "[" + std::to_string(place) + "]" + std::string(field);
  check_argument(false, name, "0 to " + std::to_string(bound - 1), index);
}

void check_answer(const PairVote& vote, std::size_t place) {
  const bool scale = vote.scale >= 2 && vote.scale <= 99;
  const std::int32_t most = vote.scale / 2;
  const bool even_tie = vote.scale % 2 == 0 && vote.answer == 0;
  if (scale && vote.answer >= -most && vote.answer <= most && !even_tie) [[likely]]
    return;
  const std::string name = "votes[" + std::to_string(place) + "].";
  check_argument(scale, name + "scale", "2 to 99", vote.scale);
  const std::string half = std::to_string(most);
  check_argument(false, name + "answer", "-" + half + " to " + half + (even_tie ? " but 0" : ""), vote.answer);
}

void check_features(const JudgedPairs& judged) {
  constexpr double kLargest = 1e6;  // larger ones lose the digits of the others in sums
  const auto& values = judged.features.differences;
  check_argument(values.size() == judged.pairs * features_of(judged), "features.differences", "pairs times features",
                 values.size());
  for (const double value : values)
    check_argument(std::abs(value) <= kLargest, "features.differences", "numbers between -1e6 and 1e6", value);
}

void check_domains(const JudgedPairs& judged) {
  const PairDomains& domains = judged.domains;
  check_argument(domains.count >= 0, "domains.count", "at least 0", domains.count);
  const std::size_t expected = domains.count == 0 ? 0 : judged.pairs;
  check_argument(domains.of_pair.size() == expected, "domains.of_pair",
                 domains.count == 0 ? "none without domains" : "one domain per pair", domains.of_pair.size());
  for (std::size_t i = 0; i < domains.of_pair.size(); ++i)
    check_index_below(domains.count, domains.of_pair[i], "domains.of_pair", i, "");
}

}  // namespace

void check_judged(const JudgedPairs& judged) {
  check_argument(judged.pairs >= 1, "pairs", "at least 1", judged.pairs);
  check_argument(judged.annotators >= 1, "annotators", "at least 1", judged.annotators);
  for (std::size_t v = 0; v < judged.votes.size(); ++v) {
    check_index_below(judged.pairs, judged.votes[v].pair, "votes", v, ".pair");
    check_index_below(judged.annotators, judged.votes[v].annotator, "votes", v, ".annotator");
    check_answer(judged.votes[v], v);
    const int position = judged.votes[v].position;
    check_argument(position >= -1 && position <= 1, "votes.position", "1, -1 or 0", position);
  }
  check_features(judged);
  check_domains(judged);
}

void check_anchors(const std::vector<std::int8_t>& anchors, const JudgedPairs& judged) {
  check_argument(anchors.size() == static_cast<std::size_t>(judged.pairs), "anchors", "one entry per pair",
                 anchors.size());
  for (const std::int8_t anchor : anchors)
    check_argument(anchor >= -1 && anchor <= 1, "anchors", "1, -1 or 0", static_cast<int>(anchor));
}

}  // namespace rlhf
