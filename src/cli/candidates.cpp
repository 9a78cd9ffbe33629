// Finds out what is being typed: a command, an option, an option's value, an argument; and gathers what fits.
#include "cli/candidates.hpp"

#include <algorithm>
#include <set>

#include "cli/candidate_words.hpp"
#include "cli/command.hpp"
#include "config/vm.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

const OptionSpec* find_option(std::string_view word, const Command* command) {
  std::string_view name = without_dashes(word.substr(0, word.find('=')));
  for (std::span<const OptionSpec> specs :
       {command ? command->options : std::span<const OptionSpec>(), global_options()})
    for (const OptionSpec& spec : specs)
      if (spec.name == name || (name.size() == 1 && spec.letter == name[0])) return &spec;
  return nullptr;
}

bool takes_next_word(std::string_view word, const Command* command) {
  const OptionSpec* spec = is_option(word) && word.find('=') == word.npos ? find_option(word, command) : nullptr;
  return spec && spec->value == OptionValue::required;
}

/// The line before the cursor, taken apart.
struct Line {
  const Command* command = nullptr;
  Globals globals;
  std::vector<std::string> arguments;  ///< of the command
  const OptionSpec* open = nullptr;    ///< the option whose value is typed now
};

void read_global(std::string_view word, const std::string& next, Globals& globals) {
  std::size_t equals = word.find('=');
  std::string value = equals == word.npos ? next : std::string(word.substr(equals + 1));
  std::string_view name = without_dashes(word.substr(0, equals));
  if (name == "root" && !value.empty()) globals.root = value;
  if (name == "host") globals.host = value;
}

Line read_line(const std::vector<std::string>& words) {
  Line line;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (!is_option(word)) {
      if (!line.command)
        line.command = find_command(word);
      else
        line.arguments.push_back(word);
      continue;
    }
    bool takes = takes_next_word(word, line.command);
    read_global(word, takes ? words[i + 1] : "", line.globals);
    if (takes && i + 2 == words.size()) line.open = find_option(word, line.command);
    if (takes) ++i;
  }
  return line;
}

/// "VM", "ADDR", "list|check" of the usage, in order; options and their values are left out.
struct Arguments {
  std::vector<std::string> kinds;
  bool repeats = false;  ///< the last one
};

Arguments arguments_of(const Command& command) {
  Arguments result;
  bool in_option = false, either = false;
  for (std::string_view word : words(command.usage)) {
    std::string plain(word);
    bool closes = plain.find(']') != plain.npos;
    if (plain.rfind("[-", 0) == 0) in_option = true;
    bool skip = in_option || plain[0] == '-';
    if (closes) in_option = false;
    if (plain == "|") either = true;
    if (skip || plain == "|" || plain == "…" || plain == "VALUE") continue;
    result.repeats = plain.find("…") != plain.npos;
    plain.erase(std::remove_if(plain.begin(), plain.end(), [](char c) { return c == '[' || c == ']'; }), plain.end());
    if (std::size_t dots = plain.find("…"); dots != plain.npos) plain.erase(dots);
    if (either && !result.kinds.empty())
      result.kinds.back() += "|" + plain;
    else
      result.kinds.push_back(plain);
    either = false;
  }
  return result;
}

/// Gathers words of a kind; what they are read from is opened when it is needed.
class Completion {
 public:
  explicit Completion(const std::vector<std::string>& words)
      : typed_(words.empty() ? "" : words.back()), line_(read_line(words)), source_(line_.globals) {}

  std::vector<CompletionWord> find() {
    std::size_t equals = typed_.find('=');
    if (line_.open)
      value(*line_.open, "", typed_);
    else if (is_option(typed_) && equals != typed_.npos)
      value_in_word(equals + 1);
    else if (!typed_.empty() && typed_[0] == '-')
      options();
    else if (!line_.command)
      of_kind("COMMAND", "", typed_);
    else
      argument();
    return std::move(found_);
  }

 private:
  void value_in_word(std::size_t at) {
    if (const OptionSpec* spec = find_option(typed_, line_.command))
      value(*spec, typed_.substr(0, at), typed_.substr(at));
  }

  void options() {
    std::string dashes = typed_.rfind("--", 0) == 0 || !line_.command || !line_.command->qm_style ? "--" : "-";
    for (std::span<const OptionSpec> specs :
         {line_.command ? line_.command->options : std::span<const OptionSpec>(), global_options()})
      for (const OptionSpec& spec : specs)
        offer("", typed_,
              {(&specs[0] == &global_options()[0] ? "--" : dashes) + std::string(spec.name), std::string(spec.help)});
  }

  /// After `create` a device and its type, after `remove` instances and devices; else devices, or one of the two words.
  void mdev_argument() {
    const std::vector<std::string>& given = line_.arguments;
    const std::string verb = given.empty() ? "" : given[0];
    if (given.empty()) offer_all("", typed_, {"create", "remove"});
    if (verb == "remove") add("", typed_, source_.mdev_instances());
    if (verb == "create" && given.size() == 2) add("", typed_, source_.mdev_types(parse_hostpci(given[1])));
    if (verb != "create" || given.size() == 1) of_kind("ADDR", "", typed_);
  }

  /// A word; after it IDs of mappings that are there, of one only where it is changed.
  void mapping_argument() {
    const std::vector<std::string>& given = line_.arguments;
    if (given.empty()) return offer_all("", typed_, {"add", "check", "delete", "list", "set"});
    bool shows = given[0] == "list" || given[0] == "check", changes = given[0] == "set" || given[0] == "delete";
    if (shows || (changes && given.size() == 1)) of_kind("ID", "", typed_);
  }

  void argument() {
    if (line_.command->name == "mapping") return mapping_argument();
    if (line_.command->name == "mdev") return mdev_argument();
    Arguments arguments = arguments_of(*line_.command);
    std::size_t at = line_.arguments.size();
    if (at >= arguments.kinds.size() && !arguments.repeats) return;
    if (arguments.kinds.empty()) return;
    of_kind(arguments.kinds[std::min(at, arguments.kinds.size() - 1)], "", typed_);
  }

  void value(const OptionSpec& spec, const std::string& head, const std::string& typed) {
    std::string_view name = spec.name;
    if (name.substr(0, 7) == "hostpci")
      properties(head, typed);
    else if (name == "select" || name == "ignore")
      list("RULE", head, typed);
    else if (name == "delete" || name == "revert")
      list("KEY", head, typed);
    else if (name == "format")
      offer_all(head, typed, words(line_.command ? line_.command->formats : "text json"));
    else if (name == "color")
      offer_all(head, typed, {"always", "auto", "never"});
    else if (name == "driver")
      offer_all(head, typed, {"pci-stub", "vfio-pci"});
    else if (name == "fail-on")
      offer_all(head, typed, {"error", "info", "never", "warning"});
    else if (name == "machine")
      offer_all(head, typed, {"pc", "q35"});
    else if (name == "bios")
      offer_all(head, typed, {"ovmf", "seabios"});
    else if (name == "vga")
      offer_all(head, typed, {"cirrus", "none", "qxl", "serial0", "std", "virtio", "virtio-gl", "vmware"});
    else if (name == "host")
      of_kind("FILE", head, typed);
    else
      of_kind(std::string(spec.argument), head, typed);
  }

  /// Items between commas.
  void list(const std::string& kind, const std::string& head, const std::string& typed) {
    std::size_t at = typed.rfind(',') + 1;  // npos + 1 is 0
    of_kind(kind, head + typed.substr(0, at), typed.substr(at));
  }

  /// A hostpci value: the address or a property, then properties that are not there yet.
  void properties(std::string head, std::string typed) {
    std::size_t comma = typed.rfind(',');
    std::string before = comma == typed.npos ? "" : typed.substr(0, comma + 1), part = typed.substr(before.size());
    head += before;
    std::size_t equals = part.find('=');
    if (equals != part.npos)
      return property(head + part.substr(0, equals + 1), before, part.substr(0, equals), part.substr(equals + 1));
    if (before.empty()) of_kind("ADDR", head, part);
    Hostpci written = parse_hostpci(before.empty() ? before : before.substr(0, before.size() - 1));
    for (std::size_t i = 0; i < hostpci_key_count; ++i) {
      HostpciKey key = HostpciKey(i);
      bool name_of_device = key == HostpciKey::host || key == HostpciKey::mapping;
      if (!written.has(key) && !(name_of_device && !before.empty()))
        offer(head, part, {std::string(name(key)) + "=", "property"});
    }
  }

  void property(const std::string& head, const std::string& before, const std::string& word, const std::string& typed) {
    auto key = parse_hostpci_key(word);
    if (!key) return;
    if (*key == HostpciKey::mdev)
      return add(head, typed, source_.mdev_types(parse_hostpci(before.substr(0, before.size() - !before.empty()))));
    switch (type(*key)) {
      case HostpciType::addresses:
        return of_kind("ADDR", head, typed);
      case HostpciType::mapping_id:
        return of_kind("ID", head, typed);
      case HostpciType::boolean:
        return offer_all(head, typed, {"0", "1"});
      case HostpciType::driver:
        return offer_all(head, typed, {"keep", "vfio"});
      case HostpciType::file_name:
        return add(head, typed, source_.roms());
      default:
        return;
    }
  }

  void of_kind(const std::string& kinds, const std::string& head, const std::string& typed) {
    for (std::string_view kind : split(kinds, '|')) {
      if (kind == "VM" || kind == "VMID")
        add(head, typed, source_.vms());
      else if (kind == "ADDR")
        add(head, typed, source_.addresses(typed, line_.command && line_.command->name == "devices"));
      else if (kind == "COUNT")
        add(head, typed, source_.function_counts(line_.arguments.empty() ? "" : line_.arguments[0]));
      else if (kind == "GROUP")
        add(head, typed, source_.groups());
      else if (kind == "ID")
        add(head, typed, source_.mappings());
      else if (kind == "TRANSACTION")
        add(head, typed, source_.transactions());
      else if (kind == "RULE")
        add(head, typed, rule_words());
      else if (kind == "COMMAND")
        add(head, typed, command_words());
      else if (kind == "KEY")
        add(head, typed, key_words());
      else if (kind == "STRING")
        properties(head, typed);
      else if (kind == "FILE")
        found_.push_back({":files", ""});
      else if (kind == "DIR")
        found_.push_back({":directories", ""});
      else if (!kind.empty() && kind == lower(kind))
        offer(head, typed, {std::string(kind), ""});
    }
  }

  void add(const std::string& head, const std::string& typed, std::vector<CompletionWord> all) {
    for (CompletionWord& c : all) offer(head, typed, std::move(c));
  }

  void offer_all(const std::string& head, const std::string& typed, std::vector<std::string_view> all) {
    for (std::string_view text : all) offer(head, typed, {std::string(text), ""});
  }

  void offer(const std::string& head, const std::string& typed, CompletionWord c) {
    if (c.text.compare(0, typed.size(), typed) == 0) found_.push_back({head + c.text, std::move(c.description)});
  }

  std::string typed_;
  Line line_;
  CandidateSource source_;
  std::vector<CompletionWord> found_;
};

/// Fit to be put on a command line as it is.
bool is_plain(std::string_view text) {
  constexpr std::string_view others = "._:/,=+@%-";
  auto plain = [&](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(char(c)) != others.npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

}  // namespace

std::vector<CompletionWord> candidates(const std::vector<std::string>& words) {
  std::vector<CompletionWord> found = Completion(words).find();
  found.erase(std::remove_if(found.begin(), found.end(), [](const CompletionWord& c) { return !is_plain(c.text); }),
              found.end());
  std::sort(found.begin(), found.end());
  auto same = [](const CompletionWord& a, const CompletionWord& b) { return a.text == b.text; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

}  // namespace hostpci
