// Tensors on the CPU, by Gloo.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "dist/exchange.h"
#include "dist/own_address.h"

namespace rlhf {
namespace {

c10::intrusive_ptr<c10d::Backend> connect_gloo(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place) {
  const auto options = c10d::ProcessGroupGloo::Options::create();
  options->timeout = std::chrono::hours(24 * 365);  // the watch finds out who does not answer
  const std::string own = place.local_size == place.size ? "127.0.0.1" : own_address(place.address);
  options->devices.push_back(own.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                                         : c10d::ProcessGroupGloo::createDeviceForHostname(own));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.size, options);
}

/// total += values, float32 + any dtype. In pieces, because LibTorch makes a float32 copy of other dtypes.
void add_in_float32(const at::Tensor& total, const at::Tensor& values) {
  constexpr std::int64_t kPiece = 1 << 16;
  for (std::int64_t begin = 0; begin < total.numel(); begin += kPiece) {
    const std::int64_t count = std::min(kPiece, total.numel() - begin);
    total.narrow(0, begin, count).add_(values.narrow(0, begin, count));
  }
}

class GlooExchange final : public Exchange {
 public:
  GlooExchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place)
      : place_(place), backend_(connect_gloo(store, place)) {}

  Wait sum(const at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    return [work = backend_->allreduce(tensors)] { work->wait(); };
  }

  // c10d's own reduce-scatter sends as much as a sum of everything, and its all-gather copies what it sends and
  // receives. Messages from each rank to each other one do neither.
  Wait sum_of_parts(const at::Tensor& values, const at::Tensor& total) override {
    const at::Tensor own = part_of(values, place_.rank, place_.size);
    std::vector<at::Tensor> buffers, received;
    for (int other = 0; other < place_.size; ++other) {
      if (other != place_.rank) buffers.push_back(take_buffer(own.nbytes()));
      received.push_back(other == place_.rank ? own : buffers.back().view(own.scalar_type()).narrow(0, 0, own.numel()));
    }
    const Wait wait = start([&](int other) { return received[other]; },
                            [&](int other) { return part_of(values, other, place_.size); });
    return [this, wait, total, buffers, received] {
      wait();
      const at::NoGradGuard no_grad;
      for (const at::Tensor& part : received)
        if (part.const_data_ptr() != total.const_data_ptr()) add_in_float32(total, part);
      buffers_.insert(buffers_.end(), buffers.begin(), buffers.end());
    };
  }

  Wait gather_parts(const at::Tensor& values) override {
    const at::Tensor bytes = values.view(at::kByte);
    return start([&](int other) { return part_of(bytes, other, place_.size); },
                 [&](int) { return part_of(bytes, place_.rank, place_.size); });
  }

 private:
  /// Starts to receive a tensor from each other rank, and to send one to it.
  template <typename Received, typename Sent>
  Wait start(const Received& received, const Sent& sent) {
    constexpr int kTags = 1 << 30;
    tag_ = (tag_ + 1) % kTags;
    std::vector<at::Tensor> held;
    std::vector<c10::intrusive_ptr<c10d::Work>> works;
    for (int distance = 1; distance < place_.size; ++distance) {
      const int to = (place_.rank + distance) % place_.size,
                from = (place_.rank - distance + place_.size) % place_.size;
      std::vector<at::Tensor> in{received(from)}, out{sent(to)};
      works.push_back(backend_->recv(in, from, tag_));
      works.push_back(backend_->send(out, to, tag_));
      held.insert(held.end(), {in[0], out[0]});
    }
    return [works = std::move(works), held = std::move(held)] {
      for (const auto& work : works) work->wait();
    };
  }

  /// Memory to receive in, which is used again: between the activations of a pass it would leave gaps in the heap.
  at::Tensor take_buffer(std::size_t bytes) {
    constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max(), kElement = 8;
    const auto waste = [&](const at::Tensor& free) { return free.nbytes() < bytes ? kNever : free.nbytes() - bytes; };
    const auto best = std::ranges::min_element(buffers_, {}, waste);
    if (best == buffers_.end() || waste(*best) == kNever)
      return at::empty({static_cast<std::int64_t>((bytes + kElement - 1) / kElement * kElement)}, at::kByte);
    const at::Tensor buffer = *best;
    buffers_.erase(best);
    return buffer;
  }

  const RankPlace place_;
  const c10::intrusive_ptr<c10d::Backend> backend_;
  std::vector<at::Tensor> buffers_;  ///< those that are free
  int tag_ = 0;                      ///< of the last messages; the same on all ranks, which start the same exchanges
};

}  // namespace

std::unique_ptr<Exchange> gloo_exchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place) {
  return std::make_unique<GlooExchange>(store, place);
}

}  // namespace rlhf
