// Writes safetensors files.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string>
#include <unistd.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"

#include "io/safetensors_header.h"

namespace rlhf {
namespace {

/// A temporary file beside `path`. `commit` syncs and renames it; without `commit` the destructor removes it.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path) : path_(path), temporary_(path.string() + ".partial") {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) fail();
  }
  ~OutputFile() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      ::unlink(temporary_.c_str());
    }
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* bytes, std::size_t count) {
    const char* next = static_cast<const char*>(bytes);
    while (count > 0) {
      const ::ssize_t written = ::write(descriptor_, next, count);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      next += written;
      count -= static_cast<std::size_t>(written);
    }
  }
  void commit() {
    if (::fsync(descriptor_) != 0) fail();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
    ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  [[noreturn]] void fail() const { throw OutputError("writing " + path_.string() + ": " + std::strerror(errno)); }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Largest elements first: the format allows no gaps, and in this order every tensor is aligned for its dtype.
NamedTensors in_file_order(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors)
    if (!tensor.defined()) throw ArgumentError("tensor " + name + ": expected a tensor to write, found none");
  NamedTensors order = tensors;
  std::ranges::stable_sort(order, std::ranges::greater(), [](const auto& item) { return item.second.element_size(); });
  return order;
}

std::string header_text(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::set<std::string> names;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const bool allowed = names.insert(name).second && name != kMetadataKey && name.size() <= kMaxTensorName;
    check_argument(allowed, "tensor", "a short name that no other tensor has", "\"" + name + "\"");
    const std::string_view dtype = safetensors_dtype_name(tensor.scalar_type());
    check_argument(!dtype.empty(), "tensor " + name, "a dtype that safetensors files can store",
                   c10::toString(tensor.scalar_type()));
    const std::size_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", dtype}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the data section starts at a multiple of 8
  check_argument(text.size() <= kMaxSafetensorsHeader, "tensors", "a header that readers accept", text.size());
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const NamedTensors order = in_file_order(tensors);
  const std::string header = header_text(order, metadata);
  const std::uint64_t header_bytes = header.size();
  OutputFile file(path);
  file.write(&header_bytes, sizeof header_bytes);
  file.write(header.data(), header.size());
  for (const auto& [name, tensor] : order) {
    const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
    if (bytes.is_floating_point() && !at::isfinite(bytes).all().item<bool>()) {
      throw NumericsError("writing " + path.string() + ": tensor " + name + ": expected finite numbers, found a NaN " +
                          "or an infinity");
    }
    file.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  file.commit();
}

}  // namespace rlhf
