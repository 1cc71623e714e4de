// Which address other machines can use.
#include "dist/own_address.h"

#include <array>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rlhf {
namespace {

/// The numeric address from which a datagram to `host` would be sent; "" if it cannot be. Nothing is sent.
std::string source_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), "9", &hints, &found) != 0) return "";
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int descriptor = socket(address->ai_family, SOCK_DGRAM, 0);
    if (descriptor < 0) continue;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    std::array<char, NI_MAXHOST> text{};
    const bool known =
        connect(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
        getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&own), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
    close(descriptor);
    if (known) return text.data();
  }
  return "";
}

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace

std::string own_address(const std::string& host) {
  constexpr const char* kAnywhere = "192.0.2.1";  // reserved for documents (RFC 5737), so it has the default route
  const std::string address = source_address(host);
  if (!address.empty() && !is_loopback(address)) return address;
  const std::string by_default = source_address(kAnywhere);
  return by_default.empty() ? address : by_default;
}

}  // namespace rlhf
