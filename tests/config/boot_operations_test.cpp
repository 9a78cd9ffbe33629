// What single operations of a draft do where more than one file, or more than one writer, is involved.
#include <doctest/doctest.h>

#include "boot_samples.hpp"
#include "config/kernel_parameter.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const CommandLineHome entries_home{HomeKind::boot_entries, "/boot/loader/entries", false};

BootDraft draft_with(const Files& files, std::vector<CommandLineHome> homes = {},
                     InitramfsTool tool = InitramfsTool::initramfs_tools) {
  return {files, {}, {std::move(homes), "", "", {{"update-grub"}}}, tool};
}

BootDraft cmdline_draft(const std::string& text) { return draft_with({{"/etc/kernel/cmdline", text}}, {cmdline_home}); }

std::string grub_text(const std::string& value) { return "GRUB_CMDLINE_LINUX_DEFAULT=\"" + value + "\"\n"; }

/// The command line after adding each of these; of the last refusal its message.
std::string with(const std::string& text, const std::vector<std::string>& arguments) {
  BootDraft draft = cmdline_draft(text);
  for (const std::string& argument : arguments)
    if (Refused refused = draft.add_argument(argument)) return refused->message;
  return draft.files().at("/etc/kernel/cmdline");
}

std::string without_argument(const std::string& text, const std::string& argument) {
  BootDraft draft = cmdline_draft(text);
  CHECK_FALSE(draft.remove_argument(argument));
  return draft.files().at("/etc/kernel/cmdline");
}

std::string commands(const BootDraft& draft) {
  std::string text;
  for (const CommandWords& command : draft.commands()) text += (text.empty() ? "" : " ; ") + join(command, " ");
  return text;
}

std::string file(const BootDraft& draft, const std::string& path) {
  auto at = draft.files().find(path);
  return at == draft.files().end() ? "" : at->second;
}

}  // namespace

TEST_CASE("repeated parameters: what an addition becomes") {
  struct Row {
    std::string before, added, after;
  };
  const std::vector<Row> rows{
      {"root=a quiet", "quiet", "root=a quiet"},
      {"root=a", "iommu=pt", "root=a iommu=pt"},
      {"root=a iommu=nopt", "iommu=pt", "root=a iommu=pt"},
      {"root=a iommu=nopt,soft", "iommu=pt", "root=a iommu=pt,soft"},
      {"root=a intel_iommu=off", "intel_iommu=on", "root=a intel_iommu=on"},
      {"root=a intel_iommu=sm_on", "intel_iommu=on", "root=a intel_iommu=sm_on intel_iommu=on"},
      {"root=a intel_iommu=on,sm_on", "intel_iommu=on", "root=a intel_iommu=on,sm_on"},
      {"root=a intel_iommu=on", "intel_iommu=on,sm_on", "root=a intel_iommu=on intel_iommu=sm_on"},
      {"root=a video=efifb:off", "video=vesafb:off", "root=a video=efifb:off video=vesafb:off"},
      {"root=a video=efifb:off", "video=efifb:off", "root=a video=efifb:off"},
      {"root=a vfio-pci.ids=1:2", "vfio_pci.ids=3:4", "root=a vfio-pci.ids=1:2,3:4"},
      {"root=a vfio-pci.ids=1:2 vfio-pci.ids=5:6", "vfio-pci.ids=3:4", "root=a vfio-pci.ids=1:2 vfio-pci.ids=5:6,3:4"},
      {"root=a module_blacklist=nouveau", "module_blacklist=nvidia", "root=a module_blacklist=nouveau,nvidia"},
      {"root=a vfio_pci.disable_vga=0", "vfio-pci.disable_vga=1", "root=a vfio-pci.disable_vga=1"},
      {"root=a vfio-pci.disable_vga=1", "vfio_pci.disable_vga=1", "root=a vfio-pci.disable_vga=1"},
      {"root=a default_hugepagesz=2M", "default_hugepagesz=1G", "root=a default_hugepagesz=1G"},
      {"root=a initcall_blacklist=x", "initcall_blacklist=sysfb_init", "root=a initcall_blacklist=x initcall_blacklist=sysfb_init"},
      {"root=a -- quiet", "quiet", "root=a quiet -- quiet"},
      {"root=a", "dyndbg=\"file x +p\"", "root=a dyndbg=\"file x +p\""},
      {"root=a", "two words", "`two words` is no single kernel argument"},
      {"root=a", "half=\"open", "`half=\"open` is no single kernel argument"},
      {"root=a", "tab\tin", "`tab\tin` is no single kernel argument"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.before + " + " + row.added);
    CHECK(with(row.before, {row.added}) == row.after);
    BootDraft draft = cmdline_draft(row.before);
    if (!draft.add_argument(row.added)) {
      CHECK(draft.has_argument(row.added));
      CHECK_FALSE(draft.take_back_argument(row.added));
    }
    CHECK(draft.changed().empty());
  }
}

TEST_CASE("removing takes out what others wrote, words of lists too; taking back does not") {
  CHECK(without_argument("root=a amd_iommu=on quiet\n", "amd_iommu=on") == "root=a quiet\n");
  CHECK(without_argument("amd_iommu=on root=a\n", "amd_iommu=on") == "root=a\n");
  CHECK(without_argument("root=a amd_iommu=on", "amd-iommu=on") == "root=a");
  CHECK(without_argument("root=a iommu=pt,soft x", "iommu=soft") == "root=a iommu=pt x");
  CHECK(without_argument("root=a vfio-pci.ids=1:2,3:4", "vfio-pci.ids=1:2") == "root=a vfio-pci.ids=3:4");
  CHECK(without_argument("root=a x x x", "x") == "root=a");
  CHECK(without_argument("root=a -- x", "x") == "root=a -- x");
  BootDraft draft = cmdline_draft("root=a iommu=pt");
  CHECK_FALSE(draft.take_back_argument("iommu=pt"));
  CHECK(draft.changed().empty());
}

TEST_CASE("ours are told from those of others, and go one by one") {
  BootDraft draft = cmdline_draft("root=a quiet vfio-pci.ids=1:2\n");
  for (const char* argument : {"quiet", "iommu=pt", "vfio-pci.ids=3:4", "vfio-pci.ids=5:6"})
    CHECK_FALSE(draft.add_argument(argument));
  CHECK(draft.own_arguments() == std::vector<std::string>{"vfio-pci.ids=1:2,3:4,5:6", "iommu=pt"});
  CHECK_FALSE(draft.take_back_argument("vfio-pci.ids=3:4"));
  CHECK(file(draft, "/etc/kernel/cmdline") == "root=a quiet vfio-pci.ids=1:2,5:6 iommu=pt\n");
  CHECK_FALSE(draft.take_back_argument("vfio-pci.ids=1:2"));
  CHECK_FALSE(draft.take_back_argument("quiet"));
  CHECK(file(draft, "/etc/kernel/cmdline") == "root=a quiet vfio-pci.ids=1:2,5:6 iommu=pt\n");
  CHECK_FALSE(draft.remove_argument("vfio-pci.ids=1:2"));
  CHECK(file(draft, "/etc/kernel/cmdline") == "root=a quiet vfio-pci.ids=5:6 iommu=pt\n");
  CHECK_FALSE(draft.take_back_argument("vfio-pci.ids=5:6"));
  CHECK(file(draft, "/etc/kernel/cmdline") == "root=a quiet iommu=pt\n");
}

TEST_CASE("another tool's edit: what it changed is its own, what it left is still ours") {
  BootDraft first = draft_with({{"/etc/default/grub", grub_text("quiet")}}, {grub_home});
  CHECK_FALSE(first.add_argument("intel_iommu=on"));
  CHECK_FALSE(first.add_argument("default_hugepagesz=1G"));
  Files files = first.files();
  CHECK(files.at(own::record).find("\n/etc/default/grub\tintel_iommu=on\n") != std::string::npos);
  files["/etc/default/grub"] = grub_text("quiet splash intel_iommu=on default_hugepagesz=2M");
  BootDraft later = draft_with(files, {grub_home});
  CHECK(later.own_arguments() == std::vector<std::string>{"intel_iommu=on"});
  CHECK_FALSE(later.take_back_argument("default_hugepagesz=1G"));
  CHECK_FALSE(later.take_back_argument("default_hugepagesz=2M"));
  CHECK_FALSE(later.take_back_argument("intel_iommu=on"));
  CHECK(file(later, "/etc/default/grub") == grub_text("quiet splash default_hugepagesz=2M"));
  CHECK_FALSE(later.add_argument("iommu=pt"));
  CHECK(file(later, own::record).find("hugepagesz") == std::string::npos);
}

TEST_CASE("what was in another home is taken back there") {
  BootDraft first = cmdline_draft("root=a\n");
  CHECK_FALSE(first.add_argument("iommu=pt"));
  BootDraft later = draft_with(first.files(), {grub_home});
  CHECK(later.own_arguments() == std::vector<std::string>{"iommu=pt"});
  CHECK_FALSE(later.take_back_argument("iommu=pt"));
  CHECK(later.files() == Files{{"/etc/kernel/cmdline", "root=a\n"}});
}

TEST_CASE("both homes, or none") {
  Files files{{"/etc/default/grub", grub_text("quiet")}, {"/etc/kernel/cmdline", "root=a\n"}};
  BootDraft draft = draft_with(files, {grub_home, cmdline_home});
  CHECK_FALSE(draft.add_argument("iommu=pt"));
  CHECK(file(draft, "/etc/default/grub") == grub_text("quiet iommu=pt"));
  CHECK(file(draft, "/etc/kernel/cmdline") == "root=a iommu=pt\n");
  files["/etc/kernel/cmdline"] = "\n";
  BootDraft refused = draft_with(files, {grub_home, cmdline_home});
  Refused why = refused.add_argument("iommu=pt");
  REQUIRE(why);
  CHECK(why->file == "/etc/kernel/cmdline");
  CHECK(why->line == 1);
  CHECK(refused.changed().empty());
  CHECK(draft_with(files).add_argument("iommu=pt")->message == "where the kernel command line lives is not known");
}

TEST_CASE("an unreadable home is not edited") {
  BootDraft draft({{"/etc/default/grub", grub_text("quiet")}}, {{"/etc/default/grub.d/x.cfg", "permission denied"}},
                  {{grub_home}, "", "", {}}, InitramfsTool::unknown);
  Refused refused = draft.add_argument("iommu=pt");
  REQUIRE(refused);
  CHECK(refused->file == "/etc/default/grub.d/x.cfg");
  CHECK(refused->message == "permission denied");
}

TEST_CASE("GRUB without drop-ins (not Debian's): refused with the line of the assignment in the way") {
  const CommandLineHome fedora{HomeKind::grub, "/etc/default/grub", false};
  BootDraft draft = draft_with({{"/etc/default/grub", "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\n"}}, {fedora});
  Refused refused = draft.add_argument("iommu=pt");
  REQUIRE(refused);
  CHECK(refused->file == "/etc/default/grub");
  CHECK(refused->line == 2);
  CHECK(refused->message == "`iommu=pt` cannot be added: this is no plain assignment in one pair of quotes");
}

TEST_CASE("a drop-in that a later file overrules is refused, not written again and again") {
  BootDraft draft = draft_with({{"/etc/default/grub.d/zzz.cfg", grub_text("quiet")}}, {grub_home});
  Refused refused = draft.add_argument("iommu=pt");
  REQUIRE(refused);
  CHECK(refused->message == "`iommu=pt` has no effect: a later file sets the variable anew");
  CHECK(draft.changed().empty());
}

TEST_CASE("what GRUB cannot hand over is refused, blanks are quoted for it") {
  BootDraft draft = draft_with({{"/etc/default/grub", grub_text("quiet")}}, {grub_home});
  for (const char* argument : {"a=b\\c", "a=it's", "a=x\"y\"z"})
    CHECK(draft.add_argument(argument)->message.find("GRUB cannot hand over") == 0);
  CHECK_FALSE(draft.add_argument("dyndbg=\"file a.c +p\""));
  CHECK(file(draft, "/etc/default/grub") == grub_text("quiet \\\"dyndbg=file a.c +p\\\""));
  CHECK(draft.has_argument("dyndbg=\"file a.c +p\""));
  CHECK_FALSE(draft.take_back_argument("dyndbg=\"file a.c +p\""));
  CHECK(draft.changed().empty());
}

TEST_CASE("a file of our name that is not ours is left alone") {
  for (const char* path : {own::modprobe, own::modules, own::udev, own::record}) {
    BootDraft draft = draft_with({{path, "# mine\n"}, {"/etc/kernel/cmdline", "root=a\n"}}, {cmdline_home});
    Refused refused = path == std::string(own::modprobe)  ? draft.add_blacklist("nouveau")
                      : path == std::string(own::modules) ? draft.add_boot_module("vfio_pci")
                      : path == std::string(own::udev)    ? draft.add_virtual_functions("0000:03:00.0", 2)
                                                          : draft.add_argument("iommu=pt");
    REQUIRE(refused);
    CHECK(refused->file == path);
    CHECK(refused->line == 1);
    CHECK(draft.changed().empty());
  }
}

TEST_CASE("lines that someone put into our file stay there") {
  BootDraft draft = draft_with({});
  CHECK_FALSE(draft.add_blacklist("nouveau"));
  Files files = draft.files();
  files[own::modprobe] += "options kvm ignore_msrs=1\n";
  BootDraft later = draft_with(files);
  CHECK_FALSE(later.remove_blacklist("nouveau"));
  CHECK(file(later, own::modprobe).find("\noptions kvm ignore_msrs=1\n") != std::string::npos);
  CHECK(file(later, own::modprobe).find("nouveau") == std::string::npos);
}

TEST_CASE("grubby gets all values of a name, and its inverse for the undo") {
  Files files{{"/boot/loader/entries/a.conf", "title a\noptions root=/dev/sda2 ro console=tty0 amd_iommu=on\n"},
              {"/boot/loader/entries/b.conf", "title b\noptions root=/dev/sda2 ro console=tty0 amd_iommu=on\n"}};
  BootDraft draft = draft_with(files, {entries_home}, InitramfsTool::dracut);
  CHECK_FALSE(draft.add_argument("iommu=pt"));
  CHECK_FALSE(draft.add_argument("console=ttyS0"));
  CHECK_FALSE(draft.remove_argument("amd_iommu=on"));
  CHECK(commands(draft) == "grubby --update-kernel=ALL --args=console=tty0 console=ttyS0 iommu=pt --remove-args=amd_iommu");
  REQUIRE(draft.undo_commands().size() == 1);
  CHECK(join(draft.undo_commands()[0], " ") ==
        "grubby --update-kernel=ALL --args=amd_iommu=on console=tty0 --remove-args=iommu");
  CHECK(draft.changed().size() == 1);
  CHECK(draft.changed().count(own::record) == 1);
  CHECK(draft.own_arguments() == std::vector<std::string>{"iommu=pt", "console=ttyS0"});
}

TEST_CASE("ids of vfio-pci: the list that counts") {
  BootDraft twice = draft_with({{"/etc/modprobe.d/a.conf", "options vfio-pci ids=1111:0001 disable_vga=1\n"},
                                {"/etc/modprobe.d/b.conf", "options vfio-pci ids=2222:0002\n"}});
  CHECK_FALSE(twice.add_vfio_id("3333:0003"));
  CHECK(file(twice, "/etc/modprobe.d/b.conf") == "options vfio-pci ids=2222:0002,3333:0003\n");
  CHECK_FALSE(twice.merge_vfio_ids());
  CHECK(file(twice, "/etc/modprobe.d/a.conf") == "options vfio-pci disable_vga=1\n");
  CHECK(file(twice, "/etc/modprobe.d/b.conf") == "options vfio-pci ids=1111:0001,2222:0002,3333:0003\n");
  BootDraft package = draft_with({{"/usr/lib/modprobe.d/x.conf", "\noptions vfio-pci ids=1111:0001\n"}});
  CHECK(package.add_vfio_id("3333:0003")->line == 2);
  BootDraft command = draft_with({{"/etc/kernel/cmdline", "root=a vfio-pci.ids=1111:0001\n"}}, {cmdline_home});
  CHECK_FALSE(command.add_vfio_id("3333:0003"));
  CHECK(file(command, "/etc/kernel/cmdline") == "root=a vfio-pci.ids=1111:0001,3333:0003\n");
  CHECK_FALSE(command.remove_vfio_id("3333:0003"));
  CHECK(command.changed().empty());
  CHECK(command.add_vfio_id("01:00.0"));
  CHECK(command.add_vfio_id("10de:1b80\n"));
}

TEST_CASE("several ids of ours share one line of our own file, and go with the last") {
  BootDraft draft = draft_with({});
  for (const char* id : {"1111:0001", "2222:0002", "3333:0003"}) CHECK_FALSE(draft.add_vfio_id(id));
  CHECK(file(draft, own::modprobe).find("\noptions vfio-pci ids=1111:0001,2222:0002,3333:0003\n") != std::string::npos);
  CHECK(draft.config().vfio_ids().size() == 3);
  for (const char* id : {"2222:0002", "1111:0001", "3333:0003"}) CHECK_FALSE(draft.remove_vfio_id(id));
  CHECK(draft.changed().empty());
}

TEST_CASE("an option of which a later file's value counts is changed there, and comes back") {
  const Files files{{"/etc/modprobe.d/kvm.conf", "options kvm ignore_msrs=0 report_ignored_msrs=0\n"},
                    {"/etc/modprobe.d/a.conf", "options vfio_iommu_type1 allow_unsafe_interrupts=0\n"}};
  BootDraft draft = draft_with(files);
  CHECK_FALSE(draft.add_option("kvm", "ignore_msrs", "1"));
  CHECK_FALSE(draft.add_option("vfio_iommu_type1", "allow_unsafe_interrupts", "1"));
  CHECK(file(draft, "/etc/modprobe.d/kvm.conf") == "options kvm ignore_msrs=1 report_ignored_msrs=0\n");
  CHECK(file(draft, "/etc/modprobe.d/a.conf") == files.at("/etc/modprobe.d/a.conf"));
  CHECK(draft.config().option("vfio_iommu_type1", "allow_unsafe_interrupts") == "1");
  CHECK_FALSE(draft.remove_option("kvm", "ignore_msrs"));
  CHECK_FALSE(draft.remove_option("vfio_iommu_type1", "allow_unsafe_interrupts"));
  CHECK(draft.changed().empty());
}

TEST_CASE("a name that would end the line or begin another is refused") {
  BootDraft draft = draft_with({});
  CHECK(draft.add_blacklist("x\ninstall x /bin/sh"));
  CHECK(draft.add_softdep("x y"));
  CHECK(draft.add_boot_module(""));
  CHECK(draft.add_option("kvm", "a", "b c"));
  CHECK(draft.add_driver_override("0000:01:00.0\", RUN+=\"/bin/x"));
  CHECK(draft.add_driver_override("0000:01:00.0", "x\", RUN+=\"/bin/x"));
  CHECK(draft.changed().empty());
}

TEST_CASE("/etc/modules and the link to it are one file") {
  BootDraft draft = draft_with({{"/etc/modules", "vfio\nvfio_virqfd\n"}, {"/etc/modules-load.d/modules.conf", "vfio\nvfio_virqfd\n"}});
  CHECK_FALSE(draft.drop_module("vfio_virqfd"));
  REQUIRE(draft.changed().size() == 1);
  CHECK(draft.changed().at("/etc/modules").text == "vfio\n");
}

TEST_CASE("a device kept by address: rule, and a hook that takes it into the initramfs") {
  BootDraft draft = draft_with({});
  CHECK_FALSE(draft.add_driver_override("0000:01:00.0"));
  CHECK_FALSE(draft.add_driver_override("0000:01:00.1"));
  CHECK(file(draft, own::udev).find("\nACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", "
                                    "ATTR{driver_override}=\"vfio-pci\", ATTR{[subsystem/pci]drivers_probe}=\"0000:01:00.0\"\n") !=
        std::string::npos);
  CHECK(draft.changed().at(own::initramfs_hook).mode == 0755);
  CHECK(commands(draft) == "update-initramfs -u -k all");
  CHECK_FALSE(draft.remove_driver_override("0000:01:00.0"));
  CHECK(draft.changed().count(own::initramfs_hook) == 1);
  CHECK_FALSE(draft.remove_driver_override("0000:01:00.1"));
  CHECK(draft.changed().empty());
}

TEST_CASE("the initramfs as other tools take it") {
  BootDraft dracut = draft_with({}, {}, InitramfsTool::dracut);
  CHECK_FALSE(dracut.add_initramfs_module("vfio_pci"));
  CHECK_FALSE(dracut.add_driver_override("0000:01:00.0"));
  CHECK(file(dracut, own::dracut).find("\nforce_drivers+=\" vfio_pci \"\ninstall_items+=\" /etc/udev/rules.d/70-hostpci.rules \"\n") !=
        std::string::npos);
  CHECK(commands(dracut) == "dracut -f --regenerate-all");
  CHECK_FALSE(dracut.remove_initramfs_module("vfio_pci"));
  CHECK_FALSE(dracut.remove_driver_override("0000:01:00.0"));
  CHECK(dracut.changed().empty());
  BootDraft arch = draft_with({}, {}, InitramfsTool::mkinitcpio);
  CHECK_FALSE(arch.add_initramfs_module("vfio_pci"));
  CHECK(file(arch, own::mkinitcpio).find("\nMODULES+=(vfio_pci)\n") != std::string::npos);
  CHECK(draft_with({}, {}, InitramfsTool::unknown).add_initramfs_module("vfio_pci"));
}

TEST_CASE("virtual functions: another number takes the line's place") {
  BootDraft draft = draft_with({});
  CHECK_FALSE(draft.add_virtual_functions("0000:03:00.0", 4));
  CHECK_FALSE(draft.add_virtual_functions("0000:03:00.0", 8, false));
  CHECK(file(draft, own::udev).find("ATTR{sriov_numvfs}=\"4\"") == std::string::npos);
  CHECK(file(draft, own::udev).find("ATTR{sriov_drivers_autoprobe}=\"0\", ATTR{sriov_numvfs}=\"8\"\n") != std::string::npos);
  const std::string open = "ATTR{physfn/uevent}==\"*PCI_SLOT_NAME=0000:03:00.0*\", ATTR{driver_override}=\"vfio-pci\"\n";
  CHECK(file(draft, own::udev).find(open) != std::string::npos);
  CHECK(commands(draft).empty());
  CHECK_FALSE(draft.add_virtual_functions("0000:03:00.0", 8));
  CHECK(file(draft, own::udev).find(open) == std::string::npos);
  CHECK_FALSE(draft.add_virtual_functions("0000:03:00.0", 8, false));
  CHECK_FALSE(draft.remove_virtual_functions("0000:03:00.0"));
  CHECK(draft.changed().empty());
}

TEST_CASE("which commands follow: only those that the changes need, each once") {
  const Files files{{"/etc/default/grub", grub_text("quiet")}, {"/etc/modules", ""}};
  BootDraft draft = draft_with(files, {grub_home});
  CHECK(commands(draft).empty());
  CHECK_FALSE(draft.add_boot_module("vfio_pci"));
  CHECK(commands(draft).empty());
  CHECK_FALSE(draft.add_argument("iommu=pt"));
  CHECK(commands(draft) == "update-grub");
  CHECK_FALSE(draft.add_vfio_id("10de:1b80"));
  CHECK_FALSE(draft.add_softdep("nouveau"));
  CHECK(commands(draft) == "update-initramfs -u -k all ; update-grub");
  CHECK_FALSE(draft.take_back_argument("iommu=pt"));
  CHECK(commands(draft) == "update-initramfs -u -k all");
}
