// The boot set-up: what update-grub, kmod and systemd would make of the same files.
#include "config/boot_config.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

using Files = std::map<std::string, std::string>;

std::string arguments(const std::vector<ConfiguredArgument>& list) {
  std::string text;
  for (const ConfiguredArgument& a : list) text += (text.empty() ? "" : " ") + std::string(a.argument.text);
  return text;
}

std::string grub(const Files& files) { return arguments(read_boot_config(files).grub_arguments); }

std::string with(const std::string& text, const ArgumentEnd& end, const std::string& added) {
  std::string result = text;
  return result.insert(end.offset, (end.blank ? " " : "") + added);
}

}  // namespace

TEST_CASE("GRUB_CMDLINE_LINUX stands before GRUB_CMDLINE_LINUX_DEFAULT, whatever their order in the file") {
  CHECK(
      grub({{"/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"intel_iommu=on\"\n"}}) ==
      "intel_iommu=on quiet");
}

TEST_CASE("the last assignment counts, one that appends adds") {
  Files files{
      {"/etc/default/grub", "GRUB_CMDLINE_LINUX=\"a=1\"\nGRUB_CMDLINE_LINUX='b=1 c'\n"},
      {"/etc/default/grub.d/20-zfs.cfg", "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX root=ZFS=rpool/ROOT/pve-1\"\n"}};
  CHECK(grub(files) == "b=1 c root=ZFS=rpool/ROOT/pve-1");
  files["/etc/default/grub.d/30-last.cfg"] = "GRUB_CMDLINE_LINUX=only\n";
  CHECK(grub(files) == "only");
  files["/etc/default/grub.d/40-not.conf"] = "GRUB_CMDLINE_LINUX=other\n";
  files["/etc/default/grub.d/sub/50.cfg"] = "GRUB_CMDLINE_LINUX=other\n";
  CHECK(grub(files) == "only");
  CHECK(read_boot_config(files).grub_known);
}

TEST_CASE("a conditional assignment, an expansion and an unreadable file leave GRUB's line unknown") {
  CHECK_FALSE(read_boot_config({{"/etc/default/grub", "if true; then\nGRUB_CMDLINE_LINUX=a\nfi\n"}}).grub_known);
  CHECK_FALSE(read_boot_config({{"/etc/default/grub", "GRUB_CMDLINE_LINUX=\"$(cat /x)\"\n"}}).grub_known);
  CHECK_FALSE(read_boot_config({}, {{"/etc/default/grub", "Permission denied"}}).grub_known);
  CHECK(read_boot_config({{"/etc/default/grub", "GRUB_DISTRIBUTOR=`lsb_release -i`\nGRUB_CMDLINE_LINUX=a\n"}})
            .grub_known);
}

TEST_CASE("arguments of a plain assignment carry their place in the file") {
  const std::string text = "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n";
  BootConfig config = read_boot_config({{"/etc/default/grub", text}});
  REQUIRE(config.grub_arguments.size() == 2);
  const ConfiguredArgument& a = config.grub_arguments[1];
  CHECK(a.exact);
  CHECK(slice(text, a.argument.span) == "intel_iommu=on");
  CHECK(slice(text, a.argument.value_span) == "on");
  CHECK(slice(text, a.whole) == "quiet intel_iommu=on");
}

TEST_CASE("arguments of an appending assignment carry their place too") {
  const std::string text = "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu=pt\"\n";
  BootConfig config = read_boot_config({{"/etc/default/grub", text}});
  REQUIRE(config.grub_arguments.size() == 1);
  CHECK(slice(text, config.grub_arguments[0].argument.span) == "iommu=pt");
}

TEST_CASE("arguments out of joined quotes are read, but have no exact place") {
  const std::string text = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iom\"'mu=on'\n";
  BootConfig config = read_boot_config({{"/etc/default/grub", text}});
  REQUIRE(config.grub_arguments.size() == 2);
  CHECK(config.grub_arguments[1].argument.text == "intel_iommu=on");
  CHECK_FALSE(config.grub_arguments[1].exact);
  CHECK(config.grub_arguments[1].span() == config.grub_arguments[1].whole);
}

TEST_CASE("where an argument can be added") {
  auto added = [](const std::string& text) -> std::string {
    auto end = read_boot_config({{"/etc/default/grub", text}}).grub_end();
    return end ? with(text, *end, "x=1") : "nowhere";
  };
  CHECK(added("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n") == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet x=1\"\n");
  CHECK(added("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet \"\n") == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet x=1 \"\n");
  CHECK(added("GRUB_CMDLINE_LINUX_DEFAULT=''\n") == "GRUB_CMDLINE_LINUX_DEFAULT='x=1'\n");
  CHECK(added("GRUB_CMDLINE_LINUX=\"a\"\n") == "GRUB_CMDLINE_LINUX=\"a x=1\"\n");
  CHECK(added("GRUB_CMDLINE_LINUX_DEFAULT=quiet\n") == "nowhere");
  CHECK(added("if true; then GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"; fi\n") == "nowhere");
  CHECK(added("GRUB_TIMEOUT=5\n") == "nowhere");
}

TEST_CASE("of /etc/kernel/cmdline only the first line is read") {
  BootConfig config =
      read_boot_config({{"/etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs\nintel_iommu=on\n"}});
  CHECK(config.has_kernel_cmdline);
  CHECK(arguments(config.kernel_cmdline) == "root=ZFS=rpool/ROOT/pve-1 boot=zfs");
  CHECK_FALSE(read_boot_config({}).has_kernel_cmdline);
}

TEST_CASE("arguments go before a lone -- of /etc/kernel/cmdline, without a last line end too") {
  auto added = [](const std::string& text) {
    auto end = read_boot_config({{"/etc/kernel/cmdline", text}}).kernel_cmdline_end();
    REQUIRE(end);
    return with(text, *end, "x=1");
  };
  CHECK(added("root=a") == "root=a x=1");
  CHECK(added("root=a \n") == "root=a x=1 \n");
  CHECK(added("root=a -- single\n") == "root=a x=1 -- single\n");
  CHECK(added("\n") == "x=1\n");
}

TEST_CASE("of modprobe.d files with one name the first directory's is read, all in name order") {
  BootConfig config = read_boot_config({{"/usr/lib/modprobe.d/b.conf", "options m b=1\n"},
                                        {"/etc/modprobe.d/c.conf", "options m c=1\n"},
                                        {"/lib/modprobe.d/c.conf", "options m masked=1\n"},
                                        {"/run/modprobe.d/a.conf", "options m a=1\n"},
                                        {"/etc/modprobe.d/d", "options m ignored=1\n"},
                                        {"/etc/modprobe.d/.e.conf", "options m hidden=1\n"}});
  std::string text;
  for (const PlacedText& word : config.options("m")) text += word.text + " ";
  CHECK(text == "a=1 b=1 c=1 ");
}

TEST_CASE("an unreadable file of /etc masks the one behind it and is remembered") {
  BootConfig config =
      read_boot_config({{"/usr/lib/modprobe.d/a.conf", "blacklist m\n"}}, {{"/etc/modprobe.d/a.conf", "denied"}});
  CHECK(config.directives(DirectiveKind::blacklist).empty());
  CHECK_FALSE(config.modprobe_known);
  CHECK(read_boot_config({}, {{"/etc/fstab", "denied"}}).modprobe_known);
}

TEST_CASE("module names compare with - equal to _, and the last ids= counts") {
  BootConfig config = read_boot_config(
      {{"/etc/modprobe.d/vfio.conf",
        "options vfio-pci ids=10de:1b80\noptions vfio_pci disable_vga=1 ids=\"10de:10f0,8086:15bc\"\n"}});
  CHECK(config.directives(DirectiveKind::options, "vfio_pci").size() == 2);
  CHECK(config.vfio_ids() == std::vector<std::string>{"10de:10f0", "8086:15bc"});
  CHECK(config.option("vfio-pci", "disable_vga") == "1");
  CHECK(config.option("vfio-pci", "nothing") == std::nullopt);
  CHECK(read_boot_config({}).vfio_ids().empty());
}

TEST_CASE("a word that a continuation runs through is joined") {
  BootConfig config =
      read_boot_config({{"/etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b80,\\\n10de:10f0 disable_vga=1\n"}});
  std::vector<PlacedText> words = config.options("vfio-pci");
  REQUIRE(words.size() == 2);
  CHECK(words[0].text == "ids=10de:1b80,10de:10f0");
  CHECK_FALSE(words[0].exact);
  CHECK(words[1].exact);
}

TEST_CASE("module lists: /etc/modules once, though modules-load.d links to it") {
  BootConfig config = read_boot_config({{"/etc/modules", "vfio\nvfio_pci\n"},
                                        {"/etc/modules-load.d/modules.conf", "vfio\nvfio_pci\n"},
                                        {"/etc/modules-load.d/zfs.conf", "zfs\n"},
                                        {"/etc/initramfs-tools/modules", "vfio_pci ids=10de:1b80\n"}});
  std::string names;
  for (const ModuleEntry& entry : config.boot_modules)
    names += entry.source->path + ":" + std::string(entry.line.name) + " ";
  CHECK(names == "/etc/modules:vfio /etc/modules:vfio_pci /etc/modules-load.d/zfs.conf:zfs ");
  REQUIRE(config.initramfs_modules.size() == 1);
  CHECK(config.initramfs_modules[0].line.arguments == "ids=10de:1b80");
}

TEST_CASE("GRUB that leaves the arguments to boot entries is seen") {
  CHECK(read_boot_config({{"/etc/default/grub", "GRUB_ENABLE_BLSCFG=true\n"}}).grub_entries_elsewhere());
  CHECK_FALSE(read_boot_config({{"/etc/default/grub", "GRUB_TIMEOUT=5\n"}}).grub_entries_elsewhere());
}
