// Reads safetensors files.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"

#include "io/safetensors_header.h"

namespace rlhf {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian and is read as it is");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::int64_t kBlock = std::int64_t{4} << 20;  // bytes that a thread reads at least

/// A file that is open for reading. It is read and not mapped, because a mapped file that another process truncates
/// ends this process with SIGBUS.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path) : path_(path) {
    // O_NONBLOCK: opening a pipe must not wait for its other end.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) fail(std::strerror(errno));
    try {
      size_ = current_size();
      if (size_ == 0) fail("expected a safetensors file, found an empty one");
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Reads the bytes from `begin` on into `out`, all of them. Several threads may read at the same time.
  void read(std::uint64_t begin, std::byte* out, std::uint64_t count) const {
    while (count > 0) {
      const ssize_t done = ::pread(descriptor_, out, count, static_cast<off_t>(begin));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail(std::strerror(errno));
      if (done == 0) {
        fail("expected " + std::to_string(size_) + " bytes as when it was opened, found " +
             std::to_string(current_size()));
      }
      begin += static_cast<std::uint64_t>(done);
      out += done;
      count -= static_cast<std::uint64_t>(done);
    }
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
};

SafetensorsHeader read_header(const OpenFile& file) {
  if (file.size() < kLengthBytes) {
    file.fail("expected 8 bytes of header length, found " + std::to_string(file.size()) + " bytes in all");
  }
  std::uint64_t length = 0;
  file.read(0, reinterpret_cast<std::byte*>(&length), kLengthBytes);
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > kMaxSafetensorsHeader || length > rest) {
    file.fail("expected a header of at most " + std::to_string(std::min(kMaxSafetensorsHeader, rest)) +
              " bytes, found a header length of " + std::to_string(length));
  }
  std::string json(length, '\0');
  file.read(kLengthBytes, reinterpret_cast<std::byte*>(json.data()), length);
  return parse_safetensors_header(json, kLengthBytes + length, file.size(), file.path());
}

/// Memory for a tensor. A large one gets pages of its own, which leave the process with it: most tensors of files are
/// copied into weights and released, and the allocator could not use the gaps between the weights for much else.
at::Tensor allocate(const SafetensorsFile::Entry& entry) {
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 20;
  const at::TensorOptions options = at::TensorOptions().dtype(entry.dtype);
  const std::uint64_t bytes = entry.end - entry.begin;
  if (bytes < kLarge) return at::empty(entry.sizes, options);
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return at::from_blob(
      pages, entry.sizes, [bytes](void* begin) { ::munmap(begin, bytes); }, options);
}

}  // namespace

struct SafetensorsFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path), header(read_header(file)) {}
  OpenFile file;
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
  const Entry& entry = found->second;
  at::Tensor values = allocate(entry);
  auto* const out = static_cast<std::byte*>(values.mutable_data_ptr());
  // Several threads copy faster from the page cache than one.
  const auto count = static_cast<std::int64_t>(entry.end - entry.begin);
  at::parallel_for(0, count, kBlock, [&](std::int64_t begin, std::int64_t end) {
    impl_->file.read(entry.begin + static_cast<std::uint64_t>(begin), out + begin,
                     static_cast<std::uint64_t>(end - begin));
  });
  return values;
}

}  // namespace rlhf
