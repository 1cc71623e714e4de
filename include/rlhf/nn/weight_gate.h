#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace rlhf {

/// What a model waits for before it reads weights that are still on their way, layer by layer: so the first layers of a
/// pass run while the weights of later ones arrive.
class WeightGate {
 public:
  using Wait = std::function<void()>;

  /// `wait` is called before weights of `layer` (Parameter::layer) are read. What comes before the layers, and what
  /// several places read, has -1.
  void expect(std::int64_t layer, Wait wait) { waits_.emplace(layer, std::move(wait)); }
  /// The model calls this before it reads the weights of a layer: waits for those, and for what comes before.
  void before_layer(std::int64_t layer) {
    while (!waits_.empty() && waits_.begin()->first <= layer) waits_.extract(waits_.begin()).mapped()();
  }
  /// Waits for all weights. The model calls this before it reads those that come after the layers.
  void finish() {
    while (!waits_.empty()) waits_.extract(waits_.begin()).mapped()();
  }

 private:
  std::multimap<std::int64_t, Wait> waits_;
};

}  // namespace rlhf
