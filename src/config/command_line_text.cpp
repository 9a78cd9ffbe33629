// Homes whose text is the command line as it stands: /etc/kernel/cmdline, GRUB legacy's kernel lines, boot entries.
#include "config/command_line_text.hpp"

#include <algorithm>
#include <map>

#include "grammar/cmdline.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::uint32_t line_of(const Source& source, std::uint32_t offset) { return std::uint32_t(source.position(offset).line); }

/// The words of the bytes in `span`, and where another one goes: behind the last, before a lone "--".
HomeLine plain_line(const Source& source, Span span) {
  HomeLine line{source.path, {}, {}};
  for (const KernelArgument& a : parse_kernel_command_line(slice(source.text, span), span.begin)) {
    KernelWord word{std::string(a.text), std::string(a.name), std::string(a.value), a.has_value, a.for_init};
    line.words.push_back({std::move(word), source.path, a.span, true, span, {}});
  }
  auto init = std::find_if(line.words.begin(), line.words.end(), [](const HomeWord& w) { return w.word.text == "--"; });
  std::uint32_t end = init == line.words.end() ? span.end : init->span.begin;
  while (end > span.begin && is_blank(source.text[end - 1])) --end;
  bool first = end == span.begin;
  line.end = HomeEnd{source.path, end, !first, first && init != line.words.end(), {}};
  return line;
}

HomeText read_first_line(const BootConfig& config, const std::string& path, const char* absent,
                         bool may_be_empty) {
  SourcePtr source = config.source(path);
  if (!source) return {{}, HomeFault{path, 0, absent}};
  auto end = std::min(source->text.find('\n'), source->text.size());
  HomeText text;
  text.lines.push_back(plain_line(*source, {0, std::uint32_t(end)}));
  if (text.lines[0].words.empty() && !may_be_empty)
    text.fault = HomeFault{path, 1, "the first line, which alone is read, is empty: it has to name the root"};
  return text;
}

// GRUB legacy ------------------------------------------------------------------------------------------------------------

/// Debian's update-grub of that time made the kernel lines anew out of this comment.
constexpr std::string_view options_of_new = "# kopt=";

/// The command of a line ("kernel", "module") and what follows it.
struct LegacyCommand {
  std::string_view name;
  Span rest;
};

LegacyCommand legacy_command(std::string_view text, Span line) {
  std::uint32_t at = line.begin;
  while (at < line.end && is_blank(text[at])) ++at;
  std::uint32_t begin = at;
  while (at < line.end && !is_blank(text[at]) && text[at] != '=') ++at;
  return {text.substr(begin, at - begin), {at, line.end}};
}

/// Steps over "--type=linux" and the image; what is left are the kernel's arguments.
std::string_view take_image(std::string_view text, Span& rest) {
  for (;;) {
    while (rest.begin < rest.end && is_blank(text[rest.begin])) ++rest.begin;
    std::uint32_t begin = rest.begin;
    while (rest.begin < rest.end && !is_blank(text[rest.begin])) ++rest.begin;
    std::string_view word = text.substr(begin, rest.begin - begin);
    if (word.substr(0, 2) != "--") return word;
  }
}

bool is_hypervisor(std::string_view image) {
  std::string_view base = image.substr(std::min(image.size(), image.rfind('/') + 1));
  return base.substr(0, 3) == "xen";
}

class LegacyMenu {
 public:
  explicit LegacyMenu(const Source& source) : source_(source) {}

  HomeText read() {
    const std::string_view text = source_.text;
    for (std::uint32_t at = 0; at < text.size() && !result_.fault;) {
      auto end = std::uint32_t(std::min(text.find('\n', at), text.size()));
      line({at, end});
      at = end + 1;
    }
    if (result_.lines.empty() && !result_.fault) result_.fault = HomeFault{source_.path, 0, "it has no kernel line"};
    return std::move(result_);
  }

 private:
  void line(Span span) {
    if (slice(source_.text, span).substr(0, options_of_new.size()) == options_of_new)
      return add_line({span.begin + std::uint32_t(options_of_new.size()), span.end}, "kopt");
    LegacyCommand command = legacy_command(source_.text, span);
    if (command.name == "title") hypervisor_ = false;
    bool module = command.name == "module" && hypervisor_;
    if (command.name != "kernel" && !module) return;
    Span rest = command.rest;
    if (rest.begin < rest.end && source_.text[rest.begin] == '=') ++rest.begin;
    std::string_view image = take_image(source_.text, rest);
    hypervisor_ = !module && is_hypervisor(image);
    if (!hypervisor_) add(span, rest, image);
  }

  void add(Span line, Span rest, std::string_view image) {
    if (image.empty()) return fail(line, "the kernel line names no image");
    add_line(rest, image);
    result_.lines.back().end->blank_before = true;
    for (const HomeWord& word : result_.lines.back().words)
      if (word.word.text == "initrd") return fail(line, "`initrd` stands in the kernel line, where it does nothing");
  }

  /// Titles may share an image: the second one is told apart by its number.
  void add_line(Span rest, std::string_view image) {
    HomeLine found = plain_line(source_, rest);
    found.key.append(" ").append(image);
    if (std::size_t number = ++images_[std::string(image)]; number > 1) found.key += " #" + std::to_string(number);
    result_.lines.push_back(std::move(found));
  }

  void fail(Span line, std::string message) {
    result_.fault = HomeFault{source_.path, line_of(source_, line.begin), std::move(message)};
  }

  const Source& source_;
  HomeText result_;
  std::map<std::string, std::size_t> images_;
  bool hypervisor_ = false;  ///< the next module is the kernel
};

}  // namespace

std::vector<KernelWord> HomeLine::arguments() const {
  std::vector<KernelWord> list;
  for (const HomeWord& word : words) list.push_back(word.word);
  return list;
}

HomeText read_legacy_home(const BootConfig& config, const std::string& path) {
  SourcePtr source = config.source(path);
  return source ? LegacyMenu(*source).read() : HomeText{{}, HomeFault{path, 0, "it does not exist"}};
}

HomeText read_home(const BootConfig& config, const std::map<std::string, std::string>& unreadable,
                   const CommandLineHome& home) {
  if (auto at = unreadable.find(home.file); at != unreadable.end()) return {{}, HomeFault{home.file, 0, at->second}};
  switch (home.kind) {
    case HomeKind::grub: return read_grub_home(config, unreadable);
    case HomeKind::grub_legacy: return read_legacy_home(config, home.file);
    case HomeKind::kernel_cmdline:
      return read_first_line(config, home.file, "it does not exist: the boot entries carry the running command line on", false);
    case HomeKind::boot_entries: break;
  }
  return read_first_line(config, home.file, "there is no boot entry", true);
}

}  // namespace hostpci
