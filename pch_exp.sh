W="-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -Wno-restrict"
T=/hw/deps/cpu/torch
F="-I/hw/build/include -I/hw/build/src -isystem $T/include -isystem $T/include/torch/csrc/api/include -DNDEBUG -fPIC $W -fopenmp -std=gnu++20"
t() { local s=$( { /usr/bin/time -f "%U %S" "$@" >/dev/null; } 2>&1 | tail -1); echo "$s"; }
for f in tensor/linear.cpp nn/decoder.cpp io/safetensors_writer.cpp rollout/sampling.cpp train/reward_model.cpp; do
  for o in O3 O2 O1; do echo "$f -$o nopch $(t g++ $F -$o -c /hw/build/src/$f -o x.o)"; done
  echo "$f syntax $(t g++ $F -fsyntax-only -c /hw/build/src/$f)"
done
cat > torch_pch.h <<'X'
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <nlohmann/json.hpp>
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/custom_function.h>
X
for o in O3 O2; do
echo "pch $o $(t g++ $F -$o -x c++-header torch_pch.h -o torch_pch.h.gch)"; ls -la torch_pch.h.gch
for f in tensor/linear.cpp nn/decoder.cpp io/safetensors_writer.cpp rollout/sampling.cpp train/reward_model.cpp nn/families/opt.cpp; do
  echo "$f $o pch $(t g++ $F -$o -include torch_pch.h -c /hw/build/src/$f -o x.o)"
done
done
