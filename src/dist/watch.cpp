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
constexpr const char *kCause = "cause", *kConsequence = "consequence", *kHurry = "hurry", *kLeft = "left";
constexpr const char* kNoStore = "rank 0, which has the common store, does not answer";

std::string key_of(const char* kind, int rank) { return std::string(kind) + "/" + std::to_string(rank); }

}  // namespace

Watch::Watch(c10::intrusive_ptr<c10d::Store> store, int rank, int size, std::chrono::milliseconds patience,
             OnFailure on_failure)
    : store_(std::move(store)),
      rank_(rank),
      size_(size),
      patience_(patience),
      on_failure_(std::move(on_failure)),
      left_(static_cast<std::size_t>(size)) {
  show_life();
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
  if (told_)
    write_first_text(*store_, why == Why::own ? kCause : kConsequence,
                     "rank " + std::to_string(rank_) + " failed: " + reason);
  write_text(*store_, key_of("left", rank_), "");
  store_->add(kLeft, 1);
  set(leaving_);
}

void Watch::set(std::atomic<bool>& flag) {
  {
    const std::lock_guard lock(mutex_);
    flag = true;
  }
  changed_.notify_all();
}

bool Watch::is_here(int rank) const { return store_->check({key_of("beat", rank)}); }

void Watch::be_impatient() { patience_ = std::min(patience_.load(), kShortPatience); }

std::string Watch::find_failure() {
  be_impatient();
  try {
    write_text(*store_, kHurry, "");
  } catch (const std::exception&) {
    // The store is gone, which the watch finds as well.
  }
  const auto end = steady_clock::now() + 2 * kShortPatience;
  while (!failed_ && steady_clock::now() < end) std::this_thread::sleep_for(kStep);
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Watch::show_life() { write_text(*store_, key_of("beat", rank_), std::to_string(++beats_)); }

void Watch::run() {
  while (!ended_ && !failed_) {
    try {
      show_life();
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
  if (leaving_) all_left_ = store_->add(kLeft, 0) == size_;
  if (!told_ && store_->check({kCause})) return read_text(*store_, kCause);
  if (!told_ && !consequence_ && store_->check({kConsequence})) {
    be_impatient();
    consequence_ = {read_text(*store_, kConsequence), steady_clock::now() + 2 * kShortPatience};
  }
  if (store_->check({kHurry})) be_impatient();
  if (const std::string found = look_at_next(); !found.empty()) return found;
  return consequence_ && steady_clock::now() > consequence_->due ? consequence_->text : "";
}

int Watch::next_rank() {
  for (int next = (rank_ + 1) % size_; next != rank_; next = (next + 1) % size_) {
    if (left_[next] || !is_here(next)) continue;
    left_[next] = store_->check({key_of("left", next)});
    if (!left_[next]) return next;
  }
  return -1;
}

std::string Watch::look_at_next() {
  const int rank = next_rank();
  if (rank < 0) return "";
  const std::string beat = read_text(*store_, key_of("beat", rank));
  if (rank != next_.rank || beat != next_.beat) {
    next_ = {rank, beat, steady_clock::now()};
  } else if (steady_clock::now() - next_.seen > patience_.load()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_.load()).count();
    return "rank " + std::to_string(rank) + " has shown no sign of life for " + std::to_string(seconds) + " s";
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
