// Linting a host and VMs made of texts: what rule tests share.
#include "linted.hpp"

#include <algorithm>
#include <stdexcept>

#include "config/boot_config.hpp"
#include "config/mapping.hpp"
#include "diag/render.hpp"
#include "host/snapshot.hpp"
#include "rules/lint.hpp"
#include "temporary.hpp"

namespace hostpci::test {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_entries(const fs::path& directory) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(directory)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

Host load_host(const fs::path& path) {
  Sink sink;
  auto host = read_snapshot(make_source(path.string(), read_file(path.string())), sink);
  if (host && sink.diagnostics.empty()) return *host;
  std::string findings;
  for (const Diagnostic& d : sink.diagnostics) findings += render_text(d, false);
  throw std::runtime_error("no host in " + path.string() + "\n" + findings);
}

Vm make_vm(std::uint32_t vmid, std::string text) {
  return read_vm(make_source("/etc/pve/qemu-server/" + std::to_string(vmid) + ".conf", std::move(text)));
}

Report lint_report(const Host& host, const std::vector<Vm>& vms) {
  const std::string path = "/etc/pve/mapping/pci.cfg";
  const std::string* text = host.file(path);
  Mappings mappings = read_mappings(text ? make_source(path, *text) : nullptr);
  BootConfig boot = read_boot_config(host.files);
  Facts facts = make_facts(host, mappings, boot, vms);
  return make_report(lint(facts, {}), vms.size(), catalogue().size());
}

std::size_t count_rule(const Report& report, std::string_view rule) {
  auto same = [&](const Diagnostic& d) { return d.rule == rule; };
  return std::size_t(std::count_if(report.diagnostics.begin(), report.diagnostics.end(), same));
}

}  // namespace hostpci::test
