#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/dist/ranks.h"

#include "support/free_port.h"

namespace rlhf::testing {

/// How ranks ended: what the watches reported, and errors.
struct Failures {
  std::mutex mutex;
  std::vector<std::string> lines;

  bool have(const std::string& text) {
    const std::lock_guard lock(mutex);
    for (const std::string& line : lines)
      if (line.find(text) != std::string::npos) return true;
    return false;
  }
};

/// Runs body(ranks) as each of `size` ranks, as threads of this process.
template <typename Body>
void run_ranks(int size, Failures& failures, const Body& body) {
  const int port = free_port();
  const RanksOptions options{.patience = std::chrono::milliseconds(10'000),
                             .join_patience = std::chrono::milliseconds(30'000),
                             .on_failure = [&](const std::string& line) {
                               const std::lock_guard lock(failures.mutex);
                               failures.lines.push_back(line);
                             }};
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([=, &body, &options, &failures] {
      try {
        const Ranks ranks({.rank = rank, .size = size, .local_rank = rank, .local_size = size, .port = port}, options);
        body(ranks);
      } catch (const RankError& error) {
        const std::lock_guard lock(failures.mutex);
        failures.lines.emplace_back(error.what());
      }
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace rlhf::testing
