// fixtures/seeds: hosts set up exactly as guides say. Every piece of their advice that is wrong today and leaves a trace
// is found; the table says by which rule, the list below it why nothing shows the rest. HOSTPCI_BLESS=1 rewrites every expected.txt.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "diag/render.hpp"
#include "rules/rule.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/seeds";

/// What a guide says, on which host somebody did it, and the rule that speaks there.
struct Advice {
  const char *claim, *host, *rule;
};

constexpr Advice found_on_hosts[] = {
    {"amd_iommu=on enables the AMD IOMMU", "network-card-with-virt-manager", "setup-amd-iommu-on"},
    {"vfio_virqfd belongs into /etc/modules", "network-card-with-virt-manager", "setup-vfio-virqfd"},
    {"vfio_virqfd belongs into /etc/modules", "translated-manual-chapter", "setup-vfio-virqfd"},
    {"vfio_virqfd belongs into /etc/modules", "integrated-graphics-notes", "setup-vfio-virqfd"},
    {"vfio_virqfd belongs into /etc/modules", "home-server-series", "setup-vfio-virqfd"},
    {"`DMAR: IOMMU enabled` proves that it works", "home-server-series", "host-iommu-false-positive"},
    {"always edit /etc/default/grub", "home-server-on-zfs", "setup-wrong-bootloader-file"},
    {"Intel_iommu=on, I915.enable_gvt=1", "translated-manual-chapter", "setup-param-case"},
    {"Romfile=", "translated-manual-chapter", "syntax-unknown-option"},
    {"video=efifb:off and its kin free the graphics card", "integrated-graphics-notes", "setup-video-off-obsolete"},
    {"video=vesafb:off,efifb:off disables both", "other-guides", "setup-video-comma"},
    {"pcie_acs_override= as a standard", "integrated-graphics-notes", "host-acs-override"},
    {"pcie_acs_override= as a standard", "home-server-series", "host-acs-override"},
    {"pci=realloc=off as a standard", "home-server-series", "setup-realloc-off"},
    {"disable_vga=1 for the processor's graphics", "integrated-graphics-notes", "device-xvga-disable-vga"},
    {"blacklist i915 is free of charge", "integrated-graphics-notes", "conflict-lxc-shares-gpu"},
    {"allow_unsafe_interrupts as a normal step", "translated-manual-chapter", "host-unsafe-interrupts"},
    {"allow_unsafe_interrupts as a normal step", "integrated-graphics-notes", "host-unsafe-interrupts"},
    {"pci-stub holds the device", "usb-controller-on-fedora", "setup-pci-stub"},
    {"the parameter goes into grub.conf", "usb-controller-on-fedora", "setup-grub-old-menu"},
    {"args: -cpu …,kvm=off,hv_vendor_id= against Code 43", "other-guides", "vm-args-cpu"},
    {"hidden=1 against Code 43", "other-guides", "vm-hidden-obsolete"},
    {"blacklist nvidia*", "other-guides", "setup-blacklist-pattern"},
    {"update-initramfs -u is enough", "other-guides", "setup-initramfs-stale"},
    {"ballooning saves memory", "other-guides", "vm-balloon-useless"},
    {"relax_rmrr needs a patched kernel", "other-guides", "host-rmrr"},
    {"qm set ID -hostpci0 NAME attaches a mapping", "official-manual", "syntax-bare-mapping-name"},
    {"pvesh create … --map without iommugroup", "official-manual", "cluster-mapping-iommugroup"},
    {"pvesh create … --map without subsystem-id", "official-manual", "cluster-mapping-subsystem"},
    {"options vfio-pci ids=VENDOR,DEVICE", "official-manual", "setup-ids-syntax"},
    {"with x-vga the vga line is passed over", "official-manual", "vm-xvga-keeps-vga"},
    {"with x-vga the vga line is passed over", "translated-manual-chapter", "vm-xvga-keeps-vga"},
    {"pcie=on as it stands, in a VM that is i440fx", "translated-manual-chapter", "vm-pcie-needs-q35"},
    {"sriov_numvfs in /etc/sysfs.conf", "translated-manual-chapter", "setup-sysfs-conf-unused"},
};

// Without a trace:
// - no output of dmesg | grep IOMMU: something is wrong: it is only looked at; /sys/class/iommu decides here.
// - iommu=pt is required, or cures crashes: it is a sound choice for the devices that the host keeps.
// - find /sys/kernel/iommu_groups -type 1: a command that prints nothing changes nothing.
// - q35 is mandatory: q35 is a sound choice as well.
// - VT-d needs a B75 board: people buy other boards because of it.
// - GVT-g works on generations 5 to 7 only: it keeps from what works; device-gvtg-unsupported knows the true list.
// - no hotplug, virsh nodedev-dettach, setsebool: gone with the next boot, or of another system than Debian.
// - PCI passthrough is experimental: an opinion.
// - echo … > file: the lines that were overwritten are gone.
// - lsmod should show four modules: it is only looked at.

std::vector<Vm> vms_in(const fs::path& directory) {
  std::vector<Vm> vms;
  for (const fs::path& path : test::sorted_entries(directory))
    if (std::uint32_t vmid = vmid_of_path(path.string()))
      vms.push_back(test::make_vm(vmid, test::read_file(path.string())));
  return vms;
}

Report report_of(const std::string& host) {
  return test::lint_report(test::load_host(folder / host / "host.yaml"), vms_in(folder / host / "etc/pve/qemu-server"));
}

}  // namespace

TEST_CASE("advice that is wrong today is found on the host of somebody who took it") {
  for (const Advice& advice : found_on_hosts) {
    std::string claim = advice.claim, host = advice.host, rule = advice.rule;
    CAPTURE(claim);
    CAPTURE(host);
    CHECK(find_rule(rule));
    Report report = report_of(host);
    CHECK_MESSAGE(test::count_rule(report, rule) > 0, render_text(report, false));
  }
}

TEST_CASE("the reports about the guides' hosts") {
  const char* bless = std::getenv("HOSTPCI_BLESS");
  std::set<std::string> used;
  for (const Advice& advice : found_on_hosts) used.insert(advice.host);
  for (const fs::path& directory : test::sorted_entries(folder)) {
    std::string host = directory.filename().string();
    CAPTURE(host);
    CHECK_MESSAGE(used.count(host), "a host that no advice names");
    std::string text = render_text(report_of(host), false);
    fs::path expected = directory / "expected.txt";
    if (bless && std::string(bless) == "1") std::ofstream(expected, std::ios::binary) << text;
    CHECK(text == test::read_file(expected.string()));
  }
}
