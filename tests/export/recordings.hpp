// The recordings of `qm showcmd`: each case's VM on its host.
#pragma once
#include <map>

#include "../support/linted.hpp"
#include "../support/recorded_host.hpp"
#include "../support/temporary.hpp"
#include "config/mapping.hpp"

namespace hostpci::test {

inline const std::filesystem::path recordings = std::filesystem::path(FIXTURES) / "corpus/showcmd";

/// The case's own host (NAME.host.json) or the one of all.
inline const Host& recorded_host_of(const std::string& name) {
  static std::map<std::filesystem::path, Host> hosts;
  std::filesystem::path own = recordings / (name + ".host.json");
  std::filesystem::path path = std::filesystem::exists(own) ? own : recordings / "host.json";
  auto [at, added] = hosts.try_emplace(path);
  if (added) at->second = recorded_host(read_file(path));
  return at->second;
}

inline Vm recorded_vm(const std::string& name) {
  return read_vm(make_source("/etc/pve/qemu-server/" + name.substr(0, 4) + ".conf", read_file(recordings / (name + ".conf"))));
}

inline Mappings mappings_of(const Host& host) {
  const std::string* file = host.file("/etc/pve/mapping/pci.cfg");
  return read_mappings(file ? make_source("/etc/pve/mapping/pci.cfg", *file) : nullptr);
}

}  // namespace hostpci::test
