// Characters that look like ASCII and are not, and line ends of another system, where a parser sees another word.
#include <algorithm>

#include "rules/syntax.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

struct LookAlike {
  std::string_view utf8, ascii;
};

constexpr LookAlike look_alikes[] = {
    {"\u201c", "\""}, {"\u201d", "\""}, {"\u201e", "\""}, {"\u00ab", "\""}, {"\u00bb", "\""},  {"\u2018", "'"},
    {"\u2019", "'"},  {"\u201a", "'"},  {"\u2010", "-"},  {"\u2011", "-"},  {"\u2012", "-"},   {"\u2013", "-"},
    {"\u2014", "-"},  {"\u2212", "-"},  {"\u00a0", " "},  {"\u2007", " "},  {"\u202f", " "},   {"\u3000", " "},
    {"\u200b", ""},   {"\u200c", ""},   {"\u200d", ""},   {"\ufeff", ""},   {"\u2026", "..."}, {"\u00d7", "x"},
};

std::optional<std::string> ascii_of(std::string_view character) {
  if (character == "\r") return "";
  for (const LookAlike& l : look_alikes)
    if (l.utf8 == character) return std::string(l.ascii);
  // Full-width forms U+FF01 to U+FF5E stand for '!' to '~'.
  if (character.size() != 3 || character[0] != '\xef') return {};
  int code = ((character[0] & 0x0f) << 12) | ((character[1] & 0x3f) << 6) | (character[2] & 0x3f);
  if (code < 0xff01 || code > 0xff5e) return {};
  return std::string(1, char(code - 0xff01 + '!'));
}

bool foreign(char c) { return (c & 0x80) || c == '\r'; }

std::string fault(std::string_view what) {
  return what.find('\r') != what.npos ? "a carriage return" : "`" + std::string(what) + "` is not ASCII";
}

struct Finding {
  SourcePtr source;
  Span text;   ///< where it is looked for
  Span first;  ///< the first run
};

std::optional<Finding> look(const SourcePtr& source, Span text) {
  auto first = first_foreign(slice(source->text, text));
  if (!first) return {};
  return Finding{source, text, {text.begin + first->begin, text.begin + first->end}};
}

Diagnostic& tell(Findings& out, const Finding& f, const std::string& where) {
  Diagnostic& d = out.add(Place(f.source, f.first), fault(slice(f.source->text, f.first)) + " in " + where);
  if (auto plain = transliterated(slice(f.source->text, f.text)))
    d.fix = Fix{"write plain ASCII", Safety::safe, {{f.source->path, f.text, *plain}}};
  return d;
}

/// Lines of a boot file that are not comments, with the part of each that its reader takes.
template <class Visit>
void each_line(const Source& source, std::string_view comments, Visit visit) {
  for (std::uint32_t at = 0; at < source.text.size();) {
    Span line = source.line_at(at);
    std::string_view text = trim(slice(source.text, line));
    if (!text.empty() && comments.find(text.front()) == comments.npos) visit(line, text);
    at = line.end + 1;
  }
}

/// Of a file with CRLF line ends the first is told, with one fix for all.
class FileCheck {
 public:
  FileCheck(Findings& out, SourcePtr source) : out_(out), source_(std::move(source)) {}

  void line(Span span, bool words_too) {
    if (span.size() > 0 && source_->text[span.end - 1] == '\r') carriage_return({span.end - 1, span.end});
    while (span.size() > 0 && source_->text[span.end - 1] == '\r') --span.end;
    if (!words_too) return;
    if (auto found = look(source_, span)) {
      Diagnostic& d = tell(out_, *found, "a line that counts");
      d.notes.push_back("text copied from a web page: the reader of this file sees another word");
    }
  }

  void finish() {
    if (returns_.empty()) return;
    Diagnostic& d = out_.add(Place(source_, returns_.front()), "lines end with a carriage return (CRLF)");
    d.notes.push_back("it becomes part of the last word of " + count(returns_.size(), "line"));
    Fix fix{"write the file with plain line feeds", Safety::safe, {}};
    for (Span span : returns_) fix.edits.push_back({source_->path, span, ""});
    d.fix = std::move(fix);
  }

 private:
  void carriage_return(Span span) { returns_.push_back(span); }

  Findings& out_;
  SourcePtr source_;
  std::vector<Span> returns_;
};

void check_file(Findings& out, const SourcePtr& source) {
  FileCheck check(out, source);
  bool grub = source->path.find("/grub") != std::string::npos;
  bool cmdline = source->path == "/etc/kernel/cmdline";
  bool first = true;
  each_line(*source,
            cmdline ? ""
            : grub  ? "#"
                    : "#;",
            [&](Span line, std::string_view text) {
              bool counts = grub ? text.find("GRUB_CMDLINE_LINUX") != text.npos : cmdline ? first : true;
              check.line(line, counts);
              first = false;
            });
  check.finish();
}

bool is_checked(const std::string& path) {
  auto below = [&](std::string_view directory, std::string_view suffix) {
    return path.compare(0, directory.size(), directory) == 0 && path.size() > suffix.size() &&
           path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
  };
  return path == "/etc/default/grub" || path == "/etc/kernel/cmdline" || path == "/etc/modules" ||
         below("/etc/default/grub.d/", ".cfg") || below("/etc/modprobe.d/", ".conf");
}

}  // namespace

std::optional<Span> first_foreign(std::string_view text) {
  std::uint32_t begin = 0;
  while (begin < text.size() && !foreign(text[begin])) ++begin;
  if (begin == text.size()) return {};
  std::uint32_t end = begin;
  while (end < text.size() && foreign(text[end])) ++end;
  return Span{begin, end};
}

std::optional<std::string> transliterated(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::string_view character = text.substr(0, character_size(text));
    if (!foreign(character.front())) {
      out += character;
    } else {
      auto ascii = ascii_of(character);
      if (!ascii) return {};
      out += *ascii;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

void check_nonascii(const Facts&, const VmFacts& vm, Findings& out) {
  for (const HostpciText& line : hostpci_texts(*vm.vm))
    if (auto found = look(vm.vm->source, line.value)) {
      std::string key(slice(vm.vm->source->text, line.key));
      tell(out, *found, "the value of `" + key + "`").key = key;
    }
  for (const VmSection& section : vm.vm->sections) {
    if (section.kind != SectionKind::main && section.kind != SectionKind::pending) continue;
    const VmValue* args = section.find("args");
    if (!args) continue;
    if (auto found = look(vm.vm->source, args->span)) tell(out, *found, "the value of `args`").key = "args";
  }
}

void check_nonascii_files(const Facts& facts, Findings& out) {
  for (const auto& [path, source] : facts.boot->sources)
    if (is_checked(path)) check_file(out, source);
}

}  // namespace hostpci
