// The lines of a VM configuration as PVE's parse_vm_config sees them: a rule a kind of line, chosen by the first byte.
#include "grammar/vm_config.hpp"

#include <algorithm>

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet small_letter{"a-z"}, key_byte{"a-z_-"}, digit{"0-9"}, name_byte{"^]\n"};
constexpr ByteSet id_letter{"a-zA-Z"}, id_byte{"a-zA-Z0-9_-"};

/// `\s*(.+?)\s*$`: the rest of the line without white space at both ends; of nothing but white space, its last byte.
struct value_parser : bare_parser<value_parser> {
  template <class Context, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, ConfigLine& line, Attribute&) const {
    if (first == last) return false;
    Iterator begin = first, end = last;
    while (begin != end && white(*begin)) ++begin;
    if (begin == end) --begin;
    while (end - begin > 1 && white(end[-1])) --end;
    line.value = view_of(begin, end);
    line.value_span = text(context).span(begin, end);
    first = last;
    return true;
  }
};

// Each rule is given one line without its line feed and has to take the whole of it.
const x3::rule<struct section_tag, ConfigLine> section = "section header (such as `[PENDING]`)";
const x3::rule<struct comment_tag, ConfigLine> comment = "comment";
const x3::rule<struct assignment_tag, ConfigLine> assignment = "`key: value`";

const auto section_def =
    node['[' >> spot<&ConfigLine::key, &ConfigLine::key_span>[any(name_byte)] >> ']' >> any(white) >> x3::eoi];
const auto comment_def = node['#' >> spot<&ConfigLine::value, &ConfigLine::value_span>[to_line_end]];
const auto assignment_def =
    node[spot<&ConfigLine::key, &ConfigLine::key_span>[some(small_letter) >> any(key_byte) >> any(digit)] >> ':' >>
         value_parser{}];
BOOST_SPIRIT_DEFINE(section, comment, assignment)

// Section names ------------------------------------------------------------------------------------------------------

constexpr std::string_view special_prefix = "special:";
const auto pending_name = x3::no_case["pending"] >> x3::eoi;
const auto special_name = x3::lit("special:") >> some(name_byte) >> x3::eoi;
const auto snapshot_name = &some(id_letter) >> run_parser<2>{id_byte} >> x3::eoi;

template <class P>
bool is(const P& p, std::string_view name) {
  Text source{name.data()};
  Iterator first = name.data();
  return parse(p, source, first, name.data() + name.size(), x3::unused);
}

ConfigSection section_of(std::string_view name, std::size_t header) {
  ConfigSection s;
  s.name = name;
  s.header = header;
  s.begin = s.end = header + 1;
  if (is(pending_name, name))
    s.kind = SectionKind::pending;
  else if (is(special_name, name))
    s.kind = SectionKind::special, s.name.remove_prefix(special_prefix.size());
  else
    s.kind = is(snapshot_name, name) ? SectionKind::snapshot : SectionKind::unknown;
  return s;
}

// Lines --------------------------------------------------------------------------------------------------------------

template <class Rule>
bool matches(const Rule& rule, Text& source, Iterator first, Iterator last, ConfigLine& line, LineKind kind) {
  if (!parse(rule, source, first, last, line) || first != last) return false;
  line.kind = kind;
  return true;
}

void parse_line(Text& source, Iterator first, Iterator last, ConfigLine& line) {
  const char c = first == last ? '\n' : *first;
  if (small_letter(c) && matches(assignment, source, first, last, line, LineKind::assignment)) return;
  if (c == '#' && matches(comment, source, first, last, line, LineKind::comment)) return;
  if (c == '[' && matches(section, source, first, last, line, LineKind::section)) return;
  line.key = line.value = {};
  line.key_span = line.value_span = {line.span.begin, line.span.begin};
  line.kind = std::all_of(first, last, white) ? LineKind::blank : LineKind::bad;
}

}  // namespace

VmConfig parse_vm_config(std::string_view text) {
  VmConfig config;
  config.sections.emplace_back();
  config.lines.reserve(std::size_t(std::count(text.begin(), text.end(), '\n')) + 1);
  Text source{text.data()};
  Iterator first = text.data();
  const Iterator last = first + text.size();
  while (first != last) {
    ConfigLine& line = config.lines.emplace_back();
    Iterator end = first;
    parse(to_line_end, source, end, last, x3::unused);
    const Iterator next = end == last ? last : end + 1;
    line.full = source.span(first, next);
    // The carriage return of a CRLF belongs to the line's end.
    const Iterator shown_end = end != first && end != last && end[-1] == '\r' ? end - 1 : end;
    line.span = source.span(first, shown_end);
    parse_line(source, first, end, line);
    if (line.kind == LineKind::section) config.sections.push_back(section_of(line.key, config.lines.size() - 1));
    config.sections.back().end = config.lines.size();
    first = next;
  }
  return config;
}

}  // namespace hostpci
