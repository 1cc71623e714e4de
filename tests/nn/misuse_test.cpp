// Wrong calls of models, caches, weights and the optimizer.
#include "support/misuse.h"

#include <memory>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/nn/attention.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/nn/optimizer.h"
#include "rlhf/nn/scalar_model.h"
#include "rlhf/nn/trained_weights.h"

#include "nn_testing.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::i64;

constexpr ModelInit kSizes{.hidden_size = 8,
                           .intermediate_size = 16,
                           .num_hidden_layers = 2,
                           .num_attention_heads = 2,
                           .num_key_value_heads = 1,
                           .max_position_embeddings = 16};

std::unique_ptr<CausalLM> tiny_model() {
  return load_causal_lm(describe_new_model(kSizes, /*vocab_size=*/10, 1, 2), at::kCPU, at::kFloat, true);
}

PackedBatch batch_of(const std::vector<TokenIds>& sequences) { return pack(sequences, at::kCPU); }

KvCache cache_for(const CausalLM& model, std::int64_t rows = 2, std::int64_t capacity = 8) {
  const ModelShape& shape = model.shape();
  return {shape.num_layers, rows, shape.num_key_value_heads, capacity, shape.head_dim, at::TensorOptions(at::kFloat)};
}

TEST(NnMisuse, Forward) {
  const auto model = tiny_model();
  const auto forward = [&](const PackedBatch& batch, const at::Tensor& rows = {}) {
    return [&model, batch, rows] { model->forward(batch, rows); };
  };
  expect_misuse<ArgumentError>("tokens: expected numbers from 0 to 9, found 10", forward(batch_of({{1, 10}})));
  const PackedBatch good = batch_of({{1, 2, 3}});
  expect_misuse<ArgumentError>("rows: expected numbers from 0 to 2, found 3", forward(good, i64({3})));
  expect_misuse<ShapeError>("rows: expected Long, found Float", forward(good, testing::f32({1})));
  PackedBatch other = good;
  other.tokens = good.tokens.to(at::kFloat);
  expect_misuse<ShapeError>("tokens: expected Long, found Float", forward(other));
  other = good;
  other.positions = i64({0, 1});
  expect_misuse<ShapeError>("positions: expected [3], found [2]", forward(other));
  other = good;
  other.tokens = good.tokens.to(at::kMeta);
  expect_misuse<ShapeError>("tokens: expected a tensor on cpu, found one on meta", forward(other));
  expect_misuse<ShapeError>("segments: expected the bounds", forward(PackedBatch{}));
}

TEST(NnMisuse, CachesOfAnotherModel) {
  const auto model = tiny_model();
  const PackedBatch batch = batch_of({{1, 2, 3}});
  KvCache few_layers(1, 2, 1, 8, 4, at::TensorOptions(at::kFloat));
  expect_misuse<ArgumentError>("cache: expected 2 layers, found 1", [&] { model->forward(batch, {}, &few_layers); });
  KvCache wide(2, 2, 1, 8, 6, at::TensorOptions(at::kFloat));
  expect_misuse<ShapeError>("cache: expected [2, 1, 8, 4], found [2, 1, 8, 6]",
                            [&] { model->forward(batch, {}, &wide); });
  KvCache doubles(2, 2, 1, 8, 4, at::TensorOptions(at::kDouble));
  expect_misuse<ShapeError>("cache: expected Float, found Double", [&] { model->forward(batch, {}, &doubles); });
  KvCache cache = cache_for(*model);
  model->forward(batch, {}, &cache);
  expect_misuse<ShapeError>("tokens: expected [1], found [2]", [&] { model->decode(i64({1, 2}), cache); });
  expect_misuse<ArgumentError>("tokens: expected numbers from 0 to 9, found -1",
                               [&] { model->decode(i64({-1}), cache); });
}

TEST(NnMisuse, KvCache) {
  const at::TensorOptions options(at::kFloat);
  expect_misuse<ArgumentError>("rows: expected at least 1, found 0", [&] { KvCache(2, 0, 1, 8, 4, options); });
  expect_misuse<ArgumentError>("capacity: expected at least 1, found -8", [&] { KvCache(2, 2, 1, -8, 4, options); });
  KvCache cache(1, 2, 1, 3, 4, options);
  const auto add = [&](std::vector<std::int64_t> lengths) { return [&cache, lengths] { cache.add(lengths); }; };
  expect_misuse<ArgumentError>("lengths: expected at most as many as there are free rows, found 3", add({1, 1, 1}));
  expect_misuse<ArgumentError>("lengths: expected numbers from 1 to the capacity, found 4", add({4}));
  expect_misuse<ArgumentError>("row: expected an active row, found 0", [&] { cache.fork(0); });
  expect_misuse<ArgumentError>("row: expected an active row, found 0", [&] { cache.drop(0); });
  expect_misuse<ArgumentError>("layer: expected a layer of the cache, found 1", [&] { cache.keys(1); });
  cache.add(std::vector<std::int64_t>{3, 1});
  expect_misuse<ArgumentError>("row: expected a free row to copy to", [&] { cache.fork(0); });
  expect_misuse<ArgumentError>("advance: expected rows of fewer tokens", [&] { cache.advance(); });
  EXPECT_EQ(cache.lengths(), (std::vector<std::int64_t>{3, 1})) << "nothing changed";
}

TEST(NnMisuse, Attention) {
  const Segments segments = make_segments(std::vector<std::int64_t>{3}, at::kCPU);
  const at::Tensor qkv = at::ones({3, 16});
  const auto call = [&](const at::Tensor& x, const AttentionHeads& heads, const AttentionRule& rule) {
    return [&segments, x, heads, rule] { packed_attention(x, heads, segments, rule); };
  };
  expect_misuse<ArgumentError>("heads.keys: expected at least 1, found 0", call(qkv, {2, 0, 4}, {}));
  expect_misuse<ArgumentError>("heads.queries: expected a multiple of the key heads, found 3",
                               call(qkv, {3, 2, 4}, {}));
  expect_misuse<ArgumentError>("window: expected at least 0, found -1", call(qkv, {2, 1, 4}, {.window = -1}));
  expect_misuse<ShapeError>("qkv: expected [3, 16], found [3, 15]", call(at::ones({3, 15}), {2, 1, 4}, {}));
  expect_misuse<ShapeError>("qkv: expected floating-point", call(qkv.to(at::kLong), {2, 1, 4}, {}));
  const at::Tensor q = at::ones({3, 2, 4}), none = at::ones({3, 0, 4});
  expect_misuse<ShapeError>("query heads: expected a multiple of 0 key heads",
                            [&] { packed_attention(q, none, none, segments, AttentionRule{}); });
  expect_misuse<ShapeError>("k: expected Float, found Double",
                            [&] { packed_attention(q, q.to(at::kDouble), q, segments, AttentionRule{}); });
}

TEST(NnMisuse, ScalarModel) {
  expect_misuse<ArgumentError>("trunk: expected a model, found none", [] {
    ScalarModel(nullptr, at::ones({1, 8}), 0);
  });
  expect_misuse<ShapeError>("score: expected [1, 8], found [8]", [] { ScalarModel(tiny_model(), at::ones({8}), 0); });
  ScalarModel model(tiny_model(), at::ones({1, 8}), 0);
  expect_misuse<ShapeError>("rows: expected the rows to read, found no tensor", [&] {
    model.values(batch_of({{1, 2}}), {});
  });
  expect_misuse<ArgumentError>("tokens: expected numbers from 0 to 9, found 12",
                               [&] { model.scores(batch_of({{12}})); });
}

TEST(NnMisuse, WeightsAndOptimizer) {
  const auto frozen =
      load_causal_lm(describe_new_model(kSizes, 10, 1, 2), at::kCPU, at::kFloat, /*requires_grad=*/false);
  expect_misuse<ArgumentError>("parameters: expected at least one weight that requires a gradient",
                               [&] { TrainedWeights(frozen->parameters()); });
  expect_misuse<ArgumentError>("parameters", [] { TrainedWeights(Parameters{}); });
  expect_misuse<ShapeError>("w: expected floating-point numbers, found no tensor",
                            [] { TrainedWeights(Parameters{{.name = "w", .value = {}}}); });
  const auto model = tiny_model();
  TrainedWeights weights(model->parameters());
  expect_misuse<ArgumentError>("betas: expected numbers from 0 to below 1, found 1", [&] {
    AdamW(weights, {.betas = {1.0, 0.9}});
  });
  expect_misuse<ArgumentError>("eps: expected above 0, found 0", [&] { AdamW(weights, {.eps = 0}); });
  AdamW optimizer(weights, {});
  expect_misuse<ArgumentError>("lr: expected a finite number of at least 0, found -0.1", [&] { optimizer.step(-0.1); });
}

TEST(NnMisuse, LayoutsOfFiles) {
  expect_misuse<ShapeError>("file layout: expected a multiple of 6 rows", [] {
    from_file_layout(at::ones({8, 2}), {.interleaved_heads = 2});
  });
  expect_misuse<ShapeError>("file layout: expected a multiple of 8 rows", [] {
    to_file_layout(at::ones({6, 2}), {.interleaved_heads = 2, .queries_per_key = 2});
  });
  expect_misuse<ArgumentError>("queries_per_key: expected at least 1, found 0", [] {
    to_file_layout(at::ones({6, 2}), {.interleaved_heads = 2, .queries_per_key = 0});
  });
  expect_misuse<ShapeError>("file layout", [] { from_file_layout(at::Tensor(), {.transposed = true}); });
  const Parameter stacked{.name = "w", .value = at::ones({4, 2}), .parts = {{"a", 3}, {"b", 1}}};
  expect_misuse<ShapeError>("w: expected 4 rows", [&] { split_parts(stacked, at::ones({3, 2})); });
  const Parameter with_bias{.name = "w", .value = at::ones({4, 3}), .last_column = "b"};
  expect_misuse<ShapeError>("w: expected [any, any], found [4]", [&] { split_parts(with_bias, at::ones({4})); });
}

TEST(NnMisuse, LoadingAndSaving) {
  const ModelFolder folder = describe_new_model(kSizes, 10, 1, 2);
  expect_misuse<ArgumentError>("dtype: expected float32, bfloat16 or float64, found Long",
                               [&] { load_causal_lm(folder, at::kCPU, at::kLong, false); });
  expect_misuse<DeviceError>("device: expected cpu", [&] { load_scalar_model(folder, at::kMeta, at::kFloat, false); });
  expect_misuse<Error>("vocab_size", [] { describe_new_model(kSizes, 0, 1, 2); });
  const testing::TemporaryFolder out;
  expect_misuse<ArgumentError>("dtype: expected one of model files", [&] {
    save_causal_lm(folder, named_values(tiny_model()->parameters()), {.dtype = at::kLong}, out.path() / "model");
  });
}

}  // namespace
}  // namespace rlhf
