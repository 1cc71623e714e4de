#include "rlhf/io/model_path.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

/// A cache as huggingface_hub lays it down, which HF_HUB_CACHE names.
struct Cache {
  testing::TemporaryFolder folder;
  Cache() { setenv("HF_HUB_CACHE", folder.path().c_str(), /*overwrite=*/1); }
  ~Cache() { unsetenv("HF_HUB_CACHE"); }
  fs::path add(const std::string& entry, const std::string& main, const std::string& snapshot) const {
    fs::create_directories(folder.path() / entry / "refs");
    std::ofstream(folder.path() / entry / "refs" / "main") << main;
    fs::create_directories(folder.path() / entry / "snapshots" / snapshot);
    return folder.path() / entry / "snapshots" / snapshot;
  }
};

TEST(FindModel, TakesTheSnapshotThatMainNames) {
  const Cache cache;
  const fs::path named = cache.add("models--org--a.model", "c0ffee\n", "c0ffee");
  cache.add("models--org--a.model", "c0ffee", "older");
  EXPECT_EQ(find_model("org/a.model"), named);
  EXPECT_EQ(find_model("gpt2"), "gpt2") << "not in the cache";
  const fs::path bare = cache.add("models--gpt2", "1", "1");
  EXPECT_EQ(find_model("gpt2"), bare);
}

TEST(FindModel, LooksIntoHfHomeWhereNoCacheIsSaid) {
  const Cache cache;
  cache.add("hub/models--org--model", "1", "1");
  unsetenv("HF_HUB_CACHE");
  setenv("HF_HOME", cache.folder.path().c_str(), /*overwrite=*/1);
  EXPECT_EQ(find_model("org/model"), cache.folder.path() / "hub/models--org--model/snapshots/1");
  unsetenv("HF_HOME");
}

TEST(FindModel, LeavesFoldersAndWhatIsNoIdAlone) {
  const Cache cache;
  fs::create_directories(cache.folder.path() / "model");
  const std::string folder = (cache.folder.path() / "model").string();
  EXPECT_EQ(find_model(folder), folder);
  for (const char* const said : {"", "./org/model", "/nowhere", "a/b/c", "org/mo del", ".."}) {
    EXPECT_EQ(find_model(said), said);
  }
}

TEST(FindModel, DoesNotFollowAReferenceOutOfTheCache) {
  const Cache cache;
  cache.add("models--org--model", "../../elsewhere", "1");
  EXPECT_EQ(find_model("org/model"), "org/model");
  cache.add("models--org--gone", "2", "1");
  EXPECT_EQ(find_model("org/gone"), "org/gone");
}

}  // namespace
}  // namespace rlhf
