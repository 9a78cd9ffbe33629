// Reading attributes of sysfs.
#include "host/attributes.hpp"

#include <algorithm>
#include <cerrno>

#include "text/words.hpp"

namespace hostpci {

std::string_view base_name(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

std::optional<PciAddress> last_address(std::string_view path) {
  while (!path.empty()) {
    std::size_t slash = path.rfind('/');
    std::string_view part = path.substr(slash + 1);
    // the cheap test first: most parts of a path are no addresses
    if (part.size() >= 12 && part[part.size() - 2] == '.')
      if (auto address = parse_pci_address(part)) return address;
    if (slash == std::string_view::npos) break;
    path = path.substr(0, slash);
  }
  return {};
}

std::optional<std::uint64_t> attribute_number(std::string_view text, int base) {
  text = trim(text);
  if (text.substr(0, 2) == "0x") text.remove_prefix(2);
  return number(text, base);
}

Attributes::Attributes(const FileSystem& system, std::string directory)
    : system_(system), directory_(std::move(directory)) {
  auto names = system.list(directory_);
  listed_ = names.has_value();
  if (listed_) names_ = std::move(*names);
}

std::string Attributes::path(std::string_view name) const { return (directory_ + '/').append(name); }

bool Attributes::absent_here(std::string_view name) const {
  if (listed_) return !std::binary_search(names_.begin(), names_.end(), name, std::less<>());
  auto found = system_.stat(path(name), false);
  return !found && found.error().code == ENOENT;
}

Fact<bool> Attributes::has(std::string_view name) const {
  if (listed_) return !absent_here(name);
  auto found = system_.stat(path(name), false);
  if (found) return true;
  return found.error().code == ENOENT ? Fact<bool>(false) : Fact<bool>();
}

Fact<std::string> Attributes::text(std::string_view name) const {
  if (listed_ && absent_here(name)) return {};
  auto bytes = system_.read_attribute(path(name));
  return bytes ? Fact<std::string>(trim(*bytes)) : Fact<std::string>();
}

Fact<std::string> Attributes::text_or(std::string_view name, std::string absent) const {
  if (absent_here(name)) return absent;
  return text(name);
}

Fact<std::string> Attributes::link(std::string_view name) const {
  if (absent_here(name)) return std::string();
  auto target = system_.read_link(path(name));
  return target ? Fact<std::string>(base_name(*target)) : Fact<std::string>();
}

}  // namespace hostpci
