// Rewards of a service over HTTP.
#include <atomic>
#include <csignal>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/rollout/reward_terms.h"

#include "support/http_server.h"
#include "support/misuse.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::expect_misuse;
using testing::HttpReply;
using testing::HttpServer;

RewardTerm service(const HttpServer& server, std::int64_t retries = 0) {
  return {.name = "s", .url = server.url(), .max_retries = retries, .timeout_seconds = 30};
}

/// Responses "0", "1", … to the prompt "p:".
std::vector<ResponseRecord> numbered(int count) {
  std::vector<ResponseRecord> responses;
  for (int i = 0; i < count; ++i)
    responses.push_back({"p:", std::to_string(i), R"({"answer":7,"other":["x"]})", Finish::stop});
  return responses;
}

std::vector<float> scores_of(const RewardTerm& term, const std::vector<ResponseRecord>& responses) {
  return reward_from_url(term)->score({Rollout{}, responses});
}

/// Scores a response with its number.
HttpReply echo(int, const std::string& body) {
  const json request = json::parse(body);
  json rewards = json::array();
  for (const std::string query : request["query"]) rewards.push_back(std::stod(query.substr(2)));
  return {200, json{{"rewards", rewards}}.dump()};
}

// The protocol of OpenRLHF's remote_rm_url.
TEST(RewardUrl, SendsAndReadsWhatOpenRlhfDoes) {
  std::string seen;
  const HttpServer server([&](int, const std::string& body) -> HttpReply {
    seen = body;
    return {200, R"({"rewards": [0.5, [-2]], "scores": [1, 2]})"};
  });
  std::vector<ResponseRecord> responses = {{"What?", "It is\n\"7\" \xff.", R"({"answer": 7})", Finish::stop},
                                           {"Why?", "So.", R"({"question": "Why?"})", Finish::length}};
  EXPECT_EQ(scores_of(service(server), responses), (std::vector<float>{0.5, -2}));
  EXPECT_EQ(json::parse(seen), (json{{"query", {"What?It is\n\"7\" \xEF\xBF\xBD.", "Why?So."}},
                                     {"prompts", {"What?", "Why?"}},
                                     {"labels", {7, ""}}}));
  RewardTerm other = service(server);
  other.field = "question";
  scores_of(other, responses);
  EXPECT_EQ(json::parse(seen)["labels"], (json{"", "Why?"}));
}

TEST(RewardUrl, DividesResponsesIntoRequestsAndKeepsTheirOrder) {
  std::mutex mutex;
  std::multiset<std::size_t> sizes;
  const HttpServer server([&](int number, const std::string& body) {
    const std::lock_guard lock(mutex);
    sizes.insert(json::parse(body)["query"].size());
    return echo(number, body);
  });
  RewardTerm term = service(server);
  term.batch_size = 4;
  std::vector<float> expected;
  for (int i = 0; i < 10; ++i) expected.push_back(static_cast<float>(i));
  for (const std::int64_t workers : {1, 2, 16}) {
    sizes.clear();
    term.workers = workers;
    EXPECT_EQ(scores_of(term, numbered(10)), expected) << workers;
    EXPECT_EQ(sizes, (std::multiset<std::size_t>{2, 4, 4})) << workers;
  }
  EXPECT_EQ(scores_of(term, {}), std::vector<float>{});
  const std::string large(2'000'000, 'x');
  EXPECT_EQ(scores_of(service(server), {{"p:", "3" + large, "{}", Finish::stop}}), (std::vector<float>{3}));
}

// Request 0 is closed without an answer, request 1 gets 503.
TEST(RewardUrl, AsksAgainAfterAFailedConnectionOrAnOverload) {
  const HttpServer server([](int number, const std::string& body) -> HttpReply {
    if (number == 0) return {0, ""};
    return number == 1 ? HttpReply{503, "busy"} : echo(number, body);
  });
  int warnings = 0;
  set_log_sink([&](LogLevel level, std::string_view line) {
    warnings += level == LogLevel::warning && line.find("it is asked again") != line.npos;
  });
  EXPECT_EQ(scores_of(service(server, 2), numbered(2)), (std::vector<float>{0, 1}));
  set_log_sink({});
  EXPECT_EQ(warnings, 2);
  EXPECT_EQ(server.requests(), 3);
}

TEST(RewardUrl, ThatFailsEndsTheRunAndNeverCountsAsZero) {
  const auto refused = [](const std::string& what, const HttpReply& reply, std::int64_t retries = 0,
                          double timeout = 30) {
    const HttpServer server([&](int, const std::string&) { return reply; });
    RewardTerm term = service(server, retries);
    term.timeout_seconds = timeout;
    expect_misuse<RewardError>("reward.terms: s: " + server.url() + ": " + what, [&] { scores_of(term, numbered(2)); });
    return server.requests();
  };
  const std::string form = "expected {\"rewards\": [number, …]}, found ";
  refused(form + "\"no\"", {200, "no"});
  refused(form + "\"\"", {200, ""});
  refused(form + "\"[1, 2]\"", {200, "[1, 2]"});
  refused("rewards: expected 2, one per response, found 1", {200, R"({"rewards": [1]})"});
  refused("rewards[1]: expected a number, found null", {200, R"({"rewards": [1, null]})"});
  refused("rewards[0]: expected a number, found \"1\"", {200, R"({"rewards": ["1", 2]})"});
  refused("rewards[1]: expected a number, found [1,2]", {200, R"({"rewards": [1, [1, 2]]})"});
  EXPECT_EQ(refused("expected an answer, found status 400: \"bad model\"", {400, "bad model"}, 3), 1) << "not repeated";
  refused("expected an answer, found status 302", {302, ""});
  EXPECT_EQ(refused("expected an answer, found status 503, 2 times", {503, ""}, 1), 2);
  refused("expected an answer, found Timeout was reached, 1 times", {-1, ""}, 0, 0.2);
}

TEST(RewardUrl, ThatIsNotThereEndsTheRun) {
  std::string url;
  {
    const HttpServer server(echo);
    url = server.url();
  }
  expect_misuse<RewardError>(url + ": expected an answer, found Couldn't connect to server, 2 times",
                             [&] { scores_of({.name = "s", .url = url, .max_retries = 1}, numbered(1)); });
}

// What would come again is not asked again: an address that is not one, an answer that is too large.
TEST(RewardUrl, IsNotAskedAgainAfterAFaultThatStays) {
  const auto refused = [](const std::string& what, const std::string& url) {
    int warnings = 0;
    set_log_sink([&](LogLevel level, std::string_view) { warnings += level == LogLevel::warning; });
    expect_misuse<RewardError>("reward.terms: s: " + url + ": expected an answer" + what,
                               [&] { scores_of({.name = "s", .url = url, .max_retries = 3}, numbered(1)); });
    set_log_sink({});
    EXPECT_EQ(warnings, 0) << url;
  };
  refused(", found URL using bad/illegal format or missing URL", "http://127.0.0.1:port/score");
  refused(", found Unsupported protocol", "gopher://127.0.0.1/score");
  const HttpServer server([](int, const std::string&) { return HttpReply{200, std::string((64 << 20) + 1, ' ')}; });
  refused(" of at most 64 MiB, found a larger one", server.url());
  EXPECT_EQ(server.requests(), 1);
}

// "0" fails once "1" has been asked; the server never answers "1", so "3", the next of that worker, is not asked.
TEST(RewardUrl, EndsARequestWhereAnotherWorkerFails) {
  std::atomic<int> first = 0, second = 0;
  const HttpServer server([&](int, const std::string& body) -> HttpReply {
    const std::string query = json::parse(body)["query"][0];
    if (query == "p:0") return {first > 0 ? 400 : 503, ""};
    ++(query == "p:1" ? first : second);
    return {-1, ""};
  });
  RewardTerm term = service(server, 16);
  term.batch_size = 1;
  term.workers = 2;
  expect_misuse<RewardError>("found status 400", [&] { scores_of(term, numbered(4)); });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
}

// "1" would be asked seven times, with waits of 16 s in all.
TEST(RewardUrl, EndsAWaitWhereAnotherWorkerFails) {
  std::atomic<int> asked = 0;
  const HttpServer server([&](int, const std::string& body) -> HttpReply {
    const std::string query = json::parse(body)["query"][0];
    if (query == "p:0") return {asked > 0 ? 400 : 503, ""};
    ++asked;
    return {503, ""};
  });
  RewardTerm term = service(server, 6);
  term.batch_size = 1;
  term.workers = 2;
  expect_misuse<RewardError>("found status 400", [&] { scores_of(term, numbered(2)); });
  EXPECT_LT(asked, 7);
}

// The first is 1 ms more than 32 bits hold.
TEST(RewardUrl, TakesVeryLongTimeOuts) {
  const HttpServer server(echo);
  RewardTerm term = service(server);
  for (const double seconds : {4294967.297, 1e300, std::numeric_limits<double>::infinity()}) {
    term.timeout_seconds = seconds;
    EXPECT_EQ(scores_of(term, numbered(1)), (std::vector<float>{0})) << seconds;
  }
}

TEST(RewardUrl, GivesUpAtASignal) {
  const HttpServer server([](int, const std::string&) {
    set_stop_signal(SIGTERM);
    return HttpReply{-1, ""};
  });
  EXPECT_THROW(scores_of(service(server, 9), numbered(1)), Interrupted);
  set_stop_signal(0);
}

TEST(RewardUrl, RefusesOptionsOutOfRange) {
  const auto with = [](RewardTerm term) { return [term] { reward_from_url(term); }; };
  expect_misuse<ArgumentError>("url: expected an address, found none", with({.name = "s"}));
  expect_misuse<ArgumentError>("batch_size: expected at least 1",
                               with({.name = "s", .url = "http://x", .batch_size = 0}));
  expect_misuse<ArgumentError>("max_retries: expected at least 0",
                               with({.name = "s", .url = "http://x", .max_retries = -1}));
}

}  // namespace
}  // namespace rlhf
