// Lists of modules, as systemd-modules-load and initramfs-tools' hook-functions read them.
#include "grammar/modules.hpp"

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

// systemd takes CR for white space; the shell's `read` does not, so that there it ends up in the name.
constexpr ByteSet systemd_blank{"\t\r "}, systemd_word{"^\t\n\r "}, shell_word{"^\t\n "};

struct trimmed_rest : bare_parser<trimmed_rest> {
  constexpr explicit trimmed_rest(const ByteSet& s) : cut(&s) {}
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute&) const {
    Iterator end = last;
    while (end != first && (*cut)(end[-1])) --end;
    first = end;
    return true;
  }
  const ByteSet* cut;
};

const x3::rule<struct systemd_line_tag, ModuleLine> systemd_line = "name of a module";
const x3::rule<struct hook_line_tag, ModuleLine> hook_line = "name of a module, and its arguments";
const auto systemd_line_def =
    node[any(systemd_blank) >> !x3::char_("#;") >>
         spot<nullptr, &ModuleLine::span>[spot<&ModuleLine::name, &ModuleLine::name_span>[some(systemd_word)] >>
                                          any(systemd_blank) >>
                                          spot<&ModuleLine::arguments, &ModuleLine::arguments_span>[trimmed_rest{
                                              systemd_blank}]]];
const auto hook_line_def =
    node[!x3::lit('#') >> any(blank) >>
         spot<nullptr,
              &ModuleLine::span>[spot<&ModuleLine::name, &ModuleLine::name_span>[some(shell_word)] >> any(blank) >>
                                 spot<&ModuleLine::arguments, &ModuleLine::arguments_span>[trimmed_rest{blank}]]];
BOOST_SPIRIT_DEFINE(systemd_line, hook_line)

/// The span without the blanks before arguments that are not there.
void tidy(ModuleLine& line) {
  if (!line.arguments.empty()) return;
  line.span.end = line.name_span.end;
  line.arguments_span = {line.name_span.end, line.name_span.end};
}

}  // namespace

std::vector<ModuleLine> parse_modules(std::string_view text, bool initramfs_tools) {
  std::vector<ModuleLine> lines;
  Text source{text.data()};
  const Iterator last = text.data() + text.size();
  for (Iterator first = text.data(); first != last;) {
    Iterator end = first;
    parse(to_line_end, source, end, last, x3::unused);
    ModuleLine line;
    Iterator at = first;
    if (initramfs_tools ? parse(hook_line, source, at, end, line) : parse(systemd_line, source, at, end, line)) {
      tidy(line);
      lines.push_back(line);
    }
    first = end == last ? last : end + 1;
  }
  return lines;
}

}  // namespace hostpci
