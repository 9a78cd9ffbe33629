// Weighs what the files say about the boot set-up: which texts make the command line, which commands renew what was
// made of them.
#include "config/command_line_home.hpp"

#include <algorithm>
#include <set>

#include "text/words.hpp"

namespace hostpci {
namespace {

using Files = std::map<std::string, std::string>;

constexpr const char* default_grub = "/etc/default/grub";
constexpr const char* kernel_cmdline = "/etc/kernel/cmdline";
constexpr const char* uuid_list = "/etc/kernel/proxmox-boot-uuids";
constexpr const char* boot_entries = "/boot/loader/entries";

bool has(const Files& files, const std::string& path) { return files.count(path) > 0; }

/// A list of the names that a directory holds, as scan_files() keeps it.
bool lists(const Files& files, const std::string& directory, std::string_view name) {
  auto at = files.find(directory);
  if (at == files.end()) return false;
  auto names = split(at->second, '\n');
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_tool(const Files& files, std::string_view name) {
  return lists(files, "/usr/sbin/", name) || lists(files, "/usr/bin/", name);
}

bool tools_known(const Files& files) { return has(files, "/usr/sbin/") || has(files, "/usr/bin/"); }

/// A value of os-release without its quotes; empty if it is not there.
std::string os_release(const Files& files, std::string_view name) {
  auto at = files.find("/etc/os-release");
  if (at == files.end()) return {};
  for (const ShellAssignment& a : parse_shell_assignments(at->second).assignments)
    if (a.name == name) return a.value;
  return {};
}

/// The system is one of these, or calls itself like one of them.
bool is_like(const Files& files, std::initializer_list<std::string_view> names) {
  std::string said = os_release(files, "ID") + ' ' + os_release(files, "ID_LIKE");
  auto known = words(said);
  return std::any_of(names.begin(), names.end(),
                     [&](auto name) { return std::find(known.begin(), known.end(), name) != known.end(); });
}

/// Debian's tools are there, or nothing says otherwise.
bool is_debian_like(const Files& files) {
  if (has_tool(files, "update-grub") || has_tool(files, "update-initramfs")) return true;
  if (tools_known(files)) return false;
  return !has(files, "/etc/os-release") || is_like(files, {"debian", "ubuntu"});
}

bool any_entry(const Files& files) {
  auto at = files.lower_bound(std::string(boot_entries) + '/');
  return at != files.end() && at->first.rfind(boot_entries, 0) == 0;
}

// GRUB -----------------------------------------------------------------------------------------------------------------

/// Where Enterprise Linux 7 keeps the grub.cfg that UEFI reads; later ones have only a stub there.
std::string efi_grub_folder(const Files& files) {
  std::string id = os_release(files, "ID");
  return id == "rhel" || id == "ol" ? "redhat" : id;
}

CommandWords mkconfig(const Files& files, const BootEvidence& e) {
  bool second = has_tool(files, "grub2-mkconfig") || !has_tool(files, "grub-mkconfig");
  if (!second) return {"grub-mkconfig", "-o", "/boot/grub/grub.cfg"};
  bool seven = is_like(files, {"rhel"}) && os_release(files, "VERSION_ID").substr(0, 1) == "7";
  if (seven && e.efi == true)
    return {"grub2-mkconfig", "-o", "/boot/efi/EFI/" + efi_grub_folder(files) + "/grub.cfg"};
  return {"grub2-mkconfig", "-o", "/boot/grub2/grub.cfg"};
}

CommandLineHomes plain_grub(const Files& files, const BootEvidence& e, std::string evidence) {
  bool debian = is_debian_like(files);
  return {{{HomeKind::grub, default_grub, debian}},
          std::move(evidence),
          "",
          {debian ? CommandWords{"update-grub"} : mkconfig(files, e)}};
}

/// Boot entries of their own: grubby changes them; without it nobody knows how they are made.
CommandLineHomes entries(const Files& files, std::string evidence) {
  if (has_tool(files, "grubby") || any_entry(files))
    return {{{HomeKind::boot_entries, boot_entries, false}}, std::move(evidence), "", {}};
  std::string why = evidence + ", but there is neither grubby nor an entry in " + boot_entries;
  return {{}, std::move(evidence), std::move(why), {}};
}

std::string legacy_file(const Files& files) {
  for (const char* path : {"/boot/grub/grub.conf", "/boot/grub/menu.lst"})
    if (has(files, path)) return path;
  return {};
}

// proxmox-boot-tool ----------------------------------------------------------------------------------------------------

const CommandWords boot_tool_refresh{"proxmox-boot-tool", "refresh"};

CommandLineHomes on_partitions(HomeKind kind, std::string evidence) {
  bool grub = kind == HomeKind::grub;
  return {{{kind, grub ? default_grub : kernel_cmdline, grub}}, std::move(evidence), "", {boot_tool_refresh}};
}

/// Both texts, as proxmox-boot-tool decides for each partition by itself. Without /etc/kernel/cmdline it takes the
/// running command line, so that GRUB's text reaches the others too.
CommandLineHomes on_both(const Files& files, std::string evidence, std::string why) {
  CommandLineHomes homes = on_partitions(HomeKind::grub, std::move(evidence));
  if (has(files, kernel_cmdline)) homes.homes.push_back({HomeKind::kernel_cmdline, kernel_cmdline, false});
  homes.mixed = std::move(why);
  return homes;
}

bool all_alike(const BootEvidence& e, Bootloader loader) {
  bool grub = loader == Bootloader::grub;
  std::size_t same = grub ? e.grub_partitions : e.systemd_boot_partitions;
  std::size_t others = grub ? e.systemd_boot_partitions : e.grub_partitions;
  return e.partitions == 1 || (same >= e.partitions && others == 0);
}

CommandLineHomes boot_tool(const Files& files, const BootEvidence& e) {
  BootEvidence marks = e;
  marks.boot_entries = false;  // proxmox-boot-tool knows no such entries
  BootDecision decision = decide_bootloader(marks);
  bool only_grub = e.efi == false || e.secure_boot == true;
  if (decision.loader == Bootloader::grub && (only_grub || all_alike(e, decision.loader)))
    return on_partitions(HomeKind::grub, decision.evidence);
  if (decision.loader == Bootloader::systemd_boot && !only_grub && all_alike(e, decision.loader))
    return on_partitions(HomeKind::kernel_cmdline, decision.evidence);
  if (decision.loader == Bootloader::unknown) return on_both(files, decision.evidence, decision.evidence);
  std::string differ = e.systemd_boot_partitions > 0 && e.grub_partitions > 0
                           ? "the firmware's boot entries name systemd-boot and GRUB"
                           : std::string(uuid_list) + " names " + count(e.partitions, "EFI partition") +
                                 ", and what the others hold is not known";
  if (only_grub) differ = "it contradicts Secure Boot, which only GRUB starts with";
  return on_both(files, decision.evidence, decision.evidence + "; " + differ);
}

// systemd-boot without proxmox-boot-tool ---------------------------------------------------------------------------------

/// Debian's kernel hooks renew the entries with the initramfs; `kernel-install add-all` came with systemd 255.
CommandWords renew_entries(const Files& files) {
  if (has_tool(files, "sdbootutil")) return {"sdbootutil", "update-all-entries"};
  if (has_tool(files, "mkinitramfs")) return {"update-initramfs", "-u", "-k", "all"};
  return {"kernel-install", "add-all"};
}

CommandLineHomes systemd_boot(const Files& files, const BootEvidence& e, std::string evidence) {
  bool proxmox = evidence.find("\\EFI\\proxmox") != evidence.npos;
  if (proxmox && e.boot_uuids == false) {
    std::string why = evidence + ", but " + uuid_list + " does not exist: nothing would renew that entry";
    return {{}, std::move(evidence), std::move(why), {}};
  }
  return {{{HomeKind::kernel_cmdline, kernel_cmdline, false}}, std::move(evidence), "", {renew_entries(files)}};
}

CommandLineHomes without_mark(const Files& files, const BootEvidence& e, const BootDecision& decision) {
  std::string legacy = legacy_file(files);
  bool second = e.default_grub || has(files, "/boot/grub/grub.cfg");
  if (!legacy.empty() && !second)
    return {{{HomeKind::grub_legacy, legacy, false}}, legacy + " exists, " + default_grub + " does not", "", {}};
  return {{}, decision.evidence, decision.evidence, {}};
}

// The firmware's boot entries --------------------------------------------------------------------------------------------

void read_firmware_entries(const BootConfig& boot, BootEvidence& e) {
  constexpr std::string_view start = "/sys/firmware/efi/efivars/Boot";
  std::set<std::string> systemd_boot, grub;
  for (const auto& [path, source] : boot.sources) {
    if (path.rfind(start, 0) != 0) continue;
    std::string_view text = source->text;
    std::string partition(text.substr(0, text.find(' '))), file = lower(text);
    if (file.find("\\efi\\systemd\\systemd-boot") != file.npos) systemd_boot.insert(partition);
    if (file.find("\\efi\\proxmox\\") != file.npos) grub.insert(partition);
  }
  e.systemd_boot_partitions = systemd_boot.size();
  e.grub_partitions = grub.size();
}

}  // namespace

BootEvidence read_boot_evidence(const BootConfig& boot, const Files& unreadable, const RunningBoot& running) {
  BootEvidence e;
  e.command_line = running.command_line;
  e.efi = running.efi;
  e.secure_boot = running.secure_boot;
  if (auto info = boot.source("/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"))
    e.loader_info = info->text;
  SourcePtr list = boot.source(uuid_list);
  if (!unreadable.count(uuid_list)) e.boot_uuids = list != nullptr;
  if (list) e.partitions = words(list->text).size();
  e.default_grub = boot.source(default_grub) != nullptr;
  e.boot_entries = boot.grub_entries_elsewhere();
  read_firmware_entries(boot, e);
  return e;
}

CommandLineHomes find_command_line_homes(const BootEvidence& e, const Files& files) {
  if (e.boot_uuids == true && e.partitions > 0) return boot_tool(files, e);
  BootDecision decision = decide_bootloader(e);
  if (decision.loader == Bootloader::systemd_boot) return systemd_boot(files, e, decision.evidence);
  if (decision.loader == Bootloader::grub) return plain_grub(files, e, decision.evidence);
  if (e.boot_entries && decision.evidence.find("GRUB_ENABLE_BLSCFG") != decision.evidence.npos)
    return entries(files, decision.evidence);
  return without_mark(files, e, decision);
}

InitramfsDecision find_initramfs_tool(const Files& files) {
  const CommandWords update{"update-initramfs", "-u", "-k", "all"};
  if (has_tool(files, "mkinitramfs")) return {InitramfsTool::initramfs_tools, "mkinitramfs is installed", update};
  if (has_tool(files, "dracut"))
    return {InitramfsTool::dracut, "dracut is installed", {"dracut", "-f", "--regenerate-all"}};
  if (has_tool(files, "mkinitcpio")) return {InitramfsTool::mkinitcpio, "mkinitcpio is installed", {"mkinitcpio", "-P"}};
  if (tools_known(files)) return {};
  if (has(files, "/etc/initramfs-tools/modules"))
    return {InitramfsTool::initramfs_tools, "/etc/initramfs-tools/modules exists", update};
  if (is_like(files, {"debian", "ubuntu"})) return {InitramfsTool::initramfs_tools, "/etc/os-release: Debian", update};
  if (is_like(files, {"fedora", "rhel", "suse"}))
    return {InitramfsTool::dracut, "/etc/os-release", {"dracut", "-f", "--regenerate-all"}};
  return {};
}

}  // namespace hostpci
