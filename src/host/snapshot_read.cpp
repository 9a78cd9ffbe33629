// Reading a snapshot: YAML to the host's values, through the list of fields.
#include <algorithm>
#include <array>

#include "host/attributes.hpp"
#include "host/snapshot.hpp"
#include "host/snapshot_fields.hpp"
#include "host/snapshot_text.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string_view kind_name(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::null:
      return "nothing";
    case Yaml::Kind::scalar:
      return "a text";
    case Yaml::Kind::list:
      return "a list";
    default:
      return "a map";
  }
}

std::string expected(std::string_view what, const Yaml& node) {
  std::string found = node.is(Yaml::Kind::scalar) ? "`" + excerpt(node.text) + "`" : std::string(kind_name(node));
  return "expected " + std::string(what) + ", found " + found;
}

/// The text of a scalar, or a fault.
const std::string* scalar(const Yaml& node, std::string_view what, SnapshotReader& reader) {
  if (node.is(Yaml::Kind::scalar)) return &node.text;
  reader.fault(node, expected(what, node));
  return nullptr;
}

/// Fields mostly come in the order of the list, so the search starts behind the last one found.
template <class T>
const SnapshotField<T>* find_field(std::string_view key, std::size_t& next) {
  constexpr std::size_t count = std::size(FieldsOf<T>::list);
  for (std::size_t i = 0; i < count; ++i) {
    const SnapshotField<T>& candidate = FieldsOf<T>::list[(next + i) % count];
    if (candidate.key != key) continue;
    next = (next + i + 1) % count;
    return &candidate;
  }
  return nullptr;
}

/// Each required field has its bit in `seen`.
template <class T>
void check_required(const Yaml& node, std::uint64_t seen, SnapshotReader& reader) {
  for (const SnapshotField<T>& field : FieldsOf<T>::list)
    if (field.required && !(seen >> (&field - FieldsOf<T>::list) & 1))
      reader.fault(node, "no `" + std::string(field.key) + "` here");
}

/// Reads the known fields of a map; hands the others to `other(key, value)`.
template <class T, class Other>
void read_fields(const Yaml& node, T& owner, SnapshotReader& reader, Other other) {
  static_assert(std::size(FieldsOf<T>::list) <= 64);
  if (!expect(node, Yaml::Kind::map, reader)) return;
  std::size_t next = 0;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < node.items.size(); i += 2) {
    const SnapshotField<T>* known = find_field<T>(node.items[i].text, next);
    if (known) {
      known->read(node.items[i + 1], owner, reader);
      seen |= std::uint64_t(1) << (known - FieldsOf<T>::list);
    } else {
      other(node.items[i].text, node.items[i + 1]);
    }
  }
  check_required<T>(node, seen, reader);
}

template <class T>
void read_struct(const Yaml& node, T& owner, SnapshotReader& reader) {
  read_fields(node, owner, reader,
              [&](const std::string& key, const Yaml& value) { owner.extra[key] = yaml_flow(value); });
}

void read_version(const Yaml& top, SnapshotReader& reader) {
  for (std::size_t i = 0; i < top.items.size(); i += 2) {
    if (top.items[i].text != "version") continue;
    const Yaml& version = top.items[i + 1];
    if (!version.is(Yaml::Kind::scalar) || version.text != "1")
      reader.fault(version, expected("`1`, the only version of a snapshot so far", version));
    return;
  }
  reader.fault(top, "no `version: 1`: this is no snapshot of a host");
}

/// Unknown top-level fields are kept as lines of their own.
void keep_extra(Host& host, const std::string& key, const Yaml& value) {
  if (key != "version") host.extra += yaml_key(key, 0) + ' ' + yaml_flow(value) + '\n';
}

}  // namespace

bool expect(const Yaml& node, Yaml::Kind kind, SnapshotReader& reader) {
  if (node.is(kind)) return true;
  reader.fault(node, expected(kind == Yaml::Kind::list ? "a list" : "a map", node));
  return false;
}

void decode(const Yaml& node, std::string& value, SnapshotReader& reader) {
  if (const std::string* text = scalar(node, "a text (an empty one is `\"\"`)", reader)) value = *text;
}

void decode(const Yaml& node, bool& value, SnapshotReader& reader) {
  if (node.is(Yaml::Kind::scalar) && (node.text == "true" || node.text == "false"))
    value = node.text == "true";
  else
    reader.fault(node, expected("`true` or `false`", node));
}

std::uint64_t decode_number(const Yaml& node, std::uint64_t most, SnapshotReader& reader) {
  auto value = node.is(Yaml::Kind::scalar) ? number(node.text) : std::nullopt;
  if (value && *value <= most) return *value;
  reader.fault(node, expected("a number from 0 to " + std::to_string(most), node));
  return 0;
}

void decode(const Yaml& node, int& value, SnapshotReader& reader) {
  if (node.is(Yaml::Kind::scalar) && node.text == "-1")
    value = -1;
  else if (auto n = node.is(Yaml::Kind::scalar) ? number(node.text) : std::nullopt; n && *n <= 0x7fffffff)
    value = int(*n);
  else
    reader.fault(node, expected("a number, or `-1` for none", node));
}

void decode(const Yaml& node, UseKind& value, SnapshotReader& reader) {
  const std::string* text = scalar(node, "a kind of use", reader);
  if (!text) return;
  std::array<std::string_view, std::size_t(UseKind::drm) + 1> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = name(UseKind(i));
  auto found = std::find(names.begin(), names.end(), *text);
  if (found != names.end()) {
    value = UseKind(found - names.begin());
    return;
  }
  Diagnostic problem =
      yaml_problem(reader.source, node.line, node.column, "no such kind of use: `" + excerpt(*text) + "`");
  if (auto near = closest(*text, names)) problem.help.push_back("did you mean `" + std::string(*near) + "`?");
  reader.sink.add(std::move(problem));
}

void decode(const Yaml& node, PciId& value, SnapshotReader& reader) {
  std::string_view text = node.is(Yaml::Kind::scalar) ? std::string_view(node.text) : std::string_view();
  auto vendor = text.size() == 9 && text[4] == ':' ? number(text.substr(0, 4), 16) : std::nullopt;
  auto device = vendor ? number(text.substr(5), 16) : std::nullopt;
  if (device)
    value = {std::uint16_t(*vendor), std::uint16_t(*device)};
  else
    reader.fault(node, expected("vendor and device as four hex digits each, such as `10de:1b80`", node));
}

void decode(const Yaml& node, PciAddress& value, SnapshotReader& reader) {
  auto address = node.is(Yaml::Kind::scalar) ? parse_pci_address(node.text) : std::nullopt;
  if (address)
    value = *address;
  else
    reader.fault(node, expected("a PCI address such as `0000:01:00.0`", node));
}

void decode(const Yaml& node, Bar& value, SnapshotReader& reader) {
  auto parts = node.is(Yaml::Kind::scalar) ? words(node.text) : std::vector<std::string_view>();
  value = {};
  if (parts.size() == 1 && parts[0] == "0x0") return;
  auto range = parts.size() == 2 ? split(parts[0], '-') : std::vector<std::string_view>();
  auto hex = [](std::string_view text) {
    return text.substr(0, 2) == "0x" ? number(text.substr(2), 16) : std::nullopt;
  };
  auto start = range.size() == 2 ? hex(range[0]) : std::nullopt, end = start ? hex(range[1]) : std::nullopt,
       flags = end ? hex(parts[1]) : std::nullopt;
  if (flags)
    value = {*start, *end, *flags};
  else
    reader.fault(node, expected("`START-END FLAGS` in hex with 0x, or `0x0`", node));
}

void decode_class(const Yaml& node, Fact<std::uint32_t>& value, SnapshotReader& reader) {
  value.reset();
  if (node.is(Yaml::Kind::null)) return;
  std::string_view text = node.is(Yaml::Kind::scalar) ? std::string_view(node.text) : std::string_view();
  auto code = text.size() == 8 && text.substr(0, 2) == "0x" ? number(text.substr(2), 16) : std::nullopt;
  if (code)
    value = std::uint32_t(*code);
  else
    reader.fault(node, expected("a class code of six hex digits such as `0x030000`", node));
}

void decode(const Yaml& node, Use& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, MdevType& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, RunningVm& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, MdevInstance& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, UsbDevice& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, Host::RomFile::Image& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, Host::RomFile& value, SnapshotReader& reader) { read_struct(node, value, reader); }
void decode(const Yaml& node, Kernel& value, SnapshotReader& reader) { read_struct(node, value, reader); }

void decode(const Yaml& node, std::map<PciAddress, Device>& devices, SnapshotReader& reader) {
  if (!expect(node, Yaml::Kind::map, reader)) return;
  for (std::size_t i = 0; i < node.items.size(); i += 2) {
    PciAddress address;
    decode(node.items[i], address, reader);
    auto [place, fresh] = devices.try_emplace(address, document_default<Device>());
    if (!fresh) reader.fault(node.items[i], "`" + address.str() + "` stands twice");
    Device& device = place->second;
    device.address = address;
    // `~` where `bridge` stands is unknown; where it does not, the class decides
    bool bridge_given = false;
    for (std::size_t k = 0; k < node.items[i + 1].items.size() && node.items[i + 1].is(Yaml::Kind::map); k += 2)
      bridge_given = bridge_given || node.items[i + 1].items[k].text == "bridge";
    read_struct(node.items[i + 1], device, reader);
    if (!bridge_given) device.bridge = default_bridge(device.class_code);
  }
}

template <>
const Device& document_default<Device>() {
  static const Device value = [] {
    Device device;
    device.subsystem = PciId{};
    device.driver = device.driver_override = device.nvidia_current_type = "";
    device.group = device.numa_node = -1;
    device.boot_vga = device.rom = device.msi = false;
    device.reset = device.d3cold_allowed = true;
    device.sriov_totalvfs = device.sriov_numvfs = device.irq = 0;
    device.power_state = "D0";
    device.bars.emplace();
    device.mdev_types.emplace();
    device.uses.emplace();
    return device;
  }();
  return value;
}

template <>
const Host& document_default<Host>() {
  static const Host value = [] {
    Host host;
    host.groups_known = true;
    host.running.emplace();
    host.mdevs.emplace();
    return host;
  }();
  return value;
}

Fact<bool> default_bridge(const Fact<std::uint32_t>& class_code) {
  if (!class_code) return {};
  std::uint32_t subclass = *class_code >> 8;
  return subclass == 0x0600 || subclass == 0x0601 || subclass == 0x0604 || subclass == 0x0607 || subclass == 0x0609;
}

std::optional<Host> read_snapshot(const SourcePtr& source, Sink& sink) {
  std::size_t before = sink.diagnostics.size();
  auto top = parse_yaml(source, sink);
  if (!top) return {};
  SnapshotReader reader{source, sink};
  Host host = document_default<Host>();
  if (expect(*top, Yaml::Kind::map, reader)) {
    read_version(*top, reader);
    read_fields(*top, host, reader, [&](const std::string& key, const Yaml& value) { keep_extra(host, key, value); });
  }
  if (sink.diagnostics.size() != before) return {};
  return host;
}

}  // namespace hostpci
