// The report on a reward model, as JSON.
#include "report_json.h"
#include "reward_report.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

Json row_json(const RewardRow& row) {
  return {{"name", row.name},
          {"pairs", row.pairs},
          {"prompts", row.prompts},
          {"accuracy", json_of(row.accuracy)},
          {"nll", json_of(row.loss)},
          {"brier", json_of(row.brier)},
          {"ece", row.calibration_error},
          {"temperature", json_of(row.temperature)},
          {"longer_right", row.longer},
          {"noise_ceiling", json_of(row.ceiling)}};
}

Json split_json(const LengthPart::Split& split) {
  return {{"pairs", split.pairs}, {"accuracy", json_of(split.accuracy)}};
}

Json length_json(const LengthPart& length) {
  Json bins = Json::array();
  for (const LengthPart::Bin& bin : length.bins)
    bins.push_back({{"from", bin.shortest}, {"to", bin.longest}, {"pairs", bin.pairs}, {"accuracy", bin.accuracy}});
  return {{"longer_right", split_json(length.longer_right)},
          {"shorter_right", split_json(length.shorter_right)},
          {"equal", length.equal},
          {"gap", json_of(length.gap)},
          {"rule", length.longer_wins ? "longer" : "shorter"},
          {"rule_accuracy", json_of(length.alone)},
          {"gain_over_rule", json_of(length.gain)},
          {"prefers_longer", json_of(length.prefers_longer)},
          {"rank_correlation", json_of(length.rank_correlation)},
          {"by_difference", bins}};
}

Json styles_json(const StyleMatrix& styles) {
  return {{"accuracy", styles.accuracy}, {"hard", styles.hard}, {"normal", styles.normal}, {"easy", styles.easy}};
}

}  // namespace

Json to_json(const RewardReport& report) {
  Json json{{"model", report.model}, {"data", report.data}, {"records", report.records}, {"rows", Json::array()}};
  for (const RewardRow& row : report.rows) json["rows"].push_back(row_json(row));
  json["mean_of_domains"] = json_of(report.mean_of_domains);
  json["length"] = length_json(report.length);
  json["reliability"] = Json::array();
  for (const ReliabilityBin& bin : report.diagram)
    json["reliability"].push_back({{"pairs", bin.pairs}, {"confidence", bin.confidence}, {"accuracy", bin.accuracy}});
  json["ties"] = {{"pairs", report.ties}, {"auc", json_of(report.ties_auc)}};
  json["best_of_n"] = json_of(report.best_of_n);
  json["styles"] = report.styles ? styles_json(*report.styles) : Json();
  if (report.swap)
    json["swap"] = {
        {"pairs", report.swapped}, {"changed", report.swap->changed}, {"largest_change", report.swap->largest}};
  if (report.kept)
    json["kept_temperature"] = {
        {"temperature", report.kept->temperature}, {"nll", report.kept->loss}, {"ece", report.kept->calibration_error}};
  json["findings"] = report.findings;
  return json;
}

}  // namespace rlhf
