#pragma once

#include "rlhf/records/answered.h"
#include "rlhf/records/jsonl.h"

#include "records/record_format.h"

namespace rlhf {

/// The record with answers of one line, in any of the forms of for_each_answered. Throws BadRecord.
AnsweredRecord read_answered(const JsonLine& line, const FieldNames& names);

}  // namespace rlhf
