// Keyed hashes in place of names.
#include "pseudonyms.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string_view>
#include <unistd.h>

#include "rlhf/core/check.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/read_file.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kNewKeyBytes = 32, kPseudonymBytes = 8;
constexpr std::uintmax_t kMaxKeyFileBytes = 1024;

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// The value of a hexadecimal digit; npos if it is none.
std::size_t value_of(char digit) {
  return kDigits.find(digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + ('a' - 'A')) : digit);
}

std::string read_key(const fs::path& file) {
  std::string text = read_file(file, ExitCode::data, kMaxKeyFileBytes);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  std::string key;
  bool is_hex = text.size() % 2 == 0 && text.size() >= 32 && text.size() <= 128;
  for (std::size_t i = 0; is_hex && i < text.size(); i += 2) {
    const std::size_t high = value_of(text[i]), low = value_of(text[i + 1]);
    is_hex = high < 16 && low < 16;
    if (is_hex) key += static_cast<char>(high * 16 + low);
  }
  if (!is_hex)
    throw DataError("reading " + file.string() +
                    ": expected a key of 32 to 128 hexadecimal digits, found something "
                    "else; hint: name a file that does not exist to make a key");
  return key;
}

std::string random_key() {
  std::string key(kNewKeyBytes, '\0');
  if (::getentropy(key.data(), key.size()) != 0)
    throw DeviceError(std::string("reading random bytes for a key: ") + std::strerror(errno));
  return key;
}

bool others_may_read(const fs::path& file) {
  std::error_code ignored;
  return (fs::status(file, ignored).permissions() & (fs::perms::group_read | fs::perms::others_read)) !=
         fs::perms::none;
}

}  // namespace

Pseudonyms::Pseudonyms(const fs::path& key_file) : file_(key_file) {
  std::error_code ignored;
  is_new_ = !fs::exists(fs::symlink_status(key_file, ignored));
  key_ = is_new_ ? random_key() : read_key(key_file);
  if (!is_new_ && others_may_read(key_file))
    log_warning("other users may read the key in " + key_file.string() + "; hint: chmod 600 " + key_file.string());
}

std::string Pseudonyms::operator()(const std::string& name) const {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                          reinterpret_cast<const unsigned char*>(name.data()), name.size(), hash, &size);
  RLHF_CHECK(made != nullptr && size >= kPseudonymBytes, "HMAC-SHA-256 failed");
  return "p" + to_hex({reinterpret_cast<const char*>(hash), kPseudonymBytes});
}

void Pseudonyms::save() const {
  if (!is_new_) return;
  const std::string line = to_hex(key_) + "\n";
  const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool written =
      file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!written) throw OutputError("writing " + file_.string() + ": " + std::strerror(error));
}

}  // namespace rlhf
