// A VM's configuration: its file, what PVE reads in it, and its hostpci lines parsed.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/hostpci.hpp"
#include "grammar/vm_config.hpp"
#include "text/source.hpp"

namespace hostpci {

/// A "key: value" line that PVE accepts and that counts (the last valid one of its key in its section).
struct VmValue {
  std::string_view value;  ///< as it stands, without white space at both ends
  Span span;               ///< of the value
  Span key_span;
  std::size_t line = 0;  ///< index into VmConfig::lines
};

/// A line that PVE would warn about and drop.
struct DroppedLine {
  std::size_t line = 0;
  std::string_view key;  ///< empty if the line is no assignment
  std::string message;   ///< why, in our words
  Span span;
};

/// What PVE understands of one section. Keys that `set` writes (hostpciN and the passthrough keys) are validated as PVE
/// does; of all others the last line that parses counts.
struct VmSection {
  SectionKind kind = SectionKind::main;
  std::string_view name;   ///< "" for main and pending, "fleecing" of [special:fleecing], a snapshot's name
  std::size_t syntax = 0;  ///< index into VmConfig::sections
  std::map<std::string_view, VmValue> values;
  std::vector<DroppedLine> dropped;
  std::string description;  ///< decoded
  bool has_description = false;

  const VmValue* find(std::string_view key) const;
  std::string_view text(std::string_view key) const;  ///< empty if absent
};

/// A hostpci line that counts.
struct HostpciLine {
  int index = 0;  ///< N of hostpciN, 0-15
  VmValue value;
  Hostpci parsed;  ///< spans are offsets in the file
  std::string key() const { return "hostpci" + std::to_string(index); }
};

/// One file. Views point into source->text, which the shared pointer keeps.
struct Vm {
  std::uint32_t vmid = 0;  ///< 0: the file's name holds none
  std::string node;        ///< of /etc/pve/nodes/NODE/…; "" for the own node or any other path
  SourcePtr source;
  VmConfig syntax;
  std::vector<VmSection> sections;  ///< in the order of PVE: main, pending, special, snapshots by name; a repeated
                                    ///< section replaces the first

  const VmSection& main() const { return sections.front(); }
  const VmSection* pending() const;
  const VmSection* snapshot(std::string_view name) const;
  std::vector<HostpciLine> hostpci() const;  ///< of the main section, in order of N
  std::vector<HostpciLine> hostpci(const VmSection&) const;
  /// The section that the next start will use: main with [PENDING] applied (deletes, then values), as text views.
  std::vector<HostpciLine> next_hostpci() const;
  std::string_view text(std::string_view key) const { return main().text(key); }
};

/// Whether the text can hold anything about passthrough: a file that does not is skipped unparsed by those who only
/// look for that.
bool mentions_passthrough(std::string_view text);

/// Never fails: whatever is wrong is in `dropped`. `path` decides VMID and node.
Vm read_vm(SourcePtr source);
/// "…/100.conf" -> 100 (100–999999999 without leading zero), else 0.
std::uint32_t vmid_of_path(std::string_view path);
/// "VM 100" in a message, "this VM" where the file's name holds no VMID.
std::string vm_label(const Vm&);
/// "100" for a command, "VMID" where the file's name holds none.
std::string vm_word(const Vm&);

/// PVE's own check of one value ("100 Parameter verification failed"), for the keys that `set` writes: empty if it is
/// accepted, else why not.
std::string check_value(std::string_view key, std::string_view value);
/// PVE's check of a line that it reads ("unable to parse value of 'KEY'"), which is laxer: empty if it is accepted,
/// else why not.
std::string check_loaded(std::string_view key, std::string_view value);
/// What PVE makes of an accepted value when it reads it: booleans 0/1, integers without leading zeros, one pair of
/// double quotes gone.
std::string loaded_value(std::string_view key, std::string_view value);
/// What `set` writes for an accepted value: booleans, those inside a property string too, as 1/0, all else as typed.
std::string written_value(std::string_view key, std::string_view value);
/// A description as `#` lines hold it: all but printable ASCII, and ':' and '%', as %XX. No line feeds in `line`.
std::string encode_description(std::string_view line);
/// %XX decoded; what is then no UTF-8 becomes U+FFFD.
std::string decode_description(std::string_view text);

/// Is it a key of PVE's VM schema (hostpci0…15, net0…31, machine …)?
bool is_vm_key(std::string_view key);
/// The keys `set` writes: hostpciN, machine, bios, vga, efidisk0, cpu, args, balloon, boot, memory, numa, onboot,
/// ostype, hookscript, description, name, tags, tpmstate0 …
bool is_set_key(std::string_view key);
/// All such keys, for did-you-mean.
const std::vector<std::string_view>& vm_keys();

}  // namespace hostpci
