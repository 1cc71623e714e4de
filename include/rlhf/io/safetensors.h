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

/// A safetensors file, mapped read-only. Every claim of the header is checked before a tensor is handed out: length,
/// JSON, dtypes, checked products, contiguous offsets without holes or overlap, end of file. Throws ModelError.
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
  /// Zero-copy view of the mapping (it stays alive as long as the tensor): read it, never write to it; clone to train.
  /// What it read leaves the process's resident memory with it. A tensor that does not lie aligned for its dtype is
  /// copied. Throws ModelError if the file was cut meanwhile.
  at::Tensor tensor(const std::string& name) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// Writes CPU or device tensors (made contiguous one at a time), the largest elements first and otherwise in the given
/// order: so each is aligned for its dtype, and the format allows no gaps. Written beside `path`, synced, renamed.
/// Throws OutputError on a full or read-only disk, NumericsError on a non-finite weight; an older file then stays.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace rlhf
