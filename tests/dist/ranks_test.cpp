#include "rlhf/dist/ranks.h"

#include <atomic>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/misuse.h"

namespace rlhf {
namespace {

using testing::expect_misuse;

/// A port that nobody listens on.
int free_port() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(descriptor, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length), 0);
  close(descriptor);
  return ntohs(address.sin_port);
}

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

TEST(Ranks, OneProcessKeepsWhatItHas) {
  const Ranks ranks;
  const at::Tensor values = at::arange(3, at::kFloat);
  ranks.sum(values, "values");
  EXPECT_TRUE(values.equal(at::arange(3, at::kFloat)));
  EXPECT_EQ(ranks.gather("a", "texts"), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(ranks.is_first());
  EXPECT_EQ(ranks.size(), 1);
}

// 1 + 2 + 3 times 0, 1, 2, …, in all dtypes that are exchanged, also in sizes that no number of ranks divides.
TEST(Ranks, SumOverAll) {
  Failures failures;
  std::atomic<int> done = 0;
  run_ranks(3, failures, [&](const Ranks& ranks) {
    for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kLong})
      for (const std::int64_t size : {1, 2, 1001}) {
        const at::Tensor values = at::arange(size, dtype).mul(ranks.rank() + 1);
        ranks.sum(values, "values");
        EXPECT_TRUE(values.equal(at::arange(size, dtype).mul(6))) << dtype << size;
      }
    ++done;
  });
  EXPECT_EQ(done, 3);
  EXPECT_TRUE(failures.lines.empty());
}

// The sum of floats depends on their order, which must not differ between ranks.
TEST(Ranks, SumsHaveTheSameBitsOnAllRanks) {
  Failures failures;
  std::vector<at::Tensor> sums(4);
  run_ranks(4, failures, [&](const Ranks& ranks) {
    const at::Tensor values = at::arange(777, at::kFloat).add(1).reciprocal().pow(ranks.rank() + 0.3);
    ranks.sum(values, "values");
    sums[static_cast<std::size_t>(ranks.rank())] = values;
  });
  for (const at::Tensor& other : sums) EXPECT_TRUE(other.equal(sums.front()));
}

TEST(Ranks, GatherTextsByRank) {
  Failures failures;
  run_ranks(3, failures, [&](const Ranks& ranks) {
    for (const char* const part : {"a", "", "c"}) {
      const auto texts = ranks.gather(part + std::to_string(ranks.rank()), "texts");
      EXPECT_EQ(texts,
                (std::vector<std::string>{part + std::string("0"), part + std::string("1"), part + std::string("2")}));
    }
  });
  EXPECT_TRUE(failures.lines.empty());
}

// Rank 1 ends by an exception, while the others wait for it in a sum.
TEST(Ranks, AnExceptionOfOneEndsAllAndIsTold) {
  Failures failures;
  run_ranks(3, failures, [&](const Ranks& ranks) {
    ranks.set_phase("step 7");
    if (ranks.rank() == 1) {
      ranks.report_failure("the model is not finite");
      throw RankError("its own end");
    }
    const at::Tensor values = at::full({10}, 1.0F);
    ranks.sum(values, "gradients");
    ADD_FAILURE() << "a sum without rank 1";
  });
  for (const char* const rank : {"rank 0", "rank 2"})
    EXPECT_TRUE(failures.have(std::string(rank) + ", gradients of step 7: rank 1 failed: the model is not finite"));
}

TEST(Ranks, WrongPlacesAreRefused) {
  expect_misuse<ArgumentError>("rank: expected from 0 to below size, found 2", [] { Ranks({.rank = 2, .size = 2}); });
  expect_misuse<RankError>("rank 1 of 2: expected all ranks at 127.0.0.1:", [] {
    Ranks({.rank = 1, .size = 2, .local_size = 2, .port = free_port()},
          {.join_patience = std::chrono::milliseconds(1'000)});
  });
}

}  // namespace
}  // namespace rlhf
