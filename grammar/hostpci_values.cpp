// Faults of the values of hostpci properties: addresses, booleans, ids, names; each with its repair where only one is
// possible.
#include <algorithm>
#include <array>

#include "grammar/address_repair.hpp"
#include "grammar/hostpci_faults.hpp"
#include "grammar/hostpci_words.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string_view rule_of(HostpciType type) {
  switch (type) {
    case HostpciType::addresses: return "syntax-addr-format";
    case HostpciType::boolean: return "syntax-boolean";
    case HostpciType::pci_id: return "syntax-id-override";
    case HostpciType::mdev_type: return "syntax-mdev-value";
    case HostpciType::file_name: return "syntax-romfile-path";
    case HostpciType::driver: return "syntax-driver-enum";
    case HostpciType::mapping_id: break;
  }
  return "syntax-invalid-line-dropped";
}

std::string expected(HostpciType type, std::string_view found) {
  return "expected a " + hostpci_expectation(type) + ", found " + quoted(found);
}

/// Without white space and one pair of quotes around it.
std::string_view bared(std::string_view text) {
  text = trim(text);
  const bool quotes = text.size() > 1 && text.front() == text.back() && (text.front() == '"' || text.front() == '\'');
  return quotes ? trim(text.substr(1, text.size() - 2)) : text;
}

std::optional<bool> meant_boolean(std::string_view text) {
  text = bared(text);
  if (text.starts_with('=')) text.remove_prefix(1);
  if (const std::optional<bool> plain = parse_boolean(text)) return plain;
  const std::string word = lower(text);
  for (std::string_view yes : {"y", "t", "enable", "enabled"})
    if (word == yes) return true;
  for (std::string_view no : {"n", "f", "disable", "disabled"})
    if (word == no) return false;
  return std::nullopt;
}

std::optional<std::string> meant_pci_id(std::string_view text) {
  text = bared(text);
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  const bool hex = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
  return hex ? std::optional("0x" + std::string(4 - text.size(), '0') + std::string(text)) : std::nullopt;
}

/// What the value of a simple type certainly means, if it is not what is written.
std::optional<std::string> meant_value(HostpciType type, std::string_view text) {
  const std::string_view plain = bared(text);
  if (type != HostpciType::driver)
    return plain != text && !plain.empty() ? std::optional<std::string>(plain) : std::nullopt;
  const std::string word = lower(plain);
  if (word == "vfio-pci" || word == "vfio_pci") return "vfio";
  return word == "vfio" || word == "keep" ? std::optional(word) : std::nullopt;
}

std::string help_for(HostpciType type, std::string_view text) {
  const std::string_view last = text.substr(text.rfind('/') + 1);
  if (type == HostpciType::driver) {
    constexpr std::array<std::string_view, 2> choices{"vfio", "keep"};
    const auto near = closest(text, choices);
    return near ? "did you mean `" + std::string(*near) + "`?"
                : "`vfio` binds the device to vfio-pci, `keep` leaves its driver";
  }
  if (type == HostpciType::mdev_type)
    return last.size() < text.size() && accepts_hostpci_value(HostpciKey::mdev, last)
               ? "a type is named without its path; did you mean " + quoted(last) + "?"
               : "a type is named as in the device's mdev_supported_types directory, or nvidia- and its number";
  if (type == HostpciType::mapping_id)
    return "mappings are named in Datacenter, Resource Mappings, and in /etc/pve/mapping/pci.cfg";
  return "a ROM file is named relative to /usr/share/kvm";
}

std::string address_help(std::string_view text) {
  if (text.find_first_of("ABCDEF") != text.npos && text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos)
    return "hex digits are written in lower case";
  if (text == "none") return "to take the device out, delete the whole line";
  return "the form is [domain:]bus:device[.function] in lower-case hex digits; several are separated by `;`";
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  const bool cut = text.size() > longest;
  if (cut) {
    text = text.substr(0, longest);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.remove_suffix(1);
  }
  return '`' + printable(text) + (cut ? "...`" : "`");
}

std::string near_key_help(std::string_view word) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < hostpci_key_count; ++i) names.push_back(name(HostpciKey(i)));
  if (const auto near = closest(trim(word), names)) return "did you mean `" + std::string(*near) + "=...`?";
  return "only one value, the host, may stand without its key; write `KEY=VALUE`";
}

void HostpciFaults::wrong_value(HostpciKey key, Place value) {
  switch (type(key)) {
    case HostpciType::addresses:
      if (slice(value) == "0") zero_host_ = true, zero_host_error_ = result_.errors.size();
      return addresses(value);
    case HostpciType::boolean: return boolean(key, value);
    case HostpciType::pci_id: return pci_id(key, value);
    default: return simple_value(key, value);
  }
}

void HostpciFaults::boolean(HostpciKey key, Place value) {
  HostpciError& error =
      add("syntax-boolean", value, std::string(name(key)), expected(HostpciType::boolean, slice(value)),
          "write `" + std::string(name(key)) + "=1` or `" + std::string(name(key)) + "=0`");
  if (const std::optional<bool> meant = meant_boolean(slice(value))) fix(error, *meant ? "1" : "0");
}

void HostpciFaults::pci_id(HostpciKey key, Place value) {
  const std::string_view text = slice(value);
  HostpciError& error = add("syntax-id-override", value, std::string(name(key)), expected(HostpciType::pci_id, text));
  const std::optional<std::string> meant = meant_pci_id(text);
  if (meant) fix(error, *meant);
  if (meant)
    error.help = "write `" + std::string(name(key)) + "=" + *meant + "`";
  else if (text.size() == 9 && text[4] == ':')
    error.help = "vendor and device are two properties, such as `vendor-id=0x10de,device-id=0x1b80`";
  else
    error.help = "an id is four hex digits after `0x`; `lspci -nn` shows them";
}

void HostpciFaults::simple_value(HostpciKey key, Place value) {
  const HostpciType kind = type(key);
  const std::string_view text = slice(value);
  HostpciError& error = add(std::string(rule_of(kind)), value, std::string(name(key)), expected(kind, text));
  const std::optional<std::string> meant = meant_value(kind, text);
  if (meant && accepts_hostpci_value(key, *meant)) {
    error.help = "did you mean `" + std::string(name(key)) + "=" + *meant + "`?";
    fix(error, *meant);
  } else {
    error.help = help_for(kind, text);
  }
}

// Addresses ----------------------------------------------------------------------------------------------------------

std::vector<HostpciFaults::Place> HostpciFaults::elements(Place value) const {
  std::vector<Place> list;
  std::size_t begin = value.begin;
  for (std::size_t at = begin; at <= value.end; ++at) {
    if (at != value.end && text_[at] != ';') continue;
    list.push_back({begin, at});
    begin = at + 1;
  }
  return list;
}

void HostpciFaults::addresses(Place value) {
  const std::vector<Place> list = elements(value);
  for (Place element : list)
    if (!full() && !trim(slice(element)).empty() && !accepts_hostpci_value(HostpciKey::host, slice(element)))
      address(element);
  empty_elements(list);
}

/// "01:00;" and ";01:00": an element without an address. Its fix takes the semicolon beside it out.
void HostpciFaults::empty_elements(const std::vector<Place>& list) {
  const auto is_empty = [&](Place e) { return trim(slice(e)).empty(); };
  const bool all = std::all_of(list.begin(), list.end(), is_empty);
  bool leading = true;
  for (std::size_t i = 0; i < list.size() && !full(); ++i) {
    leading = leading && is_empty(list[i]);
    if (!is_empty(list[i])) continue;
    const Place with_semicolon = leading ? Place{list[i].begin, i + 1 < list.size() ? list[i + 1].begin : list[i].end}
                                         : Place{list[i - 1].end, list[i].end};
    HostpciError& error =
        add("syntax-addr-format", with_semicolon, "host",
            "expected a " + hostpci_expectation(HostpciType::addresses) + " beside the `;`", "take the `;` out");
    if (all) return;
    fix(error, "");
  }
}

void HostpciFaults::address(Place element) {
  const std::string_view text = slice(element);
  HostpciError& error =
      add("syntax-addr-format", element, "host", expected(HostpciType::addresses, text), address_help(text));
  const std::optional<std::string> meant = repair_address(text);
  if (!meant || !accepts_hostpci_value(HostpciKey::host, *meant)) return;
  error.help = "did you mean `" + *meant + "`?";
  fix(error, *meant);
}

}  // namespace hostpci
