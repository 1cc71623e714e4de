// Wrong calls of sample making and of the order of samples.
#include "support/misuse.h"

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/data/batch_order.h"
#include "rlhf/data/samples.h"

#include "support/byte_tokenizer.h"

namespace rlhf {
namespace {

using testing::ByteTokenizer;
using testing::expect_misuse;

/// A tokenizer of a caller that forgets the end offsets.
struct Forgetful : ByteTokenizer {
  Encoding encode(std::string_view text, Bos bos) const override { return {ByteTokenizer::encode(text, bos).ids, {}}; }
};

TEST(DataMisuse, BatchOrder) {
  expect_misuse<ArgumentError>("num_samples: expected at least 1, found 0", [] { BatchOrder(0, 4, 1); });
  expect_misuse<ArgumentError>("batch_size: expected at least 1, found 0", [] { BatchOrder(4, 0, 1); });
  expect_misuse<ArgumentError>("step: expected at least 0, found -1", [] { BatchOrder(4, 2, 1).batch(-1); });
}

TEST(DataMisuse, Samples) {
  const Templates templates;
  Preference outside{"q", {{"a"}, {"b"}}, {{.chosen = 0, .rejected = 2}}};
  expect_misuse<ArgumentError>("pairs of record 1: expected indices of its 2 completions, found 2",
                               [&] { make_ranked({outside}, ByteTokenizer(), templates, DataOptions()); });
  expect_misuse<ArgumentError>("Encoding::ends: expected one offset per token id", [&] {
    make_samples({{"q", "a"}}, Forgetful(), templates, DataOptions());
  });
  expect_misuse<ArgumentError>("share: expected a number from 0 to 1, found 2", [] { choose_held_out({}, 2, 1); });
  expect_misuse<ArgumentError>("trained: expected spans of the tokens, found 5", [] {
    show_sample({{97, 98}, {{0, 5}}}, ByteTokenizer(), false);
  });
}

}  // namespace
}  // namespace rlhf
