// Values to YAML text: on one line (encode), or behind a key with lines of their own where that reads better
// (encode_block).
#pragma once
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "host/host.hpp"
#include "host/snapshot_yaml.hpp"

namespace hostpci {

void encode(const std::string&, std::string& out);
void encode(bool, std::string& out);
void encode(int, std::string& out);
void encode(UseKind, std::string& out);
void encode(const PciId&, std::string& out);
void encode(const PciAddress&, std::string& out);
void encode(const Bar&, std::string& out);
void encode_class(const Fact<std::uint32_t>&, std::string& out);
void encode(const Use&, std::string& out);
void encode(const MdevType&, std::string& out);
void encode(const RunningVm&, std::string& out);
void encode(const MdevInstance&, std::string& out);
void encode(const UsbDevice&, std::string& out);
void encode(const Host::RomFile::Image&, std::string& out);
void encode(const Host::RomFile&, std::string& out);
void encode(const Kernel&, std::string& out);
void encode(const Device&, std::string& out);

template <class T>
void encode(const std::optional<T>&, std::string& out);
template <class T>
void encode(const std::vector<T>&, std::string& out);
template <class Key, class T>
void encode(const std::map<Key, T>&, std::string& out);

inline std::string key_text(const std::string& key) { return key; }
inline std::string key_text(int key) { return std::to_string(key); }
inline std::string key_text(const PciAddress& key) { return key.str(); }

template <class T>
requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) void encode(T value, std::string& out) {
  out += std::to_string(value);
}

template <class T>
void encode(const std::optional<T>& value, std::string& out) {
  if (value)
    encode(*value, out);
  else
    out += '~';
}

template <class T>
void encode(const std::vector<T>& list, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out += ", ";
    encode(list[i], out);
  }
  out += ']';
}

template <class Key, class T>
void encode(const std::map<Key, T>& map, std::string& out) {
  out += '{';
  for (const auto& [key, value] : map) {
    if (out.back() != '{') out += ", ";
    out += yaml_flow_key(key_text(key));
    encode(value, out);
  }
  out += '}';
}

// Behind a key
void encode_block(const std::string&, int indent, std::string& out);
void encode_block(const std::vector<std::string>&, int indent, std::string& out);
void encode_block(const Kernel&, int indent, std::string& out);
void encode_block(const Host::RomFile&, int indent, std::string& out);
void encode_block(const Device&, int indent, std::string& out);

template <class T>
void encode_block(const T& value, int, std::string& out) {
  out += ' ';
  encode(value, out);
  out += '\n';
}

/// Maps of a list stand one a line; all other lists on one line.
template <class T>
void encode_block(const std::vector<T>& list, int indent, std::string& out) {
  constexpr bool maps = std::is_same_v<T, Use> || std::is_same_v<T, MdevType> || std::is_same_v<T, RunningVm> ||
                        std::is_same_v<T, MdevInstance> || std::is_same_v<T, Host::RomFile::Image>;
  if (list.empty() || !maps) {
    out += ' ';
    encode(list, out);
    out += '\n';
    return;
  }
  out += '\n';
  for (const T& item : list) {
    out.append(std::size_t(indent), ' ') += "- ";
    encode(item, out);
    out += '\n';
  }
}

template <class Key, class T>
void encode_block(const std::map<Key, T>& map, int indent, std::string& out) {
  if (map.empty()) {
    out += " {}\n";
    return;
  }
  out += '\n';
  for (const auto& [key, value] : map) {
    out += yaml_key(key_text(key), indent);
    encode_block(value, indent + 2, out);
  }
}

template <class T>
void encode_block(const std::optional<T>& value, int indent, std::string& out) {
  if (value)
    encode_block(*value, indent, out);
  else
    out += " ~\n";
}

}  // namespace hostpci
