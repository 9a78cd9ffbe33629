// Boost.Program_options stands in this file only; its exceptions end here as messages.
#include "cli/options.hpp"

#include <boost/program_options.hpp>

#include <algorithm>

#include "grammar/hostpci.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace po = boost::program_options;

constexpr OptionSpec globals_table[] = {
    {"root", OptionValue::required, "DIR", "read and write below DIR instead of /"},
    {"host", OptionValue::required, "FILE", "take the host's facts from a snapshot"},
    {"format", OptionValue::required, "FORMAT", "the form of the output: text, json, …"},
    {"color", OptionValue::required, "WHEN", "auto, always or never"},
    {"quiet", OptionValue::none, "", "errors only on standard error", 'q'},
    {"verbose", OptionValue::none, "", "tell more; twice: still more", 'v'},
    {"help", OptionValue::none, "", "this text", 'h'},
    {"version", OptionValue::none, "", "the version"},
};

using Specs = std::vector<const OptionSpec*>;

Specs all_specs(std::span<const OptionSpec> own) {
  Specs all;
  for (const auto& spec : own) all.push_back(&spec);
  for (const auto& spec : globals_table) all.push_back(&spec);
  return all;
}

/// The options a word may mean: an exact name alone, else all that it abbreviates (qm style only).
Specs meant(const Specs& specs, std::string_view word, bool qm_style) {
  Specs found;
  std::string wanted = qm_style ? lower(word) : std::string(word);
  for (const OptionSpec* spec : specs) {
    if (spec->name == wanted) return {spec};
    if (qm_style && wanted.size() > 1 && spec->name.starts_with(wanted)) found.push_back(spec);
  }
  return found;
}

Failure unknown_option(std::string_view word, const Specs& specs) {
  std::vector<std::string_view> names;
  for (const OptionSpec* spec : specs) names.push_back(spec->name);
  std::string name(word.substr(0, word.find('=')));
  std::string message = "unknown option `" + name + "`";
  std::string_view bare = std::string_view(name).substr(std::min(name.size(), name.find_first_not_of('-')));
  if (auto near = closest(bare, names)) message += "; did you mean `--" + std::string(*near) + "`?";
  return {message};
}

const OptionSpec* by_letter(const Specs& specs, char letter) {
  auto found = std::find_if(specs.begin(), specs.end(), [&](const OptionSpec* s) { return s->letter == letter; });
  return found == specs.end() ? nullptr : *found;
}

/// One option word made plain: its full name and the value that sticks to it.
struct Word {
  const OptionSpec* spec = nullptr;
  std::optional<std::string> value;
};

Result<Word> read_option(const std::string& word, const Specs& specs, bool qm_style) {
  bool two = word.starts_with("--");
  std::size_t equals = word.find('=');
  std::string name = word.substr(two ? 2 : 1, equals == word.npos ? word.npos : equals - (two ? 2 : 1));
  Word result;
  if (equals != word.npos) result.value = word.substr(equals + 1);
  if (!two && name.size() == 1) result.spec = by_letter(specs, name[0]);
  if (!result.spec && (two || qm_style)) {
    Specs found = meant(specs, name, qm_style);
    if (found.size() > 1) {
      std::vector<std::string> names;
      for (const OptionSpec* spec : found) names.push_back("`--" + std::string(spec->name) + "`");
      if (names.size() > 4) names.resize(4), names.push_back("…");
      return Failure{"option `" + word.substr(0, equals) + "` is ambiguous: " + join(names, ", ")};
    }
    if (found.size() == 1) result.spec = found.front();
  }
  if (!result.spec) return unknown_option(word, specs);
  if (result.value && result.spec->value == OptionValue::none)
    return Failure{"option `--" + std::string(result.spec->name) + "` takes no value"};
  return result;
}

/// The words as Program_options takes them: "--name", and "--name" VALUE as two words; lone letters are spelt out.
struct PlainWords {
  std::vector<po::option> options;
  std::vector<std::string> arguments;
};

Result<PlainWords> plain_words(const std::vector<std::string>& words, const Specs& specs, bool qm_style) {
  PlainWords plain;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      plain.arguments.insert(plain.arguments.end(), words.begin() + std::ptrdiff_t(i) + 1, words.end());
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      plain.arguments.push_back(word);
      continue;
    }
    if (word == "-vv") {
      plain.options.insert(plain.options.end(), 2, po::option("verbose", {}));
      continue;
    }
    Result<Word> read = read_option(word, specs, qm_style);
    if (!read) return read.error();
    const OptionSpec& spec = *read->spec;
    if (!read->value && spec.value == OptionValue::required) {
      if (i + 1 == words.size()) return Failure{"option `--" + std::string(spec.name) + "` needs a value: " + std::string(spec.argument)};
      read->value = words[++i];
    }
    if (!read->value && spec.value == OptionValue::boolean && i + 1 < words.size() && parse_boolean(words[i + 1])) read->value = words[++i];
    if (read->value && spec.value == OptionValue::boolean && !parse_boolean(*read->value))
      return Failure{"option `--" + std::string(spec.name) + "`: `" + *read->value + "` is no boolean (1, on, yes, true, 0, off, no, false)"};
    std::vector<std::string> values;
    if (spec.value != OptionValue::none) values.push_back(read->value.value_or("1"));
    plain.options.emplace_back(std::string(spec.name), std::move(values));
  }
  return plain;
}

po::options_description describe(const Specs& specs) {
  po::options_description description;
  for (const OptionSpec* spec : specs) {
    std::string name(spec->name);
    if (spec->value == OptionValue::none) description.add_options()(name.c_str(), new po::untyped_value(true));
    else description.add_options()(name.c_str(), po::value<std::vector<std::string>>()->composing());
  }
  return description;
}

/// Program_options keeps one value of a flag only: repeated flags are counted beside it.
Result<Options> store(const PlainWords& plain, const Specs& specs) {
  Options options;
  try {
    po::options_description description = describe(specs);
    po::parsed_options parsed(&description);
    for (const po::option& option : plain.options) {
      bool flag = option.value.empty();
      if (flag && options.has(option.string_key)) {
        options.values[option.string_key].push_back("1");
        continue;
      }
      if (flag) options.values[option.string_key] = {"1"};
      parsed.options.push_back(option);
    }
    po::variables_map map;
    po::store(parsed, map);
    for (const auto& [name, value] : map)
      if (const auto* texts = boost::any_cast<std::vector<std::string>>(&value.value())) options.values[name] = *texts;
  } catch (const po::error& error) {
    return Failure{error.what()};
  }
  return options;
}

Result<Globals> take_globals(Options& options) {
  Globals globals;
  auto take = [&](std::string_view name) {
    auto found = options.values.find(name);
    std::vector<std::string> values;
    if (found != options.values.end()) values = std::move(found->second), options.values.erase(found);
    return values;
  };
  if (auto v = take("root"); !v.empty()) globals.root = v.back();
  if (auto v = take("host"); !v.empty()) globals.host = v.back();
  if (auto v = take("format"); !v.empty()) globals.format = v.back();
  if (auto v = take("color"); !v.empty()) globals.color = v.back();
  globals.quiet = !take("quiet").empty();
  globals.verbose = int(take("verbose").size());
  globals.help = !take("help").empty();
  globals.version = !take("version").empty();
  if (globals.color != "auto" && globals.color != "always" && globals.color != "never")
    return Failure{"`--color` is auto, always or never, not `" + globals.color + "`"};
  if (globals.root.empty()) return Failure{"`--root` needs a directory"};
  return globals;
}

}  // namespace

bool Options::flag(std::string_view name) const {
  auto found = values.find(name);
  return found != values.end() && parse_boolean(found->second.back()).value_or(false);
}

std::string Options::text(std::string_view name) const {
  auto found = values.find(name);
  return found == values.end() ? std::string() : found->second.back();
}

std::vector<std::string> Options::list(std::string_view name) const {
  std::vector<std::string> items;
  auto found = values.find(name);
  if (found == values.end()) return items;
  for (std::string value : found->second) {
    std::replace_if(value.begin(), value.end(), [](char c) { return c == ',' || c == ';' || c == '\0'; }, ' ');
    for (std::string_view word : words(value)) items.emplace_back(word);
  }
  return items;
}

std::span<const OptionSpec> global_options() { return globals_table; }

Result<ParsedLine> parse_options(const std::vector<std::string>& words, std::span<const OptionSpec> own, bool qm_style) {
  Specs specs = all_specs(own);
  Result<PlainWords> plain = plain_words(words, specs, qm_style);
  if (!plain) return plain.error();
  Result<Options> options = store(*plain, specs);
  if (!options) return options.error();
  Result<Globals> globals = take_globals(*options);
  if (!globals) return globals.error();
  return ParsedLine{std::move(*globals), std::move(*options), std::move(plain->arguments)};
}

}  // namespace hostpci
