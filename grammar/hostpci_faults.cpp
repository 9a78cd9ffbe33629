// Faults of a hostpci string's parts and keys: what PVE would say, where, and the edit that mends it where it is
// certain.
#include "grammar/hostpci_faults.hpp"

#include <algorithm>
#include <array>

#include "grammar/address_repair.hpp"
#include "grammar/hostpci_words.hpp"
#include "text/edit.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::uint32_t bit(HostpciKey key) { return 1u << unsigned(key); }

std::array<std::string_view, hostpci_key_count> key_names() {
  std::array<std::string_view, hostpci_key_count> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = name(HostpciKey(i));
  return names;
}

/// Lower case without '-', '_' and white space: what people vary.
std::string folded(std::string_view word) {
  std::string out;
  for (char c : lower(word))
    if (c != '-' && c != '_' && trim({&c, 1}).size() == 1) out += c;
  return out;
}

/// Other names that guides and other tools use for a property.
constexpr std::pair<std::string_view, HostpciKey> aliases[] = {
    {"primary", HostpciKey::x_vga},
    {"vga", HostpciKey::x_vga},
    {"xvgaon", HostpciKey::x_vga},
    {"pciexpress", HostpciKey::pcie},
    {"rom", HostpciKey::romfile},
    {"bar", HostpciKey::rombar},
    {"igd", HostpciKey::legacy_igd},
    {"subsystemvendorid", HostpciKey::sub_vendor_id},
    {"subsystemdeviceid", HostpciKey::sub_device_id},
    {"subsystemid", HostpciKey::sub_device_id},
};

/// The property that a mistyped key certainly means.
std::optional<HostpciKey> meant_key(std::string_view word) {
  const std::string plain = folded(word);
  for (std::string_view known : key_names())
    if (folded(known) == plain) return parse_hostpci_key(known);
  for (const auto& [alias, key] : aliases)
    if (alias == plain) return key;
  return std::nullopt;
}

}  // namespace

// Bookkeeping --------------------------------------------------------------------------------------------------------

HostpciError& HostpciFaults::add(std::string rule, Place place, std::string key, std::string message,
                                 std::string help) {
  HostpciError error;
  error.rule = std::move(rule);
  error.message = std::move(message);
  error.span = {base_ + std::uint32_t(place.begin), base_ + std::uint32_t(place.end)};
  error.help = std::move(help);
  error.key = std::move(key);
  return result_.errors.emplace_back(std::move(error));
}

void HostpciFaults::fix(HostpciError& error, std::string replacement) {
  error.replacement = std::move(replacement);
  error.fixable = true;
}

/// The error just added is one at which PVE stops.
void HostpciFaults::syntax_error() {
  if (!first_syntax_error_) first_syntax_error_ = result_.errors.size() - 1;
}

void HostpciFaults::keyless_taken() {
  keyless_ = true;
  // A word forgiven as `pcie=1` is PVE's first keyless value: at this second one it stops.
  if (forgiven_ && (!first_syntax_error_ || *first_syntax_error_ > *forgiven_)) first_syntax_error_ = forgiven_;
  if (!zero_host_) return;
  zero_host_ = false;
  const std::size_t gone = zero_host_error_.value_or(result_.errors.size());
  if (gone >= result_.errors.size()) return;
  result_.errors.erase(result_.errors.begin() + std::ptrdiff_t(gone));
  for (std::optional<std::size_t>* index : {&first_syntax_error_, &forgiven_})
    if (*index && **index > gone) --**index;
}

std::optional<HostpciFaults::Place> HostpciFaults::part_before(std::size_t begin) const {
  while (begin > 0) {
    const std::size_t end = begin - 1;
    const std::size_t comma = end == 0 ? std::string_view::npos : text_.rfind(',', end - 1);
    const std::size_t start = comma == std::string_view::npos ? 0 : comma + 1;
    if (!trim(text_.substr(start, end - start)).empty()) return Place{start, end};
    begin = start;
  }
  return std::nullopt;
}

bool HostpciFaults::written(HostpciKey key) const {
  for (std::string_view part : split(text_, ','))
    if (part.substr(0, part.find('=')) == name(key) && part.find('=') != part.npos) return true;
  return false;
}

/// May a fix bring in this property? Only once, and only if the string does not have it.
bool HostpciFaults::promise(HostpciKey key) {
  if (written(key) || (promised_ & bit(key))) return false;
  promised_ |= bit(key);
  return true;
}

void HostpciFaults::finish(bool try_fixes) {
  std::vector<HostpciError>& errors = result_.errors;
  if (first_syntax_error_) {
    const auto first = errors.begin() + std::ptrdiff_t(*first_syntax_error_);
    std::rotate(errors.begin(), first, first + 1);
  }
  if (!try_fixes || !std::all_of(errors.begin(), errors.end(), [](const HostpciError& e) { return e.fixable; })) return;
  std::vector<Edit> edits;
  for (const HostpciError& e : errors) edits.push_back({{e.span.begin - base_, e.span.end - base_}, e.replacement});
  const Result<std::string> mended = apply(text_, std::move(edits));
  if (mended && judge_hostpci(*mended, 0).ok()) return;
  for (HostpciError& e : errors) e.fixable = false, e.replacement.clear();
}

// Parts --------------------------------------------------------------------------------------------------------------

void HostpciFaults::part(std::size_t begin, std::size_t end) {
  const Place place{begin, end};
  if (full() || trim(slice(place)).empty()) return;
  const std::size_t equals = slice(place).find('=');
  if (equals == std::string_view::npos)
    keyless(place);
  else
    keyed(place, begin + equals);
}

void HostpciFaults::keyed(Place part, std::size_t equals) {
  const Place key{part.begin, equals};
  Place value{equals + 1, part.end};
  if (slice(value).ends_with('\n')) --value.end;
  if (slice(key).empty() || slice(value).empty() || slice(value).find('\n') != std::string_view::npos)
    return no_value(part, key, value);
  const std::optional<HostpciKey> known = parse_hostpci_key(slice(key));
  if (!known) return unknown(key);
  if (!take(*known, false)) return repeated(*known, part, value);
  wrong_value(*known, value);
}

/// PVE's words for all of these are "missing key in comma-separated list property".
void HostpciFaults::no_value(Place part, Place key, Place value) {
  const std::optional<HostpciKey> known = parse_hostpci_key(slice(key));
  if (slice(key).empty())
    add("syntax-invalid-line-dropped", part, "", "expected a property name before the `=` in " + quoted(slice(part)),
        "write `KEY=VALUE`, or take the part out");
  else if (slice(value).empty())
    add("syntax-invalid-line-dropped", part, "",
        known ? "expected a " + hostpci_expectation(type(*known)) + " after " + quoted(slice(part))
              : "expected a value after " + quoted(slice(part)),
        known ? "give " + quoted(slice(key)) + " a value, or take it out" : "give it a value, or take it out");
  else
    add("syntax-invalid-line-dropped", part, "", "a line feed stands inside the value of " + quoted(slice(key)),
        "write the value on one line");
  syntax_error();
}

void HostpciFaults::unknown(Place key) {
  const std::string_view word = slice(key);
  if (std::find(unknown_.begin(), unknown_.end(), word) != unknown_.end()) {
    add("syntax-unknown-option", key, std::string(word), quoted(word) + " is no property, and is given twice",
        "take it out, or write the property you mean");
    return syntax_error();
  }
  unknown_.push_back(word);
  HostpciError& error =
      add("syntax-unknown-option", key, std::string(word), quoted(word) + " is no property of a hostpci line");
  suggest_key(error, key);
}

void HostpciFaults::suggest_key(HostpciError& error, Place key) {
  const std::string_view word = slice(key);
  if (const std::optional<HostpciKey> meant = meant_key(word)) {
    error.help = "did you mean " + quoted(name(*meant)) + "?";
    if (promise(*meant)) return fix(error, std::string(name(*meant)));
    error.help = "take it out: " + quoted(name(*meant)) + " is given already";
    return;
  }
  if (missing_comma(error, key)) return;
  const auto names = key_names();
  if (const std::optional<std::string_view> near = closest(trim(word), names))
    error.help = "did you mean " + quoted(*near) + "?";
  else if (accepts_hostpci_value(HostpciKey::host, word))
    error.help = "an address stands alone, without `=`; properties follow after a comma";
  else if (word == "multifunction")
    error.help = "an address without a function, such as `01:00`, passes all functions of the device";
  else
    error.help = "the properties are " + join({names.begin(), names.end()}, ", ");
}

/// "01:00 pcie=1": an address, a blank where the comma belongs, and a property.
bool HostpciFaults::missing_comma(HostpciError& error, Place key) {
  const std::string_view word = slice(key);
  const std::size_t gap = word.find_last_of(" \t;");
  if (gap == std::string_view::npos) return false;
  const std::string_view hosts = trim(word.substr(0, gap));
  const std::optional<HostpciKey> property = parse_hostpci_key(word.substr(gap + 1));
  if (!property || !accepts_hostpci_value(HostpciKey::host, hosts)) return false;
  error.help = "write a comma between " + quoted(hosts) + " and " + quoted(name(*property));
  if (promise(HostpciKey::host) && promise(*property))
    fix(error, std::string(hosts) + ',' + std::string(name(*property)));
  return true;
}

// Values without a key ------------------------------------------------------------------------------------------------

void HostpciFaults::keyless(Place part) {
  Place value = part;
  if (slice(value).ends_with('\n')) --value.end;
  if (forgotten_equals(value)) return;
  if (!take(HostpciKey::host, true)) return repeated_host(part, value);
  const bool other_host = written(HostpciKey::host) || written(HostpciKey::mapping);
  if (!other_host && mapping_name(value)) return;
  addresses(value);
}

/// `pcie` for `pcie=1`, `x-vga:1` or `x-vga 1` for `x-vga=1`. PVE takes the word for a host.
bool HostpciFaults::forgotten_equals(Place part) {
  const std::string_view word = trim(slice(part));
  const std::size_t gap = word.find_first_of(": \t");
  const std::optional<HostpciKey> key = parse_hostpci_key(word.substr(0, gap));
  if (!key || *key == HostpciKey::host) return false;
  const bool flag = gap == std::string_view::npos && type(*key) == HostpciType::boolean;
  const std::string_view value = gap == std::string_view::npos ? "" : trim(word.substr(gap + 1));
  const bool clear = (flag || (!value.empty() && accepts_hostpci_value(*key, value))) && promise(*key);
  const bool second = !(keyless_ || (given_ & bit(HostpciKey::host))) ? false : !zero_host_;
  HostpciError& error = add(flag ? "syntax-boolean" : "syntax-invalid-line-dropped", part, "host",
                            "expected `=` and a " + hostpci_expectation(type(*key)) + " after " + quoted(name(*key)),
                            "without `=` Proxmox VE takes it for a host address");
  if (clear) fix(error, std::string(name(*key)) + '=' + (flag ? "1" : std::string(value)));
  if (second || forgiven_) syntax_error();
  if (!second && !forgiven_) forgiven_ = result_.errors.size() - 1;
  return true;
}

/// A bare word that can only be the name of a resource mapping.
bool HostpciFaults::mapping_name(Place part) {
  const std::string_view word = slice(part);
  const bool id = accepts_hostpci_value(HostpciKey::mapping, word) && !repair_address(word);
  if (!id || parse_boolean(word) || word == "none") return false;
  HostpciError& error =
      add("syntax-bare-mapping-name", part, "host",
          "expected a " + hostpci_expectation(HostpciType::addresses) + ", found the name " + quoted(word),
          "a resource mapping is named with " + quoted("mapping=" + std::string(word)));
  if (promise(HostpciKey::mapping)) fix(error, "mapping=" + std::string(word));
  return true;
}

bool HostpciFaults::looks_like_hosts(Place value) const {
  const std::vector<Place> list = elements(value);
  return std::all_of(list.begin(), list.end(), [&](Place e) {
    return accepts_hostpci_value(HostpciKey::host, slice(e)) || repair_address(slice(e)).has_value();
  });
}

void HostpciFaults::repeated(HostpciKey key, Place part, Place value) {
  if (key == HostpciKey::host) return repeated_host(part, value);
  const std::string word(name(key));
  HostpciError& error = add("syntax-invalid-line-dropped", {part.begin, value.end}, word,
                            quoted(word) + " is given twice", "keep one of them");
  syntax_error();
  const HostpciProperty* first = result_.find(key);
  const std::optional<Place> before = part_before(part.begin);
  if (!first || !before || first->value != slice(value)) return;
  error.span.begin = base_ + std::uint32_t(before->end);
  fix(error, "");
}

/// A second host: addresses separated by a comma where a semicolon belongs, or a stray word.
void HostpciFaults::repeated_host(Place part, Place value) {
  const std::optional<Place> before = part_before(part.begin);
  const bool hosts = looks_like_hosts(value);
  if (!hosts || !before) {
    add("syntax-invalid-line-dropped", value, "host",
        "expected `KEY=VALUE`, found " + quoted(slice(value)) + ", a second value without a key",
        near_key_help(slice(value)));
    return syntax_error();
  }
  Place first = *before;
  if (slice(first).starts_with("host=")) first.begin += 5;
  const bool adjacent = slice(first).find('=') == std::string_view::npos && looks_like_hosts(first);
  HostpciError& error = add("syntax-comma-list", adjacent ? Place{before->end, value.begin} : value, "host",
                            "expected `KEY=VALUE` after the comma, found a second address, " + quoted(slice(value)),
                            "several addresses are separated by `;`");
  if (adjacent) fix(error, ";");
  syntax_error();
  if (!accepts_hostpci_value(HostpciKey::host, slice(value))) addresses(value);
}

}  // namespace hostpci
