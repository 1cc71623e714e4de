// Wrong calls of the readers of records.
#include "support/misuse.h"

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/records/answered.h"
#include "rlhf/records/jsonl.h"
#include "rlhf/records/records.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

TEST(RecordsMisuse, WithoutAFunctionThatTakesTheRecords) {
  expect_misuse<ArgumentError>("accept: expected a function, found none", [] { for_each_json_line("x.jsonl", 0, {}); });
  expect_misuse<ArgumentError>("sink: expected a function, found none", [] { for_each_prompt({"x.jsonl"}, {}, {}); });
  expect_misuse<ArgumentError>("sink: expected a function, found none",
                               [] { for_each_answered("x.jsonl", "prompt", {}); });
}

TEST(RecordsMisuse, WithoutFiles) {
  expect_misuse<DataError>("expected at least one record, found none", [] { read_demonstrations({}, {}); });
}

}  // namespace
}  // namespace rlhf
