#pragma once

#include <cstdint>
#include <filesystem>
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

/// Writes CPU or device tensors atomically. Tensors with the largest elements come first, otherwise in the given order:
/// so every tensor is aligned for its dtype although the format allows no gaps. Throws OutputError if the file cannot
/// be written NumericsError if a weight is not finite, and ArgumentError for a name or dtype that the format cannot
/// hold; an existing file at `path` is then unchanged.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace rlhf
