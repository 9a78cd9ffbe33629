// A host, the kernel's answers and the memory that is left, for tests of a start; and how its checks are looked at.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "../support/linted.hpp"
#include "live/start_check.hpp"
#include "system/memory.hpp"

namespace hostpci::test {

/// The kernel's answers by group; of a group that is not here no member is on a driver of VFIO.
struct VfioAnswers : Vfio {
  std::map<int, VfioAnswer> groups;
  std::vector<int> asked;
  VfioAnswer ask(int group) override {
    asked.push_back(group);
    auto at = groups.find(group);
    return at == groups.end() ? VfioAnswer{{}, VfioStep::node, ENOENT} : at->second;
  }
};

inline constexpr const char* gpu = "machine: q35\nmemory: 4096\nhostpci0: 0000:01:00,pcie=1\n";

/// A host, a VM and what is asked of them; by default the example host with enough memory, whose kernel says what is
/// so.
struct Start {
  Host host = load_host(std::string(FIXTURES) + "/hosts/example.yaml");
  MemoryFileSystem system;
  VfioAnswers kernel;
  bool live = true;

  Start() {
    host.running.emplace();
    host.mdevs.emplace();
    kernel.groups[2] = {true, VfioStep::none, 0};
    system.put("/proc/self/status", "Name:\thostpci\nCapEff:\t000001ffffffffff\n");
    system.put("/proc/meminfo", "MemTotal: 65734112 kB\nMemAvailable: 33554432 kB\nSwapFree: 0 kB\n");
  }
  PciAddress address(std::string_view text) const { return *parse_pci_address(text); }
  Device& device(std::string_view text) { return host.devices.at(address(text)); }

  std::vector<Check> run(const std::string& vm = gpu) {
    const std::string* file = host.file("/etc/pve/mapping/pci.cfg");
    Mappings mappings = read_mappings(file ? make_source("/etc/pve/mapping/pci.cfg", *file) : nullptr);
    BootConfig boot = read_boot_config(host.files);
    std::vector<Vm> vms{make_vm(100, vm)};
    Facts facts = make_facts(host, mappings, boot, vms);
    Vm next = next_start(vms.front());
    const VmFacts* judged = facts.vm(100);
    return check_start({facts, next, judged, live ? &system : nullptr, live ? &kernel : nullptr});
  }
};

inline std::vector<Check> named(const std::vector<Check>& checks, std::string_view name) {
  std::vector<Check> found;
  std::copy_if(checks.begin(), checks.end(), std::back_inserter(found), [&](const Check& c) { return c.name == name; });
  return found;
}

/// The only check of that name.
inline Check one(const std::vector<Check>& checks, std::string_view name) {
  std::vector<Check> found = named(checks, name);
  std::string all;
  for (const Check& c : checks)
    all += std::string(hostpci::name(c.status)) + " " + std::string(c.name) + " " + c.message + "\n";
  REQUIRE_MESSAGE(found.size() == 1, name << " in\n" << all);
  return found.front();
}

inline bool says(const Check& check, std::string_view text) { return check.message.find(text) != std::string::npos; }

#define EXPECT(check, wanted, text)                                    \
  do {                                                                 \
    CHECK_MESSAGE(check.status == CheckStatus::wanted, check.message); \
    CHECK_MESSAGE(says(check, text), check.message);                   \
  } while (false)

}  // namespace hostpci::test
