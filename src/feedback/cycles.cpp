// Cycles among the majorities of comparisons.
#include <algorithm>
#include <map>
#include <utility>

#include "feedback/check_comparisons.h"

namespace rlhf {
namespace {

/// For every completion those that the majority finds worse, ascending.
using Graph = std::vector<std::vector<std::int32_t>>;

Graph graph_of_majorities(const std::vector<Comparison>& comparisons) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> balance;  // of the smaller number over the larger
  std::int32_t completions = 0;
  for (const auto& [better, worse] : comparisons) {
    balance[std::minmax(better, worse)] += better < worse ? 1 : -1;
    completions = std::max({completions, better + 1, worse + 1});
  }
  Graph graph(completions);
  for (const auto& [pair, sum] : balance) {
    if (sum > 0) graph[pair.first].push_back(pair.second);
    if (sum < 0) graph[pair.second].push_back(pair.first);
  }
  for (auto& worse : graph) std::sort(worse.begin(), worse.end());
  return graph;
}

Graph reversed(const Graph& graph) {
  Graph found(graph.size());
  for (std::size_t from = 0; from < graph.size(); ++from)
    for (const std::int32_t to : graph[from]) found[to].push_back(static_cast<std::int32_t>(from));
  return found;
}

/// Adds to `order` all that can be reached from `start` and is not `seen`, each after all that it reaches.
void append_finished(const Graph& graph, std::int32_t start, std::vector<bool>& seen,
                     std::vector<std::int32_t>& order) {
  std::vector<std::pair<std::int32_t, std::size_t>> path{{start, 0}};  // a completion and its next edge
  seen[start] = true;
  while (!path.empty()) {
    auto& [at, next] = path.back();
    if (next == graph[at].size()) {
      order.push_back(at);
      path.pop_back();
      continue;
    }
    const std::int32_t to = graph[at][next++];
    if (seen[to]) continue;
    seen[to] = true;
    path.push_back({to, 0});
  }
}

/// Strongly connected components with more than one member, each ascending (Kosaraju's algorithm).
std::vector<std::vector<std::int32_t>> components_of(const Graph& graph) {
  std::vector<bool> seen(graph.size());
  std::vector<std::int32_t> order;
  for (std::size_t start = 0; start < graph.size(); ++start)
    if (!seen[start]) append_finished(graph, static_cast<std::int32_t>(start), seen, order);
  const Graph backwards = reversed(graph);
  seen.assign(graph.size(), false);
  std::vector<std::vector<std::int32_t>> found;
  for (auto start = order.rbegin(); start != order.rend(); ++start) {
    if (seen[*start]) continue;
    std::vector<std::int32_t> members;
    append_finished(backwards, *start, seen, members);
    std::sort(members.begin(), members.end());
    if (members.size() > 1) found.push_back(std::move(members));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// A shortest way from `start` back to it, breadth first; there is one.
std::vector<std::int32_t> shortest_cycle(const Graph& graph, std::int32_t start) {
  std::map<std::int32_t, std::int32_t> reached_from;
  std::vector<std::int32_t> queue{start};
  for (std::size_t head = 0; !reached_from.contains(start); ++head)
    for (const std::int32_t to : graph[queue[head]])
      if (reached_from.try_emplace(to, queue[head]).second) queue.push_back(to);
  std::vector<std::int32_t> cycle{start};
  for (std::int32_t at = reached_from[start]; at != start; at = reached_from[at]) cycle.push_back(at);
  std::reverse(cycle.begin() + 1, cycle.end());
  return cycle;
}

}  // namespace

std::vector<PreferenceCycle> find_cycles(const std::vector<Comparison>& comparisons) {
  check_comparisons(comparisons);
  const Graph graph = graph_of_majorities(comparisons);
  std::vector<PreferenceCycle> found;
  for (auto& members : components_of(graph)) {
    std::vector<std::int32_t> example = shortest_cycle(graph, members.front());
    found.push_back({std::move(members), std::move(example)});
  }
  return found;
}

}  // namespace rlhf
