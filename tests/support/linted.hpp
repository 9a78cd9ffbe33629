// Linting a host and VMs made of texts: what rule tests share.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "config/vm.hpp"
#include "diag/diagnostic.hpp"
#include "host/host.hpp"

namespace hostpci::test {

/// Entries of a directory in byte order.
std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& directory);

/// A snapshot of fixtures/; a wrong one throws with its findings.
Host load_host(const std::filesystem::path& path);

/// /etc/pve/qemu-server/VMID.conf with this text.
Vm make_vm(std::uint32_t vmid, std::string text);

/// All rules over the host and the VMs; mappings and boot files come from the host.
Report lint_report(const Host& host, const std::vector<Vm>& vms);

/// Findings of that rule in the report.
std::size_t count_rule(const Report& report, std::string_view rule);

}  // namespace hostpci::test
