// Checks of shapes and finite values.
#include "rlhf/tensor/check_shape.h"

#include <cstddef>
#include <sstream>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/ScalarType.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/error.h"

namespace rlhf {
namespace {

bool agrees(at::IntArrayRef found, std::initializer_list<std::int64_t> expected) {
  if (found.size() != expected.size()) return false;
  std::size_t axis = 0;
  for (const std::int64_t size : expected) {
    if (size != -1 && size != found[axis]) return false;
    ++axis;
  }
  return true;
}

template <typename Sizes>
std::string sizes_text(const Sizes& sizes) {
  std::ostringstream text;
  text << '[';
  const char* separator = "";
  for (const std::int64_t size : sizes) {
    text << separator;
    if (size == -1) {
      text << "any";
    } else {
      text << size;
    }
    separator = ", ";
  }
  text << ']';
  return text.str();
}

const char* dtype_text(const at::Tensor& tensor) {
  return tensor.defined() ? c10::toString(tensor.scalar_type()) : "no tensor";
}

}  // namespace

void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<std::int64_t> expected) {
  if (tensor.defined() && agrees(tensor.sizes(), expected)) return;
  throw ShapeError(std::string(name) + ": expected " + sizes_text(expected) + ", found " +
                   (tensor.defined() ? sizes_text(tensor.sizes()) : "no tensor"));
}

void check_dtype(const at::Tensor& tensor, std::string_view name, at::ScalarType expected) {
  if (tensor.defined() && tensor.scalar_type() == expected) return;
  throw ShapeError(std::string(name) + ": expected " + c10::toString(expected) + ", found " + dtype_text(tensor));
}

void check_floating(const at::Tensor& tensor, std::string_view name) {
  if (tensor.defined() && at::isFloatingType(tensor.scalar_type())) return;
  throw ShapeError(std::string(name) + ": expected floating-point numbers, found " + dtype_text(tensor));
}

void check_device(const at::Tensor& tensor, std::string_view name, at::Device expected) {
  if (tensor.defined() && tensor.device() == expected) return;
  throw ShapeError(std::string(name) + ": expected a tensor on " + expected.str() + ", found " +
                   (tensor.defined() ? "one on " + tensor.device().str() : "no tensor"));
}

void check_indices(const at::Tensor& indices, std::string_view name, std::int64_t size, std::int64_t limit,
                   at::Device device) {
  check_shape(indices, name, {size});
  check_dtype(indices, name, at::kLong);
  check_device(indices, name, device);
  if (!indices.is_cpu() || indices.numel() == 0) return;
  const auto [low, high] = at::aminmax(indices);
  const std::int64_t lowest = low.item<std::int64_t>(), highest = high.item<std::int64_t>();
  if (lowest >= 0 && highest < limit) [[likely]]
    return;
  check_argument(false, name, "numbers from 0 to " + std::to_string(limit - 1), lowest < 0 ? lowest : highest);
}

void check_finite(const at::Tensor& tensor, std::string_view name) {
  check_floating(tensor, name);
  const at::Tensor finite = at::isfinite(tensor.detach());
  if (finite.all().item<bool>()) return;
  const std::int64_t first = finite.logical_not().flatten().to(at::kByte).argmax().item<std::int64_t>();
  std::ostringstream message;
  message << name << ": expected finite numbers, found " << tensor.detach().flatten()[first].item<double>()
          << " at index " << first << " of " << tensor.numel();
  throw NumericsError(message.str());
}

}  // namespace rlhf
