// Findings are compared by what they say, not by where they stand; the file is JSON that a person can review.
#include "diag/baseline.hpp"

#include <boost/json.hpp>
#include <limits>
#include <map>
#include <optional>

#include "text/digest.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// File, rule, key, message: the order of entries.
using Key = std::tuple<std::string, std::string, std::string, std::string>;

Key key_of(const BaselineEntry& e) { return {e.file, e.rule, e.key, e.message}; }
Key key_of(const Diagnostic& d) { return {utf8(d.place.file()), utf8(d.rule), utf8(d.key), utf8(d.message)}; }

using Counted = std::map<Key, std::size_t>;

std::vector<BaselineEntry> entries_of(const Counted& counted) {
  std::vector<BaselineEntry> out;
  for (const auto& [key, count] : counted)
    if (count) out.push_back({std::get<1>(key), std::get<0>(key), std::get<2>(key), std::get<3>(key), count});
  return out;
}

json::object entry_object(const BaselineEntry& e) {
  return {{"rule", e.rule}, {"file", e.file}, {"key", e.key}, {"message", e.message}, {"count", e.count}};
}

/// Reads one file; the first thing that is wrong ends it.
class Reader {
 public:
  explicit Reader(std::string_view path) : path_(path) {}

  Result<Baseline> read(std::string_view text) {
    std::optional<json::value> value = parsed(text);
    if (value) read_document(*value);
    if (!wrong_.empty()) return Failure{printable(path_) + wrong_};
    return Baseline{entries_of(counted_)};
  }

 private:
  bool refuse(std::string why) {
    if (wrong_.empty()) wrong_ = std::move(why);
    return false;
  }

  std::optional<json::value> parsed(std::string_view text) {
    json::stream_parser parser;
    boost::system::error_code error;
    std::size_t read = parser.write_some(text.data(), text.size(), error);
    if (!error && read < text.size()) error = json::error::extra_data;
    if (!error) parser.finish(error);
    if (!error) return parser.release();
    Source source{{}, std::string(text)};
    Position at = source.position(std::uint32_t(read));
    refuse(":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": no JSON: " + error.message());
    return std::nullopt;
  }

  void read_document(const json::value& value) {
    const json::object* document = value.if_object();
    const json::value* version = document ? document->if_contains("version") : nullptr;
    const json::value* findings = document ? document->if_contains("findings") : nullptr;
    if (!version || !findings || !findings->is_array())
      return void(refuse(": no baseline: it has no `version` or no list `findings`"));
    if (!version->is_int64() || version->as_int64() != 1)
      return void(refuse(": `version` is " + printable(json::serialize(*version)) + ", this hostpci reads 1"));
    std::size_t index = 0;
    for (const json::value& entry : findings->as_array())
      if (!read_entry(entry, ": findings[" + std::to_string(index++) + "]")) return;
  }

  bool read_entry(const json::value& value, const std::string& where) {
    const json::object* entry = value.if_object();
    if (!entry) return refuse(where + " is no object");
    BaselineEntry e;
    if (!text_field(*entry, "rule", where, e.rule) || !text_field(*entry, "file", where, e.file)) return false;
    if (!text_field(*entry, "key", where, e.key) || !text_field(*entry, "message", where, e.message)) return false;
    const json::value* count = entry->if_contains("count");
    if (!count) return refuse(where + " has no `count`");
    if (!count->is_int64() || count->as_int64() < 1 || count->as_int64() > std::numeric_limits<std::int32_t>::max())
      return refuse(where + ".count is no count from 1 on");
    counted_[key_of(e)] += std::size_t(count->as_int64());
    return true;
  }

  bool text_field(const json::object& entry, const char* name, const std::string& where, std::string& out) {
    const json::value* field = entry.if_contains(name);
    if (!field) return refuse(where + " has no `" + name + "`");
    if (!field->is_string()) return refuse(where + "." + name + " is no string");
    out = std::string(field->as_string());
    return true;
  }

  std::string_view path_;
  std::string wrong_;
  Counted counted_;
};

}  // namespace

std::string fingerprint(const Diagnostic& d) {
  std::string all;
  for (const std::string* part : {&d.rule, &d.place.file(), &d.key, &d.message}) all.append(*part).push_back('\0');
  return sha1_hex(all);
}

Baseline make_baseline(const Report& report) {
  Counted counted;
  for (const Diagnostic& d : report.diagnostics) ++counted[key_of(d)];
  return {entries_of(counted)};
}

std::string write_baseline(const Baseline& baseline) {
  std::string out = "{\"version\":1,\"findings\":[";
  for (const BaselineEntry& e : baseline.entries) {
    if (!out.ends_with('[')) out += ',';
    out += "\n" + terminal_safe_json(json::serialize(entry_object(e)));
  }
  return out + "\n]}\n";
}

Result<Baseline> read_baseline(std::string_view path, std::string_view text) { return Reader(path).read(text); }

Rebased apply_baseline(const Baseline& baseline, Report report) {
  Counted left;
  for (const BaselineEntry& e : baseline.entries) left[key_of(e)] += e.count;
  std::vector<Diagnostic> rest;
  std::size_t known = 0;
  for (Diagnostic& d : report.diagnostics) {
    auto entry = left.find(key_of(d));
    if (entry != left.end() && entry->second)
      --entry->second, ++known;
    else
      rest.push_back(std::move(d));
  }
  return {make_report(std::move(rest), report.summary.vms, report.summary.rules), known, entries_of(left)};
}

}  // namespace hostpci
