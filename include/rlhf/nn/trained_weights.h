#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/io/safetensors.h"
#include "rlhf/nn/parameter.h"
#include "rlhf/nn/weight_supply.h"

namespace rlhf {

struct OwnPart;

/// Which part of the trained elements a process updates, where `size` processes have the same weights: an equal part of
/// each bucket.
struct Shard {
  int rank = 0, size = 1;
  bool gradients = false;  ///< also of the gradients there is only this part
};

/// The weights of a model that is trained: leaves, float32 masters, float32 gradients, frozen weights, and the names in
/// files. The backward pass adds to the gradients (tensor/gradient.h), the optimizer updates the masters, and saving
/// reads them. P is the number of trained elements, with those of each weight padded to a multiple of 16, or, in a
/// shard, of the block of moments in bytes.
///
/// In a shard, masters are only those of the elements that this process updates (own elements); all processes have all
/// leaves, unless a WeightSupply has them, and all gradients unless the shard is one of gradients. Then leaves get
/// their grad() from autograd, in their dtype, and whoever exchanges gradients takes it from them.
///
/// A weight is frozen if its leaf does not require a gradient. It has no master and no gradient, and files get its
/// value. The leaves are shared with the model of `parameters`.
class TrainedWeights {
 public:
  /// A trained weight. `gradient` is a view of gradients(). `master` is `leaf` if that is float32; in a shard it is
  /// flat and has only the own elements, from `begin` on of those of the leaf.
  struct Weight {
    Parameter parameter;
    at::Tensor leaf, master, gradient;
    at::Tensor part;  ///< the own elements of the leaf, with the shape of the master: a view of it, or of the supply
    std::int64_t begin = 0;
    std::int64_t place = 0;  ///< of the first element of the leaf in the layout of the buckets

    /// The own elements of a tensor of the leaf's shape, with the shape of the master.
    at::Tensor own(const at::Tensor& all) const;
    /// `name` for the master; in a shard with the range of its elements: "name[0:256]".
    std::string name_of_own(const std::string& name, std::int64_t block = 1) const;
  };
  /// The elements from `begin` to before `end` of the layout, which is that of gradients() if these are all there:
  /// those of the weights from `first` to before `last`, whose leaves have one dtype. The backward pass of `layer`
  /// completes their gradients (Parameter::layer).
  struct Bucket {
    std::int64_t begin = 0, end = 0;
    std::size_t first = 0, last = 0;
    std::int64_t layer = -1;
    at::Tensor leaves;  ///< in a shard without a supply: the memory of the leaves, [end - begin]
  };

  /// Allocates the gradients, sets them to zero and makes them the grad() of the leaves. In a shard, masters that files
  /// had are reduced to the own elements. `supply`: has leaves of the parameters, divided as `shard` says, which is one
  /// of gradients; each of its units is a bucket. It must outlive the object. Throws ArgumentError if all parameters
  /// are frozen, or some of a unit.
  explicit TrainedWeights(const Parameters& parameters, Shard shard = {}, const WeightSupply* supply = nullptr);
  TrainedWeights(const TrainedWeights&) = delete;
  TrainedWeights& operator=(const TrainedWeights&) = delete;

  /// The trained weights, in the order of the parameters.
  const std::vector<Weight>& weights() const { return weights_; }
  /// All gradients, [P] float32, or in a shard of gradients the own ones.
  const at::Tensor& gradients() const { return gradients_; }
  /// The own gradients of a bucket, flat.
  at::Tensor own_gradients(const Bucket& bucket) const;
  const Shard& shard() const { return shard_; }
  /// Parts of at most 25 MiB, or one weight or unit of the supply, about eight at least, in the order in which the
  /// backward pass of a decoder completes them: that of the last weights first. In a shard each has a multiple of its
  /// size of elements.
  const std::vector<Bucket>& buckets() const { return buckets_; }
  /// The gradients of the own elements, flat, one for each bucket; without a shard all.
  std::vector<at::Tensor> own_gradients() const;
  void zero_gradients();
  /// Writes the masters to the leaves, rounded to their dtype; call it after a restore.
  void write_leaves();

  /// Gives all processes the parts of all: `values` are [size · s], and the s elements of this process are there.
  using GatherParts = std::function<void(const at::Tensor& values)>;
  /// The tensors for a model folder: masters and values of frozen weights, with the names and layout of files. In a
  /// shard `gather` is called for each bucket of masters that other processes have a part of, so all processes must
  /// take the tensors. The object must outlive the stream.
  TensorStream file_tensors(const GatherParts& gather = {}) const;
  /// The size of masters and gradients in bytes.
  std::int64_t bytes() const;

 private:
  const WeightSupply::Unit* unit_of(const at::Tensor& leaf) const;  ///< null if no supply has it
  void choose_buckets();
  /// Says where each bucket and the gradient of each weight begins.
  void lay_out();
  void lay_out_leaves(Bucket& bucket);
  void keep_own_elements(const Bucket& bucket, Weight& weight) const;
  OwnPart own_part(const Bucket& bucket) const;
  /// Whether other processes have a part of the masters of a bucket, which are then not its leaves.
  bool divides_masters(const Bucket& bucket) const;
  /// The masters of a bucket in its layout, [end - begin].
  at::Tensor gather_masters(const Bucket& bucket, const GatherParts& gather) const;
  void give_file_tensors(const GatherParts& gather, const TensorStream::Take& take) const;

  Parameters parameters_;
  Shard shard_;
  const WeightSupply* supply_;
  std::vector<Weight> weights_;
  std::vector<Bucket> buckets_;
  at::Tensor gradients_;
};

}  // namespace rlhf
