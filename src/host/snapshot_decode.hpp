// YAML nodes to values: one overload a type, each fault a finding with its place.
#pragma once
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "host/host.hpp"
#include "host/snapshot_yaml.hpp"

namespace hostpci {

/// The fields of a map, specialised in snapshot_fields.hpp.
template <class T>
struct FieldsOf;

struct SnapshotReader {
  const SourcePtr& source;
  Sink& sink;
  void fault(const Yaml& node, std::string message) {
    sink.add(yaml_problem(source, node.line, node.column, std::move(message)));
  }
};

/// False, with a finding, if the node is of another kind.
bool expect(const Yaml&, Yaml::Kind, SnapshotReader&);

void decode(const Yaml&, std::string&, SnapshotReader&);
void decode(const Yaml&, bool&, SnapshotReader&);
void decode(const Yaml&, int&, SnapshotReader&);
void decode(const Yaml&, UseKind&, SnapshotReader&);
void decode(const Yaml&, PciId&, SnapshotReader&);
void decode(const Yaml&, PciAddress&, SnapshotReader&);
void decode(const Yaml&, Bar&, SnapshotReader&);
void decode(const Yaml&, std::map<PciAddress, Device>&, SnapshotReader&);
void decode_class(const Yaml&, Fact<std::uint32_t>&, SnapshotReader&);
void decode(const Yaml&, Use&, SnapshotReader&);
void decode(const Yaml&, MdevType&, SnapshotReader&);
void decode(const Yaml&, RunningVm&, SnapshotReader&);
void decode(const Yaml&, MdevInstance&, SnapshotReader&);
void decode(const Yaml&, UsbDevice&, SnapshotReader&);
void decode(const Yaml&, Host::RomFile::Image&, SnapshotReader&);
void decode(const Yaml&, Host::RomFile&, SnapshotReader&);
void decode(const Yaml&, Kernel&, SnapshotReader&);

/// A whole number of at most this value.
std::uint64_t decode_number(const Yaml&, std::uint64_t most, SnapshotReader&);

template <class T>
requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) void decode(const Yaml& node, T& value,
                                                                        SnapshotReader& reader) {
  value = T(decode_number(node, std::numeric_limits<T>::max(), reader));
}

template <class T>
void decode(const Yaml& node, std::vector<T>& list, SnapshotReader& reader) {
  list.clear();
  if (!expect(node, Yaml::Kind::list, reader)) return;
  list.resize(node.items.size());
  for (std::size_t i = 0; i < list.size(); ++i) decode(node.items[i], list[i], reader);
}

template <class Key, class T>
void decode(const Yaml& node, std::map<Key, T>& map, SnapshotReader& reader) {
  map.clear();
  if (!expect(node, Yaml::Kind::map, reader)) return;
  for (std::size_t i = 0; i < node.items.size(); i += 2) {
    Key key{};
    decode(node.items[i], key, reader);
    auto [place, fresh] = map.try_emplace(std::move(key));
    if (!fresh) reader.fault(node.items[i], "this key stands twice in one map");
    decode(node.items[i + 1], place->second, reader);
  }
}

/// `~` is unknown, or none where the value is no fact.
template <class T>
void decode(const Yaml& node, std::optional<T>& value, SnapshotReader& reader) {
  value.reset();
  if (!node.is(Yaml::Kind::null)) decode(node, value.emplace(), reader);
}

}  // namespace hostpci
