// Facts about the kernel, out of texts as real machines print them.
#include <doctest/doctest.h>

#include "host/scan.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

Host scan(const MemoryFileSystem& system) { return scan_host(system, {false, false, true, false, false, false}); }

Kernel interrupts(const std::string& text) {
  MemoryFileSystem system;
  system.put("/proc/interrupts", text);
  return scan(system).kernel;
}

}  // namespace

TEST_CASE("interrupt remapping shows in the chips' names") {
  Kernel on = interrupts(
      "            CPU0       CPU1       \n   1:          0          9  IR-IO-APIC   1-edge      i8042\n 120:          "
      "0          0 IR-PCI-MSI-0000:00:1d.0   0-edge\n NMI:          1          2   Non-maskable interrupts\n");
  CHECK(on.interrupt_remapping == true);
  CHECK(on.interrupt_chips == "IR-IO-APIC");
  Kernel off = interrupts(
      "           CPU0       \n  0:         39   IO-APIC   2-edge      timer\n 24:          0  PCI-MSI 49152-edge      "
      "PCIe PME\n 25: 0 DMAR-MSI 0-edge dmar0\n");
  CHECK(off.interrupt_remapping == false);
  CHECK(off.interrupt_chips == "PCI-MSI");
}

TEST_CASE("without chips of x86 interrupt remapping is unknown") {
  CHECK_FALSE(interrupts("           CPU0\n NMI:  1  Non-maskable interrupts\n").interrupt_remapping.has_value());
  CHECK_FALSE(interrupts("           CPU0       CPU1\n 11:  10  20  GICv3  27 Level     arch_timer\n")
                  .interrupt_remapping.has_value());
  CHECK_FALSE(interrupts("").interrupt_remapping.has_value());
  CHECK_FALSE(scan(MemoryFileSystem{}).kernel.interrupt_remapping.has_value());
}

TEST_CASE("processor, memory, modules") {
  MemoryFileSystem system;
  system.put("/proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: svm fpu lm\naddress sizes\t: 48 bits physical, 48 "
             "bits virtual\n\nprocessor\t: 1\nvendor_id\t: AuthenticAMD\n");
  system.put("/proc/meminfo", "MemTotal:       65734112 kB\nMemFree: 1 kB\n");
  system.put("/proc/modules",
             "vfio_pci 16384 1 - Live 0x0\nsnd-hda-intel 61440 0 - Live 0x0\nkvm 1 2 kvm_intel, Live 0x0\n");
  system.put("/proc/sys/kernel/osrelease", "6.8.12-4-pve\n");
  system.put("/lib/modules/6.8.12-4-pve/modules.builtin",
             "kernel/drivers/firmware/sysfb.ko\nkernel/crypto/sha256-generic.ko\n");
  system.put("/proc/cmdline", "quiet  intel_iommu=on \n");
  Kernel kernel = scan(system).kernel;
  CHECK(kernel.cpus == 2u);
  CHECK(kernel.cpu_vendor == "AuthenticAMD");
  CHECK(kernel.phys_bits == 48u);
  CHECK(kernel.cpu_flags == std::vector<std::string>{"fpu", "lm", "svm"});
  CHECK(kernel.memory_kib == 65734112u);
  CHECK(kernel.modules == std::vector<std::string>{"kvm", "snd_hda_intel", "vfio_pci"});
  CHECK(kernel.builtin == std::vector<std::string>{"sha256_generic", "sysfb"});
  CHECK(kernel.command_line == "quiet  intel_iommu=on ");
}

TEST_CASE("the firmware's framebuffer") {
  MemoryFileSystem system;
  system.put(
      "/proc/iomem",
      "a0000000-dfffffff : PCI Bus 0000:00\n  b0000000-b1ffffff : 0000:00:02.0\n    b0000000-b07e8fff : BOOTFB\n");
  Kernel kernel = scan(system).kernel;
  CHECK(kernel.bootfb == "b0000000-b07e8fff : BOOTFB");
  CHECK(kernel.iomem == std::map<std::string, std::string>{{"b0000000-b07e8fff", "BOOTFB"}});
  system.put("/proc/iomem", "a0000000-dfffffff : PCI Bus 0000:00\n");
  CHECK(scan(system).kernel.bootfb == "");
  system.put(
      "/proc/iomem",
      "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : BOOTFB\n");  // what an unprivileged reader sees
  CHECK_FALSE(scan(system).kernel.bootfb.has_value());
}

TEST_CASE("firmware and ACPI tables") {
  MemoryFileSystem system;
  CHECK_FALSE(scan(system).kernel.efi.has_value());
  system.put("/sys/firmware/acpi/tables/DMAR", "DMAR");
  Kernel bios = scan(system).kernel;
  CHECK(bios.efi == false);
  CHECK(bios.secure_boot == false);
  CHECK(bios.dmar_table == true);
  CHECK(bios.ivrs_table == false);
  system.put("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
             std::string("\x16\0\0\0\x01", 5));
  CHECK(scan(system).kernel.efi == true);
  CHECK(scan(system).kernel.secure_boot == true);
}

TEST_CASE("unsafe interrupts are not allowed while the module is not loaded") {
  MemoryFileSystem system;
  CHECK_FALSE(scan(system).kernel.unsafe_interrupts.has_value());
  system.put("/sys/module/vfio/refcnt", "0\n");
  CHECK(scan(system).kernel.unsafe_interrupts == false);
  system.put("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
  CHECK(scan(system).kernel.unsafe_interrupts == true);
}
