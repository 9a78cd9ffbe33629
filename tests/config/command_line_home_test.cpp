// Where the kernel command line lives: every kind of host by its evidence, and no guess where the evidence is mixed.
#include "config/command_line_home.hpp"

#include <doctest/doctest.h>

#include "text/words.hpp"

using namespace hostpci;

namespace {

using Files = std::map<std::string, std::string>;

constexpr const char* grub_line = "BOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve root=/dev/mapper/pve-root ro quiet";
constexpr const char* systemd_line = "initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1";
constexpr const char* plain_grub = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n";
constexpr const char* loader_info = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
constexpr const char* one_partition = "7C2B-0E4F\n";
constexpr const char* two_partitions = "7C2B-0E4F\n7C2C-5A10\n";

std::string entry(int number) {
  return "/sys/firmware/efi/efivars/Boot000" + std::to_string(number) + "-8be4df61-93ca-11d2-aa0d-00e098032b8c";
}

CommandLineHomes homes(const Files& files, const RunningBoot& running) {
  BootConfig boot = read_boot_config(files);
  return find_command_line_homes(read_boot_evidence(boot, {}, running), files);
}

/// "FILE FILE | command | command", "nowhere" without a home.
std::string told(const CommandLineHomes& found) {
  std::string text;
  for (const CommandLineHome& home : found.homes) text += (text.empty() ? "" : " ") + home.file;
  if (text.empty()) text = "nowhere";
  for (const CommandWords& command : found.refresh) text += " | " + join(command, " ");
  return text;
}

std::string told(const Files& files, const RunningBoot& running) { return told(homes(files, running)); }

}  // namespace

TEST_CASE("plain GRUB: /etc/kernel/cmdline is ignored, even if it is there") {
  Files files{{"/etc/default/grub", plain_grub}, {"/etc/kernel/cmdline", "root=/dev/sda1\n"}};
  for (bool efi : {false, true})
    CHECK(told(files, {grub_line, efi, false}) == "/etc/default/grub | update-grub");
  CommandLineHomes found = homes(files, {grub_line, true, false});
  CHECK(found.homes[0].drop_ins);
  CHECK(found.mixed.empty());
  CHECK(found.evidence == "/proc/cmdline: BOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve");
}

TEST_CASE("without a running boot (a mounted disk) the files decide") {
  CHECK(told({{"/etc/default/grub", plain_grub}}, {}) == "/etc/default/grub | update-grub");
}

TEST_CASE("proxmox-boot-tool with one EFI partition: the running boot tells which") {
  Files files{{"/etc/default/grub", plain_grub},
              {"/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1\n"},
              {"/etc/kernel/proxmox-boot-uuids", one_partition}};
  CHECK(told(files, {systemd_line, true, false}) == "/etc/kernel/cmdline | proxmox-boot-tool refresh");
  CHECK(told(files, {grub_line, true, true}) == "/etc/default/grub | proxmox-boot-tool refresh");
  CHECK(told(files, {grub_line, false, {}}) == "/etc/default/grub | proxmox-boot-tool refresh");
  CHECK(told(files, {{}, false, {}}) == "/etc/default/grub | proxmox-boot-tool refresh");
}

TEST_CASE("proxmox-boot-tool with several partitions that cannot be read: both texts, and it says so") {
  Files files{{"/etc/default/grub", plain_grub},
              {"/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1\n"},
              {"/etc/kernel/proxmox-boot-uuids", two_partitions}};
  CommandLineHomes found = homes(files, {systemd_line, true, false});
  CHECK(told(found) == "/etc/default/grub /etc/kernel/cmdline | proxmox-boot-tool refresh");
  CHECK(found.mixed.find("names 2 EFI partitions, and what the others hold is not known") != std::string::npos);
  CHECK(told(files, {{}, true, false}) == "/etc/default/grub /etc/kernel/cmdline | proxmox-boot-tool refresh");
  files.erase("/etc/kernel/cmdline");
  CHECK(told(files, {systemd_line, true, false}) == "/etc/default/grub | proxmox-boot-tool refresh");
}

TEST_CASE("the firmware's boot entries tell what each partition holds") {
  Files files{{"/etc/default/grub", plain_grub},
              {"/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1\n"},
              {"/etc/kernel/proxmox-boot-uuids", two_partitions},
              {entry(1), "11111111-0000-0000-0000-000000000000 \\EFI\\systemd\\systemd-bootx64.efi"},
              {entry(2), "22222222-0000-0000-0000-000000000000 \\EFI\\SYSTEMD\\SYSTEMD-BOOTX64.EFI"},
              {entry(3), "33333333-0000-0000-0000-000000000000 \\EFI\\BOOT\\BOOTX64.EFI"}};
  CHECK(told(files, {systemd_line, true, false}) == "/etc/kernel/cmdline | proxmox-boot-tool refresh");
  CHECK(told(files, {{}, true, false}) == "/etc/kernel/cmdline | proxmox-boot-tool refresh");
  files[entry(2)] = "22222222-0000-0000-0000-000000000000 \\EFI\\proxmox\\shimx64.efi";
  CommandLineHomes found = homes(files, {systemd_line, true, false});
  CHECK(told(found) == "/etc/default/grub /etc/kernel/cmdline | proxmox-boot-tool refresh");
  CHECK(found.mixed.find("name systemd-boot and GRUB") != std::string::npos);
  files[entry(1)] = "11111111-0000-0000-0000-000000000000 \\EFI\\proxmox\\grubx64.efi";
  CHECK(told(files, {grub_line, true, false}) == "/etc/default/grub | proxmox-boot-tool refresh");
}

TEST_CASE("Secure Boot and an entry of systemd-boot contradict each other: both") {
  Files files{{"/etc/kernel/cmdline", "root=x\n"}, {"/etc/kernel/proxmox-boot-uuids", one_partition}};
  CommandLineHomes found = homes(files, {systemd_line, true, true});
  CHECK(told(found) == "/etc/default/grub /etc/kernel/cmdline | proxmox-boot-tool refresh");
  CHECK(found.mixed.find("Secure Boot") != std::string::npos);
}

TEST_CASE("an entry of proxmox-boot-tool that nothing renews any more: none") {
  CommandLineHomes found = homes({{"/etc/default/grub", plain_grub}}, {systemd_line, true, false});
  CHECK(told(found) == "nowhere");
  CHECK(found.mixed.find("nothing would renew that entry") != std::string::npos);
}

TEST_CASE("systemd-boot without proxmox-boot-tool: by the tools that are installed") {
  Files files{{loader_info, "systemd-boot 255.4"}, {"/etc/kernel/cmdline", "root=/dev/sda2\n"}};
  RunningBoot running{"root=/dev/sda2 quiet", true, false};
  CHECK(told(files, running) == "/etc/kernel/cmdline | kernel-install add-all");
  files["/usr/sbin/"] = "mkinitramfs\nupdate-initramfs\n";
  CHECK(told(files, running) == "/etc/kernel/cmdline | update-initramfs -u -k all");
  files["/usr/sbin/"] = "sdbootutil\ndracut\n";
  CHECK(told(files, running) == "/etc/kernel/cmdline | sdbootutil update-all-entries");
}

TEST_CASE("boot entries of their own: grubby, not /etc/default/grub") {
  Files files{{"/etc/default/grub", "GRUB_ENABLE_BLSCFG=true\nGRUB_CMDLINE_LINUX=\"rhgb quiet\"\n"},
              {"/usr/sbin/", "grubby\ngrub2-mkconfig\ndracut\n"},
              {"/boot/loader/entries/a.conf", "options root=/dev/sda2\n"}};
  CommandLineHomes found = homes(files, {grub_line, true, false});
  CHECK(told(found) == "/boot/loader/entries");
  CHECK(found.homes[0].kind == HomeKind::boot_entries);
  CommandLineHomes bare = homes({{"/etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n"}}, {grub_line, true, false});
  CHECK(told(bare) == "nowhere");
  CHECK(bare.mixed.find("neither grubby nor an entry") != std::string::npos);
}

TEST_CASE("grub2-mkconfig and where it writes") {
  Files files{{"/etc/default/grub", plain_grub}, {"/usr/sbin/", "grub2-mkconfig\ndracut\n"}};
  auto with = [&](const std::string& release, bool efi) {
    files["/etc/os-release"] = release;
    CHECK_FALSE(homes(files, {grub_line, efi, false}).homes.at(0).drop_ins);
    return told(files, {grub_line, efi, false});
  };
  CHECK(with("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", true) ==
        "/etc/default/grub | grub2-mkconfig -o /boot/grub2/grub.cfg");
  CHECK(with("ID=\"sles\"\n", false) == "/etc/default/grub | grub2-mkconfig -o /boot/grub2/grub.cfg");
  const std::string centos = "ID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n";
  CHECK(with(centos, true) == "/etc/default/grub | grub2-mkconfig -o /boot/efi/EFI/centos/grub.cfg");
  CHECK(with(centos, false) == "/etc/default/grub | grub2-mkconfig -o /boot/grub2/grub.cfg");
  CHECK(with("ID=\"rhel\"\nVERSION_ID=\"7.9\"\n", true) ==
        "/etc/default/grub | grub2-mkconfig -o /boot/efi/EFI/redhat/grub.cfg");
  CHECK(with("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n", true) ==
        "/etc/default/grub | grub2-mkconfig -o /boot/grub2/grub.cfg");
  files["/usr/sbin/"] = "";
  files["/usr/bin/"] = "grub-mkconfig\nmkinitcpio\n";
  CHECK(with("ID=arch\n", true) == "/etc/default/grub | grub-mkconfig -o /boot/grub/grub.cfg");
}

TEST_CASE("GRUB legacy: only where nothing of its successor is there") {
  Files files{{"/boot/grub/menu.lst", "kernel /a\n"}, {"/boot/grub/grub.conf", "kernel /a\n"}};
  CommandLineHomes found = homes(files, {"ro root=/dev/sda2", false, {}});
  CHECK(told(found) == "/boot/grub/grub.conf");
  CHECK(found.homes[0].kind == HomeKind::grub_legacy);
  files.erase("/boot/grub/grub.conf");
  CHECK(told(files, {"ro root=/dev/sda2", false, {}}) == "/boot/grub/menu.lst");
  files["/etc/default/grub"] = plain_grub;
  CHECK(told(files, {"ro root=/dev/sda2", false, {}}) == "/etc/default/grub | update-grub");
}

TEST_CASE("contradicting marks, and no mark at all: nowhere") {
  Files files{{loader_info, "systemd-boot 255.4"}, {"/etc/default/grub", plain_grub}};
  CommandLineHomes found = homes(files, {grub_line, true, false});
  CHECK(told(found) == "nowhere");
  CHECK(found.mixed.find(", but LoaderInfo: systemd-boot 255.4") != std::string::npos);
  CHECK(told(Files{}, {}) == "nowhere");
}

TEST_CASE("which tool makes the initramfs") {
  auto tool = [](const Files& files) { return join(find_initramfs_tool(files).refresh, " "); };
  CHECK(tool({{"/usr/sbin/", "dracut\nmkinitramfs\nupdate-initramfs\n"}}) == "update-initramfs -u -k all");
  CHECK(tool({{"/usr/sbin/", "update-initramfs\n"}, {"/usr/bin/", "dracut\n"}}) == "dracut -f --regenerate-all");
  CHECK(tool({{"/usr/bin/", "mkinitcpio\n"}}) == "mkinitcpio -P");
  CHECK(tool({{"/etc/initramfs-tools/modules", ""}}) == "update-initramfs -u -k all");
  CHECK(tool({{"/etc/os-release", "ID=debian\n"}}) == "update-initramfs -u -k all");
  CHECK(tool({{"/etc/os-release", "ID=fedora\n"}}) == "dracut -f --regenerate-all");
  CHECK(tool({{"/usr/sbin/", ""}, {"/etc/initramfs-tools/modules", ""}}) == "");
  CHECK(find_initramfs_tool({}).tool == InitramfsTool::unknown);
}
