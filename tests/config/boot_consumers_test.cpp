// The programs that read the boot set-up read what we read, before and after our changes: dash, kmod, augeas' lenses.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "../support/process.hpp"
#include "../support/tools.hpp"
#include "boot_samples.hpp"
#include "grammar/cmdline.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const Format& format(std::string_view folder) {
  return *std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.folder == folder; });
}

BootDraft changed_draft(const Format& f, const Sample& sample) {
  BootDraft draft = draft_of(f, sample.files);
  for (const Step& step : f.steps) step.make(draft);
  return draft;
}

void write_all(const TemporaryDirectory& directory, const Files& files) {
  std::filesystem::remove_all(directory.path() + "/etc");
  for (const auto& [path, text] : files) directory.write(path.substr(1), text);
}

// GRUB's shell -----------------------------------------------------------------------------------------------------------

/// As grub-mkconfig does it: set -e, the file, the drop-ins; then what 10_linux makes of the variables.
constexpr const char* sourcing =
    "set -e\n"
    "if [ -f \"$1/etc/default/grub\" ]; then . \"$1/etc/default/grub\"; fi\n"
    "for x in \"$1\"/etc/default/grub.d/*.cfg; do if [ -e \"$x\" ]; then . \"$x\"; fi; done\n"
    "printf '%s %s' \"${GRUB_CMDLINE_LINUX}\" \"${GRUB_CMDLINE_LINUX_DEFAULT}\"\n";

Ran source(const TemporaryDirectory& directory, const Files& files) {
  write_all(directory, files);
  return run_program({"dash", "-c", sourcing, "dash", directory.path()});
}

std::vector<std::string> kernel_words(std::string_view text) {
  std::vector<std::string> list;
  for (const KernelArgument& a : parse_kernel_command_line(text)) list.emplace_back(a.text);
  return list;
}

std::vector<std::string> our_words(const BootConfig& config) {
  std::vector<std::string> list;
  for (const ConfiguredArgument& a : config.grub_arguments) list.emplace_back(a.argument.text);
  return list;
}

bool has_problem(const BootConfig& config) {
  return std::any_of(config.grub.begin(), config.grub.end(), [](const auto& file) { return !file.second.problems.empty(); });
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// kmod -------------------------------------------------------------------------------------------------------------------

std::string canonical(std::string_view module) {
  std::string name(module);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

/// "options vfio_pci ids=…", "blacklist nouveau", "softdep nouveau pre: vfio-pci" as kmod prints them.
std::multiset<std::string> our_lines(const BootConfig& config) {
  std::multiset<std::string> lines;
  const std::map<DirectiveKind, std::string> names{{DirectiveKind::options, "options"},
                                                   {DirectiveKind::blacklist, "blacklist"},
                                                   {DirectiveKind::softdep, "softdep"}};
  for (const auto& [kind, name] : names)
    for (const PlacedDirective& directive : config.directives(kind)) {
      std::string line = name + " " + canonical(directive.directive->module.text);
      std::string rest;
      for (const PlacedText& word : joined_words(directive)) rest += " " + word.text;
      if (kind != DirectiveKind::blacklist) line += rest;
      lines.insert(line);
    }
  return lines;
}

/// Options of the running kernel's command line come last in kmod's list: they are of this machine, not of the files.
std::set<std::string> machine_lines() {
  std::set<std::string> lines;
  const std::string text = read_file("/proc/cmdline");
  for (const KernelArgument& a : parse_kernel_command_line(text)) {
    std::size_t dot = a.name.find('.');
    if (dot == a.name.npos) continue;
    std::string option(a.name.substr(dot + 1));
    if (a.has_value) option += "=" + std::string(a.value);
    lines.insert("options " + canonical(a.name.substr(0, dot)) + " " + option);
  }
  return lines;
}

/// Runs of blanks are one blank in kmod's words; between the lists of a soft dependency kmod 30 prints none.
std::string squeezed(std::string line) {
  std::string text;
  if (std::size_t post = line.find("post:"); post != line.npos && line[post - 1] != ' ') line.insert(post, " ");
  for (std::string_view word : words(line)) text += (text.empty() ? "" : " ") + std::string(word);
  return text;
}

std::multiset<std::string> kmod_lines(const std::string& directory) {
  std::multiset<std::string> lines;
  const std::set<std::string> machine = machine_lines();
  Ran ran = run_program({"modprobe", "--showconfig", "-C", directory});
  CHECK(ran.status == 0);
  for (std::string_view line : split(ran.out, '\n')) {
    std::string_view keyword = line.substr(0, line.find(' '));
    if (keyword != "options" && keyword != "blacklist" && keyword != "softdep") continue;
    if (!machine.count(std::string(line))) lines.insert(squeezed(std::string(line)));
  }
  return lines;
}

void check_kmod(const TemporaryDirectory& directory, const BootDraft& draft) {
  write_all(directory, draft.files());
  std::multiset<std::string> ours;
  for (const std::string& line : our_lines(draft.config())) ours.insert(squeezed(line));
  CHECK(ours == kmod_lines(directory.path() + "/etc/modprobe.d"));
}

// augeas -----------------------------------------------------------------------------------------------------------------

/// One file of the corpus: as it is, after our changes, and what of ours lies beside it.
std::map<std::string, std::string> augeas_files() {
  const std::map<std::string, const char*> beside{
      {"grub", own::grub}, {"grub.d", own::grub}, {"modprobe", own::modprobe}, {"modules", own::modules}};
  std::map<std::string, std::string> files;
  for (const char* folder : {"grub", "grub.d", "grub-legacy", "modprobe", "modules"})
    for (const Sample& sample : samples(format(folder))) {
      const Format& f = format(folder);
      BootDraft draft = changed_draft(f, sample);
      std::string base = f.folder + "/" + sample.name + "/";
      files[base + "before"] = sample.files.at(f.path(sample.name));
      files[base + "after"] = draft.files().at(f.path(sample.name));
      auto ours = beside.find(folder);
      if (ours != beside.end() && draft.files().count(ours->second)) files[base + "ours"] = draft.files().at(ours->second);
    }
  return files;
}

/// What augtool prints: `path` or `path = "value"`, with escapes.
std::map<std::string, std::string> read_tree(const std::string& printed) {
  std::map<std::string, std::string> tree;
  for (std::string_view line : split(printed, '\n')) {
    std::size_t equals = line.find(" = \"");
    std::string& value = tree[std::string(line.substr(0, equals))];
    if (equals == line.npos) continue;
    for (std::size_t i = equals + 4; i + 1 < line.size(); ++i) {
      if (line[i] == '\\' && i + 2 < line.size()) ++i;
      value += line[i];
    }
  }
  return tree;
}

std::map<std::string, std::string> augeas_tree(const TemporaryDirectory& root) {
  Ran ran = run_program({"augtool", "--root", root.path(), "--noautoload", "--transform", "Shellvars incl /grub/*/*",
                         "--transform", "Shellvars incl /grub.d/*/*", "--transform", "Grub incl /grub-legacy/*/*",
                         "--transform", "Modprobe incl /modprobe/*/*", "--transform", "Modules incl /modules/*/*"},
                        "print /files\nprint /augeas//error\n");
  CHECK(ran.status == 0);
  return read_tree(ran.out);
}

/// The names below a node, without positions, in augtool's order of printing for one module list.
std::set<std::string> children(const std::map<std::string, std::string>& tree, const std::string& node) {
  std::set<std::string> names;
  for (auto at = tree.lower_bound(node + "/"); at != tree.end() && at->first.rfind(node + "/", 0) == 0; ++at) {
    std::string name = at->first.substr(node.size() + 1);
    if (name.find('/') == name.npos) names.insert(name.substr(0, name.find('[')));
  }
  return names;
}

}  // namespace

TEST_CASE("dash sees the kernel arguments that we see, before and after") {
  if (!has_tool("dash")) return;
  TemporaryDirectory directory;
  for (const char* folder : {"grub", "grub.d"})
    for (const Sample& sample : samples(format(folder))) {
      CAPTURE(sample.name);
      BootDraft before = draft_of(format(folder), sample.files), after = changed_draft(format(folder), sample);
      Ran first = source(directory, sample.files), second = source(directory, after.files());
      CHECK((first.status != 0) == has_problem(before.config()));
      CHECK((second.status != 0) == has_problem(after.config()));
      if (first.status != 0) continue;
      if (before.config().grub_known) CHECK(kernel_words(first.out) == our_words(before.config()));
      if (after.config().grub_known) CHECK(kernel_words(second.out) == our_words(after.config()));
      for (const char* word : {"intel_iommu=on", "memmap=4G\\$12G"})
        if (after.has_argument(word[0] == 'm' ? "memmap=4G$12G" : word)) CHECK(contains(kernel_words(second.out), word));
    }
}

TEST_CASE("kmod sees the options, blacklists and soft dependencies that we see, before and after") {
  if (!has_tool("modprobe")) return;
  TemporaryDirectory directory;
  for (const Sample& sample : samples(format("modprobe"))) {
    if (sample.name == "backslash-at-end") continue;  // kmod 30 reads on behind the file's end
    CAPTURE(sample.name);
    check_kmod(directory, draft_of(format("modprobe"), sample.files));
    check_kmod(directory, changed_draft(format("modprobe"), sample));
  }
}

TEST_CASE("augeas' lenses parse what we changed wherever they parse what was there, to the same values") {
  if (!has_tool("augtool")) return;
  TemporaryDirectory root;
  const auto files = augeas_files();
  for (const auto& [path, text] : files) root.write(path, text);
  const auto tree = augeas_tree(root);
  auto fails = [&](const std::string& path) { return tree.count("/augeas/files/" + path + "/error") > 0; };
  std::size_t parsed = 0;
  for (const auto& file : files) {
    const std::string &path = file.first, &text = file.second;
    CAPTURE(path);
    std::string base = path.substr(0, path.rfind('/'));
    if (path == base + "/ours") CHECK_FALSE(fails(path));
    if (path == base + "/after" && !fails(base + "/before")) CHECK_FALSE(fails(path));
    if (fails(path)) continue;
    ++parsed;
    const std::string node = "/files/" + path;
    // CR and `;` are systemd's blanks and comments, not those of the lens
    if (path.rfind("modules/", 0) == 0 && base != "modules/crlf" && base != "modules/semicolon-comment") {
      std::set<std::string> names;
      for (const ModuleLine& line : parse_modules(text)) names.emplace(line.name);
      auto theirs = children(tree, node);
      theirs.erase("#comment");
      CHECK(theirs == names);
    }
  }
  CHECK(parsed >= 130);
  CHECK(tree.at("/files/grub/debian-12/after/GRUB_CMDLINE_LINUX_DEFAULT") ==
        "\"quiet intel_iommu=on iommu=pt memmap=4G\\\\\\$12G vfio-pci.ids=10de:1b80\"");
  CHECK(tree.at("/files/grub-legacy/fedora-guide/after/title/kernel/intel_iommu") == "on");
  CHECK(tree.at("/files/grub-legacy/el6/after/title[2]/kernel/vfio-pci.ids") == "10de:1b80");
  CHECK(tree.at("/files/modprobe/guide-vfio/after/options/ids") == "10de:1b81,10de:10f0,10de:1b80");
  CHECK(tree.at("/files/modprobe/guide-kvm/ours/softdep/pre") == "vfio-pci");
  CHECK(tree.at("/files/modprobe/guide-kvm/ours/options[1]/ids") == "10de:1b80");
}
