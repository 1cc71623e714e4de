#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"
#include "rlhf/tensor/packed_batch.h"

#include "support/source_dir.h"
#include "support/temporary_folder.h"

namespace rlhf::testing {

inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(testing::source_dir()) / "golden" / name;
}

/// ‖a − b‖ / ‖b‖ in float64.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.detach().to(at::kDouble);
  return (a.detach().to(at::kDouble).sub(wide).norm().div(wide.norm())).item<double>();
}
inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return a.detach().to(at::kDouble).sub(b.detach().to(at::kDouble)).abs().max().item<double>();
}

/// Sequences of these lengths cut from `tokens` [N] int64.
inline std::vector<TokenIds> cut(const at::Tensor& tokens, const std::vector<std::int64_t>& lengths) {
  std::vector<TokenIds> sequences;
  const std::int64_t* next = tokens.const_data_ptr<std::int64_t>();
  for (const std::int64_t length : lengths) {
    sequences.emplace_back(next, next + length);
    next += length;
  }
  return sequences;
}

/// The same, laid end to end as they stand there.
inline PackedBatch pack_cut(const at::Tensor& tokens, const std::vector<std::int64_t>& lengths,
                            at::Device device = at::kCPU) {
  return pack(cut(tokens, lengths), device);
}

/// The tensors of a stream, all at once.
inline NamedTensors tensors_of(const TensorStream& stream) {
  NamedTensors tensors = stream.described();
  auto next = tensors.begin();
  stream.give([&](const at::Tensor& tensor) { (next++)->second = tensor; });
  return tensors;
}

/// Runs `call`, which must throw an Error with this code whose one line contains every part.
template <typename Call>
void expect_error(const Call& call, ExitCode code, const std::vector<std::string>& parts) {
  try {
    call();
    ADD_FAILURE() << "expected an error that says: " << parts.front();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.exit_code(), code) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
  }
}

}  // namespace rlhf::testing
