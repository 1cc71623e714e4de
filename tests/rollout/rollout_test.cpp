#include "rlhf/rollout/rollout.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

const std::vector<TokenIds> kPrompts = {{10, 11, 12}, {20}, {30, 31}};
const std::vector<Generation> kAnswers = {{{1, 2}, {-0.1f, -0.2f}, Finish::stop},
                                          {{3, 4, 5}, {-0.3f, -0.4f, -0.5f}, Finish::length},
                                          {{6}, {-0.6f}, Finish::stop}};

std::vector<const TokenIds*> pointers(const std::vector<TokenIds>& prompts) {
  std::vector<const TokenIds*> result;
  for (const TokenIds& prompt : prompts) result.push_back(&prompt);
  return result;
}

Rollout example() { return make_rollout(pointers(kPrompts), kAnswers, at::kCPU); }

std::vector<std::int64_t> numbers(const at::Tensor& tensor) {
  const at::Tensor values = tensor.to(at::kLong).contiguous();
  return {values.const_data_ptr<std::int64_t>(), values.const_data_ptr<std::int64_t>() + values.numel()};
}

using Numbers = std::vector<std::int64_t>;

// row     0  1  2  3  4 | 5  6  7  8 | 9 10 11
// token  10 11 12  1  2 |20  3  4  5 |30 31  6
TEST(Rollout, HandMadeExample) {
  const Rollout rollout = example();
  EXPECT_EQ(numbers(rollout.batch.tokens), (Numbers{10, 11, 12, 1, 2, 20, 3, 4, 5, 30, 31, 6}));
  EXPECT_EQ(numbers(rollout.batch.positions), (Numbers{0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2}));
  EXPECT_EQ(rollout.batch.segments.offsets, (Numbers{0, 5, 9, 12}));
  EXPECT_EQ(rollout.responses.offsets, (Numbers{0, 2, 5, 6}));
  EXPECT_EQ(rollout.prompt_lengths, (Numbers{3, 1, 2}));
  EXPECT_EQ(numbers(rollout.predictors), (Numbers{2, 3, 5, 6, 7, 10}));
  EXPECT_EQ(numbers(rollout.tokens), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(rollout.finish, (std::vector<Finish>{Finish::stop, Finish::length, Finish::stop}));
  ASSERT_EQ(rollout.logprobs.scalar_type(), at::kFloat);
  for (int i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(rollout.logprobs.const_data_ptr<float>()[i], -0.1f * (i + 1));
}

// row     0  1  2 | 3  4  5  6  7
// token  30 31  6 |10 11 12  1  2
TEST(Rollout, SliceFollowsTheOrderItIsAskedFor) {
  const std::vector<std::size_t> indices = {2, 0};
  const RolloutSlice slice = slice_rollout(example(), indices);
  EXPECT_EQ(numbers(slice.batch.tokens), (Numbers{30, 31, 6, 10, 11, 12, 1, 2}));
  EXPECT_EQ(numbers(slice.batch.positions), (Numbers{0, 1, 2, 0, 1, 2, 3, 4}));
  EXPECT_EQ(slice.batch.segments.offsets, (Numbers{0, 3, 8}));
  EXPECT_EQ(numbers(slice.batch.segments.cu_seqlens), (Numbers{0, 3, 8}));
  EXPECT_EQ(slice.batch.segments.max_length, 5);
  EXPECT_EQ(slice.responses.offsets, (Numbers{0, 1, 3}));
  EXPECT_EQ(numbers(slice.predictors), (Numbers{1, 5, 6}));
  EXPECT_EQ(numbers(slice.tokens), (Numbers{6, 1, 2}));
  EXPECT_EQ(numbers(slice.rows), (Numbers{5, 0, 1}));
}

TEST(Rollout, SliceOfAllSequencesIsTheWhole) {
  const Rollout rollout = example();
  const std::vector<std::size_t> all = {0, 1, 2};
  const RolloutSlice slice = slice_rollout(rollout, all);
  EXPECT_EQ(numbers(slice.batch.tokens), numbers(rollout.batch.tokens));
  EXPECT_EQ(numbers(slice.batch.positions), numbers(rollout.batch.positions));
  EXPECT_EQ(slice.batch.segments.offsets, rollout.batch.segments.offsets);
  EXPECT_EQ(slice.responses.offsets, rollout.responses.offsets);
  EXPECT_EQ(numbers(slice.predictors), numbers(rollout.predictors));
  EXPECT_EQ(numbers(slice.tokens), numbers(rollout.tokens));
  EXPECT_EQ(numbers(slice.rows), (Numbers{0, 1, 2, 3, 4, 5}));
}

TEST(Rollout, WhatDoesNotFitTogetherIsRefused) {
  const std::vector<const TokenIds*> one = {&kPrompts[0]};
  EXPECT_THROW(make_rollout(one, kAnswers, at::kCPU), ShapeError);
  const std::vector<TokenIds> empty = {{}, {20}, {30}};
  EXPECT_THROW(make_rollout(pointers(empty), kAnswers, at::kCPU), ShapeError);
  EXPECT_THROW(make_rollout(one, std::vector<Generation>(1), at::kCPU), ShapeError);
  EXPECT_THROW(make_rollout(one, std::vector<Generation>{{{1, 2}, {-0.1f}, Finish::stop}}, at::kCPU), ShapeError);
}

TEST(Rollout, GivesItsResponsesBack) {
  const std::vector<Generation> found = generations_of(example());
  ASSERT_EQ(found.size(), kAnswers.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].tokens, kAnswers[i].tokens);
    EXPECT_EQ(found[i].logprobs, kAnswers[i].logprobs);
    EXPECT_EQ(found[i].finish, kAnswers[i].finish);
  }
}

// "1 2 3 1 2 3 1 2" has the five 4-grams 1231, 2312, 3123, 1231, 2312: two of them are repeated.
TEST(Repetition, IsTheShareOfRepeatedFourGrams) {
  EXPECT_EQ(repetition(TokenIds{1, 2, 3}), std::nullopt);
  EXPECT_EQ(repetition(TokenIds{1, 2, 3, 4}), 0);
  EXPECT_DOUBLE_EQ(*repetition(TokenIds{1, 2, 3, 1, 2, 3, 1, 2}), 0.4);
  EXPECT_DOUBLE_EQ(*repetition(TokenIds(13, 7)), 0.9);
}

}  // namespace
}  // namespace rlhf
