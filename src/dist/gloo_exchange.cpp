// Tensors on the CPU, by Gloo.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ops/empty_like.h>
#include <ATen/ops/sum.h>
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

class GlooExchange final : public Exchange {
 public:
  GlooExchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place)
      : place_(place), backend_(connect_gloo(store, place)) {}

  Wait sum(const at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    return [work = backend_->allreduce(tensors)] { work->wait(); };
  }

  // Gloo's own reduce-scatter sends as much as a sum of everything.
  Wait sum_of_parts(const at::Tensor& values) override {
    at::Tensor received = at::empty_like(values),
               sent = values;  // received [size, s]: the part of this rank, from each
    std::vector<std::int64_t> equal;
    const auto work = backend_->alltoall_base(received, sent, equal, equal);
    return [place = place_, work, received, values] {
      work->wait();
      own_part(values, place).copy_(at::sum(received.view({place.size, -1}), 0));
    };
  }

  Wait gather_parts(const at::Tensor& values) override {
    at::Tensor all = values.view(at::kByte), own = own_part(values, place_).clone().view(at::kByte);
    return [work = backend_->_allgather_base(all, own)] { work->wait(); };
  }

 private:
  const RankPlace place_;
  const c10::intrusive_ptr<c10d::Backend> backend_;
};

}  // namespace

std::unique_ptr<Exchange> gloo_exchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place) {
  return std::make_unique<GlooExchange>(store, place);
}

}  // namespace rlhf
