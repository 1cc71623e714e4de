// CRC-32 of bytes and of files.
#include "rlhf/core/checksum.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <zlib.h>

namespace rlhf {

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32_of_file(const std::filesystem::path& path, ExitCode code) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(256u << 10);
  uLong checksum = crc32(0, nullptr, 0);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    checksum = crc32(checksum, reinterpret_cast<const Bytef*>(buffer.data()), static_cast<uInt>(file.gcount()));
  if (!file.eof()) throw Error(code, "cannot read " + path.string() + ": " + std::strerror(errno));
  return static_cast<std::uint32_t>(checksum);
}

}  // namespace rlhf
