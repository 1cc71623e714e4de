// The progress line.
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

std::string listed(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics.items()) text += "  " + name + " " + number(value);
  return text;
}

}  // namespace

Progress::Progress(std::string stage, std::int64_t first_step, std::int64_t total_steps, bool shown)
    : stage_(std::move(stage)),
      first_step_(first_step),
      total_steps_(total_steps),
      shown_(shown),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (open_) std::fputc('\n', stderr);
}

void Progress::show(std::int64_t step, const Metrics& headline, double tokens_per_second, const std::string& remark) {
  if (!shown_) return;
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line(step, headline, tokens_per_second, remark).c_str());
    std::fflush(stderr);
    open_ = true;
  } else if (step % std::max<std::int64_t>(1, total_steps_ / 50) == 0 || step == total_steps_) {
    log_info(line(step, headline, tokens_per_second, remark));
  }
}

void Progress::show_evaluation(std::int64_t step, const Metrics& headline) {
  say("evaluation at step " + std::to_string(step) + ":" + listed(headline));
}

void Progress::say(const std::string& text) {
  if (!shown_) return;
  if (open_) std::fputc('\n', stderr);
  open_ = false;
  log_info(text);
}

std::string Progress::line(std::int64_t step, const Metrics& headline, double tokens_per_second,
                           const std::string& remark) const {
  std::string text = stage_ + " " + std::to_string(step) + "/" + std::to_string(total_steps_) + listed(headline);
  if (tokens_per_second > 0) text += "  " + number(tokens_per_second) + " tokens/s";
  if (!remark.empty()) text += "  " + remark;
  if (step > first_step_) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const double per_step = elapsed / static_cast<double>(step - first_step_);
    text += "  " + duration(per_step * static_cast<double>(total_steps_ - step)) + " left";
  }
  return text;
}

}  // namespace rlhf
