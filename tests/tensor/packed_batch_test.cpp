#include "rlhf/tensor/packed_batch.h"

#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/tensors.h"

namespace rlhf {
namespace {

using testing::close;
using testing::f64;
using testing::i64;

TEST(Pack, LaysSequencesEndToEndWithPositionsThatRestart) {
  const std::vector<TokenIds> sequences{{7, 8, 9}, {5}, {1, 2}};
  const PackedBatch batch = pack(sequences, at::kCPU);
  EXPECT_TRUE(close(batch.tokens, i64({7, 8, 9, 5, 1, 2}), 0));
  EXPECT_TRUE(close(batch.positions, i64({0, 1, 2, 0, 0, 1}), 0));
  EXPECT_EQ(batch.tokens.scalar_type(), at::kLong);
  EXPECT_EQ(batch.segments.offsets, (std::vector<std::int64_t>{0, 3, 4, 6}));
  EXPECT_TRUE(close(batch.segments.cu_seqlens, i64({0, 3, 4, 6}), 0));
  EXPECT_EQ(batch.segments.cu_seqlens.scalar_type(), at::kInt);
  EXPECT_EQ(batch.segments.max_length, 3);
  EXPECT_EQ(batch.segments.count(), 3);
  EXPECT_EQ(batch.segments.total(), 6);
  EXPECT_EQ(batch.segments.length(1), 1);
}

TEST(Pack, TakesPointersInTheirOrder) {
  const TokenIds first{7, 8};
  const TokenIds second{9};
  const std::vector<const TokenIds*> order{&second, &first};
  EXPECT_TRUE(close(pack(order, at::kCPU).tokens, i64({9, 7, 8}), 0));
}

TEST(Pack, LaysASharedPromptOnceAndContinuesItsPositions) {
  const TokenIds prompt{7, 8, 9}, first{5}, second{1, 2}, alone{4};
  const Piece pieces[] = {{prompt}, {first, 0}, {second, 0}, {alone}};
  const PackedBatch batch = pack(pieces, at::kCPU);
  EXPECT_TRUE(close(batch.tokens, i64({7, 8, 9, 5, 1, 2, 4}), 0));
  EXPECT_TRUE(close(batch.positions, i64({0, 1, 2, 3, 3, 4, 0}), 0));
  EXPECT_EQ(batch.segments.prefixes, (std::vector<std::int64_t>{-1, 0, 0, -1}));
  const Piece lone[] = {{prompt}, {alone}};
  EXPECT_FALSE(pack(lone, at::kCPU).segments.has_prefixes());
}

TEST(Pack, RefusesPiecesThatGoOnFromNoEarlierLoneOne) {
  const TokenIds ids{1, 2};
  const Piece itself[] = {{ids, 0}}, later[] = {{ids, 1}, {ids}}, chain[] = {{ids}, {ids, 0}, {ids, 1}};
  EXPECT_THROW(pack(itself, at::kCPU), ShapeError);
  EXPECT_THROW(pack(later, at::kCPU), ShapeError);
  EXPECT_THROW(pack(chain, at::kCPU), ShapeError);
}

TEST(Pack, RefusesNothingAndEmptySequences) {
  EXPECT_THROW(pack(std::vector<TokenIds>{}, at::kCPU), ShapeError);
  EXPECT_THROW(pack(std::vector<TokenIds>{{1}, {}}, at::kCPU), ShapeError);
}

TEST(Segments, OfNothingAreEmpty) {
  const Segments segments = make_segments({}, at::kCPU);
  EXPECT_EQ(segments.count(), 0);
  EXPECT_EQ(segments.total(), 0);
}

TEST(Segments, RefuseANegativeLength) {
  const std::vector<std::int64_t> lengths{3, -1};
  EXPECT_THROW(make_segments(lengths, at::kCPU), ShapeError);
}

TEST(SegmentSum, AddsEachSegmentAndZeroForAnEmptyOne) {
  const std::vector<std::int64_t> lengths{3, 0, 1, 2};
  const Segments segments = make_segments(lengths, at::kCPU);
  const at::Tensor values = f64({1, 2, 4, 8, 16, 32});
  EXPECT_TRUE(close(segment_sum(values, segments), f64({7, 0, 8, 48}), 0));
  EXPECT_TRUE(close(segment_sum(values.to(at::kFloat), segments), f64({7, 0, 8, 48}), 0));
}

TEST(SegmentSum, RefusesAnotherLength) {
  const std::vector<std::int64_t> lengths{3, 1};
  EXPECT_THROW(segment_sum(f64({1, 2, 3}), make_segments(lengths, at::kCPU)), ShapeError);
}

}  // namespace
}  // namespace rlhf
