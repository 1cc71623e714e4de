// Backward pass of causal attention over packed sequences.
#include "kernels/attention_tiles.h"
#include "kernels/isa_kernels.h"

namespace rlhf::RLHF_ISA {
namespace {

/// Number of queries whose probabilities are kept at the same time, a multiple of kBlockRows and of the depth of a
/// word. With more queries, the sums over queries (the gradients of keys and values) are read and written less often.
constexpr std::int64_t kTile = 16 * kBlockRows;
static_assert(kTile % 2 == 0);

// --- Which spans must be summed by one thread -------------------------------------------------------------------

/// Rows that a span reads as keys: the span itself or its prefix.
struct Interval {
  std::int64_t begin, end, span;
  bool is_prefix;
};

struct Member {
  AttentionSpan span;
  std::int64_t family;
};

/// Spans that share rows as keys, and a range that contains all these rows. One thread must sum their gradients.
struct Family {
  const Member *first = nullptr, *last = nullptr;
  std::int64_t begin = 0, end = 0, cost = 0;
};

std::vector<Interval> intervals_by_row(const AttentionSpan* spans, std::int64_t count) {
  std::vector<Interval> intervals;
  for (std::int64_t i = 0; i < count; ++i) {
    if (spans[i].begin >= spans[i].end) continue;
    intervals.push_back({spans[i].begin, spans[i].end, i, false});
    if (spans[i].prefix_begin < spans[i].prefix_end) {
      intervals.push_back({spans[i].prefix_begin, spans[i].prefix_end, i, true});
    }
  }
  std::sort(intervals.begin(), intervals.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  return intervals;
}

/// Disjoint sets of spans (union-find). A set is identified by one of its members.
class SpanSets {
 public:
  explicit SpanSets(std::int64_t count) : parents_(static_cast<std::size_t>(count)) {
    for (std::int64_t i = 0; i < count; ++i) parent(i) = i;
  }
  std::int64_t find(std::int64_t i) {
    while (parent(i) != i) i = parent(i) = parent(parent(i));
    return i;
  }
  void join(std::int64_t a, std::int64_t b) { parent(find(b)) = find(a); }

 private:
  struct Node {
    std::int64_t parent;
  };
  std::int64_t& parent(std::int64_t i) { return parents_[static_cast<std::size_t>(i)].parent; }
  std::vector<Node> parents_;
};

/// The spans, sorted by family.
std::vector<Member> members_by_family(const std::vector<Interval>& intervals, const AttentionSpan* spans,
                                      std::int64_t count) {
  SpanSets sets(count);
  std::int64_t end = 0, last = 0;
  for (const Interval& interval : intervals) {
    if (interval.begin < end) sets.join(last, interval.span);
    if (interval.end > end) {
      end = interval.end;
      last = interval.span;
    }
  }
  std::vector<Member> members;
  for (const Interval& interval : intervals) {
    if (!interval.is_prefix) members.push_back({spans[interval.span], sets.find(interval.span)});
  }
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return a.family < b.family; });
  return members;
}

/// Most expensive first, so that the threads finish at about the same time.
std::vector<Family> families_by_cost(const std::vector<Member>& members) {
  std::vector<Family> families;
  for (const Member& member : members) {
    const KeyRange range(member.span);
    if (families.empty() || families.back().first->family != member.family) {
      families.push_back({&member, &member, range.begin, range.begin, 0});
    }
    Family& family = families.back();
    family.last = &member + 1;
    family.begin = std::min({family.begin, range.begin, range.row(0)});
    family.end = std::max({family.end, member.span.end, range.row(0) + range.prefix});
    family.cost += range.cost();
  }
  std::sort(families.begin(), families.end(), [](const Family& a, const Family& b) { return a.cost > b.cost; });
  return families;
}

/// Writes zeros where no span will write: rows that no span reads, and the queries of prefix rows (which spans that
/// contain them overwrite later).
template <typename T>
void clear_unread(const std::vector<Interval>& intervals, AttentionHeads heads, T* grad_qkv, std::int64_t total_rows) {
  const auto clear = [&](std::int64_t row, std::int64_t elements) {
    std::memset(grad_qkv + row * heads.row(), 0, static_cast<std::size_t>(elements) * sizeof(T));
  };
  std::int64_t end = 0;
  for (const Interval& interval : intervals) {
    if (interval.begin > end) clear(end, (interval.begin - end) * heads.row());
    end = std::max(end, interval.end);
    if (!interval.is_prefix) continue;
    for (std::int64_t row = interval.begin; row < interval.end; ++row) clear(row, heads.queries * heads.width);
  }
  if (end < total_rows) clear(end, (total_rows - end) * heads.row());
}

// --- The gradients of one family and key head -------------------------------------------------------------------

/// Work memory of a thread. It is kept between calls and grows with the longest span.
template <typename Element>
struct Scratch {
  Buffer<Element> rows, query_rows, grad_rows, score_grad_rows;
  Buffer<std::uint32_t> keys_across, values_across, keys, queries, grads, weights, score_grads;
  Buffer<float> block_scores, block_grads, sums, grad_keys, grad_values;
};

template <typename T>
struct Problem {
  const T *grad_out, *qkv, *out;
  const float* lse;
  AttentionHeads heads;
  float scale;
  T* grad_qkv;
  std::int64_t total_rows;
};

/// With P = exp(scale·q·kᵀ − lse), dP = dO·vᵀ, D = Σ dO·O and dS = P ∘ (dP − D):
/// dV = Pᵀ·dO, dQ = scale · dS·K, dK = scale · dSᵀ·Q.  Source: arXiv:2205.14135, algorithm 4.
template <typename T>
class Backward {
 public:
  using Arithmetic = WordsFor<T>;
  using Element = typename Arithmetic::Element;

  Backward(const Problem<T>& problem, const Family& family, std::int64_t key_head, Scratch<Element>& scratch)
      : problem_(problem),
        heads_(problem.heads),
        family_(family),
        key_head_(key_head),
        depth_(ceil_divide(heads_.width, kDepth)),
        stride_(row_stride<Arithmetic>(heads_.width)),
        sum_stride_(round_up(heads_.width, kLanes)),
        scratch_(scratch) {
    const std::int64_t sums = (family.end - family.begin) * sum_stride_;
    grad_keys_ = scratch.grad_keys.at_least(sums);
    grad_values_ = scratch.grad_values.at_least(sums);
    std::fill_n(grad_keys_, sums, 0.0F);
    std::fill_n(grad_values_, sums, 0.0F);
    query_rows_ = scratch.query_rows.at_least(round_up(kTile, kLanes) * stride_);
    grad_rows_ = scratch.grad_rows.at_least(round_up(kTile, kLanes) * stride_);
    queries_ = scratch.queries.at_least(packed_words(heads_.width, kTileSteps));
    grads_ = scratch.grads.at_least(packed_words(heads_.width, kTileSteps));
    block_scores_ = scratch.block_scores.at_least(kBlockRows * kPanel);
    block_grads_ = scratch.block_grads.at_least(kBlockRows * kPanel);
    sums_ = scratch.sums.at_least(kBlockRows * kPanel);
  }

  void run() {
    const std::int64_t shared = heads_.queries / heads_.keys;
    for (const Member* member = family_.first; member != family_.last; ++member) {
      const KeyRange range(member->span);
      pack_keys(range);
      for (std::int64_t head = key_head_ * shared; head < (key_head_ + 1) * shared; ++head) {
        for (std::int64_t first = 0; first < range.queries; first += kTile) {
          add_tile(range, {head, first, std::min(kTile, range.queries - first)});
        }
      }
    }
    for (const Member* member = family_.first; member != family_.last; ++member) write_keys(KeyRange(member->span));
  }

 private:
  static constexpr std::int64_t kDepth = Arithmetic::kDepth;
  static constexpr std::int64_t kTileSteps = kTile / kDepth;

  /// `count` queries of a head, from query `first` of the span.
  struct Tile {
    std::int64_t head, first, count;
  };

  const T* row(std::int64_t index, std::int64_t head) const {
    return problem_.qkv + index * heads_.row() + head * heads_.width;
  }
  T* grad_row(std::int64_t index, std::int64_t head) const {
    return problem_.grad_qkv + index * heads_.row() + head * heads_.width;
  }
  std::int64_t out_offset(std::int64_t index, std::int64_t head) const {
    return (index * heads_.queries + head) * heads_.width;
  }

  void pack_keys(const KeyRange& range) {
    const std::int64_t count = range.count(), width = heads_.width;
    const std::int64_t key = heads_.queries + key_head_, value = key + heads_.keys;
    key_steps_ = ceil_divide(count, kDepth);
    key_stride_ = round_up(count, kPanel);
    keys_across_ = scratch_.keys_across.at_least(packed_words(count, depth_));
    values_across_ = scratch_.values_across.at_least(packed_words(count, depth_));
    keys_ = scratch_.keys.at_least(packed_words(width, key_steps_));
    Element* const rows = scratch_.rows.at_least(round_up(count, kLanes) * stride_);
    copy_rows<Arithmetic>([&](std::int64_t i) { return row(range.row(i), key); }, count, width, rows);
    pack_transposed<Arithmetic>(rows, count, width, keys_across_);
    pack_rows<Arithmetic>(rows, count, width, keys_);
    copy_rows<Arithmetic>([&](std::int64_t i) { return row(range.row(i), value); }, count, width, rows);
    pack_transposed<Arithmetic>(rows, count, width, values_across_);
    weights_ = scratch_.weights.at_least(packed_words(count, kTileSteps));
    score_grads_ = scratch_.score_grads.at_least(packed_words(count, kTileSteps));
    score_grad_rows_ = scratch_.score_grad_rows.at_least(kTile * key_stride_);
  }

  void add_tile(const KeyRange& range, const Tile& tile) {
    pack_queries(range, tile);
    const std::int64_t visible = range.visible(tile.first + tile.count - 1);
    for (std::int64_t key = 0; key < visible; key += kPanel) {
      for (std::int64_t i = 0; i < tile.count; i += kBlockRows) {
        if (key == 0) prefetch_queries(range, tile.head, tile.first + kTile + i);
        weigh(range, tile, key, i);
      }
    }
    for (std::int64_t i = 0; i < tile.count; i += kBlockRows) write_queries(range, tile, i);
    for (std::int64_t key = 0; key < visible; key += kPanel) {
      const std::int64_t end = std::min(key + kPanel, visible);
      // The rows of the prefix and those of the span need not be contiguous.
      const std::int64_t middle = std::clamp(range.prefix, key, end);
      add_keys(range, tile, key, key, middle);
      add_keys(range, tile, key, middle, end);
    }
  }

  void pack_queries(const KeyRange& range, const Tile& tile) {
    const std::int64_t begin = range.begin + tile.first, width = heads_.width;
    const auto query_row = [&](std::int64_t i) { return row(begin + i, tile.head); };
    const auto grad_row = [&](std::int64_t i) { return problem_.grad_out + out_offset(begin + i, tile.head); };
    copy_rows<Arithmetic>(query_row, tile.count, width, query_rows_);
    copy_rows<Arithmetic>(grad_row, tile.count, width, grad_rows_);
    pack_rows<Arithmetic>(query_rows_, tile.count, width, queries_);
    pack_rows<Arithmetic>(grad_rows_, tile.count, width, grads_);
    for (std::int64_t i = 0; i < tile.count; ++i) {
      lse_[i] = problem_.lse[tile.head * problem_.total_rows + begin + i] * kLog2E;
      mean_[i] = dot(grad_rows_ + i * stride_, problem_.out + out_offset(begin + i, tile.head));
    }
  }

  /// Prefetches a block of queries of the next tile.
  void prefetch_queries(const KeyRange& range, std::int64_t head, std::int64_t first) const {
    for (std::int64_t i = first; i < std::min(first + kBlockRows, range.queries); ++i) {
      const std::int64_t index = range.begin + i, offset = out_offset(index, head);
      prefetch_row(row(index, head), heads_.width);
      prefetch_row(problem_.grad_out + offset, heads_.width);
      prefetch_row(problem_.out + offset, heads_.width);
    }
  }

  float dot(const Element* a, const T* b) const {
    Floats total = {};
    for_vectors(heads_.width,
                [&](std::int64_t i, const auto& load, const auto&) { total += load(a + i) * load(b + i); });
    return sum(total);
  }

  /// Computes P and dS for the block of queries from `block` and the panel of keys from `key`.
  void weigh(const KeyRange& range, const Tile& tile, std::int64_t key, std::int64_t block) {
    const std::int64_t rows = std::min(kBlockRows, tile.count - block);
    const std::int64_t visible = range.visible(tile.first + block + rows - 1);
    if (key >= visible) return;
    const std::int64_t groups = groups_of_panel(key, visible);
    multiply<Arithmetic, Into::kEmpty>(RowsAlong<Element>{query_rows_ + block * stride_, stride_},
                                       keys_across_ + key * depth_, depth_, block_scores_, kPanel, rows, groups);
    multiply<Arithmetic, Into::kEmpty>(RowsAlong<Element>{grad_rows_ + block * stride_, stride_},
                                       values_across_ + key * depth_, depth_, block_grads_, kPanel, rows, groups);
    for (std::int64_t r = 0; r < rows; r += kDepth) {
      const std::int64_t first_visible = range.visible(tile.first + block + r) - key;
      weigh_rows(block + r, key, block_scores_ + r * kPanel, block_grads_ + r * kPanel, groups, first_visible,
                 rows - r);
    }
  }

  /// The same for the kDepth queries from `query`, which share words. `rows` of them exist. The first reads the keys of
  /// the panel below `visible`; each further query reads one key more.
  void weigh_rows(std::int64_t query, std::int64_t key, const float* scores, const float* grads, std::int64_t groups,
                  std::int64_t visible, std::int64_t rows) const {
    const float factor = problem_.scale * kLog2E;
    const std::int64_t at = key * kTileSteps + query / kDepth * kPanel;
    std::uint32_t *const weight_words = weights_ + at, *const grad_words = score_grads_ + at;
    Element* const grad_row = score_grad_rows_ + query * key_stride_ + key;
    for (std::int64_t i = 0; i < groups * kLanes; i += kLanes) {
      Floats weights[kDepth], score_grads[kDepth];
      for (std::int64_t d = 0; d < kDepth; ++d) {
        weights[d] = exp2(load(scores + d * kPanel + i) * factor - lse_[query + d]);
        score_grads[d] = weights[d] * (load(grads + d * kPanel + i) - mean_[query + d]);
        if (visible < i + kLanes || d >= rows) {
          const Ints seen = first_lanes(d < rows ? visible + d - i : 0);
          weights[d] = choose(seen, weights[d], Floats{});
          score_grads[d] = choose(seen, score_grads[d], Floats{});
        }
        store(grad_row + d * key_stride_ + i, score_grads[d]);
      }
      const Words weight_word = Arithmetic::join(weights), grad_word = Arithmetic::join(score_grads);
      std::memcpy(weight_words + i, &weight_word, sizeof weight_word);
      std::memcpy(grad_words + i, &grad_word, sizeof grad_word);
    }
    // A block of keys can extend into the next group, which no query of this row reads: its weights must be 0.
    if (groups < kPanelGroups) {
      std::fill_n(weight_words + groups * kLanes, kLanes, 0U);
      std::fill_n(grad_words + groups * kLanes, kLanes, 0U);
    }
  }

  /// Computes and writes dQ for the block of queries from `block`.
  void write_queries(const KeyRange& range, const Tile& tile, std::int64_t block) {
    const std::int64_t rows = std::min(kBlockRows, tile.count - block);
    const std::int64_t steps = ceil_divide(range.visible(tile.first + block + rows - 1), kDepth);
    for (std::int64_t column = 0; column < heads_.width; column += kPanel) {
      multiply<Arithmetic, Into::kEmpty>(RowsAlong<Element>{score_grad_rows_ + block * key_stride_, key_stride_},
                                         keys_ + column * key_steps_, steps, sums_, kPanel, rows,
                                         groups_of_panel(column, heads_.width));
      for (std::int64_t r = 0; r < rows; ++r) {
        store_scaled(sums_ + r * kPanel, problem_.scale,
                     grad_row(range.begin + tile.first + block + r, tile.head) + column,
                     std::min(kPanel, heads_.width - column));
      }
    }
  }

  /// Adds the tile's contribution to dK and dV of the keys begin..end of the panel from `panel`, whose rows are
  /// contiguous.
  void add_keys(const KeyRange& range, const Tile& tile, std::int64_t panel, std::int64_t begin, std::int64_t end) {
    const std::int64_t steps = ceil_divide(tile.count, kDepth);
    for (std::int64_t key = begin; key < end; key += kBlockRows) {
      const std::int64_t rows = std::min(kBlockRows, end - key);
      // Queries before `first` do not read these keys.
      const std::int64_t first = std::max<std::int64_t>(key - range.prefix - tile.first, 0) / kDepth;
      const std::int64_t at = panel * kTileSteps + first * kPanel + key - panel;
      const std::int64_t sum_row = (range.row(key) - family_.begin) * sum_stride_;
      for (std::int64_t column = 0; column < heads_.width; column += kPanel) {
        const std::int64_t groups = groups_of_panel(column, heads_.width);
        const std::int64_t right = column * steps + first * kPanel;
        multiply<Arithmetic, Into::kSum>(RowsAcross{weights_ + at}, grads_ + right, steps - first,
                                         grad_values_ + sum_row + column, sum_stride_, rows, groups);
        multiply<Arithmetic, Into::kSum>(RowsAcross{score_grads_ + at}, queries_ + right, steps - first,
                                         grad_keys_ + sum_row + column, sum_stride_, rows, groups);
      }
    }
  }

  void write_keys(const KeyRange& range) const {
    const std::int64_t key = heads_.queries + key_head_, value = key + heads_.keys;
    for (std::int64_t i = 0; i < range.count(); ++i) {
      const std::int64_t index = range.row(i), sum_row = (index - family_.begin) * sum_stride_;
      store_scaled(grad_keys_ + sum_row, problem_.scale, grad_row(index, key), heads_.width);
      store_scaled(grad_values_ + sum_row, 1.0F, grad_row(index, value), heads_.width);
    }
  }

  const Problem<T>& problem_;
  const AttentionHeads heads_;
  const Family& family_;
  const std::int64_t key_head_;
  const std::int64_t depth_;       // words per query and per key
  const std::int64_t stride_;      // elements between copied rows
  const std::int64_t sum_stride_;  // elements between rows of grad_keys_, grad_values_
  Scratch<Element>& scratch_;
  std::int64_t key_steps_ = 0;   // words along all keys
  std::int64_t key_stride_ = 0;  // elements between rows of score_grad_rows_
  Element *query_rows_, *grad_rows_, *score_grad_rows_ = nullptr;
  std::uint32_t *keys_across_ = nullptr, *values_across_ = nullptr, *keys_ = nullptr, *queries_, *grads_;
  std::uint32_t *weights_ = nullptr, *score_grads_ = nullptr;
  float *block_scores_, *block_grads_, *sums_, *grad_keys_, *grad_values_;
  float lse_[kTile] = {}, mean_[kTile] = {};  // for each query of the tile: lse · log₂e, and D
};

}  // namespace

template <typename T>
void attention_backward(const T* grad_out, const T* qkv, const T* out, const float* lse, AttentionHeads heads,
                        const AttentionSpan* spans, std::int64_t count, float scale, T* grad_qkv,
                        std::int64_t total_rows) {
  const std::vector<Interval> intervals = intervals_by_row(spans, count);
  const std::vector<Member> members = members_by_family(intervals, spans, count);
  const std::vector<Family> families = families_by_cost(members);
  clear_unread(intervals, heads, grad_qkv, total_rows);

  const Problem<T> problem = {grad_out, qkv, out, lse, heads, scale, grad_qkv, total_rows};
  const std::int64_t items = static_cast<std::int64_t>(families.size()) * heads.keys;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < items; ++i) {
    static thread_local Scratch<typename Backward<T>::Element> scratch;
    Backward<T>(problem, families[static_cast<std::size_t>(i / heads.keys)], i % heads.keys, scratch).run();
  }
}

template void attention_backward(const float*, const float*, const float*, const float*, AttentionHeads,
                                 const AttentionSpan*, std::int64_t, float, float*, std::int64_t);
template void attention_backward(const BFloat16*, const BFloat16*, const BFloat16*, const float*, AttentionHeads,
                                 const AttentionSpan*, std::int64_t, float, BFloat16*, std::int64_t);

}  // namespace rlhf::RLHF_ISA
