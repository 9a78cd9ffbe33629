// The hostpciN property string: its thirteen properties, each with its place, and PVE's own verdict on it.
// Source: qemu-server PCI.pm ($hostpci_fmt) and pve-common JSONSchema.pm.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/pci_address.hpp"
#include "text/span.hpp"

namespace hostpci {

enum class HostpciKey : std::uint8_t {
  host, mapping, driver, rombar, romfile, pcie, x_vga, legacy_igd, mdev,
  vendor_id, device_id, sub_vendor_id, sub_device_id,
};
inline constexpr std::size_t hostpci_key_count = 13;
/// PVE's word: "host", "x-vga", "sub-device-id".
std::string_view name(HostpciKey);
std::optional<HostpciKey> parse_hostpci_key(std::string_view);
/// What the value is, for messages and completion.
enum class HostpciType : std::uint8_t { addresses, mapping_id, driver, boolean, file_name, mdev_type, pci_id };
HostpciType type(HostpciKey);
/// 1|on|yes|true|0|off|no|false in any letter case (PVE::JSONSchema::parse_boolean).
std::optional<bool> parse_boolean(std::string_view);

/// One property that PVE accepts. `value` is the text as typed.
struct HostpciProperty {
  HostpciKey key = HostpciKey::host;
  std::string_view value;
  Span span, key_span, value_span;  ///< key_span is empty for a bare host list
};

/// One element of a host list: "01:00", "0000:01:00.1". PVE matches it as a text prefix of the device's name.
struct HostElement {
  std::string_view text;
  AddressPattern pattern;  ///< function digits a-f are kept in address.function
  Span span;
};

/// What PVE would say against the string. `rule` is the catalogue's name for it: syntax-unknown-option,
/// syntax-addr-format, syntax-comma-list, syntax-bare-mapping-name, syntax-boolean, syntax-id-override,
/// syntax-mdev-value, syntax-romfile-path, syntax-driver-enum, syntax-invalid-line-dropped.
struct HostpciError {
  std::string rule;
  std::string message;
  Span span;
  std::string help;         ///< what to write, empty if nothing is known
  std::string replacement;  ///< exact text for `span` if `fixable`
  bool fixable = false;
  /// PVE's blamed key ("host", "pcie", an unknown key as typed), empty for syntax errors of the whole.
  std::string key;
};

struct Hostpci {
  std::vector<HostpciProperty> properties;  ///< those that parse, in the order typed, even if others are wrong
  std::vector<HostElement> hosts;           ///< of the host property that counts
  /// Empty: PVE accepts the string. First the one PVE names, then the others as they stand; at most about a hundred.
  std::vector<HostpciError> errors;

  bool ok() const { return errors.empty(); }
  const HostpciProperty* find(HostpciKey key) const;
  bool has(HostpciKey key) const { return find(key) != nullptr; }
  /// The value as typed, or empty.
  std::string_view text(HostpciKey key) const;
  /// The boolean's value, or `fallback` if it is absent.
  bool flag(HostpciKey key, bool fallback = false) const;
};

/// Any bytes; views point into `text`; spans are offsets in `text` plus `base`.
Hostpci parse_hostpci(std::string_view text, std::uint32_t base = 0);

/// PVE's canonical text (print_property_string): host first without its key, the others in byte order, booleans as 0/1.
std::string canonical(const Hostpci&);

}  // namespace hostpci
