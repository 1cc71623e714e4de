// Functions that the page of one run and the comparison share.
#pragma once

#include <string>

#include "rlhf/report/html_page.h"

#include "report/run_data.h"

namespace rlhf {

/// The state of a run in words: "finished", "stopped at step 3 of 10" (has_ended), "not finished: step 3 of 10".
std::string state_of(const RunData& run, bool has_ended);
/// "rlhf-sft"; of a method that is none of our programs its stage as run.json has it.
std::string tool_of(const RunData& run);
/// "1h02m", "2m03s", "8 s".
std::string duration(double seconds);
/// The label of the x axis.
std::string step_label(const RunData& run);

}  // namespace rlhf
