// The hosts of fixtures/corpus/showcmd (NAME.host.json): as a value, and as a tree for --root.
#pragma once
#include <string>

#include "host/host.hpp"

namespace hostpci::test {

/// What the recording knew: ids, classes, groups, mdev types, NVIDIA's folder, versions, mappings (in files), node and
/// architecture.
Host recorded_host(const std::string& json);

/// The same host as files below a directory: sys, etc/pve with mappings, var/lib/dpkg.
void write_recorded_host(const std::string& json, const std::string& directory);

}  // namespace hostpci::test
