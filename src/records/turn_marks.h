#pragma once

#include <cstddef>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"

namespace rlhf {

/// The assistant turns that are marked not to be trained, as indices into the list; `messages` are what read_messages
/// made of it.
///
/// A mark is a key of a message. `weight`, `train`, `training`, `trainable`, `loss`, `loss_weight`, `loss_mask` and
/// `learn` say with 1 or true that the turn is trained, with 0 or false that it is not; `mask` and `masked` are true if
/// it is not trained. Throws BadRecord for any other value, for marks that contradict each other, and for
/// `training_detail` (marks on parts of a turn).
std::vector<std::size_t> untrained_turns(const JsonReader& list, const nlohmann::ordered_json& messages);

/// Whether a turn of another role is marked to be trained. Only assistant turns are.
bool trains_other_roles(const JsonReader& list, const nlohmann::ordered_json& messages);

}  // namespace rlhf
