// Tensors on CUDA GPUs, by NCCL.
#ifdef RLHF_CUDA
#include <chrono>
#include <cstdlib>
#include <exception>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "rlhf/core/log.h"
#endif

#include "rlhf/core/error.h"

#include "dist/exchange.h"

namespace rlhf {

#ifdef RLHF_CUDA

namespace {

using Group = c10::intrusive_ptr<c10d::ProcessGroupNCCL>;

Group connect_nccl(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = std::chrono::hours(24 * 365);  // the watch finds out who does not answer
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, place.rank, place.size, options);
}

/// Ends the communicators of a run that has failed. A kernel that waits for a rank that is gone may keep NCCL from
/// ending; then they are left to the end of the process.
void abandon(Group group) {
  constexpr std::chrono::seconds kPatience{3};
  std::promise<void> ended;
  const auto end = ended.get_future();
  std::thread([group = std::move(group), ended = std::move(ended)]() mutable {
    try {
      group->abort();
    } catch (const std::exception& error) {
      log_debug(std::string("ending NCCL: ") + error.what());
    }
    group.reset();
    ended.set_value();
  }).detach();
  end.wait_for(kPatience);
}

class NcclExchange final : public Exchange {
 public:
  NcclExchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place)
      : place_(place), group_(connect_nccl(store, place)) {}
  ~NcclExchange() override {
    if (!finished_) abandon(std::move(group_));
  }

  Wait sum(const at::Tensor& values) override {
    std::vector<at::Tensor> tensors{values};
    return wait_for(group_->allreduce(tensors));
  }

  // NCCL sums in the dtype of the values, and in place if the total is where the own part belongs.
  Wait sum_of_parts(const at::Tensor& values, const at::Tensor& total) override {
    const at::Tensor own = part_of(values, place_.rank, place_.size);
    const bool in_place = own.const_data_ptr() == total.const_data_ptr();
    at::Tensor all = values.to(at::kFloat), sum = in_place ? own : at::empty_like(total);
    const Wait wait = wait_for(group_->_reduce_scatter_base(sum, all));
    if (in_place) return wait;
    return [wait, total, sum] {
      wait();
      const at::NoGradGuard no_grad;
      total.add_(sum);
    };
  }
  Wait gather_parts(const at::Tensor& values) override {
    at::Tensor all = values.view(at::kByte), own = part_of(all, place_.rank, place_.size);
    return wait_for(group_->_allgather_base(all, own));
  }

  void finish() override {
    group_->shutdown();
    finished_ = true;
  }

 private:
  static Wait wait_for(c10::intrusive_ptr<c10d::Work> work) {
    return [work = std::move(work)] { work->wait(); };
  }

  const RankPlace place_;
  Group group_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<Exchange> nccl_exchange(const c10::intrusive_ptr<c10d::Store>& store, const RankPlace& place) {
  return std::make_unique<NcclExchange>(store, place);
}

// c10d would end the process by an exception of a thread, or write files about an exchange that fails, before the watch
// has found which rank it was.
void prepare_nccl() {
  const std::pair<const char*, const char*> variables[] = {
      {"TORCH_NCCL_BLOCKING_WAIT", "0"},         // a wait orders streams, and the host goes on
      {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "0"},  // an error of NCCL does not end the process
      {"TORCH_NCCL_RETHROW_CUDA_ERRORS", "0"},   // nor does one of CUDA, which the next operator reports
      {"TORCH_NCCL_ENABLE_MONITORING", "0"},     // nor a watchdog that waits for the driver
      {"TORCH_NCCL_DUMP_ON_TIMEOUT", "0"},       // no file about what other ranks did
      {"TORCH_NCCL_TRACE_BUFFER_SIZE", "0"},     // nor a record for it
      {"TORCH_NCCL_WAIT_TIMEOUT_DUMP_MILSEC", "0"}};
  for (const auto& [name, value] : variables) setenv(name, value, /*overwrite=*/1);
}

#else

std::unique_ptr<Exchange> nccl_exchange(const c10::intrusive_ptr<c10d::Store>&, const RankPlace&) {
  throw DeviceError("device: expected cpu for several ranks in a build without CUDA, found a GPU");
}

void prepare_nccl() {}

#endif

}  // namespace rlhf
