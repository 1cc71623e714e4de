// Finds out which rank has failed.
#include "dist/watch.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "dist/store_text.h"

namespace rlhf {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBeat{500}, kStep{20};
constexpr std::chrono::milliseconds kGrace{1'000}, kEnding{5'000}, kShortPatience{3'000};
constexpr const char* kCause = "cause";
constexpr const char* kNoStore = "rank 0, which has the common store, does not answer";

std::string key_of(const char* kind, int rank) { return std::string(kind) + "/" + std::to_string(rank); }

}  // namespace

Watch::Watch(c10::intrusive_ptr<c10d::Store> store, int rank, int size, std::chrono::milliseconds patience,
             OnFailure on_failure)
    : store_(std::move(store)), rank_(rank), patience_(patience), on_failure_(std::move(on_failure)) {
  for (int other = 0; other < size; ++other)
    if (other != rank) others_.push_back({other, "", steady_clock::now()});
  answered_ = steady_clock::now();
  thread_ = std::thread([this] { run(); });
  store_thread_ = std::thread([this] { watch_store(); });
}

Watch::~Watch() {
  set(ended_);
  thread_.join();
  store_thread_.join();
}

void Watch::set_activity(const std::string& activity) {
  const std::lock_guard lock(mutex_);
  activity_ = activity;
}

std::string Watch::activity() const {
  const std::lock_guard lock(mutex_);
  return activity_;
}

void Watch::leave(const std::string& reason, Why why) {
  told_ = !reason.empty();
  if (told_ && why == Why::own)
    write_first_text(*store_, kCause, "rank " + std::to_string(rank_) + " failed: " + reason);
  write_text(*store_, key_of("left", rank_), reason);
  set(leaving_);
}

void Watch::set(std::atomic<bool>& flag) {
  {
    const std::lock_guard lock(mutex_);
    flag = true;
  }
  changed_.notify_all();
}

std::string Watch::find_failure() {
  patience_ = std::min(patience_.load(), kShortPatience);
  const auto end = steady_clock::now() + 2 * kShortPatience;
  while (!failed_ && steady_clock::now() < end) std::this_thread::sleep_for(kStep);
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Watch::run() {
  while (!ended_ && !failed_) {
    try {
      write_text(*store_, key_of("beat", rank_), std::to_string(++beats_));
      std::string found = look();
      if (!found.empty()) found = write_first_text(*store_, kCause, found);
      answered_ = steady_clock::now();
      if (!found.empty()) fail(found);
    } catch (const std::exception&) {
      // The store is in the process of rank 0, or of what started the ranks.
      if (!ended_) fail(consequence_ ? consequence_->text : kNoStore);
    }
    // A rank that leaves looks often whether the others have left too.
    std::unique_lock lock(mutex_);
    const bool leaving = leaving_;
    changed_.wait_for(lock, leaving ? kStep : kBeat, [&] { return ended_ || leaving_ != leaving; });
  }
}

void Watch::watch_store() {
  while (!ended_ && !failed_) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::min(kBeat, patience_.load()), [this] { return ended_.load(); });
    }
    if (steady_clock::now() - answered_.load() > patience_.load()) fail(kNoStore);
  }
}

std::string Watch::look() {
  if (!told_ && store_->check({kCause})) return read_text(*store_, kCause);
  for (Other& other : others_)
    if (const std::string found = other.left ? "" : look_at(other); !found.empty()) return found;
  return consequence_ && steady_clock::now() > consequence_->due ? consequence_->text : "";
}

std::string Watch::look_at(Other& other) {
  const std::string name = "rank " + std::to_string(other.rank);
  const std::string left = key_of("left", other.rank), beat = key_of("beat", other.rank);
  if (store_->check({left})) {
    other.left = true;
    ++left_;
    const std::string reason = read_text(*store_, left);
    if (reason.empty() || consequence_) return "";
    patience_ = std::min(patience_.load(), kShortPatience);
    consequence_ = {name + " failed: " + reason, steady_clock::now() + 2 * kShortPatience};
    return "";
  }
  const std::string now = store_->check({beat}) ? read_text(*store_, beat) : "";
  if (now != other.beat) {
    other.beat = now;
    other.seen = steady_clock::now();
  } else if (steady_clock::now() - other.seen > patience_.load()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_.load()).count();
    return name + " has shown no sign of life for " + std::to_string(seconds) + " s";
  }
  return "";
}

void Watch::fail(const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    if (failed_) return;
    failure_ = what;
    failed_ = true;
  }
  // Where all ranks find the same fault, each ends by its own error; but a store that hangs may not let it end.
  for (auto waited = std::chrono::milliseconds(0); waited < (ending_ ? kEnding : kGrace); waited += kStep) {
    if (ended_) return;
    std::this_thread::sleep_for(kStep);
  }
  on_failure_("rank " + std::to_string(rank_) + ", " + activity() + ": " + what);
}

}  // namespace rlhf
