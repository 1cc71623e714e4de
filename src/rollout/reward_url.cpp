// Scores of a service over HTTP.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <curl/curl.h>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
constexpr std::chrono::milliseconds kFirstWait{250}, kLongestWait{30'000};

/// No connection, a lost one, or a time-out. Other faults, such as a certificate that is not valid, would come again.
bool may_pass(CURLcode fault) {
  switch (fault) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:  // a name server may be out of reach for a while
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

/// What came back: a status and a body, or why there is none.
struct HttpAnswer {
  CURLcode result = CURLE_OK;
  long status = 0;
  std::string body;

  bool interrupted() const { return result == CURLE_ABORTED_BY_CALLBACK; }
  bool is_worth_a_retry() const {
    if (result != CURLE_OK) return may_pass(result);
    return status == 429 || status == 502 || status == 503 || status == 504;
  }
  /// "expected …, found …"
  std::string fault() const {
    if (result == CURLE_WRITE_ERROR)
      return "expected an answer of at most " + std::to_string(kLargestAnswer >> 20) + " MiB, found a larger one";
    return "expected an answer, found " +
           (result == CURLE_OK ? "status " + std::to_string(status) : curl_easy_strerror(result));
  }
};

/// curl counts milliseconds in 32 bits.
long in_milliseconds(double seconds) {
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  return static_cast<long>(std::min(kMost, std::ceil(1000 * seconds)));
}

std::size_t append_to_body(char* data, std::size_t, std::size_t size, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size > kLargestAnswer) return 0;  // ends the transfer
  text.append(data, size);
  return size;
}

/// Set as soon as a worker fails, so that the others end too.
using Failed = std::atomic<bool>;

int end_if_stopped(void* failed, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return stop_signal() != 0 || static_cast<const Failed*>(failed)->load();
}

HttpAnswer post(const std::string& url, const std::string& body, double timeout_seconds, Failed& failed) {
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
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, in_milliseconds(timeout_seconds));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append_to_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &end_if_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &failed);
  answer.result = curl_easy_perform(curl);
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

  std::vector<float> score(const RewardRequest& request) override {
    const std::size_t count = request.responses.size(), batches = (count + batch_size() - 1) / batch_size();
    const std::size_t workers = std::min(batches, static_cast<std::size_t>(term_.workers));
    std::vector<float> scores(count);
    Failed failed = false;
    std::vector<std::future<void>> running;
    for (std::size_t worker = 0; worker < workers; ++worker)
      running.push_back(std::async(std::launch::async, [=, this, &scores, &failed] {
        try {
          score_share(request.responses, worker, workers, scores, failed);
        } catch (...) {
          failed = true;
          throw;
        }
      }));
    for (std::future<void>& worker : running) worker.get();
    return scores;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw RewardError("reward.terms: " + term_.name + ": " + term_.url + ": " + what);
  }

  std::size_t batch_size() const { return static_cast<std::size_t>(term_.batch_size); }

  /// Scores the batches worker, worker + workers, …
  void score_share(std::span<const ResponseRecord> responses, std::size_t worker, std::size_t workers,
                   std::vector<float>& scores, Failed& failed) const {
    for (std::size_t begin = worker * batch_size(); begin < responses.size(); begin += workers * batch_size()) {
      const std::size_t size = std::min(batch_size(), responses.size() - begin);
      const auto part = score_batch(responses.subspan(begin, size), failed);
      if (!part) return;
      std::ranges::copy(*part, scores.begin() + static_cast<std::ptrdiff_t>(begin));
    }
  }

  /// Nullopt if another worker has failed.
  std::optional<std::vector<float>> score_batch(std::span<const ResponseRecord> responses, Failed& failed) const {
    const std::string request = request_of(responses, term_.field);
    for (std::int64_t failures = 0; !failed; ++failures) {
      const HttpAnswer answer = post(term_.url, request, term_.timeout_seconds, failed);
      if (answer.interrupted()) {
        stop_if_signalled();
        break;
      }
      if (answer.result == CURLE_OK && answer.status == 200) return rewards_of(answer.body, responses.size());
      if (!answer.is_worth_a_retry())
        fail(answer.fault() + (answer.result == CURLE_OK ? ": " + shown_json(answer.body.substr(0, 200)) : ""));
      if (failures == term_.max_retries) fail(answer.fault() + ", " + std::to_string(failures + 1) + " times");
      log_warning("reward.terms: " + term_.name + ": " + answer.fault() + "; it is asked again");
      wait(failures, failed);
    }
    return std::nullopt;
  }

  /// Waits after `failures` earlier ones, unless a signal comes or another worker fails.
  static void wait(std::int64_t failures, const Failed& failed) {
    constexpr std::int64_t kDoublings = 16;
    const auto time = std::min(kLongestWait, kFirstWait * (std::int64_t{1} << std::min(failures, kDoublings)));
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end && !failed) {
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
