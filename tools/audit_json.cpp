// An audit as JSON.
#include <algorithm>
#include <string>

#include "rlhf/feedback/interval.h"

#include "audit.h"
#include "report_json.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostNames = 1000;

/// {"value", "low", "high", "votes"}; null without votes.
Json share_json(const Tally& tally) {
  if (tally.trials == 0) return nullptr;
  Json json =
      json_of(std::optional(Estimate{tally.successes / tally.trials, wilson_interval(tally.successes, tally.trials)}));
  json["votes"] = static_cast<std::int64_t>(tally.trials);
  return json;
}

void add_votes(Json& json, const VoteSummary& votes) {
  json["votes"] = votes.votes;
  json["ties"] = votes.ties;
  json["agreement"] =
      votes.agreement.trials > 0 ? Json(votes.agreement.successes / votes.agreement.trials) : Json(nullptr);
  json["right_on_gold"] = share_json(votes.gold);
  json["for_first_shown"] = share_json(votes.first);
  json["median_seconds"] = json_of(votes.median_seconds);
}

Json agreement_json(const Audit& audit) {
  const AgreementPart& part = audit.agreement;
  Json cohen = Json::array();
  for (const auto& [first, second, shared, kappa] : part.cohen)
    cohen.push_back({{"first", audit.annotators[first].name},
                     {"second", audit.annotators[second].name},
                     {"pairs", shared},
                     {"kappa", json_of(kappa)}});
  return {{"pairs", part.shared},
          {"percent", json_of(part.percent)},
          {"fleiss_kappa", json_of(part.fleiss)},
          {"krippendorff_nominal", json_of(part.krippendorff)},
          {"krippendorff_interval", json_of(part.interval)},
          {"interval_of", part.strengths ? "strengths" : "choices"},
          {"gwet_ac1", json_of(part.ac1)},
          {"cohen_kappa", cohen},
          {"noise_ceiling", json_of(part.ceiling)}};
}

Json annotators_json(const Audit& audit) {
  Json list = Json::array();
  for (std::size_t k = 0; k < audit.annotators.size(); ++k) {
    Json json = {{"annotator", audit.annotators[k].name}, {"role", name_of(audit.annotators[k].role)}};
    const auto& reliability = audit.reliability[k];
    json["reliability"] = reliability ? Json(reliability->value) : Json(nullptr);
    json["reliability_error"] = reliability ? Json(reliability->standard_error) : Json(nullptr);
    add_votes(json, audit.by_annotator[k]);
    list.push_back(json);
  }
  return list;
}

Json groups_json(const std::string& key, const std::vector<AuditGroup>& groups) {
  Json list = Json::array();
  for (const AuditGroup& group : groups) {
    Json json = {{key, group.name}};
    add_votes(json, group.votes);
    list.push_back(json);
  }
  return list;
}

Json payment_json(const PaymentPart& payment) {
  Json features = Json::array();
  for (const Coefficient& feature : payment.features)
    features.push_back({{"feature", feature.name},
                        {"coefficient", feature.estimate},
                        {"standard_error", feature.standard_error},
                        {"low", feature.interval.low},
                        {"high", feature.interval.high}});
  Json json = {{"votes", payment.votes}, {"features", features}};
  if (!payment.missing.empty()) json["missing"] = payment.missing;
  return json;
}

template <typename Names>
Json names_json(const Names& names) {
  const std::size_t count = std::min(names.size(), kMostNames);
  return {{"number", names.size()},
          {"first", Names(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(count))}};
}

}  // namespace

std::string to_json(const Audit& audit) {
  Json json = {{"file", audit.file},   {"records", audit.records},   {"judgments", audit.judgments},
               {"pairs", audit.pairs}, {"both_bad", audit.both_bad}, {"split_pairs", audit.split}};
  add_votes(json["all"], audit.all);
  json["agreement"] = agreement_json(audit);
  json["annotators"] = annotators_json(audit);
  json["roles"] = groups_json("role", audit.roles);
  json["domains"] = groups_json("domain", audit.domains);
  json["pay"] = payment_json(audit.payment);
  json["repeated_votes"] = audit.self_repeats;
  json["self_contradictions"] = audit.self_contradictions;
  json["contested"] = names_json(audit.contested);
  json["cycles"] = names_json(audit.cycles);
  json["repeated_pairs"] = names_json(audit.repeats);
  json["same_texts"] = names_json(audit.same_texts);
  json["gold_conflicts"] = names_json(audit.gold_conflicts);
  json["findings"] = audit.findings;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rlhf
