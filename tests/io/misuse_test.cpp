// Wrong calls of checkpoints and safetensors files.
#include "support/misuse.h"

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/io/checkpoint.h"
#include "rlhf/io/safetensors.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

TEST(IoMisuse, Checkpoints) {
  const testing::TemporaryFolder folder;
  const auto save = [&](std::int64_t step, const std::string& group, std::int64_t keep) {
    return [&, step, group, keep] {
      save_checkpoint(folder.path(), step, {{{group, {{"w", at::ones({2})}}}}, {}}, keep);
    };
  };
  expect_misuse<ArgumentError>("step: expected at least 0, found -1", save(-1, "policy", 2));
  expect_misuse<ArgumentError>("keep_last: expected at least 1, found 0", save(1, "policy", 0));
  expect_misuse<ArgumentError>("group of a checkpoint: expected a name without /, found \"a/b\"", save(1, "a/b", 1));
  write_safetensors(folder / "w.safetensors", {{"w", at::ones({2})}});
  const SafetensorsFile saved(folder / "w.safetensors");
  expect_misuse<ArgumentError>("expected a tensor for w", [&] {
    restore_tensors(saved, {{"w", at::Tensor()}}, "checkpoint");
  });
}

TEST(IoMisuse, Safetensors) {
  const testing::TemporaryFolder folder;
  const auto write = [&](const NamedTensors& tensors) {
    return [&folder, tensors] { write_safetensors(folder.path() / "x.safetensors", tensors); };
  };
  const at::Tensor ones = at::ones({2});
  expect_misuse<ArgumentError>("tensor: expected a short name that no other tensor has, found \"w\"",
                               write({{"w", ones}, {"w", ones}}));
  expect_misuse<ArgumentError>("tensor w: expected a dtype that safetensors files can store, found ComplexFloat",
                               write({{"w", ones.to(at::kComplexFloat)}}));
  expect_misuse<ArgumentError>("tensor w: expected a tensor to write, found none", write({{"w", at::Tensor()}}));
}

TEST(IoMisuse, TensorStream) {
  const testing::TemporaryFolder folder;
  const at::Tensor ones = at::ones({2});
  const auto write = [&](const NamedTensors& described, const std::vector<at::Tensor>& given) {
    const TensorStream stream(described, [given](const TensorStream::Take& take) {
      for (const at::Tensor& tensor : given) take(tensor);
    });
    return [&folder, stream] { write_safetensors(folder.path() / "x.safetensors", stream); };
  };
  expect_misuse<ArgumentError>("tensor w: expected one as described", write({{"w", ones}}, {at::ones({3})}));
  expect_misuse<ArgumentError>("tensor w: expected one as described", write({{"w", ones}}, {ones.to(at::kHalf)}));
  expect_misuse<ArgumentError>("tensors: expected 1, found 0", write({{"w", ones}}, {}));
  expect_misuse<ArgumentError>("tensors: expected 1, found more", write({{"w", ones}}, {ones, ones}));
  expect_misuse<ArgumentError>("tensor v: expected no larger elements than before, found Float",
                               write({{"w", ones.to(at::kHalf)}, {"v", ones}}, {ones.to(at::kHalf), ones}));
}

}  // namespace
}  // namespace rlhf
