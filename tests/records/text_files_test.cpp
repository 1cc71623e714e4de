// Files that are not JSONL: arrays of records, and plain text.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/records/records.h"

#include "support/gzip_file.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

std::vector<std::string> texts(const std::string& file, SampleBy sample_by = SampleBy::line) {
  RecordReading reading;
  reading.sample_by = sample_by;
  std::vector<std::string> found;
  for (const Demonstration& record : read_demonstrations({file}, reading).records) {
    EXPECT_TRUE(record.whole);
    found.push_back(record.completion);
  }
  return found;
}

// As the loader "text" of the library `datasets` with sample_by line, paragraph and document, but blank lines are no
// samples and texts have no line breaks at their ends.
TEST(TextFiles, AreLinesParagraphsOrOneDocument) {
  const TemporaryFolder folder;
  const std::string bytes = "\n  One.\r\nTwo.\n\n\nThree.\n", name = folder.write("a.txt", bytes);
  EXPECT_EQ(texts(name), (std::vector<std::string>{"  One.", "Two.", "Three."}));
  EXPECT_EQ(texts(name, SampleBy::paragraph), (std::vector<std::string>{"  One.\nTwo.", "Three."}));
  EXPECT_EQ(texts(name, SampleBy::document), (std::vector<std::string>{"  One.\nTwo.\n\n\nThree."}));
  EXPECT_EQ(texts(testing::write_gzip(folder / "b.txt.gz", bytes)), texts(name));
}

TEST(TextFiles, AreUtf8) {
  const TemporaryFolder folder;
  const std::string name = folder.write("a.txt", "good\ncaf\xe9\n");
  try {
    texts(name);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        name + ":2: byte 4: expected UTF-8, found another encoding; hint: iconv -t UTF-8 converts other encodings");
  }
}

TEST(TextFiles, JsonArraysAreReadUnderAnyName) {
  const TemporaryFolder folder;
  const std::string array = "[\n  {\"text\": \"a\"},\n  {\"text\": \"b\"}\n]\n";
  for (const char* name : {"a.json", "a.jsonl"})
    EXPECT_EQ(texts(folder.write(name, array)), (std::vector<std::string>{"a", "b"})) << name;
}

}  // namespace
}  // namespace rlhf
