// The ranks of a run, on c10d.
#include "rlhf/dist/ranks.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <future>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <utility>

#include <ATen/ops/from_blob.h>
#include <c10/util/Flags.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"

#include "dist/exchange.h"
#include "dist/store_text.h"
#include "dist/watch.h"

C10_DECLARE_int(caffe2_log_level);

namespace rlhf {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Store = c10::intrusive_ptr<c10d::Store>;

constexpr milliseconds kPause{20};

/// Waits a moment. Throws Interrupted after a signal, and std::runtime_error if it is later than `start` + `patience`.
void wait_a_step(steady_clock::time_point start, milliseconds patience, const std::string& missing) {
  stop_if_signalled();
  if (steady_clock::now() - start > patience)
    throw std::runtime_error("no " + missing + " after " +
                             std::to_string(std::chrono::duration_cast<std::chrono::seconds>(patience).count()) + " s");
  std::this_thread::sleep_for(kPause);
}

/// c10d hears no signals while it connects, and may take twice the time that it is given: so it connects in a thread,
/// which is left alone if that takes too long.
Store open_store(const RankPlace& place, bool serve, milliseconds patience,
                 steady_clock::time_point start = steady_clock::now()) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(place.port);
  options.isServer = serve;
  options.waitWorkers = false;
  options.timeout = 2 * patience;
  options.useLibUV = false;  // not every LibTorch has it, and both ends must agree
  std::promise<Store> promise;
  std::future<Store> store = promise.get_future();
  std::thread([address = place.address, options, promise = std::move(promise)]() mutable {
    try {
      promise.set_value(c10::make_intrusive<c10d::TCPStore>(std::move(address), options));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }).detach();
  while (store.wait_for(milliseconds(0)) != std::future_status::ready)
    wait_a_step(start, patience, "answer of rank 0, which has the common store,");
  return c10::make_intrusive<c10d::PrefixStore>("rlhf", store.get());
}

constexpr int kFatal = 3;  // of c10/util/Logging.h

/// c10d writes what its exceptions say to stderr as well, with addresses of functions. Ours is one line.
void silence_c10d() {
  if (!environment_variable("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = kFatal;
}

/// The descriptor on which the process that started the ranks waits for the byte, or -1. Not for programs that this one
/// starts.
int take_joined_descriptor() {
  const auto text = environment_variable(kJoinedVariable);
  unsetenv(kJoinedVariable);
  return text ? std::atoi(text->c_str()) : -1;
}

void tell_joined(int descriptor) {
  if (descriptor < 0) return;
  [[maybe_unused]] const ssize_t ignored = write(descriptor, "", 1);
  close(descriptor);
}

void end_process(const std::string& line) {
  log(LogLevel::error, line);
  close_log_file();
  _exit(static_cast<int>(ExitCode::rank));
}

double bytes_to_others(const at::Tensor& values, int size) {
  return static_cast<double>(values.nbytes()) * (size - 1) / size;
}

void check_parts(const at::Tensor& values, int size) {
  check_argument(values.is_contiguous() && values.dim() == 1 && values.numel() % size == 0, "values",
                 "a contiguous tensor [size · s]", "another one");
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

class Ranks::Group {
 public:
  Group(const RankPlace& place, const RanksOptions& options)
      : place_(place),
        patience_(options.patience),
        store_(open_store(place, place.rank == 0 && !place.store_is_served, options.join_patience, start_)) {
    watch_ = std::make_unique<Watch>(open_store(place, false, options.patience), place.rank, place.size,
                                     options.patience, options.on_failure ? options.on_failure : end_process);
    join(options.join_patience);
  }

  ~Group() { leave(); }

  template <typename Call>
  void run(const std::string& what, const Call& call) {
    watch_->set_activity(what + (phase_.empty() ? "" : " of " + phase_));
    const auto start = steady_clock::now();
    try {
      call();
    } catch (const std::exception& error) {
      const std::string failure = watch_->find_failure();
      is_consequence_ = true;
      throw RankError("rank " + std::to_string(place_.rank) + ", " + watch_->activity() + ": " +
                      (failure.empty() ? first_line(error.what()) : failure));
    }
    watch_->set_activity(phase_.empty() ? "between two exchanges" : phase_);
    seconds += std::chrono::duration<double>(steady_clock::now() - start).count();
  }

  /// Starts call(exchange) with the exchange for `values`, in which this rank sends so many bytes.
  template <typename Call>
  Wait start(const std::string& what, double bytes, const at::Tensor& values, const Call& call) {
    bytes_sent += bytes;
    Wait wait;
    run(what, [&] { wait = call(exchange_for(values)); });
    return [this, what, wait] { run(what, wait); };
  }

  void set_phase(const std::string& phase) {
    phase_ = phase;
    watch_->set_activity(phase);
  }
  void report(const std::string& reason) {
    if (reason_.empty()) reason_ = reason;
    watch_->expect_end();
  }
  c10d::Store& store() { return *store_; }

  /// The number of texts that were gathered, so that each has keys of its own.
  std::int64_t gathered = 0;
  double seconds = 0;     ///< of run()
  double bytes_sent = 0;  ///< see Ranks::bytes_sent

 private:
  static constexpr milliseconds kReading{2'000};
  static constexpr std::size_t kSmall = 1 << 14;  // bytes

  Exchange& exchange_for(const at::Tensor& values) {
    if (values.is_cpu()) return values.nbytes() <= kSmall ? *small_gloo_ : *gloo_;
    if (!nccl_) nccl_ = nccl_exchange(c10::make_intrusive<c10d::PrefixStore>("nccl", store_), place_);
    return *nccl_;
  }

  /// Waits for the others and connects with them. Throws std::runtime_error if a rank does not come, and Interrupted.
  void join(milliseconds patience) try {
    for (int rank = 0; rank < place_.size; ++rank)
      while (!watch_->is_here(rank)) wait_a_step(start_, patience, "rank " + std::to_string(rank));
    gloo_ = gloo_exchange(c10::make_intrusive<c10d::PrefixStore>("gloo", store_), place_);
    small_gloo_ = gloo_exchange(c10::make_intrusive<c10d::PrefixStore>("small", store_), place_);
    store_->setTimeout(hours(24 * 365));  // the watch finds out who does not answer
  } catch (const std::exception& error) {
    report(first_line(error.what()));
    leave();
    throw;
  }

  void leave() {
    try {
      // After a failure the other ranks may not come to the end of what was started.
      if (nccl_ && reason_.empty() && std::uncaught_exceptions() == 0) nccl_->finish();
      watch_->leave(reason_, is_consequence_ ? Watch::Why::another : Watch::Why::own);
      // The store ends with rank 0, and the others read it until they have left, or know why this rank ends.
      const milliseconds longest = reason_.empty() ? patience_ : kReading;
      for (milliseconds waited{0}; place_.rank == 0 && !watch_->all_left() && waited < longest; waited += kPause)
        std::this_thread::sleep_for(kPause);
    } catch (const std::exception& error) {
      log_debug(std::string("leaving the ranks: ") + error.what());
    }
  }

  const steady_clock::time_point start_ = steady_clock::now();
  const RankPlace place_;
  const milliseconds patience_;
  Store store_;
  std::unique_ptr<Exchange> gloo_;
  std::unique_ptr<Exchange> small_gloo_;  ///< with connections of its own, so that numbers do not wait behind weights
  std::unique_ptr<Exchange> nccl_;        ///< from the first tensor on a GPU on
  std::unique_ptr<Watch> watch_;
  std::string phase_, reason_;
  bool is_consequence_ = false;  ///< an exchange failed, which is not this rank's fault
};

Ranks::Ranks() = default;

const Ranks& one_rank() {
  static const Ranks ranks;
  return ranks;
}

Ranks::Ranks(const RankPlace& place, const RanksOptions& options) : place_(place) {
  check_argument(place.size >= 1, "size", "at least 1", place.size);
  check_argument(place.rank >= 0 && place.rank < place.size, "rank", "from 0 to below size", place.rank);
  if (place.size == 1) return;
  silence_c10d();
  prepare_nccl();
  const int joined = take_joined_descriptor();
  try {
    group_ = std::make_unique<Group>(place, options);
    tell_joined(joined);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw RankError("rank " + std::to_string(place.rank) + " of " + std::to_string(place.size) +
                    ": expected all ranks at " + place.address + ":" + std::to_string(place.port) +
                    ", found: " + first_line(error.what()));
  }
}

Ranks::~Ranks() = default;
Ranks::Ranks(Ranks&&) noexcept = default;
Ranks& Ranks::operator=(Ranks&&) noexcept = default;

void Ranks::sum(const at::Tensor& values, const std::string& what) const { start_sum(values, what)(); }

Ranks::Wait Ranks::start_sum(const at::Tensor& values, const std::string& what) const {
  if (!group_) return [] {};
  check_argument(values.is_contiguous(), "values", "a contiguous tensor", "another one");
  return group_->start(what, 2 * bytes_to_others(values, size()), values,
                       [&](Exchange& exchange) { return exchange.sum(values); });
}

Ranks::Wait Ranks::start_sum_of_parts(const at::Tensor& values, const at::Tensor& total,
                                      const std::string& what) const {
  if (!group_) return [] {};
  check_parts(values, size());
  check_argument(total.scalar_type() == at::kFloat && total.dim() == 1 && total.numel() == values.numel() / size(),
                 "total", "a float32 tensor [s]", "another one");
  return group_->start(what, bytes_to_others(values, size()), values,
                       [&](Exchange& exchange) { return exchange.sum_of_parts(values, total); });
}

Ranks::Wait Ranks::start_gather_parts(const at::Tensor& values, const std::string& what) const {
  if (!group_) return [] {};
  check_parts(values, size());
  return group_->start(what, bytes_to_others(values, size()), values,
                       [&](Exchange& exchange) { return exchange.gather_parts(values); });
}

void Ranks::sum(std::span<double> values, const std::string& what) const {
  sum(at::from_blob(values.data(), {std::ssize(values)}, at::kDouble), what);
}

std::vector<std::string> Ranks::gather(const std::string& text, const std::string& what) const {
  if (!group_) return {text};
  std::vector<std::string> texts;
  group_->run(what, [&] {
    const std::string prefix = "text/" + std::to_string(group_->gathered++) + "/";
    write_text(group_->store(), prefix + std::to_string(rank()), text);
    for (int other = 0; other < size(); ++other)
      texts.push_back(read_text(group_->store(), prefix + std::to_string(other)));
  });
  return texts;
}

double Ranks::bytes_sent() const { return group_ ? group_->bytes_sent : 0; }

double Ranks::seconds_exchanging() const { return group_ ? group_->seconds : 0; }

void Ranks::set_phase(const std::string& phase) const {
  if (group_) group_->set_phase(phase);
}

void Ranks::report_failure(const std::string& reason) const {
  if (group_) group_->report(reason);
}

}  // namespace rlhf
