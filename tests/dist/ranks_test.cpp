#include "rlhf/dist/ranks.h"

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <future>
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
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/signals.h"

#include "dist/watch.h"
#include "support/misuse.h"
#include "support/rank_threads.h"

namespace rlhf {
namespace {

using testing::expect_misuse;
using testing::Failures;
using testing::free_port;
using testing::run_ranks;

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

// 4 ranks with r + 1 times [0, …, 7]: the sum is 10 times that, and each rank has two elements of it.
TEST(Ranks, SumPartsAndGatherThem) {
  Failures failures;
  run_ranks(4, failures, [&](const Ranks& ranks) {
    const at::Tensor values = at::arange(8, at::kFloat).mul(ranks.rank() + 1);
    const std::int64_t begin = 2 * ranks.rank();
    ranks.start_sum_of_parts(values, values.narrow(0, begin, 2), "gradients")();
    const at::Tensor expected = at::arange(8, at::kFloat).mul(10);
    EXPECT_TRUE(values.narrow(0, begin, 2).equal(expected.narrow(0, begin, 2)));
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const at::Tensor parts = at::full({8}, -1, dtype);
      parts.narrow(0, begin, 2).copy_(expected.narrow(0, begin, 2));
      ranks.start_gather_parts(parts, "weights")();
      EXPECT_TRUE(parts.equal(expected.to(dtype)));
    }
    // A ring of 4 sends 3 quarters of each: 32 bytes of the sum, 32 and 16 of what is gathered.
    EXPECT_EQ(ranks.bytes_sent(), 0.75 * (32 + 32 + 16));
    expect_misuse<ArgumentError>("values: expected a contiguous tensor [size · s]",
                                 [&] { ranks.start_gather_parts(at::arange(7), "weights")(); });
    expect_misuse<ArgumentError>("total: expected a float32 tensor [s]",
                                 [&] { ranks.start_sum_of_parts(values, values, "gradients")(); });
  });
  EXPECT_TRUE(failures.lines.empty());
}

// 256 + 1 is 256 in bfloat16. The elements of 4 ranks are 256, 1, 1, 1, and the total was 1000 before.
TEST(Ranks, AddPartsOfBfloat16InFloat32) {
  Failures failures;
  run_ranks(4, failures, [&](const Ranks& ranks) {
    const std::int64_t elements = 70'000;  // more than are added at once
    const at::Tensor values = at::full({4 * elements}, ranks.is_first() ? 256 : 1, at::kBFloat16);
    const at::Tensor total = at::full({elements}, 1000, at::kFloat);
    ranks.start_sum_of_parts(values, total, "gradients")();
    EXPECT_TRUE(total.eq(1259).all().item<bool>());
    EXPECT_EQ(ranks.bytes_sent(), 3 * elements * 2);
  });
  EXPECT_TRUE(failures.lines.empty());
}

TEST(Ranks, StartedSumsEndInAnyOrder) {
  Failures failures;
  run_ranks(3, failures, [&](const Ranks& ranks) {
    const at::Tensor first = at::full({1000}, 1.0F), second = at::full({10}, 2.0F);
    const auto wait_first = ranks.start_sum(first, "bucket 0"), wait_second = ranks.start_sum(second, "bucket 1");
    wait_second();
    wait_first();
    EXPECT_TRUE(first.equal(at::full({1000}, 3.0F)));
    EXPECT_TRUE(second.equal(at::full({10}, 6.0F)));
  });
  EXPECT_TRUE(failures.lines.empty());
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

TEST(Ranks, ARankThatDoesNotComeIsNamed) {
  const int port = free_port();
  // Whoever gives up first tells the other, which would end the process.
  const RanksOptions options{.join_patience = std::chrono::milliseconds(2'000),
                             .on_failure = [](const std::string&) {}};
  std::thread other(
      [&] { EXPECT_THROW(Ranks({.rank = 1, .size = 3, .local_size = 3, .port = port}, options), RankError); });
  expect_misuse<RankError>(
      "rank 0 of 3: expected all ranks at 127.0.0.1:" + std::to_string(port) + ", found: no rank 2 after 2 s",
      [&] { Ranks({.rank = 0, .size = 3, .local_size = 3, .port = port}, options); });
  other.join();
}

// Rank 2 has not come yet, so that nobody else looks at rank 1.
TEST(Ranks, ARankThatStopsBeforeAllAreThereIsNamed) {
  const int port = free_port();
  std::promise<std::string> line;
  std::thread first([&] {
    const RanksOptions options{.patience = std::chrono::milliseconds(1'000),
                               .join_patience = std::chrono::milliseconds(5'000),
                               .on_failure = [&](const std::string& text) { line.set_value(text); }};
    EXPECT_THROW(Ranks({.rank = 0, .size = 3, .local_size = 3, .port = port}, options), RankError);
  });
  {
    c10d::TCPStoreOptions client;
    client.port = static_cast<std::uint16_t>(port);
    client.useLibUV = false;
    const auto store = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", client);
    const Watch stops(c10::make_intrusive<c10d::PrefixStore>("rlhf", store), 1, 3, std::chrono::hours(1), {});
  }
  first.join();
  EXPECT_EQ(line.get_future().get(), "rank 0, the start: rank 1 has shown no sign of life for 1 s");
}

/// A port whose connections are never answered, as that of a rank 0 that hangs.
class SilentPort {
 public:
  SilentPort() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const general = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(descriptor_, general, length), 0);
    EXPECT_EQ(listen(descriptor_, /*n=*/8), 0);
    EXPECT_EQ(getsockname(descriptor_, general, &length), 0);
    port = ntohs(address.sin_port);
  }
  ~SilentPort() { close(descriptor_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  int port = 0;

 private:
  int descriptor_;
};

TEST(Ranks, ASignalEndsTheWaitForRank0) {
  const SilentPort hangs;
  for (const int port : {hangs.port, free_port()}) {
    set_stop_signal(SIGTERM);
    EXPECT_THROW(Ranks({.rank = 1, .size = 2, .local_size = 2, .port = port}), Interrupted);
    set_stop_signal(0);
  }
}

TEST(Ranks, ARank0ThatHangsIsNamed) {
  const SilentPort hangs;
  expect_misuse<RankError>("found: no answer of rank 0, which has the common store, after 2 s", [&] {
    Ranks({.rank = 1, .size = 2, .local_size = 2, .port = hangs.port},
          {.join_patience = std::chrono::milliseconds(2'000)});
  });
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
