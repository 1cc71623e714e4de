// manifest.json of a checkpoint: sizes and CRC-32 of its files.
#include "io/manifest.h"

#include <array>
#include <cstdio>
#include <vector>

#include <nlohmann/json.hpp>
#include <zlib.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "manifest.json";
constexpr int kVersion = 1;

FileStamp stamp_of(const fs::path& path) {
  constexpr std::size_t kBlock = 1 << 20;
  RegularFile file(path, ExitCode::model);
  std::vector<char> block(kBlock);
  FileStamp stamp;
  unsigned long crc = ::crc32(0, nullptr, 0);
  while (const std::size_t count = file.read(block.data(), kBlock)) {
    crc = ::crc32(crc, reinterpret_cast<const unsigned char*>(block.data()), static_cast<unsigned>(count));
    stamp.bytes += count;
  }
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%08lx", crc);
  stamp.crc32 = digits.data();
  return stamp;
}

std::string to_string(const FileStamp& stamp) {
  return std::to_string(stamp.bytes) + " bytes with CRC-32 " + stamp.crc32;
}

}  // namespace

void write_manifest(const fs::path& folder) {
  nlohmann::json files = nlohmann::json::object();
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const FileStamp stamp = stamp_of(entry.path());
    files[entry.path().filename().string()] = {{"bytes", stamp.bytes}, {"crc32", stamp.crc32}};
  }
  const nlohmann::json manifest = {{"version", kVersion}, {"files", std::move(files)}};
  write_file_atomically(folder / kFileName, manifest.dump(2) + "\n");
}

Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kFileName;
  const std::string text = read_file(path, ExitCode::model, kMaxRunFileBytes);
  try {
    const nlohmann::json root = nlohmann::json::parse(text);
    if (root.at("version").get<int>() != kVersion) {
      throw ModelError(path.string() + ": expected version " + std::to_string(kVersion) + ", found " +
                       root.at("version").dump());
    }
    Manifest manifest;
    for (const auto& [name, stamp] : root.at("files").items()) {
      if (fs::path(name).filename() != name) throw ModelError(path.string() + ": expected file names, found a path");
      manifest[name] = {stamp.at("bytes").get<std::uint64_t>(), stamp.at("crc32").get<std::string>()};
    }
    return manifest;
  } catch (const nlohmann::json::exception&) {
    throw ModelError(path.string() + ": expected a manifest with bytes and crc32 of each file, found something else");
  }
}

void verify_manifest(const fs::path& folder) {
  for (const auto& [name, expected] : read_manifest(folder)) {
    const fs::path path = folder / name;
    if (!fs::is_regular_file(path)) throw ModelError(path.string() + ": expected a file, found none");
    const FileStamp found = stamp_of(path);
    if (found != expected) {
      throw ModelError(path.string() + ": expected " + to_string(expected) + ", found " + to_string(found));
    }
  }
}

}  // namespace rlhf
