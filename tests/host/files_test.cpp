// Configuration files and packages: which are kept, which are not, what is told of those that cannot be read.
#include <doctest/doctest.h>

#include <cerrno>

#include "host/scan.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

Host scan(const FileSystem& system) { return scan_host(system, {false, false, false, true, false, false}); }

}  // namespace

TEST_CASE("files are kept as they are, by path") {
  MemoryFileSystem system;
  const char* const paths[] = {"/etc/default/grub",
                               "/etc/default/grub.d/zfs.cfg",
                               "/etc/kernel/cmdline",
                               "/etc/kernel/proxmox-boot-uuids",
                               "/etc/modprobe.d/a.conf",
                               "/etc/modprobe.d/vfio.conf.bak",
                               "/lib/modprobe.d/b.conf",
                               "/etc/modules",
                               "/etc/modules-load.d/c.conf",
                               "/etc/initramfs-tools/modules",
                               "/etc/sysfs.conf",
                               "/etc/sysfs.d/d.conf",
                               "/etc/udev/rules.d/e.rules",
                               "/etc/network/interfaces",
                               "/etc/pve/mapping/pci.cfg",
                               "/etc/pve/storage.cfg",
                               "/etc/pve/ha/resources.cfg",
                               "/etc/pve/jobs.cfg",
                               "/etc/pve/lxc/200.conf",
                               "/etc/fstab"};
  for (const char* path : paths) system.put(path, std::string("content of ") + path + "\r\n\xff");
  Host host = scan(system);
  for (const char* path : paths) {
    CAPTURE(path);
    REQUIRE(host.file(path));
    CHECK(*host.file(path) == std::string("content of ") + path + "\r\n\xff");
  }
  CHECK(host.files.size() == std::size(paths));
  CHECK(host.unreadable.count("/etc/default/grub") == 0);
}

TEST_CASE("files of other kinds are left alone") {
  MemoryFileSystem system;
  for (const char* path : {"/etc/default/grub.d/x.txt", "/etc/modprobe.d/.hidden.conf", "/etc/modprobe.d/folder/x.conf",
                           "/lib/modprobe.d/x.bak", "/etc/udev/rules.d/README", "/etc/shadow", "/etc/pve/priv/key"})
    system.put(path, "x");
  CHECK(scan(system).files.empty());
}

TEST_CASE("the containers of this node are found without the link") {
  MemoryFileSystem system;
  system.put_link("/etc/pve/local", "nodes/pve7");
  system.put("/etc/pve/nodes/pve7/lxc/200.conf", "arch: amd64\n");
  Host host = scan(system);
  CHECK(host.node == "pve7");
  CHECK(host.file("/etc/pve/nodes/pve7/lxc/200.conf"));
}

TEST_CASE("vendor directories are read once where /lib is a link") {
  MemoryFileSystem system;
  system.put("/usr/lib/modprobe.d/systemd.conf", "options bonding max_bonds=0\n");
  system.put_link("/lib", "usr/lib");
  Host host = scan(system);
  CHECK(host.file("/usr/lib/modprobe.d/systemd.conf"));
  CHECK_FALSE(host.file("/lib/modprobe.d/systemd.conf"));
}

TEST_CASE("a link to /dev/null is an empty file") {
  MemoryFileSystem system;
  system.put_link("/etc/modprobe.d/mask.conf", "/dev/null");
  Host host = scan(system);
  REQUIRE(host.file("/etc/modprobe.d/mask.conf"));
  CHECK(host.file("/etc/modprobe.d/mask.conf")->empty());
}

TEST_CASE("of grub.cfg the menu is kept") {
  MemoryFileSystem system;
  system.put("/boot/grub/grub.cfg",
             "set timeout=5\nmenuentry 'Proxmox VE' --class os {\n\tsearch --no-floppy\n\tlinux\t/boot/vmlinuz "
             "root=/dev/sda ro quiet\n\tinitrd /boot/initrd\n}\n  linuxefi /x a=b\nlinux_like\n");
  CHECK(*scan(system).file("/boot/grub/grub.cfg") ==
        "menuentry 'Proxmox VE' --class os {\nlinux\t/boot/vmlinuz root=/dev/sda ro quiet\nlinuxefi /x a=b\n");
}

TEST_CASE("what cannot be read or is too large is told") {
  MemoryFileSystem inner;
  inner.put("/etc/modules", "vfio\n");
  inner.put("/etc/fstab", std::string((1 << 20) + 1, 'x'));
  inner.put("/etc/modprobe.d/a.conf", "x");
  auto system = faulty_file_system(inner, [](std::string_view, const std::string& path) {
    return path == "/etc/modules" || path == "/etc/modprobe.d" ? EACCES : 0;
  });
  Host host = scan(*system);
  CHECK_FALSE(host.file("/etc/modules"));
  CHECK(host.unreadable.count("/etc/modules") == 1);
  CHECK(host.unreadable.count("/etc/modprobe.d") == 1);
  CHECK(host.unreadable.at("/etc/fstab") == "larger than 1 MiB");
}

TEST_CASE("the boot loader's own word") {
  MemoryFileSystem system;
  std::string path = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", value("\6\0\0\0", 4);
  for (char c : std::string("systemd-boot 252.12")) (value += c) += '\0';
  system.put(path, value + std::string(2, '\0'));
  CHECK(*scan(system).file(path) == "systemd-boot 252.12");
}

TEST_CASE("packages and architecture") {
  MemoryFileSystem system;
  CHECK(scan(system).packages.empty());
  CHECK_FALSE(scan(system).architecture.has_value());
  system.put("/var/lib/dpkg/status",
             "Package: qemu-server\nStatus: install ok installed\nDescription: tools\n Version: 0 in a text\nVersion: "
             "9.2.6\n\n"
             "Package: sysfsutils\nStatus: deinstall ok config-files\nVersion: 2.1\n\nPackage: vim\nStatus: install ok "
             "installed\nVersion: 9\n\n"
             "Package: pve-qemu-kvm\nStatus: hold ok installed\nVersion: 11.0.0-1\n");
  system.put("/var/lib/dpkg/arch", "amd64\ni386\n");
  Host host = scan(system);
  CHECK(host.packages == std::map<std::string, std::string>{{"pve-qemu-kvm", "11.0.0-1"}, {"qemu-server", "9.2.6"}});
  CHECK(host.architecture == "amd64");
}

TEST_CASE("what the firmware starts, with the partition") {
  auto wide = [](std::string_view text) {
    std::string result;
    for (char c : text) (result += c) += '\0';
    return result + std::string(2, '\0');
  };
  std::string file = wide("\\EFI\\systemd\\systemd-bootx64.efi"), value("\7\0\0\0\1\0\0\0\0\0", 10);
  value += wide("Linux Boot Manager") + std::string("\4\1\x2a\0", 4) + std::string(20, '\0') +
           "\x04\x03\x02\x01\x06\x05\x08\x07\x11\x12\x13\x14\x15\x16\x17\x18" + "\2\2" + std::string("\4\4", 2) +
           char(file.size() + 4) + '\0' + file + std::string("\x7f\xff\4\0", 4);
  MemoryFileSystem system;
  const std::string path = "/sys/firmware/efi/efivars/Boot0001-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  system.put(path, value);
  system.put("/sys/firmware/efi/efivars/Boot0002-8be4df61-93ca-11d2-aa0d-00e098032b8c", value.substr(0, 90));
  system.put("/sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", value);
  Host host = scan(system);
  REQUIRE(host.file(path));
  CHECK(*host.file(path) == "01020304-0506-0708-1112-131415161718 \\EFI\\systemd\\systemd-bootx64.efi");
  CHECK(std::count_if(host.files.begin(), host.files.end(),
                      [](const auto& file) { return file.first.find("/Boot") != file.first.npos; }) == 1);
}

TEST_CASE("which tools are installed, and entries of the boot loader") {
  MemoryFileSystem system;
  system.put("/usr/sbin/update-grub", "#!/bin/sh\n");
  system.put("/usr/sbin/mkinitramfs", "#!/bin/sh\n");
  system.put("/usr/sbin/other", "#!/bin/sh\n");
  system.put("/boot/loader/entries/a.conf", "options quiet\n");
  system.put("/boot/loader/entries/a.conf.rpmsave", "options quiet\n");
  Host host = scan(system);
  REQUIRE(host.file("/usr/sbin/"));
  CHECK(*host.file("/usr/sbin/") == "mkinitramfs\nupdate-grub\n");
  CHECK_FALSE(host.file("/usr/bin/"));
  CHECK(host.file("/boot/loader/entries/a.conf"));
  CHECK_FALSE(host.file("/boot/loader/entries/a.conf.rpmsave"));
}
