// sysfs.conf as the init script of sysfsutils reads it: sed takes comments and the equals sign out, the shell's read
// cuts three fields.
#include "grammar/sysfs_conf.hpp"

#include <optional>

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet line_byte{"^\n#"}, field_byte{"^\t\n\v\f\r= "}, word_byte{"^\t\n "};

/// A word with its place; up to three a line, the third with all that follows.
struct Field {
  std::string_view text;
  Span span;
};

// The pattern of the sed script: one or two words without `=`, then `=`.
const auto left_side = any(white) >> any(field_byte) >> any(white) >> any(field_byte) >> any(white);
const auto equals = x3::lit('=') >> any(white);
const x3::rule<struct word_tag, Field> word = "word";
const x3::rule<struct rest_tag, Field> rest = "rest of the line";
const auto word_def = node[any(blank) >> spot<&Field::text, &Field::span>[some(word_byte)]];
const auto rest_def = node[any(blank) >> spot<&Field::text, &Field::span>[some(line_byte)]];
BOOST_SPIRIT_DEFINE(word, rest)

/// The fields of one stretch, added to `fields` until there are three.
void cut(Text& source, Iterator first, Iterator last, std::vector<Field>& fields) {
  while (last != first && blank(last[-1])) --last;
  Field field;
  while (fields.size() < 2 && parse(word, source, first, last, field)) fields.push_back(field);
  if (parse(rest, source, first, last, field)) fields.push_back(field);
}

/// Where the equals sign stands that the script takes out, if it does.
std::optional<Iterator> equals_sign(Text& source, Iterator first, Iterator last) {
  if (!parse(left_side, source, first, last, x3::unused) || first == last || *first != '=') return std::nullopt;
  return first;
}

SysfsLine::Kind kind_of(const std::vector<Field>& fields) {
  using Kind = SysfsLine::Kind;
  if (fields.size() == 3 && fields[0].text == "mode") return Kind::mode;
  if (fields.size() == 3 && fields[0].text == "owner") return Kind::owner;
  return fields.size() == 2 ? Kind::value : Kind::bad;
}

SysfsLine parse_line(Text& source, Iterator first, Iterator last) {
  std::vector<Field> fields;
  const std::optional<Iterator> sign = equals_sign(source, first, last);
  cut(source, first, sign.value_or(last), fields);
  if (sign) {
    Iterator after = *sign;
    parse(equals, source, after, last, x3::unused);
    cut(source, after, last, fields);
  }
  SysfsLine line;
  line.span = source.span(first, last);
  line.path_span = line.value_span = {line.span.end, line.span.end};
  line.kind = kind_of(fields);
  const std::size_t path = line.kind == SysfsLine::Kind::mode || line.kind == SysfsLine::Kind::owner ? 1 : 0;
  if (path < fields.size()) line.path = fields[path].text, line.path_span = fields[path].span;
  if (path + 1 < fields.size()) {
    line.value_span = {fields[path + 1].span.begin, fields.back().span.end};
    line.value = view_of(fields[path + 1].text.data(), fields.back().text.data() + fields.back().text.size());
  }
  return line;
}

/// Without white space at both ends.
void trim(Iterator& first, Iterator& last) {
  while (first != last && white(*first)) ++first;
  while (first != last && blank(last[-1])) --last;
}

}  // namespace

std::vector<SysfsLine> parse_sysfs_conf(std::string_view text) {
  std::vector<SysfsLine> lines;
  Text source{text.data()};
  const Iterator last = text.data() + text.size();
  for (Iterator first = text.data(); first != last;) {
    Iterator end = first, next = first;
    parse(to_line_end, source, next, last, x3::unused);
    parse(any(line_byte), source, end, last, x3::unused);
    trim(first, end);
    if (first != end) lines.push_back(parse_line(source, first, end));
    first = next == last ? last : next + 1;
  }
  return lines;
}

}  // namespace hostpci
