#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// A safetensors file, open for reading. The constructor checks the whole header: its length, JSON, dtypes, sizes
/// without overflow, contiguous offsets without gaps or overlap, end of file. Throws ModelError.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  struct Entry {
    std::string name;
    at::ScalarType dtype;
    std::vector<std::int64_t> sizes;
    std::uint64_t begin, end;  ///< bytes, from the start of the file
  };
  const std::map<std::string, Entry>& entries() const;
  const std::map<std::string, std::string>& metadata() const;
  const std::filesystem::path& path() const;
  /// Reads a tensor. Throws ModelError if the file was truncated after it was opened.
  at::Tensor tensor(const std::string& name) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Tensors that are made one after another, so that a large model is written without a second copy of it.
class TensorStream {
 public:
  using Take = std::function<void(const at::Tensor&)>;
  using Give = std::function<void(const Take&)>;

  /// Tensors that are there.
  TensorStream(NamedTensors tensors);  // NOLINT(google-explicit-constructor): a function takes either
  /// `described` has the names, dtypes and sizes, for example of tensors on the device `meta`, which have no memory.
  /// `give` calls its argument with each tensor, in this order.
  TensorStream(NamedTensors described, Give give);

  const NamedTensors& described() const { return described_; }
  /// Makes the tensors and gives them to `take`. Throws ArgumentError if they are not as described.
  void give(const Take& take) const;
  /// The same tensors in another dtype.
  TensorStream to(at::ScalarType dtype) const;

 private:
  NamedTensors described_;
  Give give_;  ///< null: those of described_
};

/// Writes CPU or device tensors atomically. The format allows no gaps, so the tensors with the largest elements must
/// come first: then each is aligned for its dtype. Throws OutputError if the file cannot be written, NumericsError if a
/// weight is not finite, and ArgumentError for another order and for a name or dtype that the format cannot hold; an
/// existing file at `path` is then unchanged.
void write_safetensors(const std::filesystem::path& path, const TensorStream& tensors,
                       const std::map<std::string, std::string>& metadata = {});
/// The same for tensors in any order. Those with the largest elements are written first, otherwise in the given order.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace rlhf
