#pragma once

#include <vector>

#include "rlhf/config/record_formats.h"
#include "rlhf/records/records.h"

#include "records/record_fields.h"

namespace rlhf {

/// The completions of a record of format preference or transcripts; without a pair if its weight is 0. `chat`: the
/// record has messages.
Preference pair_of(const RecordFields& fields, RecordFormat format, bool chat);

/// The completions of a record with their pairs: one result, none (a tree without ranked replies, judgments without a
/// majority, a pair of weight 0), or several (a tree). `format` is one of those that rlhf-dpo reads; `chat`: the record
/// has messages; `keep_judgments`: that of RecordReading.
std::vector<Preference> preferences_of(const RecordFields& fields, RecordFormat format, bool chat, bool keep_judgments);

}  // namespace rlhf
