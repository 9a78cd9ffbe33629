// Sections and lines of pci.cfg exactly as SectionConfig cuts them: only an empty line ends a section.
#include "grammar/mapping.hpp"

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet word_byte{"^\t\n\v\f\r "};

/// The rest of the line without white space at its end.
struct trimmed_rest : bare_parser<trimmed_rest> {
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute&) const {
    Iterator end = last;
    while (end != first && white(end[-1])) --end;
    first = end;
    return true;
  }
};

// Each rule is given one line without its line feed and has to take the whole of it.
const x3::rule<struct header_tag, MappingSection> header = "name of a mapping at the line's begin";
const x3::rule<struct entry_tag, MappingLine> entry = "indented line with a key and a value";
const auto comment = any(white) >> '#';
const auto header_def =
    node[spot<&MappingSection::id, &MappingSection::id_span>[some(word_byte)] >> any(white) >> x3::eoi];
const auto entry_def =
    node[some(white) >> spot<&MappingLine::key, &MappingLine::key_span>[some(word_byte)] >> any(white) >>
         spot<&MappingLine::value, &MappingLine::value_span>[trimmed_rest{}] >> any(white) >> x3::eoi];
BOOST_SPIRIT_DEFINE(header, entry)

/// Hands out the lines of the text; `in` remembers whether a section is open.
class Reader {
 public:
  explicit Reader(std::string_view text) : source_{text.data()} {}

  void line(Iterator first, Iterator last) {
    const Span span = source_.span(first, last);
    if (is(comment, first, last)) return;
    if (open_)
      inside(first, last, span);
    else
      outside(first, last, span);
  }
  MappingFile take() { return std::move(file_); }

 private:
  template <class P>
  bool is(const P& p, Iterator first, Iterator last) {
    return parse(p, source_, first, last, x3::unused);
  }

  void outside(Iterator first, Iterator last, Span span) {
    MappingSection section;
    Iterator at = first;
    if (first == last || (last - first == 1 && *first == '0')) return;
    if (!parse(header, source_, at, last, section)) return file_.bad.push_back(span);
    section.span = span;
    file_.sections.push_back(std::move(section));
    open_ = true;
  }

  /// The section ends at a line that Perl holds for false: an empty one, or "0".
  void inside(Iterator first, Iterator last, Span span) {
    open_ = first != last && !(last - first == 1 && *first == '0');
    if (!open_) return;
    MappingLine line;
    Iterator at = first;
    if (!parse(entry, source_, at, last, line)) return file_.bad.push_back(span);
    line.span = span;
    file_.sections.back().lines.push_back(line);
    file_.sections.back().span.end = span.end;
  }

  Text source_;
  MappingFile file_;
  bool open_ = false;
};

}  // namespace

MappingFile parse_mapping(std::string_view text) {
  Reader reader(text);
  Text source{text.data()};
  const Iterator last = text.data() + text.size();
  for (Iterator first = text.data(); first != last;) {
    Iterator end = first;
    parse(to_line_end, source, end, last, x3::unused);
    reader.line(first, end);
    first = end == last ? last : end + 1;
  }
  return reader.take();
}

}  // namespace hostpci
