#pragma once

#include "rlhf/records/judgments.h"

#include "records/record_fields.h"

namespace rlhf {

/// Reads a record of format "judgments"; with `chat` the prompt is messages. Throws BadRecord.
JudgedRecord read_judged(const RecordFields& fields, bool chat);

/// An id of a record: a text or a whole number. Throws BadRecord.
nlohmann::ordered_json read_id(const JsonReader& id);

/// The responses with the pairs of the majority, if there are any.
Preference majority_of(JudgedRecord record);

}  // namespace rlhf
