// What guests take of the host beside hostpci lines, and the section files that say where they may run.
#include "config/host_hardware.hpp"

#include <doctest/doctest.h>

#include "config/section_config.hpp"

using namespace hostpci;

TEST_CASE("disks by path and USB devices of a VM, with their places") {
  const std::string text =
      "scsi0: local-lvm:vm-101-disk-0,size=32G\nscsi1: /dev/disk/by-id/ata-X,size=4T\nsata0: file=/dev/sdb\nide2: "
      "none,media=cdrom\n"
      "usb0: host=046d:c52b,usb3=1\nusb1: spice\nusb2: 1-4\nusb3: mapping=stick\n";
  CHECK(mentions_host_hardware(text));
  CHECK_FALSE(mentions_host_hardware("scsi0: local-lvm:vm-101-disk-0\nusb0: spice\n"));
  Vm vm = read_vm(make_source("/etc/pve/qemu-server/101.conf", text));
  std::vector<HostPath> disks = host_disks(vm.main());
  REQUIRE(disks.size() == 2);
  CHECK(disks[0].path == "/dev/sdb");
  CHECK(disks[1].path == "/dev/disk/by-id/ata-X");
  CHECK(text.substr(disks[1].span.begin, disks[1].span.size()) == "/dev/disk/by-id/ata-X");
  std::vector<HostUsb> devices = host_usb_devices(vm.main());
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].host == "046d:c52b");
  CHECK(devices[1].host == "1-4");
  CHECK(text.substr(devices[1].span.begin, devices[1].span.size()) == "1-4");
  CHECK(disk_links({vm}) == std::set<std::string>{"/dev/disk/by-id/ata-X"});
}

TEST_CASE("a container's device nodes and disks; its snapshots are left out") {
  const std::string text =
      "#dev9: /dev/kfd\narch: amd64\r\ndev0: /dev/dri/renderD128,gid=104\r\nlxc.mount.entry: /dev/dri dev/dri none "
      "bind,optional\n"
      "lxc.mount.entry: /srv srv none bind\nmp0: /dev/sdb1,mp=/data\nrootfs: "
      "local-lvm:vm-200-disk-0,size=8G\n[old]\ndev1: /dev/nvidia0\n";
  Container container = read_container(make_source("/etc/pve/lxc/200.conf", text));
  CHECK(container.vmid == 200);
  CHECK_FALSE(container.is_template);
  REQUIRE(container.nodes.size() == 2);
  CHECK(container.nodes[0].path == "/dev/dri/renderD128");
  CHECK(container.nodes[1].path == "/dev/dri");
  CHECK(text.substr(container.nodes[1].span.begin, container.nodes[1].span.size()) == "/dev/dri");
  REQUIRE(container.disks.size() == 1);
  CHECK(container.disks[0].path == "/dev/sdb1");
}

TEST_CASE("section files: types, ids, properties, flags") {
  SourcePtr source =
      make_source("/etc/pve/ha/rules.cfg",
                  "# comment\nnode-affinity: gpus\n\tnodes pve1,pve2:2\n\tresources vm:100,ct:101\n\tstrict\n\n"
                  "\tstray line\n\nnode-affinity: old\n\tdisable 1\n");
  std::vector<Section> sections = read_sections_of(source);
  REQUIRE(sections.size() == 2);
  CHECK(sections[0].type == "node-affinity");
  CHECK(sections[0].id == "gpus");
  CHECK(sections[0].text("nodes") == "pve1,pve2:2");
  CHECK(sections[0].flag("strict"));
  CHECK_FALSE(sections[0].flag("disable"));
  CHECK(sections[1].flag("disable"));
  CHECK(source->text.substr(sections[1].span.begin, sections[1].span.size()) == "node-affinity: old");
}
