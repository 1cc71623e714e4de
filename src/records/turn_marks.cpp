// Marks of turns that are not to be trained.
#include "records/turn_marks.h"

#include <optional>

namespace rlhf {
namespace {

constexpr const char* kTrained[] = {"weight", "train",       "training",  "trainable",
                                    "loss",   "loss_weight", "loss_mask", "learn"};
constexpr const char* kMasked[] = {"mask", "masked"};

bool is_true_or_one(const JsonReader& mark) {
  if (!mark.is_number()) {
    if (!mark.value().is_boolean()) mark.fail("1, 0, true or false (whether the turn is trained)");
    return mark.boolean();
  }
  const double weight = mark.number();
  if (weight != 0 && weight != 1) mark.fail("1 or 0 (a turn is trained or not; other weights are not supported)");
  return weight == 1;
}

bool is_true(const JsonReader& mark) {
  if (!mark.value().is_boolean()) mark.fail("true (the turn is not trained) or false");
  return mark.boolean();
}

/// Whether a turn is trained; throws if its marks contradict each other.
bool is_trained(const JsonReader& turn) {
  std::optional<bool> said;
  const auto add = [&](const JsonReader& mark, bool trained) {
    if (said && *said != trained) mark.fail("the same as the other marks of this turn");
    said = trained;
  };
  for (const char* name : kTrained)
    if (const auto mark = turn.find(name)) add(*mark, is_true_or_one(*mark));
  for (const char* name : kMasked)
    if (const auto mark = turn.find(name)) add(*mark, !is_true(*mark));
  if (const auto detail = turn.find("training_detail")) detail->fail("a mark for the whole turn, such as \"train\"");
  return said.value_or(true);
}

}  // namespace

std::vector<std::size_t> untrained_turns(const JsonReader& list, const nlohmann::ordered_json& messages) {
  std::vector<std::size_t> untrained;
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (messages[i].at("role") == "assistant" && !is_trained(list.item(i))) untrained.push_back(i);
  return untrained;
}

bool trains_other_roles(const JsonReader& list, const nlohmann::ordered_json& messages) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].at("role") == "assistant") continue;
    for (const char* name : kTrained)
      if (const auto mark = list.item(i).find(name); mark && (mark->value() == true || mark->value() == 1)) return true;
  }
  return false;
}

}  // namespace rlhf
