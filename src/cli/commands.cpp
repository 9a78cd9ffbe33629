// The one table of commands, and the way from argv to a row of it.
#include "cli/commands.hpp"

#include <algorithm>

#include "cli/command.hpp"
#include "cli/help.hpp"
#include "cli/live.hpp"
#include "cli/log.hpp"
#include "cli/mapping_change.hpp"
#include "cli/run.hpp"
#include "cli/set_options.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr OptionSpec apply_options[] = {
    {"yes", OptionValue::none, "", "do not ask"},
    {"unsafe-interrupts", OptionValue::none, "", "let vfio attach devices although this host does not remap interrupts"},
    {"confirm-after-boot", OptionValue::required, "MINUTES", "take the change back unless it is confirmed within this time after the next boot"},
    {"confirm", OptionValue::none, "", "keep the change that waits to be confirmed"},
    {"run-commands", OptionValue::none, "", "below --root: run the commands that follow too, in a chroot of it"},
};

constexpr OptionSpec bind_options[] = {
    {"driver", OptionValue::required, "DRIVER", "this driver instead of vfio-pci"},
    {"group", OptionValue::none, "", "the other endpoints of the IOMMU group too"},
    live_dry_run, live_yes, live_timeout,
};

constexpr OptionSpec completion_options[] = {
    {"words", OptionValue::none, "", "for the scripts: what may stand at the end of the words behind --"},
};

constexpr OptionSpec config_options[] = {
    {"pending", OptionValue::none, "", "what the next start will use: [PENDING] applied"},
    {"snapshot", OptionValue::required, "NAME", "the section of that snapshot"},
};

constexpr OptionSpec devices_options[] = {
    {"tree", OptionValue::none, "", "as a tree: each device below its bridge"},
};

constexpr OptionSpec export_options[] = {
    {"domain", OptionValue::none, "", "a whole <domain> that `virsh define` takes, not the elements alone"},
};

constexpr OptionSpec lint_options[] = {
    {"select", OptionValue::required, "LIST", "only these rules (names or their beginnings)"},
    {"ignore", OptionValue::required, "LIST", "without these rules"},
    {"fail-on", OptionValue::required, "LEVEL", "exit 1 from this severity on: error, warning (default), info, never"},
    {"fix", OptionValue::none, "", "write the fixes that the guest does not notice"},
    {"unsafe-fixes", OptionValue::none, "", "write those too that change what the guest sees"},
    {"dry-run", OptionValue::none, "", "with --fix: print the differences, write nothing"},
    {"baseline", OptionValue::required, "FILE", "leave out the findings that FILE knows"},
    {"write-baseline", OptionValue::required, "FILE", "put today's findings into FILE and end with 0"},
    {"statistics", OptionValue::none, "", "how often each rule found something; with -v how long it took"},
};

constexpr OptionSpec mdev_options[] = {
    {"vm", OptionValue::required, "VMID", "create: under the UUID of this VM's line"},
    {"index", OptionValue::required, "N", "create: which of its lines, hostpciN (default: the one that names device and type, else 0)"},
    {"uuid", OptionValue::required, "UUID", "create: under this UUID"},
    live_dry_run, live_timeout,
};

constexpr OptionSpec plan_options[] = {
    {"output", OptionValue::required, "FILE", "save the plan into FILE, for `apply FILE`; - is standard output", 'o'},
    {"unsafe-interrupts", OptionValue::none, "", "let vfio attach devices although this host does not remap interrupts"},
    {"exit-code", OptionValue::none, "", "exit 1 if there is something to do"},
};

constexpr OptionSpec reset_options[] = {live_dry_run, live_yes, live_timeout};

constexpr OptionSpec rollback_options[] = {
    {"yes", OptionValue::none, "", "do not ask"},
    {"dry-run", OptionValue::none, "", "print the differences, change nothing"},
    {"unconfirmed", OptionValue::none, "", "the change that was not confirmed after the last boot; exit 1 if there is none"},
    {"run-commands", OptionValue::none, "", "below --root: run the commands that follow too, in a chroot of it"},
};

constexpr OptionSpec snapshot_options[] = {
    {"output", OptionValue::required, "FILE", "write to FILE instead of standard output", 'o'},
};

constexpr OptionSpec sriov_options[] = {
    {"no-probe", OptionValue::none, "", "try no driver on the functions that are made"},
    {"persist", OptionValue::none, "", "at every boot too, by a udev rule"},
    live_dry_run, live_yes, live_timeout,
};

constexpr OptionSpec start_check_options[] = {
    {"qemu", OptionValue::none, "", "start the installed QEMU, stopped, with what `showcmd` prints, and tell what it said"},
    {"timeout", OptionValue::required, "SECONDS", "how long that QEMU may take (60)"},
};

constexpr OptionSpec suggest_options[] = {
    {"vm", OptionValue::required, "VM", "for this VM: its machine type, display, and first free hostpciN"},
};

constexpr OptionSpec unbind_options[] = {
    {"group", OptionValue::none, "", "the other endpoints of the IOMMU group too"},
    {"no-probe", OptionValue::none, "", "leave them without a driver"},
    live_dry_run, live_yes, live_timeout,
};

constexpr Command table[] = {
    {"apply", "[FILE | VM…]", "carry a plan out as one transaction; asks first, naming what the host loses",
     "FILE is a plan that `plan -o FILE` saved; without it the plan for these VMs, or for every VM of this node with a hostpci line.",
     apply_options, "text", 0, std::size_t(-1), false, run_apply},
    {"bind", "ADDR… [--driver DRIVER] [--group]", "give devices of the running host to vfio-pci; `unbind` gives them back",
     "Refused (exit 3) for what the host runs from or is reached through, bridges, cards with virtual functions, and what a VM holds.",
     bind_options, "text json", 1, std::size_t(-1), false, run_bind},
    {"completion", "bash|zsh|fish", "a script that completes commands, options, VMIDs, addresses, types, mappings and rules",
     "bash: eval \"$(hostpci completion bash)\"; zsh: source <(hostpci completion zsh); fish: hostpci completion fish | source", completion_options,
     "text", 0, std::size_t(-1), false, run_completion},
    {"config", "VM [--pending | --snapshot NAME]", "a VM's configuration as Proxmox VE understands it", "", config_options, "text json", 1, 1,
     false, run_config},
    {"devices", "[ADDR…] [--tree]", "the host's PCI devices: class, name, driver, group, what uses them, what they can do",
     "An ADDR is a device (0000:01:00.0, 01:00.0), a slot (01:00) or a bus (01).", devices_options, "text json", 0, std::size_t(-1), false,
     run_devices},
    {"doctor", "", "is this host ready: one line a check, with what was read and the command that mends it",
     "Exit status 1 if a check fails. A part that is missing is a failure where Proxmox VE is installed or a VM has a hostpci line,\n"
     "elsewhere a warning.",
     {}, "text json", 0, 0, false, run_doctor},
    {"explain", "RULE", "what a rule means, why it matters, a bad and a good example, how to mend it", "", {}, "text json", 1, 1, false,
     run_explain},
    {"export", "libvirt VM [--domain]", "the same assignment as libvirt's <hostdev> elements",
     "What libvirt has no words for stands in a comment, and is told on standard error.", export_options, "xml", 2, 2, false, run_export},
    {"groups", "[GROUP…]", "IOMMU groups: isolated or shared, viable now or not", "", {}, "text json", 0, std::size_t(-1), false, run_groups},
    {"help", "[COMMAND]", "how a command is used", "", {}, "text", 0, 1, false, run_help},
    {"history", "", "what was changed on this host: when, by whom, and whether it was undone", "", {}, "text json", 0, 0, false, run_history},
    {"lint", "[VM…]", "all rules over all VMs (default: every VM of this node) and the host",
     "A rule is waived in a VM's notes: `#hostpci: allow RULE REASON`.", lint_options, "text concise json jsonl sarif github junit", 0, std::size_t(-1), false, run_lint},
    {"mapping", "list|check [ID…] | add|set|delete ID", "the cluster's resource mappings: what they are on this host, Proxmox VE's own check; changes of them",
     "`check` gives exit status 1 if an entry of this node would be refused; entries of other nodes are not judged.\n"
     "`add`, `set` and `delete` write pci.cfg as Proxmox VE does, under the cluster's lock. They are held back (exit 3) where Proxmox VE would\n"
     "refuse an entry of this node, or a VM would lose its device; --force writes all the same.",
     mapping_options, "text json", 1,
     std::size_t(-1), false, run_mapping},
    {"mdev", "[ADDR…] | create ADDR TYPE [--vm VMID [--index N] | --uuid UUID] | remove UUID|ADDR…",
     "mediated device types, free instances, and which VM holds those that exist; makes and removes them",
     "`create` takes the UUID under which Proxmox VE looks for the one of --vm, or that of --uuid, or any. With NVIDIA's own framework the\n"
     "function itself gets the type. `remove ADDR` removes all that the device has. What a VM or another process holds is left (exit 3).",
     mdev_options, "text json", 0, std::size_t(-1), false, run_mdev},
    {"parse", "STRING… | -", "property strings to JSON, with Proxmox VE's own verdict",
     "`-` reads one string a line from standard input.", {}, "json", 1, std::size_t(-1), false, run_parse},
    {"plan", "[VM…] [-o FILE]", "every change that VMs and host need for these VMs to start with their devices, at every boot",
     "Without names: every VM of this node with a hostpci line. Nothing is written; `apply` carries the plan out.", plan_options, "text json", 0,
     std::size_t(-1), false, run_plan},
    {"reset", "ADDR…", "reset functions through the kernel, by the method that it has for them", "Refused (exit 3) as `bind` is, and where a device has no reset.",
     reset_options, "text json", 1, std::size_t(-1), false, run_reset},
    {"rollback", "[TRANSACTION]", "take a change back: the newest, or the one that `history` shows under this number",
     "A file that was changed since is left alone, and then all others too: what differs is shown.", rollback_options, "text", 0, 1, false,
     run_rollback},
    {"rules", "", "the catalogue of rules", "", {}, "text json", 0, 0, false, run_rules},
    {"set", "VM -hostpciN VALUE … [-delete LIST] [-revert LIST]", "as `qm set`: hostpciN and what passthrough depends on, checked before it is written",
     "Options may have one dash or two, any letter case, and be abbreviated as far as they are unique.\n"
     "An error on a key that this call sets holds the change back (exit 3); --unchecked writes all the same.",
     set_options, "text", 1, 1, true, run_set},
    {"showcmd", "VM", "the QEMU arguments that the hostpci lines become, exactly as Proxmox VE makes them", "", {}, "text", 1, 1, false,
     run_showcmd},
    {"snapshot", "[-o FILE]", "everything that rules need to know of this host, as YAML, without serial numbers and MAC addresses", "",
     snapshot_options, "yaml", 0, 0, false, run_snapshot},
    {"sriov", "[ADDR [COUNT]] [--no-probe] [--persist]", "virtual functions: which cards make them, how many there are; so many now, and at every boot",
     "Another number removes all functions that exist first: refused (exit 3) while one of them is in use. `--persist` writes for the next\n"
     "boots what `rollback` takes back; below --root it is all that is done.",
     sriov_options, "text json", 0, 2, false, run_sriov},
    {"start-check", "VM [--qemu]", "everything up to the start of a VM without starting it: one line a check, and the verdict",
     "Exit status 1 if a check fails. Nothing is written or bound; the kernel is asked about each IOMMU group, which takes root.",
     start_check_options, "text json", 1, 1, false, run_start_check},
    {"suggest", "ADDR [--vm VM]", "the hostpci line to write for a device, with a reason for every property", "", suggest_options, "text json",
     1, 1, false, run_suggest},
    {"unbind", "ADDR… [--group] [--no-probe]", "give devices back to the driver that had them before `bind`",
     "Where none is remembered, the kernel chooses.", unbind_options, "text json", 1, std::size_t(-1), false, run_unbind},
};

int wrong_usage(const std::string& message, const Command* command = nullptr) {
  log_error(message);
  log_error(command ? "see `hostpci help " + std::string(command->name) + "`" : "see `hostpci help`");
  return usage;
}

int unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command& command : table) names.push_back(command.name);
  std::string message = "unknown command `" + std::string(name) + "`";
  if (auto near = closest(name, names)) message += "; did you mean `" + std::string(*near) + "`?";
  return wrong_usage(message);
}

/// The command's place among the words: the first that is neither an option nor a global option's value.
std::size_t command_place(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].size() < 2 || words[i][0] != '-') return i;
    bool takes_next = words[i].find('=') == std::string::npos &&
                      std::any_of(global_options().begin(), global_options().end(), [&](const OptionSpec& spec) {
                        return spec.value == OptionValue::required && words[i] == "--" + std::string(spec.name);
                      });
    if (takes_next) ++i;
  }
  return words.size();
}

bool knows_format(const Command& command, std::string_view format) {
  auto formats = words(command.formats);
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

std::string bad_count(const Command& command, const std::vector<std::string>& arguments) {
  if (arguments.size() < command.least) return "`" + std::string(command.name) + "` needs more: hostpci " + std::string(command.name) + " " + std::string(command.usage);
  return "`" + arguments[command.most] + "` is one argument too many";
}

int finish(Output& out, int status) {
  bool written = out.flush();
  return written ? status : int(refused);
}

int run_command(const Command& command, ParsedLine line) {
  Output out;
  set_log_level(line.globals.quiet, line.globals.verbose);
  if (line.globals.help) {
    out << command_help(command);
    return finish(out, done);
  }
  if (line.arguments.size() < command.least || line.arguments.size() > command.most)
    return wrong_usage(bad_count(command, line.arguments), &command);
  if (line.globals.format.empty()) line.globals.format = std::string(words(command.formats).front());
  if (!knows_format(command, line.globals.format))
    return wrong_usage("`" + std::string(command.name) + "` has no format `" + line.globals.format + "`; it has: " + std::string(command.formats), &command);
  if (!line.globals.host.empty() && line.globals.has_root() && command.name == "snapshot")
    return wrong_usage("`--host` and `--root` do not go together here", &command);
  Invocation invocation{&command, std::move(line.globals), std::move(line.options), std::move(line.arguments), &out};
  int status = command.run(invocation);
  return finish(out, status);
}

int run_without_command(const std::vector<std::string>& words) {
  Result<ParsedLine> line = parse_options(words, {}, false);
  if (!line) return wrong_usage(line.error().message);
  Output out;
  if (line->globals.version) out << "hostpci " HOSTPCI_VERSION "\n";
  else if (line->globals.help) out << general_help();
  else return wrong_usage("no command given");
  return finish(out, done);
}

}  // namespace

std::span<const Command> commands() { return table; }

const Command* find_command(std::string_view name) {
  auto found = std::find_if(std::begin(table), std::end(table), [&](const Command& c) { return c.name == name; });
  return found == std::end(table) ? nullptr : found;
}

int run_help(Invocation& invocation) {
  if (invocation.arguments.empty()) {
    *invocation.out << general_help();
    return done;
  }
  const Command* command = find_command(invocation.arguments[0]);
  if (!command) return unknown_command(invocation.arguments[0]);
  *invocation.out << command_help(*command);
  return done;
}

int run(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  std::size_t place = command_place(words);
  if (place == words.size()) return run_without_command(words);
  const Command* command = find_command(words[place]);
  if (!command) return unknown_command(words[place]);
  words.erase(words.begin() + std::ptrdiff_t(place));
  Result<ParsedLine> line = parse_options(words, command->options, command->qm_style);
  if (!line) return wrong_usage(line.error().message, command);
  if (line->globals.version) return run_without_command({"--version"});
  return run_command(*command, std::move(*line));
}

}  // namespace hostpci
