#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "rlhf/nn/model_folder.h"
#include "rlhf/nn/trained_weights.h"
#include "rlhf/tensor/linear_logprobs.h"

#include "nn_testing.h"

namespace rlhf {
namespace {

using testing::golden;
using testing::largest_difference;
using testing::pack_cut;
using testing::relative_difference;

const std::vector<std::int64_t> kLengths = {7, 7, 1, 5};  // of tests/golden/llama

std::unique_ptr<CausalLM> load_golden(const std::string& name, at::ScalarType dtype = at::kFloat) {
  return load_causal_lm(read_model_folder(golden("llama/" + name)), at::kCPU, dtype, /*requires_grad=*/true);
}

/// Rows of the packed golden batch that predict a token, and the tokens they predict.
struct Labels {
  std::vector<std::int64_t> rows, targets;
};
Labels labels_of(const PackedBatch& batch) {
  Labels labels;
  for (std::int64_t i = 0; i < batch.segments.count(); ++i) {
    for (std::int64_t row = batch.segments.offsets[i]; row + 1 < batch.segments.offsets[i + 1]; ++row) {
      labels.rows.push_back(row);
      labels.targets.push_back(batch.tokens[row + 1].item<std::int64_t>());
    }
  }
  return labels;
}

/// Compares every gradient with the file's tensor grad.NAME; returns how many there were.
std::size_t compare_gradients(const Parameters& parameters, const SafetensorsFile& expected) {
  std::size_t compared = 0;
  for (const Parameter& parameter : parameters) {
    for (const auto& [name, gradient] : split_parts(parameter, parameter.value.grad())) {
      EXPECT_LT(relative_difference(gradient, expected.tensor("grad." + name)), 1e-5) << name;
      ++compared;
    }
  }
  return compared;
}

class LlamaGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(LlamaGolden, LogitsLossAndGradientsEqualTransformers) {
  const SafetensorsFile expected(golden("llama/" + std::string(GetParam()) + ".safetensors"));
  const auto model = load_golden(GetParam());
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  EXPECT_LT(relative_difference(at::linear(model->forward(batch), model->head()), expected.tensor("logits")), 1e-5);

  const Labels labels = labels_of(batch);
  const at::Tensor rows = to_device(labels.rows, at::kCPU), targets = to_device(labels.targets, at::kCPU);
  const at::Tensor hidden = model->forward(batch, rows);
  const at::Tensor loss = linear_logprobs(hidden, model->head(), targets).logprobs.mean().neg();
  EXPECT_NEAR(loss.item<double>(), expected.tensor("loss").item<double>(), 1e-5);
  loss.backward();
  EXPECT_EQ(compare_gradients(model->parameters(), expected), model->shape().tied_head ? 20U : 21U);
}

INSTANTIATE_TEST_SUITE_P(Heads, LlamaGolden, ::testing::Values("untied", "tied"));

TEST(NnTesting, ComparisonSeesSignScaleAndShift) {
  const at::Tensor logits = SafetensorsFile(golden("llama/tied.safetensors")).tensor("logits").clone();
  EXPECT_EQ(relative_difference(logits, logits), 0.0);
  EXPECT_GT(relative_difference(logits.neg(), logits), 1.0);
  EXPECT_GT(relative_difference(logits.mul(1.001), logits), 1e-4);
  EXPECT_GT(relative_difference(logits.roll(1, 0), logits), 1e-2);
}

TEST(Decoder, PackedEqualsOneByOne) {
  const at::NoGradGuard no_grad;
  const at::Tensor tokens = SafetensorsFile(golden("llama/tied.safetensors")).tensor("tokens");
  const auto model = load_golden("tied");
  std::vector<at::Tensor> alone;
  std::int64_t begin = 0;
  for (const std::int64_t length : kLengths) {
    alone.push_back(model->forward(pack_cut(tokens.narrow(0, begin, length), {length})));
    begin += length;
  }
  EXPECT_LT(relative_difference(model->forward(pack_cut(tokens, kLengths)), at::cat(alone)), 1e-6);
}

TEST(Decoder, Bfloat16StaysNearFloat32) {
  const at::NoGradGuard no_grad;
  const PackedBatch batch = pack_cut(SafetensorsFile(golden("llama/tied.safetensors")).tensor("tokens"), kLengths);
  const at::Tensor narrow = load_golden("tied", at::kBFloat16)->forward(batch);
  EXPECT_EQ(narrow.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_difference(narrow, load_golden("tied")->forward(batch)), 5e-2);
}

TEST(Decoder, SequencesThatShareAPrefixEqualWholeOnesForwardAndBackward) {
  const at::Tensor tokens = SafetensorsFile(golden("llama/tied.safetensors")).tensor("tokens");
  const std::int64_t* const ids = tokens.const_data_ptr<std::int64_t>();
  const TokenIds prompt(ids, ids + 5), first(ids + 5, ids + 8), second(ids + 8, ids + 14);
  TokenIds whole_first = prompt, whole_second = prompt;
  whole_first.insert(whole_first.end(), first.begin(), first.end());
  whole_second.insert(whole_second.end(), second.begin(), second.end());
  const auto run = [](CausalLM& model, const PackedBatch& batch, std::vector<std::int64_t> rows) {
    const at::Tensor hidden = model.forward(batch, to_device(rows, at::kCPU));
    hidden.mul(at::arange(hidden.numel(), at::kFloat).view_as(hidden)).sum().backward();
    return hidden;
  };
  const auto shared = load_golden("tied"), whole = load_golden("tied");
  const Piece pieces[] = {{prompt}, {first, 0}, {second, 0}};
  const at::Tensor by_pieces = run(*shared, pack(pieces, at::kCPU), {7, 13});
  const at::Tensor one_by_one = run(*whole, pack(std::vector<TokenIds>{whole_first, whole_second}, at::kCPU), {7, 18});
  EXPECT_LT(relative_difference(by_pieces, one_by_one), 1e-5);
  for (std::size_t i = 0; i < whole->parameters().size(); ++i) {
    EXPECT_LT(relative_difference(shared->parameters()[i].value.grad(), whole->parameters()[i].value.grad()), 1e-5)
        << whole->parameters()[i].name;
  }
}

TEST(Decoder, GradientsAddUpInTrainedWeights) {
  const PackedBatch batch = pack_cut(SafetensorsFile(golden("llama/tied.safetensors")).tensor("tokens"), kLengths);
  const Labels labels = labels_of(batch);
  const at::Tensor rows = to_device(labels.rows, at::kCPU), targets = to_device(labels.targets, at::kCPU);
  const auto backward = [&](CausalLM& model) {
    const auto sum = [](const at::Tensor& logprobs, auto, auto) { return logprobs.sum(); };
    backward_through_logprobs(model.forward(batch, rows), model.head(), targets, {}, sum);
  };
  // The head is the embedding: both add to one sum.
  const auto once = load_golden("tied"), twice = load_golden("tied"), narrow = load_golden("tied", at::kBFloat16);
  backward(*once);
  const TrainedWeights wide(twice->parameters()), wide_of_narrow(narrow->parameters());
  for (int i = 0; i < 2; ++i) {
    backward(*twice);
    backward(*narrow);
  }
  for (std::size_t i = 0; i < once->parameters().size(); ++i) {
    const at::Tensor expected = once->parameters()[i].value.grad().mul(2);
    EXPECT_LT(relative_difference(twice->parameters()[i].value.grad(), expected), 1e-5) << i;
    EXPECT_EQ(narrow->parameters()[i].value.grad().scalar_type(), at::kFloat);
    EXPECT_LT(relative_difference(narrow->parameters()[i].value.grad(), expected), 0.2) << i;
  }
}

/// Sequences that grow in a cache, and the same sequences for full passes.
struct Growing {
  CausalLM& model;
  KvCache cache;
  std::vector<TokenIds> sequences;

  at::Tensor full_last_hidden() const {
    const PackedBatch batch = pack(sequences, at::kCPU);
    return model.forward(batch).index_select(0, last_rows(batch.segments));
  }
  /// Appends one token to each row; returns the largest difference between the cached and the full pass.
  double step(std::int32_t first_token) {
    std::vector<std::int64_t> next;
    for (TokenIds& sequence : sequences) {
      sequence.push_back(first_token + static_cast<std::int32_t>(next.size()));
      next.push_back(sequence.back());
    }
    return largest_difference(model.decode(to_device(next, at::kCPU), cache), full_last_hidden());
  }
  void drop(std::size_t row) {
    cache.drop(static_cast<std::int64_t>(row));
    sequences[row] = sequences.back();
    sequences.pop_back();
  }
};

TEST(Decoder, CachedDecodingEqualsFullPassWithRowsOfAnyLengthAndDroppedRows) {
  const at::NoGradGuard no_grad;
  for (const char* const name : {"untied", "tied"}) {
    const auto model = load_golden(name);
    const ModelShape& shape = model->shape();
    Growing growing{
        *model,
        KvCache(shape.num_layers, 6, shape.num_key_value_heads, 16, shape.head_dim, at::TensorOptions(at::kFloat)),
        {{1, 5, 9}, {1, 7, 3}, {1, 40, 41, 42, 43}, {1}, {1, 90, 2}}};
    const PackedBatch prompts = pack(growing.sequences, at::kCPU);
    EXPECT_LT(largest_difference(model->forward(prompts, {}, &growing.cache), model->forward(prompts)), 1e-6);
    EXPECT_LT(growing.step(10), 1e-5);
    EXPECT_LT(growing.step(20), 1e-5);
    growing.drop(2);  // from the middle: the last row moves there
    EXPECT_LT(growing.step(30), 1e-5);
    growing.drop(3);  // the last itself
    growing.drop(0);
    EXPECT_EQ(growing.cache.active(), 2);
    EXPECT_LT(growing.step(50), 1e-5);
    // A new sequence joins those that have grown, and a copy of it.
    growing.sequences.push_back({8, 9, 10});
    model->forward(pack(std::vector<TokenIds>{{8, 9, 10}}, at::kCPU), {}, &growing.cache);
    growing.cache.fork(2);
    growing.sequences.push_back(growing.sequences.back());
    EXPECT_LT(growing.step(55), 1e-5);
    growing.cache.clear();
    growing.sequences = {{4, 4}, {5, 5}};  // rows of one length need no mask; old keys must not shine through
    model->forward(pack(growing.sequences, at::kCPU), {}, &growing.cache);
    EXPECT_LT(growing.step(60), 1e-5);
  }
}

TEST(Decoder, RefusesWhatDoesNotFitTheCache) {
  const auto model = load_golden("untied");
  KvCache cache(2, 1, 2, 4, 8, at::TensorOptions(at::kFloat));
  const auto prefill = [&](std::vector<TokenIds> sequences) { model->forward(pack(sequences, at::kCPU), {}, &cache); };
  testing::expect_error([&] { prefill({{1, 2}, {3}}); }, ExitCode::shape, {"at most 1 sequences", "found 2"});
  testing::expect_error([&] { prefill({{1, 2, 3, 4, 5}}); }, ExitCode::shape, {"at most 4 tokens", "of at most 5"});
  prefill({{1, 2, 3, 4}});
  testing::expect_error([&] { model->decode(at::tensor({5}, at::kLong), cache); }, ExitCode::shape,
                        {"fewer than 4 tokens"});
}

TEST(ScalarModel, ScoresAndGradientsEqualTransformers) {
  const SafetensorsFile expected(golden("llama/scalar.safetensors"));
  ScalarModel model = load_scalar_model(read_model_folder(golden("llama/scalar")), at::kCPU, at::kFloat, true);
  const PackedBatch batch = pack_cut(expected.tensor("tokens"), kLengths);
  const at::Tensor scores = model.scores(batch);
  EXPECT_LT(relative_difference(scores, expected.tensor("scores")), 1e-5);
  scores.mul(at::tensor({1.0F, -2.0F, 0.5F, 3.0F})).sum().backward();
  EXPECT_EQ(model.parameters().back().name, "score.weight");
  EXPECT_EQ(compare_gradients(model.parameters(), expected), 21U);
}

TEST(ScalarModel, IsReadBeforeItsEndTokenWhereThatIsItsPaddingToo) {
  const at::NoGradGuard no_grad;
  ModelFolder folder = read_model_folder(golden("llama/scalar"));
  EXPECT_FALSE(folder.padding_is_eos);
  folder.padding_is_eos = 2;
  ScalarModel model = load_scalar_model(folder, at::kCPU, at::kFloat, false);
  const PackedBatch batch = pack(std::vector<TokenIds>{{5, 2, 7, 2}, {2, 2}, {8}, {9, 6, 2, 2}}, at::kCPU);
  const at::Tensor read = model.values(batch, at::tensor({2, 4, 6, 8}, at::kLong));
  EXPECT_LT(largest_difference(model.scores(batch), read), 1e-6);
}

TEST(ScalarModel, ValueAtTheLastRowOfASequenceIsItsScore) {
  const SafetensorsFile file(golden("llama/scalar.safetensors"));
  ScalarModel model = load_scalar_model(read_model_folder(golden("llama/scalar")), at::kCPU, at::kFloat, false);
  const PackedBatch batch = pack_cut(file.tensor("tokens"), kLengths);
  const at::Tensor values = model.values(batch, at::tensor({19, 6}, at::kLong));
  EXPECT_LT(relative_difference(values, file.tensor("scores").index_select(0, at::tensor({3, 0}, at::kLong))), 1e-5);
}

}  // namespace
}  // namespace rlhf
