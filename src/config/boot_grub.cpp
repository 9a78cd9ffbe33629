// The configured kernel command line: GRUB's shell assignments as update-grub joins them, and /etc/kernel/cmdline.
#include <algorithm>

#include "config/boot_config.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view linux_variable = "GRUB_CMDLINE_LINUX", default_variable = "GRUB_CMDLINE_LINUX_DEFAULT";

/// The value's text as it stands in the file, or nothing if quotes, escapes or joined lines stand between.
std::optional<std::uint32_t> exact_base(const GrubPiece& piece) {
  const ShellAssignment& a = *piece.assignment;
  std::string_view raw = slice(piece.source->text, a.value_span);
  if (!a.simple || raw.size() < a.value.size() || raw.substr(raw.size() - a.value.size()) != a.value) return {};
  return a.value_span.end - std::uint32_t(a.value.size());
}

void add_arguments(const GrubPiece& piece, std::vector<ConfiguredArgument>& arguments) {
  std::optional<std::uint32_t> base = exact_base(piece);
  auto value = base ? nullptr : std::make_shared<const std::string>(piece.assignment->value);
  std::string_view text = base ? std::string_view(piece.source->text).substr(*base, piece.assignment->value.size())
                               : std::string_view(*value);
  for (KernelArgument& argument : parse_kernel_command_line(text, base.value_or(0)))
    arguments.push_back({piece.source, argument, base.has_value(), piece.assignment->value_span, value});
}

/// After a lone "--" all is init's, in the following pieces too.
void mark_for_init(std::vector<ConfiguredArgument>& arguments) {
  bool init = false;
  for (ConfiguredArgument& a : arguments) {
    if (init) a.argument.for_init = true;
    init = init || a.argument.for_init || a.argument.text == "--";
  }
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

void read_grub(BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  auto add = [&](const SourcePtr& source) { config.grub.emplace_back(source, parse_shell_assignments(source->text)); };
  if (SourcePtr main = config.source("/etc/default/grub")) add(main);
  for (const SourcePtr& source : merged_files(config, {"/etc/default/grub.d"}, ".cfg", {})) add(source);
  for (const auto& [path, why] : unreadable)
    if (path.rfind("/etc/default/grub", 0) == 0) config.grub_known = false;
  for (std::string_view variable : {linux_variable, default_variable})
    for (const GrubPiece& piece : grub_pieces(config, variable, config.grub_known))
      add_arguments(piece, config.grub_arguments);
  mark_for_init(config.grub_arguments);
}

ArgumentEnd end_of(const SourcePtr& source, std::uint32_t begin, std::uint32_t end) {
  while (end > begin && std::string_view(" \t\r").find(source->text[end - 1]) != std::string_view::npos) --end;
  return {source, end, end > begin};
}

}  // namespace

std::vector<GrubPiece> grub_pieces(const BootConfig& config, std::string_view variable, bool& known) {
  std::vector<GrubPiece> result;
  for (const auto& [source, file] : config.grub)
    for (const ShellAssignment& a : file.assignments) {
      if (a.name != variable) continue;
      if (a.conditional || !a.plain) known = false;
      if (a.conditional) continue;
      if (!a.appends) result.clear();
      if (a.plain) result.push_back({source, &a});
    }
  return result;
}

void read_command_lines(BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  read_grub(config, unreadable);
  SourcePtr source = config.source("/etc/kernel/cmdline");
  config.has_kernel_cmdline = source != nullptr;
  if (!source) return;
  std::string_view line = first_line(source->text);
  Span whole{0, std::uint32_t(line.size())};
  for (KernelArgument& argument : parse_kernel_command_line(line))
    config.kernel_cmdline.push_back({source, argument, true, whole, nullptr});
}

bool BootConfig::grub_entries_elsewhere() const {
  bool elsewhere = false;
  for (const auto& [file, shell] : grub)
    for (const ShellAssignment& a : shell.assignments)
      if (a.name == "GRUB_ENABLE_BLSCFG") elsewhere = a.value == "true";
  return elsewhere;
}

std::optional<ArgumentEnd> BootConfig::grub_end() const {
  bool known = grub_known;
  for (std::string_view variable : {default_variable, linux_variable}) {
    std::vector<GrubPiece> found = grub_pieces(*this, variable, known);
    auto editable = [](const GrubPiece& p) { return p.assignment->simple && exact_base(p); };
    auto at = std::find_if(found.rbegin(), found.rend(), editable);
    if (!known || at == found.rend()) continue;
    Span span = at->assignment->value_span;
    bool quoted = span.end < at->source->text.size() &&
                  std::string_view("\"'").find(at->source->text[span.end]) != std::string_view::npos;
    if (quoted) return end_of(at->source, span.begin, span.end);
  }
  return {};
}

std::optional<ArgumentEnd> BootConfig::kernel_cmdline_end() const {
  SourcePtr file = source("/etc/kernel/cmdline");
  if (!file) return {};
  for (const ConfiguredArgument& a : kernel_cmdline)
    if (a.argument.text == "--") return end_of(file, 0, a.argument.span.begin);
  return end_of(file, 0, std::uint32_t(first_line(file->text).size()));
}

}  // namespace hostpci
