// Reading a VM: names, values, the next start, the meaning of the hardware keys.
#include "config/vm.hpp"

#include <doctest/doctest.h>

#include <set>

#include "config/machine.hpp"
#include "config/vm_lists.hpp"
#include "config/vm_schema.hpp"

using namespace hostpci;

namespace {

Vm read(std::string text, std::string path = "/etc/pve/qemu-server/100.conf") {
  return read_vm(make_source(std::move(path), std::move(text)));
}

}  // namespace

TEST_CASE("the VMID is the file's name, and nothing wraps") {
  CHECK(vmid_of_path("/etc/pve/qemu-server/100.conf") == 100);
  CHECK(vmid_of_path("999999999.conf") == 999999999);
  for (const char* path : {"99.conf", "0100.conf", "4294967396.conf", "1000000000.conf", "100.conf~", "100.CONF",
                           "x100.conf", ".conf", "+100.conf", ""})
    CHECK_MESSAGE(vmid_of_path(path) == 0, path);
}

TEST_CASE("the node is in the path") {
  CHECK(read("", "/etc/pve/nodes/pve2/qemu-server/100.conf").node == "pve2");
  CHECK(read("").node == "");
}

TEST_CASE("the next start is the main section with [PENDING] applied") {
  Vm vm = read(
      "hostpci0: 01:00\nhostpci1: 02:00\nhostpci10: 0a:00\n\n[PENDING]\ndelete: !hostpci1,name\nhostpci0: "
      "03:00\nhostpci2: 04:00\n");
  auto next = vm.next_hostpci();
  REQUIRE(next.size() == 3);
  CHECK(next[0].key() == "hostpci0");
  CHECK(next[0].value.value == "03:00");
  CHECK(next[1].key() == "hostpci2");
  CHECK(next[2].key() == "hostpci10");
  CHECK(vm.hostpci().size() == 3);
}

TEST_CASE("spans of a hostpci line are places in the file") {
  Vm vm = read("name: t\nhostpci3: 01:00,pcie=1\n");
  auto lines = vm.hostpci();
  REQUIRE(lines.size() == 1);
  CHECK(slice(vm.source->text, lines[0].parsed.find(HostpciKey::pcie)->span) == "pcie=1");
  CHECK(slice(vm.source->text, lines[0].value.span) == "01:00,pcie=1");
  CHECK(slice(vm.source->text, lines[0].value.key_span) == "hostpci3");
}

TEST_CASE("sections of another kind or name are kept apart") {
  Vm vm = read(
      "a: 1\n[special:nonsense]\nhostpci0: 01:00\n[SPECIAL:cloudinit]\nanything: goes\n[zz]\nname: z\n[Aa]\nname: "
      "y\n[PENDING]\nname: p\n");
  REQUIRE(vm.sections.size() == 5);
  CHECK(vm.sections[1].kind == SectionKind::pending);
  CHECK(vm.sections[2].kind == SectionKind::special);
  CHECK(vm.sections[2].text("anything") == "goes");
  CHECK(vm.sections[3].name == "Aa");
  CHECK(vm.snapshot("zz")->text("name") == "z");
  CHECK(vm.snapshot("xx") == nullptr);
}

TEST_CASE("values that PVE accepts when it reads, and those that it drops") {
  struct Row {
    const char *key, *value;
    bool ok;
  };
  const Row rows[] = {
      {"machine", "q35", true},
      {"machine", "pc-q35-8.1+pve0", true},
      {"machine", "pc-i440fx-9.0.pxe", true},
      {"machine", "pc-8.1", true},
      {"machine", "virt-9.1", true},
      {"machine", "q35,viommu=intel,aw-bits=48", true},
      {"machine", "type=q35", true},
      {"machine", "q36", false},
      {"machine", "pc-q35-8", false},
      {"machine", "Q35", false},
      {"machine", "q35,viommu=amd", false},
      {"machine", "q35,aw-bits=65", false},
      {"machine", "q35,q35", false},
      {"machine", "q35,viommu=", false},
      {"bios", "anything", true},
      {"ostype", "beos", true},
      {"lock", "foobar", true},
      {"scsihw", "x", true},
      {"vga", "std,memory=32", true},
      {"vga", "none", true},
      {"vga", "memory=3", false},
      {"vga", "foo", false},
      {"cpu", "host,hidden=1,flags=+pcid;-aes", true},
      {"cpu", "x86-64-v2-AES", true},
      {"cpu", "custom-mine", true},
      {"cpu", "hidden=1", false},
      {"cpu", "Pentium9", false},
      {"cpu", "host,flags=+foo", false},
      {"cpu", "host,phys-bits=host", true},
      {"cpu", "host,phys-bits=7", false},
      {"cpu", "host,reported-model=kvm64", false},
      {"efidisk0", "local-lvm:vm-100-disk-0,efitype=4m,pre-enrolled-keys=1,size=4M", true},
      {"efidisk0", "efitype=4m", false},
      {"efidisk0", "local-lvm:vm-100-disk-0,efitype=3m", false},
      {"tpmstate0", "local:x,version=v2.0", true},
      {"tpmstate0", "local:x,version=2", false},
      {"memory", "16", true},
      {"memory", "current=4096", true},
      {"memory", "15", false},
      {"memory", "lots", false},
      {"balloon", "0", true},
      {"balloon", "-1", false},
      {"cores", "0", true},
      {"cores", "1.5", false},
      {"boot", "order=scsi0;net0;hostpci0", true},
      {"boot", "cdn", true},
      {"boot", "order=efidisk0", false},
      {"boot", "order=hostpci16", false},
      {"boot", "xyz", false},
      {"agent", "1,fstrim_cloned_disks=1,type=isa", true},
      {"agent", "type=isa", false},
      {"agent", "maybe", false},
      {"startup", "order=1,up=30", true},
      {"startup", "3", true},
      {"startup", "order=x", false},
      {"tags", "a;b,c d", true},
      {"tags", "-a", false},
      {"name", "gpu-vm.example", true},
      {"name", "gpu_vm", false},
      {"name", "-x", false},
      {"hookscript", "local:snippets/x.pl", true},
      {"hookscript", "/x.pl", false},
      {"onboot", "YES", true},
      {"onboot", "2", false},
      {"hostpci0", "01:00,pcie=on", true},
      {"hostpci0", "zz", false},
      {"hostpci16", "01:00", false},
      {"scsi0", "whatever", true},
      {"scsi99", "local:x", false},
      {"foo", "1", false},
      {"name", "a\rb", false},
  };
  for (const Row& row : rows)
    CHECK_MESSAGE(check_loaded(row.key, row.value).empty() == row.ok, std::string(row.key), ": ",
                  std::string(row.value), " ", check_loaded(row.key, row.value));
}

TEST_CASE("what may be set is narrower than what is read") {
  struct Row {
    const char *key, *value;
  };
  for (const Row& row : {Row{"bios", "anything"},
                         {"ostype", "beos"},
                         {"lock", "foobar"},
                         {"scsihw", "x"},
                         {"hugepages", "3"},
                         {"arch", "arm64"},
                         {"cores", "0"},
                         {"vcpus", "0"},
                         {"balloon", "+1"},
                         {"net0", "virtio"},
                         {"foo", "1"},
                         {"args", "a\nb"}})
    CHECK_MESSAGE(!check_value(row.key, row.value).empty(), std::string(row.key), ": ", std::string(row.value));
  for (const Row& row : {Row{"bios", "ovmf"},
                         {"ostype", "l26"},
                         {"lock", "backup"},
                         {"hugepages", "any"},
                         {"cores", "08"},
                         {"args", "-cpu host"},
                         {"description", "a\nb"}})
    CHECK_MESSAGE(check_value(row.key, row.value).empty(), std::string(row.key), ": ", std::string(row.value), " ",
                  check_value(row.key, row.value));
  CHECK(check_value("ostype", "win12").find("did you mean") != std::string::npos);
}

TEST_CASE("values as PVE holds them and as they are written") {
  CHECK(loaded_value("cores", "08") == "8");
  CHECK(loaded_value("cores", "00") == "0");
  CHECK(loaded_value("memory", "0512") == "0512");
  CHECK(loaded_value("args", "\"-foo bar\"") == "-foo bar");
  CHECK(loaded_value("numa", "ON") == "1");
  CHECK(loaded_value("scsi0", "x,ssd=on") == "x,ssd=on");
  CHECK(written_value("hostpci0", "01:00,pcie=on,,x-vga=YES,rombar=off") == "01:00,pcie=1,,x-vga=1,rombar=0");
  CHECK(written_value("onboot", "no") == "0");
  CHECK(written_value("agent", "yes,type=isa") == "1,type=isa");
  CHECK(written_value("cpu", "host,hidden=on") == "host,hidden=1");
  CHECK(written_value("args", "on") == "on");
}

TEST_CASE("every key of the table is found, and only with a number that it may have") {
  for (const KeySchema& row : key_schemas()) {
    if (row.count == 0)
      CHECK_MESSAGE(key_schema(row.name) == &row, std::string(row.name));
    else if (row.name != "smbios")
      CHECK_MESSAGE(key_schema(std::string(row.name) + "0") == &row, std::string(row.name));
    CHECK_FALSE(is_vm_key(std::string(row.name) + std::to_string(row.count == 0 ? 9999 : row.count)));
  }
  CHECK(is_vm_key("smbios1"));
  CHECK(is_vm_key("numa"));
  CHECK(is_vm_key("numa7"));
  for (const char* key : {"hostpci00", "hostpci01", "hostpci", "smbios0", "net32", "scsi31", "", "7"})
    CHECK_FALSE(is_vm_key(key));
  CHECK(vm_keys().size() == std::set<std::string_view>(vm_keys().begin(), vm_keys().end()).size());
}

TEST_CASE("machine, boot, memory, display") {
  Machine m = machine("pc-q35-8.1+pve2,viommu=intel");
  CHECK(m.q35);
  CHECK(m.version == std::pair(8, 1));
  CHECK(m.pve == 2);
  CHECK(m.viommu == "intel");
  CHECK_FALSE(machine("").q35);
  CHECK_FALSE(machine("").version.has_value());
  CHECK(machine("q35").q35);
  CHECK_FALSE(machine("q35").version.has_value());
  Vm vm = read(
      "arch: aarch64\nbios: ovmf\nboot: order=hostpci0;net0\nmemory: 4096\nostype: win11\ntemplate: 1\nvga: "
      "qxl2,memory=32\n");
  CHECK(is_ovmf(vm));
  CHECK(is_template(vm));
  CHECK(is_windows(vm));
  CHECK(memory_mib(vm) == 4096);
  CHECK(vga_type(vm) == "qxl2");
  CHECK(architecture(vm) == "aarch64");
  CHECK(boot_order(vm) == std::vector<std::string_view>{"hostpci0", "net0"});
  Vm plain = read("boot: cdn\n");
  CHECK(memory_mib(plain) == 512);
  CHECK(boot_order(plain).empty());
  CHECK_FALSE(is_windows(plain));
}

TEST_CASE("deletions of [PENDING]") {
  auto deletes = parse_pending_delete("hostpci0,!name;  hostpci0");
  CHECK(format_pending_delete(deletes) == "hostpci0,!name");
  CHECK(parse_pending_delete("").empty());
}

TEST_CASE("a text without passthrough is known without being parsed") {
  CHECK(mentions_passthrough("name: t\nhostpci0: 01:00\n"));
  CHECK(mentions_passthrough("Hostpci0: 01:00\n"));
  CHECK(mentions_passthrough("args: -device vfio-pci,host=01:00.0\n"));
  CHECK_FALSE(mentions_passthrough("name: t\nhostpc: 1\n"));
}
