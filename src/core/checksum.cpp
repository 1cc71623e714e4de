// CRC-32 of bytes and of files.
#include "rlhf/core/checksum.h"

#include <vector>

#include <zlib.h>

#include "rlhf/core/read_file.h"

namespace rlhf {

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32_of_file(const std::filesystem::path& path, ExitCode code) {
  RegularFile file(path, code);
  std::vector<char> buffer(256u << 10);
  uLong checksum = crc32(0, nullptr, 0);
  while (const std::size_t count = file.read(buffer.data(), buffer.size()))
    checksum = crc32(checksum, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(count));
  return static_cast<std::uint32_t>(checksum);
}

}  // namespace rlhf
