// Checks of shapes and finite values.
#include "rlhf/tensor/check_shape.h"

#include <cstddef>
#include <sstream>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>

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

}  // namespace

void check_shape(const at::Tensor& tensor, std::string_view name, std::initializer_list<std::int64_t> expected) {
  const std::string start = std::string(name) + ": expected " + sizes_text(expected) + ", found ";
  if (!tensor.defined()) throw ShapeError(start + "no tensor");
  if (!agrees(tensor.sizes(), expected)) throw ShapeError(start + sizes_text(tensor.sizes()));
}

void check_finite(const at::Tensor& tensor, std::string_view name) {
  const at::Tensor finite = at::isfinite(tensor.detach());
  if (finite.all().item<bool>()) return;
  const std::int64_t first = finite.logical_not().flatten().to(at::kByte).argmax().item<std::int64_t>();
  std::ostringstream message;
  message << name << ": expected finite numbers, found " << tensor.detach().flatten()[first].item<double>()
          << " at index " << first << " of " << tensor.numel();
  throw NumericsError(message.str());
}

}  // namespace rlhf
