// One directory of sysfs: its attributes as facts. Absent and unreadable are two things.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// The last part of a path or link text.
std::string_view base_name(std::string_view path);
/// The last part of a path that is a PCI address: the device that a link below /sys/devices leads to or through.
std::optional<PciAddress> last_address(std::string_view path);
/// "0x10de", "10de" with base 16, "16" with base 10; white space at both ends is cut.
std::optional<std::uint64_t> attribute_number(std::string_view text, int base);

/// Reads the directory's names once. An attribute that the listing lacks is absent; one that it has and that cannot be
/// read is unknown.
class Attributes {
 public:
  Attributes(const FileSystem& system, std::string directory);

  const std::string& directory() const { return directory_; }
  const std::vector<std::string>& names() const { return names_; }
  bool listed() const { return listed_; }

  Fact<bool> has(std::string_view name) const;
  /// Trimmed text; unknown if absent or unreadable.
  Fact<std::string> text(std::string_view name) const;
  /// Trimmed text; `absent` where the attribute does not exist.
  Fact<std::string> text_or(std::string_view name, std::string absent) const;
  template <class T>
  Fact<T> number(std::string_view name, int base) const {
    return narrow<T>(text(name), base);
  }
  template <class T>
  Fact<T> number_or(std::string_view name, int base, T absent) const {
    if (absent_here(name)) return absent;
    return narrow<T>(text(name), base);
  }
  /// The base name of a link's text; "" where there is no such link.
  Fact<std::string> link(std::string_view name) const;

 private:
  template <class T>
  static Fact<T> narrow(const Fact<std::string>& text, int base) {
    if (!text) return {};
    auto value = attribute_number(*text, base);
    return value ? Fact<T>(T(*value)) : Fact<T>();
  }
  bool absent_here(std::string_view name) const;
  std::string path(std::string_view name) const;

  const FileSystem& system_;
  std::string directory_;
  std::vector<std::string> names_;
  bool listed_ = false;
};

}  // namespace hostpci
