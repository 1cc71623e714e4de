#pragma once

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace rlhf::testing {

/// A path that looks like a file and is none that can be read to its end.
struct SpecialFile {
  std::string name;
  std::filesystem::path path;
  std::string found;  ///< part of the error
};

/// One of each kind in `folder`: FIFO, endless device, folder, socket, dangling link, link to itself, file of 20 GiB
/// without content, and (unless the user is root) a file without permission.
inline std::vector<SpecialFile> make_special_files(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path fifo = folder / "fifo", device = folder / "device", directory = folder / "directory",
                 socket = folder / "socket", dangling = folder / "dangling", loop = folder / "loop",
                 sparse = folder / "sparse", locked = folder / "locked";
  ::mkfifo(fifo.c_str(), 0600);
  fs::create_symlink("/dev/zero", device);
  fs::create_directory(directory);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(descriptor);
  fs::create_symlink(folder / "absent", dangling);
  fs::create_symlink(loop, loop);
  ::close(::open(sparse.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  fs::resize_file(sparse, std::uintmax_t{20} << 30);
  std::vector<SpecialFile> files = {
      {"FIFO", fifo, "a FIFO"},
      {"/dev/zero", device, "a device"},
      {"folder", directory, "a folder"},
      {"dangling link", dangling, "No such file"},
      {"link to itself", loop, "symbolic links"},
      {"sparse file", sparse, "bytes, found 21474836480"},
  };
  if (bound) files.push_back({"socket", socket, "a socket"});
  if (::geteuid() != 0) {
    ::close(::open(locked.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0));
    files.push_back({"file without permission", locked, "Permission denied"});
  }
  return files;
}

}  // namespace rlhf::testing
