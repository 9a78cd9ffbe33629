// The memory of a start: what is pinned, in which pages, and what has to be there before a QEMU is tried.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "live/start_check_parts.hpp"
#include "start_check_host.hpp"

using namespace hostpci;
using namespace hostpci::test;

TEST_CASE("memory that is pinned against what is left") {
  Start start;
  auto memory = [&](const std::string& more, const std::string& meminfo) {
    start.system.put("/proc/meminfo", meminfo);
    return one(start.run("machine: q35\nhostpci0: 0000:01:00,pcie=1\n" + more), "memory");
  };
  const std::string tight = "MemAvailable: 2097152 kB\nSwapFree: 1048576 kB\n";
  EXPECT(memory("memory: 2048\n", tight), pass, "2048 MiB to pin, 2048 MiB available");
  EXPECT(memory("memory: 2049\n", tight), warn, "others have to make room");
  EXPECT(memory("memory: 4096\n", tight), fail, "4096 MiB to pin");
  EXPECT(memory("memory: 4096\n", "nothing\n"), unknown, "how much is free is not known");
  start.system.put("/proc/spl/kstat/zfs/arcstats", "c_min 4 1073741824\nsize 4 5368709120\n");
  EXPECT(memory("memory: 4096\n", tight), warn, "4096 MiB in the cache of ZFS");
}

TEST_CASE("huge pages: free ones, ones that have to be made, no room") {
  Start start;
  const std::string vm =
      "machine: q35\nmemory: 4096\nnuma: 1\nnuma0: cpus=0,hostnodes=0,memory=4096,policy=bind\nhostpci0: "
      "0000:01:00,pcie=1\n";
  const std::string small = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
                    large = "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages";
  start.system.put(small, "2048\n");
  start.system.put(large, "1\n");
  EXPECT(one(start.run(vm + "hugepages: 2\n"), "memory"), pass, "2048 huge pages of 2 MiB wanted, 2048 free");
  EXPECT(one(start.run(vm + "hugepages: any\n"), "memory"), warn,
         "4 huge pages of 1024 MiB wanted, 1 free; Proxmox VE has to make the others");
  start.system.put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
  Check none = one(start.run(vm + "hugepages: 1024\n"), "memory");
  EXPECT(none, fail, "1024 MiB available to make the others of");
  CHECK(none.mend == "reserve them at boot: `hugepagesz=1024M hugepages=4`");
  REQUIRE(start.system.remove(large));
  EXPECT(one(start.run(vm + "hugepages: any\n"), "memory"), pass, "2048 huge pages of 2 MiB wanted");
  REQUIRE(start.system.remove(small));
  EXPECT(one(start.run(vm + "hugepages: 2\n"), "memory"), unknown, "could not be read");
}

TEST_CASE("a snapshot knows the memory that the host has") {
  Start start;
  start.live = false;
  EXPECT(one(start.run(), "memory"), unknown, "how much is free is not known");
  EXPECT(one(start.run("machine: q35\nmemory: 131072\nhostpci0: 0000:01:00,pcie=1\n"), "memory"), fail,
         "the host has 64193 MiB");
}

TEST_CASE("a trial pins a quarter of what is available at most, and 256 MiB where so many are") {
  Start start;
  Mappings mappings = read_mappings(nullptr);
  BootConfig boot = read_boot_config(start.host.files);
  std::vector<Vm> vms{make_vm(100, gpu)};
  Facts facts = make_facts(start.host, mappings, boot, vms);
  auto tried = [&](const std::string& meminfo) {
    start.system.put("/proc/meminfo", meminfo);
    return memory_to_try({facts, vms.front(), facts.vm(100), &start.system, nullptr});
  };
  CHECK(tried("MemAvailable: 16777216 kB\n") == 4096);
  CHECK(tried("MemAvailable: 8388608 kB\n") == 2048);
  CHECK(tried("MemAvailable: 524288 kB\n") == 256);
  CHECK(tried("MemAvailable: 102400 kB\n") == 100);
  CHECK(tried("") == 256);
}

TEST_CASE("QEMU is not started before all is in place") {
  Start start;
  Mappings mappings = read_mappings(nullptr);
  BootConfig boot = read_boot_config(start.host.files);
  auto tried = [&](const std::string& text) {
    std::vector<Vm> vms{make_vm(100, text)};
    Facts facts = make_facts(start.host, mappings, boot, vms);
    Vm next = next_start(vms.front());
    StartContext context{facts, next, facts.vm(100), &start.system, &start.kernel};
    return check_qemu(context, check_start(context), 1000);
  };
  EXPECT(one(tried(gpu), "qemu"), unknown, "none is installed");
  start.system.put("/usr/bin/kvm", "");
  start.device("0000:01:00.1").driver = "";
  start.device("0000:01:00.1").reset = false;  // the whole bus can be
  Check unbound = one(tried(gpu), "qemu");
  EXPECT(unbound, fail, "hostpci0: QEMU was not started: `0000:01:00.1 (audio, 10de:10f0)` has no driver");
  CHECK(unbound.mend == "`hostpci bind 0000:01:00.1`");
  Check mdev = one(tried("hostpci2: 0000:00:02.0,mdev=i915-GVTg_V5_4\n"), "qemu");
  EXPECT(mdev, fail, "mediated device `00000002-0000-0000-0000-000000000100` has to be made first");
  CHECK(mdev.mend == "`hostpci mdev create 0000:00:02.0 i915-GVTg_V5_4 --vm 100 --index 2`");
  EXPECT(one(tried("hostpci0: 0000:01:00,pcie=1\n"), "qemu"), unknown, "a check before this one fails");

  start.device("0000:01:00.1").driver = "vfio-pci";
  EXPECT(one(tried("machine: q35\nhostpci0: 0000:01:00.1,pcie=1\n"), "qemu"), unknown,
         "`0000:01:00.1 (audio, 10de:10f0)` has no reset method");

  rlimit before{}, little{};
  REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &before) == 0);
  little = {1 << 20, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &little) == 0);
  start.system.put("/proc/self/status", "CapEff:\t0000000000000000\n");
  Check locked = one(tried(gpu), "qemu");
  REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &before) == 0);
  EXPECT(locked, unknown, "this user may lock 1 MiB (RLIMIT_MEMLOCK); Proxmox VE starts it as root");
}
