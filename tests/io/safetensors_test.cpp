#include "rlhf/io/safetensors.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <sys/resource.h>
#include <thread>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "rlhf/core/error.h"

#include "support/allocations.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "support/tensors.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

const fs::path kGolden = fs::path(testing::source_dir()) / "golden/safetensors";

/// Equal in dtype, sizes and numbers.
::testing::AssertionResult same(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type()) {
    return ::testing::AssertionFailure() << a.scalar_type() << " and " << b.scalar_type();
  }
  return testing::close(a, b, 0.0);
}

TEST(SafetensorsInterop, ReadsEveryDtypeThatPythonWrote) {
  const SafetensorsFile file(kGolden / "from_python.safetensors");
  // The formulas of write_golden.py.
  const at::Tensor count = at::arange(6, at::kLong);
  const auto is = [&](const std::string& name, const at::Tensor& expected) {
    EXPECT_TRUE(same(file.tensor(name), expected)) << name;
  };
  is("f64", count.to(at::kFloat).div(3).to(at::kDouble).view({2, 3}));
  is("f32", count.to(at::kFloat).div(3).view({3, 2}));
  is("f16", count.to(at::kHalf).div(4));
  is("bf16", count.to(at::kBFloat16).div(4));
  is("i64", count.sub(3));
  is("i32", count.sub(3).to(at::kInt));
  is("i16", count.sub(3).to(at::kShort));
  is("i8", count.sub(3).to(at::kChar));
  is("u8", count.add(250).to(at::kByte));
  is("bool", count.remainder(2).eq(1));
  is("scalar", at::full({}, 2.5));
  is("empty", at::zeros({0, 4}));
  is("ünï", at::full({1}, 1.0));
  EXPECT_EQ(file.entries().size(), 13u);
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"note", "a \"quoted\" ü"}}));
}

TEST(SafetensorsInterop, PythonReadsWhatWeWrite) {
  const char* const python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "RLHF_TEST_PYTHON does not name a Python with safetensors and torch";
  const TemporaryFolder folder;
  const fs::path path = folder / "ours.safetensors";
  write_safetensors(path,
                    {{"bf16", at::arange(3, at::kBFloat16).div(4)},
                     {"f64", at::arange(6, at::kDouble).view({2, 3}).div(3)},
                     {"bool", at::arange(2, at::kLong).eq(0)},
                     {"empty", at::zeros({0, 4})},
                     {"scalar", at::full({}, 7, at::kInt)}},
                    {{"format", "pt"}});
  const std::string script = kGolden / "read_back.py";
  const std::string command = std::string(python) + " '" + script + "' '" + path.string() + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(Safetensors, WhatIsWrittenIsReadBackWithItsMetadata) {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.safetensors";
  const NamedTensors tensors{{"odd", at::arange(3, at::kByte)},
                             {"transposed", testing::normal({4, 3}, 1, at::kFloat).t()},
                             {"half", testing::normal({5}, 2, at::kBFloat16)},
                             {"wide", testing::normal({2, 1, 3}, 3)}};
  write_safetensors(path, tensors, {{"format", "pt"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.path(), path);
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(same(file.tensor(name), tensor)) << name;
    EXPECT_EQ(file.entries().at(name).begin % tensor.element_size(), 0u) << name;
  }
  EXPECT_THROW(file.tensor("absent"), ModelError);
}

// Each is half a megabyte in bfloat16, and what makes and checks one takes less than the eight together.
TEST(Safetensors, TensorsOfAStreamAreMadeOneAfterAnother) {
  constexpr std::int64_t kCount = 8, kElements = 1 << 18;
  const auto tensor = [](std::int64_t i) { return at::arange(kElements, at::kFloat).add(static_cast<double>(i)); };
  NamedTensors described;
  for (std::int64_t i = 0; i < kCount; ++i)
    described.emplace_back("t" + std::to_string(i), at::empty({kElements}, at::TensorOptions(at::kMeta)));
  const TensorStream stream(described, [&](const TensorStream::Take& take) {
    for (std::int64_t i = 0; i < kCount; ++i) take(tensor(i));
  });
  const TemporaryFolder folder;
  {
    const testing::AllocationWatch allocations;
    write_safetensors(folder / "x.safetensors", stream.to(at::kBFloat16));
    EXPECT_LT(allocations.peak(), kCount * kElements * 2);
  }
  const SafetensorsFile file(folder / "x.safetensors");
  for (std::int64_t i = 0; i < kCount; ++i)
    EXPECT_TRUE(same(file.tensor("t" + std::to_string(i)), tensor(i).to(at::kBFloat16)));
}

TEST(Safetensors, AnUnalignedTensorIsCopiedInsteadOfMapped) {
  const TemporaryFolder folder;
  const std::string header = R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})";
  const float values[2] = {1.5F, -2.0F};
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += header + '\7';
  bytes.append(reinterpret_cast<const char*>(values), 8);
  const SafetensorsFile file(folder.write("x.safetensors", bytes));
  const at::Tensor x = file.tensor("x");
  EXPECT_TRUE(same(x, testing::f32({1.5, -2.0})) && same(file.tensor("b"), at::full({1}, 7, at::kByte)));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % alignof(float), 0u);
}

TEST(Safetensors, ATensorOutlivesItsFileObject) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {{"x", testing::f32({1, 2, 3})}});
  const at::Tensor x = SafetensorsFile(folder / "x.safetensors").tensor("x");
  fs::remove(folder / "x.safetensors");
  EXPECT_TRUE(same(x, testing::f32({1, 2, 3})));
}

TEST(Safetensors, AFileCutShortWhileOpenIsAnError) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {{"x", testing::f32({1, 2, 3})}, {"y", at::zeros({16 << 20})}});
  const SafetensorsFile file(folder / "x.safetensors");
  const std::uintmax_t size = fs::file_size(folder / "x.safetensors");
  fs::resize_file(folder / "x.safetensors", size / 2);
  try {
    file.tensor("y");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ModelError& error) {
    EXPECT_EQ(error.what(), (folder / "x.safetensors").string() + ": expected " + std::to_string(size) +
                                " bytes as when it was opened, found " + std::to_string(size / 2));
  }
  EXPECT_TRUE(same(file.tensor("x"), testing::f32({1, 2, 3})));  // lies before the cut
}

// A file that another process cuts and writes again while it is read ends no process: each read gives all bytes, or an
// error.
TEST(Safetensors, AFileThatIsCutAgainAndAgainWhileItIsReadNeverKills) {
  const TemporaryFolder folder;
  const fs::path path = folder / "x.safetensors";
  write_safetensors(path, {{"x", at::ones({2 << 20})}});
  const SafetensorsFile file(path);
  const std::uintmax_t size = fs::file_size(path);
  std::atomic<bool> stop = false;
  std::thread cutter([&] {
    while (!stop) {
      fs::resize_file(path, 4096);
      fs::resize_file(path, size);
    }
  });
  for (int trial = 0; trial < 50; ++trial) {
    try {
      EXPECT_EQ(file.tensor("x").numel(), 2 << 20);
    } catch (const ModelError&) {  // it was short at that moment
    }
  }
  stop = true;
  cutter.join();
  fs::resize_file(path, 4096);
  EXPECT_THROW(file.tensor("x"), ModelError);
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {{"x", testing::f32({1, 2, 3})}, {"y", at::arange(5, at::kByte)}});
  for (std::uintmax_t size = fs::file_size(folder / "x.safetensors"); size > 0; --size) {
    fs::resize_file(folder / "x.safetensors", size - 1);
    EXPECT_THROW(SafetensorsFile(folder / "x.safetensors"), ModelError) << size - 1;
  }
}

TEST(Safetensors, AMissingFileAndAFolderAreModelErrors) {
  const TemporaryFolder folder;
  EXPECT_THROW(SafetensorsFile(folder / "absent.safetensors"), ModelError);
  EXPECT_THROW(SafetensorsFile(folder.path()), ModelError);
}

TEST(WriteSafetensors, RefusesANonFiniteWeightAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {{"x", testing::f32({1})}});
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(write_safetensors(folder / "x.safetensors", {{"x", testing::f32({2, bad})}}), NumericsError);
  }
  EXPECT_TRUE(same(SafetensorsFile(folder / "x.safetensors").tensor("x"), testing::f32({1})));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(WriteSafetensors, ToAFolderThatIsNotThereIsAnOutputError) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_safetensors(folder / "absent/x.safetensors", {{"x", testing::f32({1})}}), OutputError);
}

TEST(WriteSafetensors, LeavesNothingWhenTheFileCannotGrow) {
  const TemporaryFolder folder;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_safetensors(folder / "x.safetensors", {{"x", at::zeros({100, 100})}}), OutputError);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace rlhf
