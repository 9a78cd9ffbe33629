// GRUB's variables as text: bytes of a shell value mapped to what the shell makes of them, and GRUB's own quoting.
#include <algorithm>

#include "config/command_line_text.hpp"
#include "grammar/cmdline.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view linux_variable = "GRUB_CMDLINE_LINUX", default_variable = "GRUB_CMDLINE_LINUX_DEFAULT";

/// What GRUB's script parser takes for itself outside quotes.
constexpr std::string_view grub_special = "$;&|<>{}";

/// A value in one pair of quotes: each byte of it with the place where it is written.
struct MappedValue {
  std::string value;
  std::vector<std::uint32_t> begin;  ///< one more than bytes: the last is the value's end
  Span span;
  char quote = 0;
};

char quote_of(const GrubPiece& piece) {
  Span span = piece.assignment->value_span;
  const std::string& text = piece.source->text;
  char quote = span.end < text.size() ? text[span.end] : '\0';
  return (quote == '"' || quote == '\'') && span.begin > 0 && text[span.begin - 1] == quote ? quote : '\0';
}

/// Behind the "$NAME" or "${NAME}" of a value that appends.
std::uint32_t after_own_value(std::string_view text, Span span, std::string_view name) {
  bool braced = text.substr(span.begin, 2) == "${";
  return span.begin + std::uint32_t(name.size()) + (braced ? 3 : 1);
}

/// Nothing where the value is not in one pair of quotes on one line.
std::optional<MappedValue> map_value(const GrubPiece& piece) {
  const ShellAssignment& a = *piece.assignment;
  const std::string& text = piece.source->text;
  MappedValue mapped;
  mapped.quote = quote_of(piece);
  if (!a.simple || !a.plain || !mapped.quote) return {};
  std::uint32_t at = a.appends ? after_own_value(text, a.value_span, a.name) : a.value_span.begin;
  mapped.span = {at, a.value_span.end};
  for (; at < a.value_span.end; ++at) {
    mapped.begin.push_back(at);
    bool escapes = mapped.quote == '"' && text[at] == '\\' && at + 1 < a.value_span.end &&
                   std::string_view("$`\"\\").find(text[at + 1]) != std::string_view::npos;
    if (escapes) ++at;
    mapped.value += text[at];
  }
  mapped.begin.push_back(a.value_span.end);
  if (mapped.value != a.value) return {};
  return mapped;
}

/// A word of grub.cfg as GRUB hands it over: a backslash before a special byte is dropped.
KernelWord unescaped(const KernelArgument& a) {
  std::string text;
  for (std::size_t i = 0; i < a.text.size(); ++i) {
    if (a.text[i] == '\\' && i + 1 < a.text.size()) ++i;
    text += a.text[i];
  }
  auto word = read_argument(text);
  if (!word) word = KernelWord{std::string(a.text), std::string(a.name), std::string(a.value), a.has_value, false};
  word->for_init = a.for_init;
  return *word;
}

void add_words(const GrubPiece& piece, HomeLine& line) {
  auto mapped = map_value(piece);
  const std::string& value = mapped ? mapped->value : piece.assignment->value;
  for (const KernelArgument& a : parse_kernel_command_line(value)) {
    HomeWord word{unescaped(a), piece.source->path, piece.assignment->value_span, false, {}, {true, 0}};
    if (mapped) {
      word.span = {mapped->begin[a.span.begin], mapped->begin[a.span.end]};
      word.piece = mapped->span;
      word.style.quote = mapped->quote;
      word.editable = true;
    }
    line.words.push_back(std::move(word));
  }
}

HomeEnd end_of(const GrubPiece& piece, const MappedValue& mapped) {
  const std::string& text = piece.source->text;
  std::uint32_t end = mapped.span.end;
  while (end > mapped.span.begin && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  bool blank = end > mapped.span.begin || piece.assignment->appends;
  return {piece.source->path, end, blank, false, {true, mapped.quote}};
}

/// Behind the last word of the last value in /etc/default/grub; before a lone "--" where there is one. Values of
/// grub.d belong to packages.
std::optional<HomeEnd> find_end(const std::vector<GrubPiece>& pieces, const HomeLine& line) {
  for (const HomeWord& w : line.words) {
    if (w.word.text != "--") continue;
    if (!w.editable) return {};
    return HomeEnd{w.file, w.span.begin, false, true, w.style};
  }
  auto main = std::find_if(pieces.rbegin(), pieces.rend(),
                           [](const GrubPiece& p) { return p.source->path == "/etc/default/grub"; });
  if (main == pieces.rend()) return {};
  auto mapped = map_value(*main);
  if (!mapped) return {};
  return end_of(*main, *mapped);
}

std::optional<HomeFault> find_fault(const BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  for (const auto& [path, why] : unreadable)
    if (path.rfind("/etc/default/grub", 0) == 0) return HomeFault{path, 0, why};
  for (const auto& [source, file] : config.grub)
    for (const ShellProblem& problem : file.problems)
      return HomeFault{source->path, std::uint32_t(source->position(problem.span.begin).line), problem.message};
  return {};
}

/// A lone "--" makes all that follows init's, in the following values too.
void mark_for_init(HomeLine& line) {
  bool init = false;
  for (HomeWord& w : line.words) {
    w.word.for_init = w.word.for_init || init;
    init = init || w.word.text == "--";
  }
}

}  // namespace

HomeText read_grub_home(const BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  HomeText text;
  text.fault = find_fault(config, unreadable);
  bool known = true;
  std::vector<GrubPiece> early = grub_pieces(config, linux_variable, known);
  std::vector<GrubPiece> late = grub_pieces(config, default_variable, known);
  HomeLine line{"/etc/default/grub", {}, {}};
  for (const std::vector<GrubPiece>* list : {&early, &late})
    for (const GrubPiece& piece : *list) add_words(piece, line);
  mark_for_init(line);
  if (known) line.end = find_end(late.empty() ? early : late, line);
  text.lines.push_back(std::move(line));
  return text;
}

std::optional<std::string> spell(const KernelWord& word, WordStyle style) {
  if (!style.grub) return word.text;
  if ((word.name + word.value).find_first_of("\\'\"") != std::string::npos) return {};
  std::string script = word.name + (word.has_value ? "=" : "") + word.value;
  const bool quoted = script.find_first_of(" \t") != script.npos;
  std::string escaped;
  for (char c : script) {
    bool special = quoted ? c == '$' : grub_special.find(c) != std::string_view::npos;
    if (special) escaped += '\\';
    escaped += c;
  }
  if (quoted) escaped = '"' + escaped + '"';
  if (style.quote == '\'') return escaped;
  std::string text;
  for (char c : escaped) {
    if (std::string_view("$`\"\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text;
}

}  // namespace hostpci
