#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace rlhf::testing {

/// What the server does with a request: answers it, or closes the connection without a word if the status is 0, or
/// says nothing until the server ends if it is below 0.
struct HttpReply {
  int status = 200;
  std::string body;
};

/// An HTTP server on 127.0.0.1 that answers one request after another.
class HttpServer {
 public:
  /// `answer` gets the number of the request, from 0, and its body.
  explicit HttpServer(std::function<HttpReply(int, const std::string&)> answer) : answer_(std::move(answer)) {
    setenv("no_proxy", "127.0.0.1", 1);  // a proxy of the environment is not meant
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, where, size) != 0 || listen(listener_, 64) != 0 ||
        getsockname(listener_, where, &size) != 0)
      throw std::runtime_error("cannot listen on 127.0.0.1");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    ends_ = true;
    thread_.join();
    for (const int held : held_) close(held);
    close(listener_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/score"; }
  int requests() const { return requests_; }

 private:
  void serve() {
    while (!ends_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection >= 0) serve(connection);
    }
  }

  void serve(int connection) {
    const HttpReply reply = answer_(requests_++, body_of(connection));
    if (reply.status < 0) {
      held_.push_back(connection);
      return;
    }
    if (reply.status > 0) {
      const std::string text = "HTTP/1.1 " + std::to_string(reply.status) +
                               " X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                               std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body;
      for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
      }
    }
    close(connection);
  }

  /// Reads a request and returns its body.
  static std::string body_of(int connection) {
    std::string text;
    std::size_t end = 0, length = 0;
    char part[65536];
    while (end == 0 || text.size() < end + length) {
      const ssize_t count = recv(connection, part, sizeof part, 0);
      if (count <= 0) break;
      text.append(part, static_cast<std::size_t>(count));
      if (end > 0 || text.find("\r\n\r\n") == std::string::npos) continue;
      end = text.find("\r\n\r\n") + 4;
      std::string head = text.substr(0, end);
      std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
      length = std::stoul(head.substr(head.find("content-length:") + 15));
    }
    return text.substr(end);
  }

  std::function<HttpReply(int, const std::string&)> answer_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<int> requests_ = 0;
  std::vector<int> held_;
  std::thread thread_;
};

}  // namespace rlhf::testing
