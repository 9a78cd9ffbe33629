// Module options, blacklists and soft dependencies as kmod reads them: directories merged by file name, files in name
// order.
#include <algorithm>

#include "config/boot_config.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

char folded(char c) { return c == '-' ? '_' : c; }

/// A continuation ("\" and a line feed, which kmod drops) stands between two pieces of one word.
bool continues(std::string_view text, Span before, Span after) {
  std::string_view between = text.substr(before.end, after.begin - before.end);
  return before.end <= after.begin && between == "\\\n";
}

std::string_view option_name(std::string_view word) { return word.substr(0, word.find('=')); }

}  // namespace

bool same_module(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

void read_modprobe(BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  const std::vector<std::string> directories = {"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                                                "/usr/lib/modprobe.d", "/lib/modprobe.d"};
  for (const SourcePtr& source : merged_files(config, directories, ".conf", unreadable))
    config.modprobe.push_back({source, parse_modprobe(source->text)});
  for (const std::string& directory : directories)
    for (const auto& [path, why] : unreadable)
      if (path.compare(0, directory.size(), directory) == 0) config.modprobe_known = false;
}

std::vector<PlacedDirective> BootConfig::directives(DirectiveKind kind) const {
  std::vector<PlacedDirective> found;
  for (const ModprobeFileView& view : modprobe)
    for (const ModprobeDirective& directive : view.file.directives)
      if (directive.kind == kind) found.push_back({view.source, &directive});
  return found;
}

std::vector<PlacedDirective> BootConfig::directives(DirectiveKind kind, std::string_view module) const {
  std::vector<PlacedDirective> found = directives(kind);
  auto other = [&](const PlacedDirective& d) { return !same_module(d.directive->module.text, module); };
  found.erase(std::remove_if(found.begin(), found.end(), other), found.end());
  return found;
}

std::vector<PlacedText> joined_words(const PlacedDirective& placed) {
  std::vector<PlacedText> result;
  for (const PlacedWord& word : placed.directive->words) {
    bool joins = !result.empty() && continues(placed.source->text, result.back().span, word.span);
    if (!joins) result.push_back({placed.source, "", {word.span.begin, word.span.begin}, true});
    PlacedText& text = result.back();
    text.text += word.text;
    text.span.end = word.span.end;
    text.exact = text.text == slice(placed.source->text, text.span);
  }
  return result;
}

std::vector<PlacedText> BootConfig::options(std::string_view module) const {
  std::vector<PlacedText> result;
  for (const PlacedDirective& directive : directives(DirectiveKind::options, module))
    for (PlacedText& word : joined_words(directive)) result.push_back(std::move(word));
  return result;
}

std::optional<std::string> BootConfig::option(std::string_view module, std::string_view name) const {
  std::optional<std::string> value;
  for (const PlacedText& word : options(module)) {
    std::string_view text = word.text;
    if (!same_parameter(option_name(text), name)) continue;
    value = std::string(text.substr(std::min(text.size(), option_name(text).size() + 1)));
  }
  return value;
}

std::vector<std::string> BootConfig::vfio_ids() const {
  std::vector<std::string> ids;
  std::string list = option("vfio-pci", "ids").value_or("");
  list.erase(std::remove(list.begin(), list.end(), '"'), list.end());
  for (std::string_view id : split(list, ','))
    if (!id.empty()) ids.emplace_back(id);
  return ids;
}

}  // namespace hostpci
