#pragma once

#include <vector>

#include "rlhf/config/record_formats.h"
#include "rlhf/records/records.h"

#include "records/record_fields.h"

namespace rlhf {

/// The completions of a record with their pairs: one result, none (a tree without ranked replies, judgments without a
/// majority), or several (a tree). `format` is one of those that rlhf-rm reads; `chat`: the record has messages.
std::vector<Preference> preferences_of(const RecordFields& fields, RecordFormat format, bool chat);

}  // namespace rlhf
