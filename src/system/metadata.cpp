// The owner first, because chown(2) takes set-id bits off; then the attributes, ACLs among them; the mode last.
#include "system/metadata.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>
#include <string>

namespace hostpci {
namespace {

using ExtendedAttributes = std::map<std::string, std::string>;

/// Calls a listxattr(2) or getxattr(2) with room enough, however the answer grows meanwhile. Nothing: see errno.
template <class Call>
std::optional<std::string> whole_answer(Call call) {
  std::string answer;
  while (true) {
    ssize_t size = call(nullptr, 0);
    if (size < 0) return std::nullopt;
    answer.resize(std::size_t(size));
    if (size == 0) return answer;
    size = call(answer.data(), answer.size());
    if (size < 0 && errno == ERANGE) continue;
    if (size < 0) return std::nullopt;
    answer.resize(std::size_t(size));
    return answer;
  }
}

std::optional<ExtendedAttributes> extended_attributes(int file) {
  auto names = whole_answer([&](char* to, std::size_t size) { return flistxattr(file, to, size); });
  if (!names) return errno == EOPNOTSUPP ? std::optional(ExtendedAttributes()) : std::nullopt;
  ExtendedAttributes found;
  for (std::size_t at = 0; at < names->size();) {
    std::string name = names->c_str() + at;
    at += name.size() + 1;
    auto value = whole_answer([&](char* to, std::size_t size) { return fgetxattr(file, name.c_str(), to, size); });
    if (value)
      found.emplace(name, std::move(*value));
    else if (errno != ENODATA && errno != EOPNOTSUPP)
      return std::nullopt;
  }
  return found;
}

bool copy_extended_attributes(int from, int to) {
  auto wanted = extended_attributes(from), present = extended_attributes(to);
  if (!wanted || !present) return false;
  for (const auto& [name, value] : *present)
    if (!wanted->count(name) && fremovexattr(to, name.c_str()) != 0 && errno != ENODATA) return false;
  for (const auto& [name, value] : *wanted) {
    auto same = present->find(name);
    if (same != present->end() && same->second == value) continue;
    if (fsetxattr(to, name.c_str(), value.data(), value.size(), 0) != 0) return false;
  }
  return true;
}

}  // namespace

bool copy_metadata(int from, int to) {
  struct stat source, target;
  if (fstat(from, &source) != 0 || fstat(to, &target) != 0) return false;
  bool same_owner = source.st_uid == target.st_uid && source.st_gid == target.st_gid;
  if (!same_owner && fchown(to, source.st_uid, source.st_gid) != 0) return false;
  if (!copy_extended_attributes(from, to)) return false;
  return fchmod(to, source.st_mode & 07777) == 0;
}

}  // namespace hostpci
