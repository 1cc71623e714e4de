// Packs prompts and responses, and selects sequences of a rollout.
#include "rlhf/rollout/rollout.h"

#include <array>
#include <set>
#include <string>
#include <utility>

#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

/// Appends `count` consecutive numbers, beginning with `first`.
void append_range(std::vector<std::int64_t>& values, std::int64_t first, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values.push_back(first + i);
}

void check_answer(const TokenIds& prompt, const Generation& answer, std::size_t index) {
  const auto fail = [index](const std::string& what) {
    throw ShapeError("making a rollout, sequence " + std::to_string(index) + ": expected " + what);
  };
  if (prompt.empty()) fail("a prompt of at least one token, found none");
  if (answer.tokens.empty()) fail("a response of at least one token, found none");
  if (answer.logprobs.size() != answer.tokens.size()) {
    fail(std::to_string(answer.tokens.size()) + " log-probabilities, found " + std::to_string(answer.logprobs.size()));
  }
}

}  // namespace

Rollout make_rollout(std::span<const TokenIds* const> prompts, std::span<const Generation> generations,
                     at::Device device) {
  if (prompts.size() != generations.size()) {
    throw ShapeError("making a rollout: expected one response per prompt (" + std::to_string(prompts.size()) +
                     "), found " + std::to_string(generations.size()));
  }
  Rollout rollout;
  std::vector<TokenIds> sequences;
  std::vector<std::int64_t> lengths, predictors, tokens;
  std::vector<float> logprobs;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Generation& answer = generations[i];
    if (prompts[i] == nullptr)
      throw ShapeError("making a rollout: expected prompt " + std::to_string(i) + ", found a null pointer");
    check_answer(*prompts[i], answer, i);
    TokenIds& sequence = sequences.emplace_back(*prompts[i]);
    const auto prompt_length = static_cast<std::int64_t>(sequence.size());
    sequence.insert(sequence.end(), answer.tokens.begin(), answer.tokens.end());
    rollout.prompt_lengths.push_back(prompt_length);
    rollout.finish.push_back(answer.finish);
    lengths.push_back(static_cast<std::int64_t>(answer.tokens.size()));
    // A token is predicted by the row before it, the first response token by the last row of the prompt.
    append_range(predictors, offset + prompt_length - 1, lengths.back());
    tokens.insert(tokens.end(), answer.tokens.begin(), answer.tokens.end());
    logprobs.insert(logprobs.end(), answer.logprobs.begin(), answer.logprobs.end());
    offset += static_cast<std::int64_t>(sequence.size());
  }
  rollout.batch = pack(std::span<const TokenIds>(sequences), device);
  rollout.responses = make_segments(lengths, device);
  rollout.predictors = to_device(predictors, device);
  rollout.tokens = to_device(tokens, device);
  rollout.logprobs = to_device(logprobs, device);
  return rollout;
}

std::vector<Generation> generations_of(const Rollout& rollout) {
  const at::Tensor tokens = rollout.tokens.cpu(), logprobs = rollout.logprobs.cpu();
  const auto* const ids = tokens.const_data_ptr<std::int64_t>();
  const auto* const values = logprobs.const_data_ptr<float>();
  std::vector<Generation> generations;
  for (std::size_t i = 0; i < rollout.finish.size(); ++i) {
    const auto begin = rollout.responses.offsets[i], end = rollout.responses.offsets[i + 1];
    generations.push_back({TokenIds(ids + begin, ids + end), {values + begin, values + end}, rollout.finish[i]});
  }
  return generations;
}

RowsAfterEnd add_rows_after_end(const Rollout& rollout) {
  std::vector<std::int64_t> lengths, predictors, token_rows;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < rollout.finish.size(); ++i) {
    const std::int64_t tokens = rollout.responses.length(static_cast<std::int64_t>(i));
    lengths.push_back(tokens + (rollout.finish[i] == Finish::stop ? 1 : 0));
    append_range(predictors, rollout.batch.segments.offsets[i] + rollout.prompt_lengths[i] - 1, lengths.back());
    append_range(token_rows, offset, tokens);
    offset += lengths.back();
  }
  const at::Device device = rollout.tokens.device();
  RowsAfterEnd longer{rollout, to_device(token_rows, device)};
  longer.rollout.responses = make_segments(lengths, device);
  longer.rollout.predictors = to_device(predictors, device);
  for (at::Tensor* values : {&longer.rollout.tokens, &longer.rollout.logprobs})
    *values = at::zeros({offset}, values->options()).index_copy(0, longer.token_rows, *values);
  return longer;
}

std::optional<double> repetition(std::span<const std::int32_t> tokens) {
  constexpr std::size_t kLength = 4;
  if (tokens.size() < kLength) return std::nullopt;
  std::set<std::array<std::int32_t, kLength>> different;
  const std::size_t all = tokens.size() - kLength + 1;
  for (std::size_t i = 0; i < all; ++i) different.insert({tokens[i], tokens[i + 1], tokens[i + 2], tokens[i + 3]});
  return 1 - static_cast<double>(different.size()) / static_cast<double>(all);
}

RolloutSlice slice_rollout(const Rollout& rollout, std::span<const std::size_t> indices) {
  if (indices.empty()) throw ShapeError("slicing a rollout: expected at least one sequence, found none");
  const Segments& sequences = rollout.batch.segments;
  const Segments& responses = rollout.responses;
  std::vector<std::int64_t> sequence_lengths, response_lengths, batch_rows, response_rows, predictors;
  for (const std::size_t index : indices) {
    const auto i = static_cast<std::int64_t>(index);
    check_argument(index < static_cast<std::size_t>(sequences.count()), "indices", "sequences of the rollout", index);
    const auto offset = static_cast<std::int64_t>(batch_rows.size());
    sequence_lengths.push_back(sequences.length(i));
    response_lengths.push_back(responses.length(i));
    append_range(batch_rows, sequences.offsets[i], sequences.length(i));
    append_range(response_rows, responses.offsets[i], responses.length(i));
    append_range(predictors, offset + rollout.prompt_lengths[i] - 1, responses.length(i));
  }
  const at::Device device = rollout.tokens.device();
  const at::Tensor rows = to_device(batch_rows, device);
  RolloutSlice slice;
  slice.batch.tokens = at::index_select(rollout.batch.tokens, 0, rows);
  slice.batch.positions = at::index_select(rollout.batch.positions, 0, rows);
  slice.batch.segments = make_segments(sequence_lengths, device);
  slice.responses = make_segments(response_lengths, device);
  slice.predictors = to_device(predictors, device);
  slice.rows = to_device(response_rows, device);
  slice.tokens = at::index_select(rollout.tokens, 0, slice.rows);
  return slice;
}

Rollout select_sequences(const Rollout& rollout, std::span<const std::size_t> indices) {
  RolloutSlice slice = slice_rollout(rollout, indices);
  Rollout selected{.batch = std::move(slice.batch),
                   .responses = std::move(slice.responses),
                   .predictors = slice.predictors,
                   .tokens = slice.tokens,
                   .logprobs = rollout.logprobs.index_select(0, slice.rows)};
  for (const std::size_t i : indices) {
    selected.prompt_lengths.push_back(rollout.prompt_lengths[i]);
    selected.finish.push_back(rollout.finish[i]);
  }
  return selected;
}

}  // namespace rlhf
