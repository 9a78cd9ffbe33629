// Adds and removes kernel arguments step by step, reading the home anew after each: what counts is what the kernel would
// see.
#include "config/boot_draft_cmdline.hpp"

#include <algorithm>

namespace hostpci {
namespace {

/// Each step changes one word of one line.
constexpr int most_steps = 1000;

/// arch/x86/include/asm/setup.h COMMAND_LINE_SIZE with its NUL.
constexpr std::size_t longest = 2047;

constexpr std::string_view drop_in_start = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT ";

std::string quoted(const std::string& text) { return '`' + text + '`'; }

DraftRefusal refusal_of(const HomeFault& fault) { return {fault.file, fault.line, fault.message}; }

/// Files of grub.d belong to packages: where a later value wins, theirs is left alone.
bool may_edit(const HomeWord& word) {
  return word.editable && (!word.style.grub || word.file == "/etc/default/grub" || word.file == own::grub);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// The word of bytes that were spelled in this style.
KernelWord unspelled(const std::string& text) {
  auto word = read_argument(text);
  return word ? *word : KernelWord{text, text, "", false, false};
}

std::string bytes(const DraftFiles& files, const HomeWord& word) {
  return std::string(slice(files.texts().at(word.file), word.span));
}

/// Was it hostpci that put `taken` there? A word that joins values of others is ours in part.
bool is_ours(const DraftFiles& files, const HomeLine& line, const HomeWord& word, const KernelWord& taken) {
  if (word.file == own::grub) return true;
  auto entry = word.editable ? files.entry(line.key, bytes(files, word)) : std::nullopt;
  if (!entry) return false;
  return entry->replaced.empty() || same_argument(word.word, taken) || !is_within(taken, unspelled(entry->replaced));
}

}  // namespace

DraftRefusal ArgumentDraft::refusal(const HomeWord& word, std::string message) const {
  SourcePtr source = files_.config().source(word.file);
  return {word.file, source ? std::uint32_t(source->position(word.span.begin).line) : 0, std::move(message)};
}

/// Which assignment is in the way of an argument for GRUB.
DraftRefusal ArgumentDraft::no_place(const KernelWord& wanted) const {
  const std::string what = quoted(wanted.text) + " cannot be added: ";
  for (const auto& [source, file] : files_.config().grub)
    for (const ShellAssignment& a : file.assignments)
      if (a.name == "GRUB_CMDLINE_LINUX_DEFAULT" || a.name == "GRUB_CMDLINE_LINUX")
        return {source->path, std::uint32_t(source->position(a.span.begin).line),
                what + "this is no plain assignment in one pair of quotes"};
  return {home_.file, 0, what + "GRUB_CMDLINE_LINUX_DEFAULT is not set there"};
}

bool ArgumentDraft::too_long(const HomeText& text) const {
  auto length = [](const HomeLine& line) {
    std::size_t sum = 0;
    for (const HomeWord& word : line.words) sum += word.word.text.size() + 1;
    return sum;
  };
  return std::any_of(text.lines.begin(), text.lines.end(), [&](const auto& l) { return length(l) > longest + 1; });
}

Refused ArgumentDraft::add(const KernelWord& wanted) {
  bool changed = false;
  for (int i = 0; i < most_steps; ++i) {
    HomeText text = read();
    if (text.fault) return refusal_of(*text.fault);
    bool done = true;
    for (const HomeLine& line : text.lines) {
      ArgumentStep step = next_step(line.arguments(), wanted);
      if (step.kind == ArgumentStep::Kind::nothing) continue;
      auto before = files_.texts();
      if (Refused refused = take(line, step)) return refused;
      if (files_.texts() == before)
        return DraftRefusal{own::grub, 0, quoted(wanted.text) + " has no effect: a later file sets the variable anew"};
      done = false;
      changed = true;
      break;
    }
    if (!done) continue;
    if (!changed || !too_long(text)) return {};
    return DraftRefusal{home_.file, 0,
                        "with " + quoted(wanted.text) + " the command line has more than 2047 bytes: the kernel cuts it"};
  }
  return DraftRefusal{home_.file, 0, quoted(wanted.text) + " contradicts itself"};
}

Refused ArgumentDraft::take(const HomeLine& line, const ArgumentStep& step) {
  KernelWord word = unspelled(step.text);
  if (step.kind == ArgumentStep::Kind::append) return append(line, word);
  const HomeWord& old = line.words[step.at];
  const bool adds_up = repeats_of(word.name) == Repeats::list;
  if (may_edit(old) || (adds_up && old.editable)) return replace(line, old, word);
  if (adds_up)
    return refusal(old, quoted(old.word.text) + " stands in a value that is no plain text: change it by hand");
  return home_.drop_ins ? append_drop_in(word) : no_place(word);
}

Refused ArgumentDraft::append(const HomeLine& line, const KernelWord& word) {
  if (!line.end) return home_.drop_ins ? append_drop_in(word) : no_place(word);
  const HomeEnd& end = *line.end;
  auto text = spell(word, end.style);
  if (!text) return DraftRefusal{home_.file, 0, "GRUB cannot hand over " + quoted(word.text)};
  if (Refused refused = files_.note({line.key, *text, ""})) return refused;
  std::string bytes = (end.blank_before ? " " : "") + *text + (end.blank_after ? " " : "");
  files_.edit(end.file, {{{end.offset, end.offset}, bytes}});
  return {};
}

Refused ArgumentDraft::append_drop_in(const KernelWord& word) {
  HomeText text = read();
  for (const HomeLine& line : text.lines)
    for (const HomeWord& w : line.words)
      if (w.word.text == "--") return refusal(w, "behind `--` the kernel does not read " + quoted(word.text));
  auto bytes = spell(word, {true, '"'});
  if (!bytes) return DraftRefusal{home_.file, 0, "GRUB cannot hand over " + quoted(word.text)};
  return files_.add_own_line(own::grub, std::string(drop_in_start) + *bytes + '"');
}

Refused ArgumentDraft::replace(const HomeLine& line, const HomeWord& old, const KernelWord& word) {
  auto text = spell(word, old.style);
  if (!text) return DraftRefusal{home_.file, 0, "GRUB cannot hand over " + quoted(word.text)};
  std::string before = bytes(files_, old);
  if (old.file != own::grub) {
    auto entry = files_.entry(line.key, before);
    files_.forget(line.key, before);
    if (Refused refused = files_.note({line.key, *text, entry ? entry->replaced : before})) return refused;
  }
  files_.edit(old.file, {{old.span, *text}});
  return {};
}

Refused ArgumentDraft::remove(const KernelWord& taken, bool only_ours) {
  for (int i = 0; i < most_steps; ++i) {
    HomeText text = read();
    bool done = true;
    for (const HomeLine& line : text.lines)
      for (const HomeWord& word : line.words) {
        auto rest = without(word.word, taken);
        if (!done || !rest || word.word.for_init || (only_ours && !is_ours(files_, line, word, taken))) continue;
        if (text.fault) return refusal_of(*text.fault);
        if (!word.editable)
          return refusal(word, quoted(taken.text) + " stands in a value that is no plain text: take it out by hand");
        if (Refused refused = remove_word(line, word, taken, *rest)) return refused;
        done = false;
      }
    if (done) return {};
  }
  return DraftRefusal{home_.file, 0, quoted(taken.text) + " comes back"};
}

Refused ArgumentDraft::remove_word(const HomeLine& line, const HomeWord& word, const KernelWord& taken,
                                   const std::string& rest) {
  if (!rest.empty()) return keep_rest(line, word, taken, rest);
  auto entry = files_.entry(line.key, bytes(files_, word));
  if (word.file == own::grub) {
    SourcePtr source = files_.config().source(word.file);
    files_.remove_own_line(own::grub, slice(source->text, source->line_at(word.span.begin)));
    return {};
  }
  if (entry) files_.forget(entry->file, entry->text);
  if (entry && !entry->replaced.empty())
    files_.edit(word.file, {{word.span, entry->replaced}});
  else
    erase(word);
  return {};
}

/// Of a list some words stay; what it was before we came stands again as soon as nothing of ours is left in it.
Refused ArgumentDraft::keep_rest(const HomeLine& line, const HomeWord& word, const KernelWord& taken,
                                 const std::string& rest) {
  auto entry = files_.entry(line.key, bytes(files_, word));
  std::string text = spell(unspelled(rest), word.style).value_or(rest);
  std::string replaced = entry ? entry->replaced : "";
  if (entry) files_.forget(entry->file, entry->text);
  if (!replaced.empty() && is_within(taken, unspelled(replaced)))
    replaced = without(unspelled(replaced), taken).value_or(replaced);
  if (entry && !replaced.empty() && is_within(unspelled(rest), unspelled(replaced)))
    text = replaced;
  else if (entry)
    if (Refused refused = files_.note({line.key, text, replaced})) return refused;
  files_.edit(word.file, {{word.span, text}});
  return {};
}

/// Takes the word out with one blank beside it.
void ArgumentDraft::erase(const HomeWord& word) {
  const std::string& text = files_.texts().at(word.file);
  Span span = word.span;
  std::string_view behind = slice(text, {span.end, word.piece.end});
  bool others_follow = behind.find_first_not_of(" \t\r") != behind.npos;
  if (span.begin > word.piece.begin && is_blank(text[span.begin - 1]))
    --span.begin;
  else if (others_follow && is_blank(text[span.end]))
    ++span.end;
  files_.edit(word.file, {{span, ""}});
}

bool has_argument(const DraftFiles& files, const CommandLineHome& home, const KernelWord& wanted) {
  HomeText text = read_home(files.config(), files.unreadable(), home);
  if (text.fault || text.lines.empty()) return false;
  return std::all_of(text.lines.begin(), text.lines.end(), [&](const HomeLine& line) {
    return next_step(line.arguments(), wanted).kind == ArgumentStep::Kind::nothing;
  });
}

std::vector<std::string> own_arguments(const DraftFiles& files, const CommandLineHome& home) {
  std::vector<std::string> result;
  for (const HomeLine& line : read_home(files.config(), files.unreadable(), home).lines)
    for (const HomeWord& word : line.words)
      if (is_ours(files, line, word, word.word)) result.push_back(word.word.text);
  return result;
}

std::vector<CommandLineHome> homes_with_ours(const DraftFiles& files, const CommandLineHomes& homes) {
  std::vector<CommandLineHome> result = homes.homes;
  auto add = [&](CommandLineHome home) {
    auto same = [&](const CommandLineHome& h) { return h.file == home.file; };
    if (std::none_of(result.begin(), result.end(), same)) result.push_back(std::move(home));
  };
  if (!files.own_lines(own::grub).empty()) add({HomeKind::grub, "/etc/default/grub", true});
  for (const OwnEntry& entry : files.entries()) {
    std::string file = entry.file.substr(0, entry.file.find(' '));
    if (file == "/etc/default/grub") add({HomeKind::grub, file, true});
    if (file == "/etc/kernel/cmdline") add({HomeKind::kernel_cmdline, file, false});
    if (file.rfind("/boot/grub/", 0) == 0) add({HomeKind::grub_legacy, file, false});
  }
  return result;
}

}  // namespace hostpci
