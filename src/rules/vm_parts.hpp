// What the rules about a VM's own configuration share: its arguments cut into words, single properties of its keys.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/property_string.hpp"
#include "rules/rule.hpp"

namespace hostpci {

/// One word of `args`.
struct QemuWord {
  std::string text;  ///< without its quotes
  Span span;         ///< in the VM's file, quotes included
};

/// The words of `args` of the next start; a word in quotes is one.
std::vector<QemuWord> argument_words(const VmFacts&);
/// "-NAME" or "--NAME".
bool is_option(const QemuWord&, std::string_view name);
/// The words that follow "-NAME".
std::vector<QemuWord> argument_values(const VmFacts&, std::string_view name);

/// The property of a key of the next start, spans in the VM's file; `bare` is the property whose name may be left out.
std::optional<Property> property_of(const VmFacts&, std::string_view key, std::string_view property,
                                    std::string_view bare = {});
/// `cpu:` – the type, empty if the key is absent.
std::string_view cpu_type(const VmFacts&);
/// `args` brings a CPU of its own.
bool replaces_cpu(const VmFacts&);
/// An x86 guest, by `arch:` or, without it, by the host.
bool is_x86_guest(const Facts&, const VmFacts&);
/// Display types that come with an emulated card: all but none and serialN.
bool has_emulated_card(std::string_view vga_type);
/// Sets a property of the key: changes it, or puts it at the end. `otherwise`: the value for a VM without the key.
std::optional<Fix> fix_property(const VmFacts&, std::string title, std::string_view key, std::string_view property,
                                std::string_view value, std::string_view otherwise, Safety);

/// The graphics of an Intel processor or an AMD APU. An APU shares its slot with functions of the processor.
bool is_integrated_gpu(const Host&, const Device&);
/// Some line of the VM has that flag.
bool any_flag(const VmFacts&, HostpciKey);

}  // namespace hostpci
