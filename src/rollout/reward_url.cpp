// Scores of a service over HTTP.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <curl/curl.h>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/json/json_reader.h"
#include "rlhf/rollout/reward_terms.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kLargestAnswer = std::size_t{64} << 20;
constexpr std::chrono::milliseconds kFirstWait{250};

/// What came back: a status and a body, or why there is none.
struct HttpAnswer {
  long status = 0;
  std::string body;
  std::string fault;  ///< "Could not connect to server"; empty with an answer
  bool interrupted = false;

  bool is_worth_a_retry() const {
    return !fault.empty() || status == 429 || status == 502 || status == 503 || status == 504;
  }
};

std::size_t append_to_body(char* data, std::size_t, std::size_t size, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size > kLargestAnswer) return 0;  // ends the transfer
  text.append(data, size);
  return size;
}

int end_if_signalled(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return stop_signal() != 0; }

HttpAnswer post(const std::string& url, const std::string& body, double timeout_seconds) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(), &curl_easy_cleanup);
  // Without an "Expect" header curl does not wait for leave to send a large body, which many servers do not give.
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:"), &curl_slist_free_all);
  if (!handle || !headers) throw std::bad_alloc();
  CURL* const curl = handle.get();
  HttpAnswer answer;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(std::ceil(1000 * timeout_seconds)));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append_to_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &end_if_signalled);
  const CURLcode result = curl_easy_perform(curl);
  answer.interrupted = result == CURLE_ABORTED_BY_CALLBACK;
  if (result != CURLE_OK) answer.fault = curl_easy_strerror(result);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

std::string request_of(std::span<const ResponseRecord> responses, const std::string& field) {
  Json queries = Json::array(), prompts = Json::array(), labels = Json::array();
  for (const ResponseRecord& response : responses) {
    const auto record = parse_json(response.record, "the record of a prompt", throw_as<DataError>);
    const auto label = record.find(field);
    queries.push_back(response.prompt + response.response);
    prompts.push_back(response.prompt);
    labels.push_back(label == record.end() ? Json("") : Json(*label));
  }
  const Json request{{"query", queries}, {"prompts", prompts}, {"labels", labels}};
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class UrlReward : public RewardSource {
 public:
  explicit UrlReward(const RewardTerm& term) : term_(term) {
    check_argument(!term.url.empty(), "url", "an address", "none");
    check_argument(term.batch_size >= 1, "batch_size", "at least 1", term.batch_size);
    check_argument(term.workers >= 1, "workers", "at least 1", term.workers);
    check_argument(term.max_retries >= 0, "max_retries", "at least 0", term.max_retries);
    check_argument(term.timeout_seconds > 0, "timeout_seconds", "above 0", term.timeout_seconds);
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready != CURLE_OK) fail(curl_easy_strerror(ready));
  }

  /// Worker k takes the requests k, k + workers, …
  std::vector<float> score(const RewardRequest& request) override {
    const auto size = static_cast<std::size_t>(term_.batch_size), count = request.responses.size();
    const std::size_t batches = (count + size - 1) / size;
    const std::size_t workers = std::min(batches, static_cast<std::size_t>(term_.workers));
    std::vector<float> scores(count);
    std::vector<std::future<void>> running;
    for (std::size_t worker = 0; worker < workers; ++worker)
      running.push_back(std::async(std::launch::async, [=, this, &scores] {
        for (std::size_t begin = worker * size; begin < count; begin += workers * size) {
          const auto part = score_batch(request.responses.subspan(begin, std::min(size, count - begin)));
          std::ranges::copy(part, scores.begin() + static_cast<std::ptrdiff_t>(begin));
        }
      }));
    for (std::future<void>& worker : running) worker.get();
    return scores;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw RewardError("reward.terms: " + term_.name + ": " + term_.url + ": " + what);
  }

  std::vector<float> score_batch(std::span<const ResponseRecord> responses) const {
    const std::string request = request_of(responses, term_.field);
    std::string fault;
    for (std::int64_t failures = 0;; ++failures) {
      const HttpAnswer answer = post(term_.url, request, term_.timeout_seconds);
      if (answer.interrupted) stop_if_signalled();
      if (answer.fault.empty() && answer.status == 200) return rewards_of(answer.body, responses.size());
      fault = "expected an answer, found " +
              (answer.fault.empty() ? "status " + std::to_string(answer.status) : answer.fault);
      if (!answer.is_worth_a_retry()) fail(fault + ": " + shown_json(answer.body.substr(0, 200)));
      if (failures == term_.max_retries) fail(fault + ", " + std::to_string(failures + 1) + " times");
      log_warning("reward.terms: " + term_.name + ": " + fault + "; it is asked again");
      wait(kFirstWait * (std::int64_t{1} << failures));
    }
  }

  /// Polls for a signal.
  static void wait(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
      stop_if_signalled();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  std::vector<float> rewards_of(const std::string& body, std::size_t count) const {
    const Json answer = Json::parse(body, nullptr, /*allow_exceptions=*/false);
    if (!answer.is_object() || !answer.contains("rewards") || !answer["rewards"].is_array())
      fail("expected {\"rewards\": [number, …]}, found " + shown_json(body.substr(0, 200)));
    const Json& rewards = answer["rewards"];
    if (rewards.size() != count)
      fail("rewards: expected " + std::to_string(count) + ", one per response, found " +
           std::to_string(rewards.size()));
    std::vector<float> scores;
    for (const Json& item : rewards) {
      const Json& reward = item.is_array() && item.size() == 1 ? item[0] : item;
      if (!reward.is_number())
        fail("rewards[" + std::to_string(scores.size()) + "]: expected a number, found " + shown_json(item));
      scores.push_back(reward.get<float>());
    }
    return scores;
  }

  const RewardTerm term_;
};

}  // namespace

std::unique_ptr<RewardSource> reward_from_url(const RewardTerm& term) { return std::make_unique<UrlReward>(term); }

}  // namespace rlhf
