// Mediated devices made and removed against a double of the kernel's core: what is written, what is refused, every step failing.
#include "live/mediated.hpp"

#include <doctest/doctest.h>

#include "host/scan.hpp"
#include "mdev_core.hpp"
#include "rules/mdev_uuid.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const std::string nic = "0000:03:00.0", gpu = "0000:41:00.4", uuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
const std::string own = "00000001-0000-0000-0000-000000000100";

/// The host as it is now, and acts on it.
struct Bench {
  MdevCore core;
  Host host;

  Bench() { core.put_parent(nic), core.put_vendor(gpu); }
  const Device& device(const std::string& address) {
    host = scan_host(core, {.uses = false, .kernel = false, .files = false, .capabilities = false});
    return host.devices.at(*parse_pci_address(address));
  }
  MediatedAct create(const std::string& type = "mtty-2", const std::string& name = uuid) {
    const Device& parent = device(nic);
    return create_mediated(host, parent, type, name);
  }
  MediatedAct remove(const std::string& name = uuid) {
    device(nic);
    MediatedAct act = remove_mediated(host, name);
    object_to_open_files(core, act);
    return act;
  }
  MediatedAct remove_all(const std::string& address) {
    const Device& parent = device(address);
    return remove_mediated(host, parent);
  }
  MediatedAct set(const std::string& type) {
    const Device& function = device(gpu);
    return create_mediated(host, function, *vendor_type(function, type));
  }
  Status carry_out(const MediatedAct& act) { return hostpci::carry_out(core, act.writes, 1000); }
};

/// "rule: message" of the only objection.
std::string only(const MediatedAct& act) {
  CHECK(act.writes.empty());
  if (act.objections.size() != 1) return std::to_string(act.objections.size()) + " objections";
  return act.objections[0].rule + ": " + act.objections[0].message;
}

std::string help(const MediatedAct& act) { return act.objections.empty() || act.objections[0].help.empty() ? "" : act.objections[0].help[0]; }

}  // namespace

TEST_CASE("UUIDs: Proxmox VE's own, and any as the kernel writes it") {
  CHECK(mdev_uuid(100, 1) == own);
  CHECK(mdev_owner(own)->str() == "VM 100 hostpci1");
  CHECK(mdev_owner("00000015-0000-0000-0000-000999999999")->vmid == 999999999);
  for (const char* other : {"00000016-0000-0000-0000-000000000100", "00000001-0000-0000-0000-000000000099", "00000001-0000-0000-0000-0000000000a0",
                            "00000001-0000-0000-0001-000000000100", "1-0000-0000-0000-000000000100", ""})
    CHECK_MESSAGE(!mdev_owner(other), other);
  CHECK(kernel_uuid("83B8F4F2-509F-382F-3C1E-E6BFE0FA1001") == uuid);
  for (const char* other : {"83b8f4f2509f382f3c1ee6bfe0fa1001", "83b8f4f2-509f-382f-3c1e-e6bfe0fa100g", "83b8f4f2-509f-382f-3c1e-e6bfe0fa10011", "../", ""})
    CHECK_MESSAGE(!kernel_uuid(other), other);
}

TEST_CASE("an instance is made and removed, and each is seen to be so") {
  Bench bench;
  MediatedAct made = bench.create();
  CHECK(made.objections.empty());
  REQUIRE(made.writes.size() == 1);
  CHECK(as_text(made.writes[0]) == "write `" + uuid + "` to /sys/bus/pci/devices/0000:03:00.0/mdev_supported_types/mtty-2/create");
  CHECK(bench.carry_out(made));
  CHECK(bench.core.has(uuid));
  MediatedAct removed = bench.remove();
  CHECK(removed.objections.empty());
  REQUIRE(removed.writes.size() == 1);
  CHECK(as_text(removed.writes[0]) == "write `1` to /sys/bus/mdev/devices/" + uuid + "/remove");
  CHECK(bench.carry_out(removed));
  CHECK_FALSE(bench.core.has(uuid));
}

TEST_CASE("what cannot be made is refused as lint tells it, with a way on") {
  Bench bench;
  CHECK(only(bench.create("mtty2")) == "device-mdev-type-unknown: `0000:03:00.0 (Ethernet, 8086:10d3)` has no mediated type `mtty2`");
  CHECK(help(bench.create("mtty2")) == "did you mean `mtty-2`?");
  CHECK(only(bench.create("mtty-1,host=x")).starts_with("device-mdev-type-unknown: "));
  CHECK(bench.carry_out(bench.create("mtty-1")));
  CHECK(only(bench.create("mtty-2", own)) == "device-mdev-no-instance: `0000:03:00.0 (Ethernet, 8086:10d3)` has no free instance of `mtty-2`");
  CHECK(bench.create("mtty-2", own).objections[0].notes == std::vector<std::string>{"`" + uuid + "` holds one of `mtty-1`"});
  CHECK(help(bench.create("mtty-2", own)) == "stop a VM that holds one, or take a smaller type: `mtty-1`");
  CHECK(only(bench.create("mtty-1")) == "device-mdev-leftover: mediated device `" + uuid + "` exists already");
}

TEST_CASE("a device without types, and one whose types cannot be read") {
  Bench bench;
  bench.core.put_device("0000:05:00.0", "0x0300", "0x8086", "0x1912");
  const Device& card = bench.device("0000:05:00.0");
  MediatedAct act = create_mediated(bench.host, card, "i915-GVTg_V5_4", uuid);
  CHECK(only(act).starts_with("device-mdev-unsupported: "));
  CHECK(help(act) == "load `kvmgt` and boot with `i915.enable_gvt=1`");
  Device unread = card;
  unread.mdev_types.reset();
  bench.host.devices[unread.address] = unread;
  CHECK(only(create_mediated(bench.host, unread, "x", uuid)).find("could not be read") != std::string::npos);
}

TEST_CASE("what a VM or a process holds stays") {
  Bench bench;
  CHECK(bench.carry_out(bench.create("mtty-1", own)));
  CHECK(bench.carry_out(bench.create("mtty-1", uuid)));
  bench.core.put_vm("100", "900", {});
  CHECK(only(bench.remove(own)) == "conflict-in-use: mediated device `" + own + "` is in use by VM 100, which runs");
  CHECK(bench.remove(own).objections[0].labels[0].place.path == "/run/qemu-server/100.pid");
  CHECK(bench.remove(uuid).writes.size() == 1);
  bench.core.put_vm("101", "901", {"-device", "vfio-pci,sysfsdev=/sys/bus/mdev/devices/" + uuid + ",id=hostpci0"});
  CHECK(only(bench.remove(uuid)) == "conflict-in-use: mediated device `" + uuid + "` is in use by VM 101, which runs");
  CHECK(help(bench.remove(uuid)) == "stop VM 101 first");
  CHECK(bench.remove_all(nic).writes.empty());
}

TEST_CASE("so does what is open by its group's node or by its own") {
  for (const char* node : {"/dev/vfio/19", "/dev/vfio/devices/vfio0"}) {
    Bench bench;
    CHECK(bench.carry_out(bench.create()));
    bench.core.put_process("77", "other", "/dev/vfio/20");
    CHECK(bench.remove().writes.size() == 1);
    bench.core.put_process("78", "probe", node);
    CHECK(only(bench.remove()) == "conflict-in-use: process 78 (`probe`) has `" + std::string(node) + "` open");
    CHECK(bench.remove().objections[0].labels[0].place.path == "/proc/78/fd/5");
  }
}

TEST_CASE("all that a device has goes together, or nothing") {
  Bench bench;
  CHECK(only(bench.remove_all(nic)) == "device-mdev-leftover: `0000:03:00.0 (Ethernet, 8086:10d3)` has no mediated device");
  CHECK(bench.carry_out(bench.create("mtty-1", own)));
  CHECK(bench.carry_out(bench.create("mtty-1", uuid)));
  MediatedAct all = bench.remove_all(nic);
  CHECK(all.writes.size() == 2);
  MediatedAct both = all;
  join(both, bench.remove("83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"));
  CHECK(only(both) == "device-mdev-leftover: there is no mediated device `83b8f4f2-509f-382f-3c1e-e6bfe0fa1002`");
  CHECK(help(both) == "did you mean `" + uuid + "`?");
  CHECK(bench.carry_out(all));
  CHECK_FALSE((bench.core.has(own) || bench.core.has(uuid)));
}

TEST_CASE("NVIDIA's framework: the type goes to the function, and back to none") {
  Bench bench;
  CHECK_FALSE(vendor_type(bench.device(nic), "nvidia-557"));
  CHECK(vendor_type(bench.device(gpu), "557") == "nvidia-557");
  CHECK_FALSE(vendor_type(bench.device(gpu), "mtty-1"));
  CHECK(only(bench.remove_all(gpu)).find("has no vGPU type set") != std::string::npos);
  CHECK(only(bench.set("600")).starts_with("device-nvidia-type-unavailable: "));
  MediatedAct act = bench.set("557");
  REQUIRE(act.writes.size() == 1);
  CHECK(as_text(act.writes[0]) == "write `557` to /sys/bus/pci/devices/0000:41:00.4/nvidia/current_vgpu_type");
  CHECK(bench.carry_out(act));
  CHECK((bench.set("557").writes.empty() && bench.set("557").objections.empty()));
  CHECK(help(bench.set("558")) == "`hostpci mdev remove 0000:41:00.4` takes it back");
  MediatedAct back = bench.remove_all(gpu);
  CHECK(bench.carry_out(back));
  CHECK(bench.device(gpu).nvidia_current_type == "0");
}

TEST_CASE("a function of NVIDIA's that a VM holds keeps its type") {
  Bench bench;
  CHECK(bench.carry_out(bench.set("557")));
  bench.core.put_vm("100", "900", {"-device", "vfio-pci,host=0000:41:00.4,id=hostpci0"});
  CHECK(only(bench.remove_all(gpu)).starts_with("conflict-in-use: "));
  Bench open;
  CHECK(open.carry_out(open.set("557")));
  open.core.put_process("78", "probe", "/dev/vfio/4");
  MediatedAct act = open.remove_all(gpu);
  CHECK(act.writes.size() == 1);
  object_to_open_files(open.core, act);
  CHECK(only(act) == "conflict-in-use: process 78 (`probe`) has `/dev/vfio/4` open");
}

TEST_CASE("whatever fails or does not happen is told, and nothing is taken for done") {
  for (std::string_view call : {"write_attribute", "read_link"}) {
    Bench bench;
    MediatedAct act = bench.create();
    auto faulty = faulty_file_system(bench.core, [&](std::string_view made, const std::string&) { return made == call ? EACCES : 0; });
    CHECK_MESSAGE(hostpci::carry_out(*faulty, act.writes, 1000).error().code == EACCES, call);
  }
  for (std::string_view call : {"write_attribute", "stat"}) {
    Bench bench;
    CHECK(bench.carry_out(bench.create()));
    MediatedAct act = bench.remove();
    auto faulty = faulty_file_system(bench.core, [&](std::string_view made, const std::string&) { return made == call ? EACCES : 0; });
    CHECK_MESSAGE(hostpci::carry_out(*faulty, act.writes, 1000).error().code == EACCES, call);
  }
  Bench bench;
  MediatedAct first = bench.create("mtty-2", uuid), late = bench.create("mtty-2", own);
  CHECK(bench.carry_out(first));
  CHECK(bench.carry_out(first).error().code == EEXIST);
  CHECK(bench.carry_out(late).error().code == ENOSPC);
  MediatedAct removal = bench.remove();
  bench.core.deaf = true;
  CHECK(bench.carry_out(removal).error().code == EIO);
  CHECK(bench.carry_out(bench.set("557")).error().code == EIO);
  bench.core.deaf = false;
  CHECK(bench.carry_out(removal));
  bench.core.deaf = true;
  CHECK(bench.carry_out(late).error().code == EIO);
}
