// Drafts over a corpus of files as they are found in the world: what is added can be read back, and goes without a trace.
// fixtures/boot/FORMAT.txt says for every file what it reads and what changes; HOSTPCI_BLESS=1 rewrites it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>

#include "boot_samples.hpp"
#include "config/command_line_text.hpp"
#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

std::string names_of(const std::vector<ModuleEntry>& list) {
  std::string text;
  for (const ModuleEntry& e : list) text += (text.empty() ? "" : " ") + std::string(e.line.name);
  return text;
}

/// What rules and planner read out of the files, in a line or some.
std::string reading(const BootDraft& draft, const Format& format) {
  const BootConfig& c = draft.config();
  if (format.folder == "modules") return names_of(c.boot_modules);
  if (format.folder == "initramfs-modules") return names_of(c.initramfs_modules);
  std::string text;
  for (const CommandLineHome& home : format.homes)
    for (const HomeLine& line : read_home(c, {}, home).lines) {
      text += text.empty() ? "" : "\n         ";
      for (const HomeWord& word : line.words)
        text += (&word == line.words.data() ? "" : " ") + (word.word.text.size() > 300 ? "…" : word.word.text);
    }
  if (format.folder == "modprobe") {
    text = "ids=" + join(c.vfio_ids(), ",");
    for (const char* module : {"nouveau", "radeon"})
      if (!c.directives(DirectiveKind::blacklist, module).empty()) text += std::string(" blacklist:") + module;
    for (const PlacedDirective& d : c.directives(DirectiveKind::softdep))
      text += " softdep:" + std::string(d.directive->module.text);
    if (auto unsafe = c.option("vfio_iommu_type1", "allow_unsafe_interrupts")) text += " unsafe:" + *unsafe;
  }
  for (const auto& [source, lines] : c.sysfs)
    for (const SysfsLine& line : lines)
      text += (text.empty() ? "" : " ") +
              (line.kind == SysfsLine::Kind::bad ? "(stops)" : std::string(line.path) + "=" + std::string(line.value));
  return text.size() > 600 ? text.substr(0, 60) + " … " + text.substr(text.size() - 60) : text;
}

/// Lines that went and came, without the record, which repeats them.
std::string changes(const Files& before, const Files& after) {
  std::string text;
  Files all = before;
  all.insert(after.begin(), after.end());
  for (const auto& [path, ignored] : all) {
    if (path == own::record) continue;
    auto of = [&path = path](const Files& files) { return files.count(path) ? files.at(path) : std::string(); };
    std::string diff = unified_diff(path, of(before), of(after));
    for (std::string_view line : split(diff, '\n'))
      if (!line.empty() && (line[0] == '+' || line[0] == '-') && line.substr(0, 3) != "+++" && line.substr(0, 3) != "---")
        text += "         " + (line.size() > 300 ? printable(line.substr(0, 60)) + " …" : printable(line)) + "\n";
  }
  return text;
}

std::string told(const DraftRefusal& r) {
  std::string place = r.file + (r.line ? ":" + std::to_string(r.line) : "");
  return place + ": " + (r.message.size() > 300 ? r.message.substr(0, 60) + " …" : r.message);
}

/// What the golden file says of one sample: what is read, what could not be done or was so already, which lines change.
std::string account(const Format& format, const Sample& sample) {
  BootDraft draft = draft_of(format, sample.files);
  std::string text = sample.name + "\n  reads  " + printable_lines(reading(draft, format)) + "\n";
  for (const Step& step : format.steps) {
    Files before = draft.files();
    Refused refused = step.make(draft);
    if (refused) text += "  " + step.title + ": refused: " + told(*refused) + "\n";
    if (!refused && before == draft.files()) text += "  " + step.title + ": as it is\n";
  }
  text += changes(sample.files, draft.files());
  return text + "  reads  " + printable_lines(reading(draft, format)) + "\n\n";
}

/// Changes that have no inverse are left out.
std::vector<Step> undoable(const Format& format) {
  std::vector<Step> steps;
  for (const Step& step : format.steps)
    if (step.take_back) steps.push_back(step);
  return steps;
}

}  // namespace

TEST_CASE("the corpus: what each file reads, and which lines each change touches") {
  std::size_t count = 0;
  for (const Format& format : formats) {
    std::string text;
    for (const Sample& sample : samples(format)) text += account(format, sample), ++count;
    const std::string path = FIXTURES "/boot/" + format.folder + ".txt";
    if (std::getenv("HOSTPCI_BLESS")) std::ofstream(path, std::ios::binary) << text;
    CHECK_MESSAGE(text == read_file(path), unified_diff(path, read_file(path), text));
  }
  CHECK(count >= 140);
}

TEST_CASE("the corpus: without a change no byte differs") {
  for (const Format& format : formats)
    for (const Sample& sample : samples(format)) CHECK(draft_of(format, sample.files).changed().empty());
}

TEST_CASE("the corpus: each change taken back leaves every byte as it was") {
  for (const Format& format : formats)
    for (const Sample& sample : samples(format)) {
      CAPTURE(format.folder + "/" + sample.name);
      for (const Step& step : undoable(format)) {
        CAPTURE(step.title);
        BootDraft draft = draft_of(format, sample.files);
        Refused refused = step.make(draft);
        CHECK(draft.changed().empty() == (refused || draft.files() == sample.files));
        CHECK_FALSE(step.take_back(draft));
        CHECK(draft.changed().empty());
      }
    }
}

TEST_CASE("the corpus: all changes taken back, in either order, leave every byte as it was") {
  for (const Format& format : formats)
    for (const Sample& sample : samples(format)) {
      CAPTURE(format.folder + "/" + sample.name);
      std::vector<Step> steps = undoable(format);
      BootDraft draft = draft_of(format, sample.files);
      for (const Step& step : steps) step.make(draft);
      BootDraft other = draft;
      for (const Step& step : steps) CHECK_FALSE(step.take_back(draft));
      std::reverse(steps.begin(), steps.end());
      for (const Step& step : steps) CHECK_FALSE(step.take_back(other));
      CHECK(draft.changed().empty());
      CHECK(other.changed().empty());
    }
}

TEST_CASE("the corpus: taken back by a later run, from the record alone") {
  for (const Format& format : formats)
    for (const Sample& sample : samples(format)) {
      CAPTURE(format.folder + "/" + sample.name);
      BootDraft draft = draft_of(format, sample.files);
      for (const Step& step : undoable(format)) step.make(draft);
      BootDraft later = draft_of(format, draft.files());
      for (const Step& step : undoable(format)) CHECK_FALSE(step.take_back(later));
      CHECK(later.files() == sample.files);
    }
}

TEST_CASE("the corpus: made twice is made once, and a refusal changes nothing") {
  for (const Format& format : formats)
    for (const Sample& sample : samples(format)) {
      CAPTURE(format.folder + "/" + sample.name);
      BootDraft draft = draft_of(format, sample.files);
      for (const Step& step : format.steps) {
        Files before = draft.files();
        Refused refused = step.make(draft);
        if (refused) CHECK(draft.files() == before);
        Files once = draft.files();
        step.make(draft);
        CHECK(draft.files() == once);
      }
    }
}

TEST_CASE("the corpus: what was added is what the kernel would read") {
  for (const Format& format : formats) {
    if (format.homes.empty()) continue;
    for (const Sample& sample : samples(format)) {
      CAPTURE(format.folder + "/" + sample.name);
      BootDraft draft = draft_of(format, sample.files);
      for (const Step& step : format.steps) {
        std::string text = step.title.substr(2);
        if (!step.make(draft)) CHECK(draft.has_argument(text));
      }
    }
  }
}

TEST_CASE("the corpus mixed: any changes, taken back in any order by a later run, leave every byte as it was") {
  std::vector<Step> pool = arguments;
  for (const Format& f : formats)
    for (const Step& step : undoable(f)) pool.push_back(step);
  for (const char* text : {"iommu=pt,soft", "intel_iommu=on,sm_on", "module_blacklist=nouveau", "vfio-pci.ids=10de:10f0",
                           "vfio_pci.ids=8086:1572", "quiet", "default_hugepagesz=1G", "video=efifb:off",
                           "initcall_blacklist=sysfb_init", "vfio-pci.disable_vga=1"})
    pool.push_back(argument(text));
  for (const char* id : {"10de:1b81", "10de:10f0", "1002:67df"})
    pool.push_back({id, [id](BootDraft& d) { return d.add_vfio_id(id); }, [id](BootDraft& d) { return d.remove_vfio_id(id); }});
  std::mt19937 random(20);
  auto below = [&](std::size_t n) { return std::size_t(random() % n); };
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    Files files;
    CommandLineHomes homes;
    for (const Format& f : formats) {
      auto all = samples(f);
      const Sample& sample = all[below(all.size())];
      files.insert(sample.files.begin(), sample.files.end());
    }
    for (const CommandLineHome& home : {grub_home, cmdline_home, legacy_home})
      if (below(2)) homes.homes.push_back(home);
    BootDraft draft(files, {}, homes, InitramfsTool::initramfs_tools);
    std::vector<Step> made;
    for (int i = 0; i < 8; ++i) made.push_back(pool[below(pool.size())]);
    for (const Step& step : made) step.make(draft);
    BootDraft later(draft.files(), {}, homes, InitramfsTool::initramfs_tools);
    std::shuffle(made.begin(), made.end(), random);
    for (const Step& step : made) {
      CAPTURE(step.title);
      Refused refused = step.take_back(later);
      CHECK_MESSAGE(!refused, (refused ? told(*refused) : ""));
    }
    CHECK_MESSAGE(later.files() == files, changes(files, later.files()));
  }
}
