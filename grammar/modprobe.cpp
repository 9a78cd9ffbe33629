// modprobe.d as kmod reads it: lines are joined before anything else is looked at, then cut at blanks.
#include "grammar/modprobe.hpp"

#include <array>

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet plain_byte{std::string_view("^\t \n\\\0", 6)}, line_byte{"^\n\\"}, not_line_feed{"^\n"};

// A backslash before a line feed joins lines. Before any other byte it vanishes; in the words handed out it stays.
const auto joint = x3::lit("\\\n");
const auto backslash = x3::lit('\\');
const auto lone_backslash = backslash >> x3::eoi;
const auto escaped = backslash >> &some(plain_byte) >> x3::omit[x3::char_] | x3::lit("\\\\");
const auto gap = *(some(blank) | joint | (backslash >> &some(blank)) | lone_backslash);
const auto line_rest = *(some(line_byte) | joint | (backslash >> -(&some(not_line_feed) >> x3::omit[x3::char_])));
const auto comment = *joint >> -backslash >> '#';

const x3::rule<struct piece_tag, PlacedWord> piece = "word";
const auto piece_def = node[spot<&PlacedWord::text, &PlacedWord::span>[+(some(plain_byte) | escaped)]];
BOOST_SPIRIT_DEFINE(piece)

/// A word in one piece, or in several if a joint runs through it.
using Word = std::vector<PlacedWord>;

/// Adds the pieces of the next word; false if none stands here.
bool parse_word(Text& source, Iterator& first, Iterator last, Word& word) {
  const std::size_t before = word.size();
  Iterator at = first;
  for (PlacedWord next; parse(piece, source, at, last, next); next = {}) {
    word.push_back(next);
    first = at;
    parse(+joint, source, at, last, x3::unused);
    if (at == first) break;
  }
  return word.size() > before;
}

/// The keyword and the module are wanted whole: as they stand, a joint inside included.
PlacedWord whole(const Word& word) {
  const char* begin = word.front().text.data();
  const char* end = word.back().text.data() + word.back().text.size();
  return {view_of(begin, end), {word.front().span.begin, word.back().span.end}};
}

DirectiveKind kind_of(const Word& keyword) {
  constexpr std::array<std::string_view, 7> names{"alias",  "options", "blacklist", "install",
                                                  "remove", "softdep", "weakdep"};
  std::string joined;
  for (const PlacedWord& p : keyword) joined += p.text;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == joined) return DirectiveKind(i);
  return DirectiveKind::unknown;
}

/// Fills the directive from a logical line that is no comment; false if it is blank.
bool parse_words(Text& source, Iterator& first, Iterator last, ModprobeDirective& directive) {
  Word word;
  parse(gap, source, first, last, x3::unused);
  if (!parse_word(source, first, last, word)) return false;
  directive.kind = kind_of(word);
  directive.keyword = whole(word);
  directive.module = {{}, {directive.keyword.span.end, directive.keyword.span.end}};
  parse(gap, source, first, last, x3::unused);
  word.clear();
  if (parse_word(source, first, last, word)) directive.module = whole(word);
  do {
    parse(gap, source, first, last, x3::unused);
  } while (parse_word(source, first, last, directive.words));
  return true;
}

}  // namespace

ModprobeFile parse_modprobe(std::string_view text) {
  ModprobeFile file;
  Text source{text.data()};
  const Iterator last = text.data() + text.size();
  for (Iterator first = text.data(); first != last;) {
    const Iterator start = first;
    ModprobeDirective directive;
    Iterator at = first;
    const bool wanted = !parse(comment, source, at, last, x3::unused) && parse_words(source, first, last, directive);
    parse(line_rest, source, first, last, x3::unused);
    directive.span = source.span(start, first);
    if (wanted) file.directives.push_back(std::move(directive));
    if (first != last) ++first;
  }
  return file;
}

}  // namespace hostpci
