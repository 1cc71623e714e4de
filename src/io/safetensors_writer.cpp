// Writes safetensors files.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
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

void check_defined(const std::string& name, const at::Tensor& tensor) {
  if (!tensor.defined()) throw ArgumentError("tensor " + name + ": expected a tensor to write, found none");
}

/// Tensors with the largest elements must be first: the format allows no gaps, and in this order each is aligned.
std::string header_text(const NamedTensors& tensors, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::set<std::string> names;
  std::size_t offset = 0;
  std::int64_t largest = 8;
  for (const auto& [name, tensor] : tensors) {
    check_defined(name, tensor);
    const bool allowed = names.insert(name).second && name != kMetadataKey && name.size() <= kMaxTensorName;
    check_argument(allowed, "tensor", "a short name that no other tensor has", "\"" + name + "\"");
    const std::string_view dtype = safetensors_dtype_name(tensor.scalar_type());
    check_argument(!dtype.empty(), "tensor " + name, "a dtype that safetensors files can store",
                   c10::toString(tensor.scalar_type()));
    check_argument(tensor.element_size() <= largest, "tensor " + name, "no larger elements than before",
                   c10::toString(tensor.scalar_type()));
    largest = tensor.element_size();
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

TensorStream::TensorStream(NamedTensors tensors) : described_(std::move(tensors)) {}

TensorStream::TensorStream(NamedTensors described, Give give)
    : described_(std::move(described)), give_(std::move(give)) {}

void TensorStream::give(const Take& take) const {
  std::size_t next = 0;
  const auto check_and_take = [&](const at::Tensor& tensor) {
    check_argument(next < described_.size(), "tensors", std::to_string(described_.size()), "more");
    const auto& [name, like] = described_[next++];
    check_argument(tensor.sizes() == like.sizes() && tensor.scalar_type() == like.scalar_type(), "tensor " + name,
                   "one as described", "another one");
    take(tensor);
  };
  if (give_) {
    give_(check_and_take);
  } else {
    for (const auto& [name, tensor] : described_) check_and_take(tensor);
  }
  check_argument(next == described_.size(), "tensors", std::to_string(described_.size()), next);
}

TensorStream TensorStream::to(at::ScalarType dtype) const {
  NamedTensors described;
  for (const auto& [name, tensor] : described_)
    described.emplace_back(name, at::empty(tensor.sizes(), at::TensorOptions(dtype).device(at::kMeta)));
  return {std::move(described), [all = *this, dtype](const Take& take) {
            all.give([&](const at::Tensor& tensor) { take(tensor.detach().to(dtype)); });
          }};
}

void write_safetensors(const std::filesystem::path& path, const TensorStream& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(tensors.described(), metadata);
  const std::uint64_t header_bytes = header.size();
  OutputFile file(path);
  file.write(&header_bytes, sizeof header_bytes);
  file.write(header.data(), header.size());
  auto next = tensors.described().begin();
  tensors.give([&](const at::Tensor& tensor) {
    const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
    if (bytes.is_floating_point() && !at::isfinite(bytes).all().item<bool>()) {
      throw NumericsError("writing " + path.string() + ": tensor " + next->first +
                          ": expected finite numbers, found a NaN or an infinity");
    }
    file.write(bytes.const_data_ptr(), bytes.nbytes());
    ++next;
  });
  file.commit();
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  for (const auto& [name, tensor] : tensors) check_defined(name, tensor);
  NamedTensors order = tensors;
  std::ranges::stable_sort(order, std::ranges::greater(), [](const auto& item) { return item.second.element_size(); });
  write_safetensors(path, TensorStream(std::move(order)), metadata);
}

}  // namespace rlhf
