// What passes cost.
#include "train/own_groups.h"

#include <vector>

#include <gtest/gtest.h>

namespace rlhf {
namespace {

// A layer has 4 · 8·8 elements in attention, 3 · 8·16 in its gated MLP and 2 · 8 in norms: 656. With the last norm two
// layers have 1320, the head has 32 · 8, and attention is 2 · 2 · 4 wide.
TEST(PassCosts, CountMultiplicationsOfLayersHeadAndAttention) {
  ModelShape shape{.vocab_size = 32,
                   .hidden_size = 8,
                   .intermediate_size = 16,
                   .num_layers = 2,
                   .num_heads = 2,
                   .num_key_value_heads = 2,
                   .head_dim = 4};
  for (const bool tied : {false, true}) {
    shape.tied_head = tied;
    EXPECT_EQ(pass_costs({{10, 4}, {3, 0}}, shape),
              (std::vector<double>{10 * 1320 + 3 * 256 + 100 * 16, 4 * 1320 + 16 * 16}));
    EXPECT_EQ(pass_costs({{10}, {}}, shape), (std::vector<double>{10 * 1320 + 100 * 16}));
  }
}

}  // namespace
}  // namespace rlhf
