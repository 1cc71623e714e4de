#include "progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unistd.h>

#include "rlhf/core/log.h"

namespace rlhf {

namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  char text[32];
  if (whole >= 3600)
    std::snprintf(text, sizeof text, "%ldh%02ldm", static_cast<long>(whole / 3600), static_cast<long>(whole / 60 % 60));
  else
    std::snprintf(text, sizeof text, "%ldm%02lds", static_cast<long>(whole / 60), static_cast<long>(whole % 60));
  return text;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

Progress::Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps, std::string rate,
                   std::string figure, std::string other_figure)
    : stage_(std::move(stage)),
      rate_(std::move(rate)),
      figures_{std::move(figure), std::move(other_figure)},
      first_step_(first_step),
      total_steps_(total_steps),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (terminal_) std::fputc('\n', stderr);
}

void Progress::show(std::int64_t step, const Metrics& metrics) {
  for (const auto& [name, value] : metrics.items()) last_.set(name, value);
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line(step, metrics).c_str());
    std::fflush(stderr);
  } else if (step % std::max<std::int64_t>(1, total_steps_ / 50) == 0 || step == total_steps_) {
    log_info(line(step, metrics));
  }
}

std::string Progress::line(std::int64_t step, const Metrics& metrics) const {
  std::string text = stage_ + " " + std::to_string(step) + "/" + std::to_string(total_steps_);
  for (const std::string& name : figures_)
    if (const double* value = last_.find(name)) text += "  " + name + " " + number(*value);
  if (const double* rate = metrics.find(rate_)) text += "  " + number(*rate) + " " + rate_.substr(rate_.find('/') + 1);
  if (step > first_step_) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const double per_step = elapsed / static_cast<double>(step - first_step_);
    text += "  " + duration(per_step * static_cast<double>(total_steps_ - step)) + " left";
  }
  return text;
}

}  // namespace rlhf
