// Maps a safetensors file and makes tensors that are views of the mapping.
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"

#include "io/safetensors_header.h"

namespace rlhf {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian and is used in place");

constexpr std::uint64_t kLengthBytes = 8;

/// A file mapped read-only. The descriptor stays open to check the size again: reading a truncated mapping is a SIGBUS.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) : path_(path) {
    // O_NONBLOCK: opening a pipe must not wait for its other end.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) fail(std::strerror(errno));
    try {
      size_ = current_size();
      if (size_ == 0) fail("expected a safetensors file, found an empty one");
      void* const data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor_, 0);
      if (data == MAP_FAILED) fail(std::strerror(errno));
      data_ = static_cast<const std::byte*>(data);
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~Mapping() {
    ::munmap(const_cast<std::byte*>(data_), size_);
    ::close(descriptor_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::byte* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }
  void check_size() const {
    const std::uint64_t now = current_size();
    if (now != size_) {
      fail("expected " + std::to_string(size_) + " bytes as when it was opened, found " + std::to_string(now));
    }
  }
  /// Drops these pages from the resident memory of the process; the page cache of the system keeps them.
  void release(std::uint64_t begin, std::uint64_t end) const {
    static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::uint64_t first = begin / kPage * kPage;
    ::madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
  }
  [[noreturn]] void fail(const std::string& what) const { throw ModelError(path_.string() + ": " + what); }

 private:
  std::uint64_t current_size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) fail("expected a regular file");
    return static_cast<std::uint64_t>(status.st_size);
  }

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  const std::byte* data_ = nullptr;
};

SafetensorsHeader read_header(const Mapping& file) {
  if (file.size() < kLengthBytes) {
    file.fail("expected 8 bytes of header length, found " + std::to_string(file.size()) + " bytes in all");
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > kMaxSafetensorsHeader || length > rest) {
    file.fail("expected a header of at most " + std::to_string(std::min(kMaxSafetensorsHeader, rest)) +
              " bytes, found a header length of " + std::to_string(length));
  }
  const std::string_view json(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  return parse_safetensors_header(json, kLengthBytes + length, file.size(), file.path());
}

}  // namespace

struct SafetensorsFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path), header(read_header(file)) {}
  Mapping file;
  SafetensorsHeader header;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : impl_(std::make_shared<const Impl>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::map<std::string, SafetensorsFile::Entry>& SafetensorsFile::entries() const { return impl_->header.entries; }
const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return impl_->header.metadata; }
const std::filesystem::path& SafetensorsFile::path() const { return impl_->file.path(); }

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto found = entries().find(name);
  if (found == entries().end()) impl_->file.fail("expected a tensor " + name + ", found none of that name");
  impl_->file.check_size();
  const Entry& entry = found->second;
  const at::TensorOptions options = at::TensorOptions().dtype(entry.dtype);
  const std::byte* const begin = impl_->file.data() + entry.begin;
  if (entry.begin % c10::elementSize(entry.dtype) != 0) {
    at::Tensor copy = at::empty(entry.sizes, options);
    std::memcpy(copy.mutable_data_ptr(), begin, entry.end - entry.begin);
    return copy;
  }
  return at::from_blob(
      const_cast<std::byte*>(begin), entry.sizes,
      [keep = impl_, &entry](void*) { keep->file.release(entry.begin, entry.end); }, options);
}

}  // namespace rlhf
