// journal.json: the record of a transaction, written and read.
#include <algorithm>
#include <boost/json.hpp>

#include "apply/journal.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

json::array commands(const std::vector<PlannedCommand>& list) {
  json::array all;
  for (const PlannedCommand& command : list) all.push_back({{"words", strings(command.words)}, {"reason", command.reason}});
  return all;
}

std::string text(const json::value& value) { return std::string(value.as_string()); }

std::vector<std::string> read_strings(const json::value& value) {
  std::vector<std::string> list;
  for (const json::value& item : value.as_array()) list.push_back(text(item));
  return list;
}

std::vector<PlannedCommand> read_commands(const json::value& value) {
  std::vector<PlannedCommand> list;
  for (const json::value& item : value.as_array()) list.push_back({read_strings(item.at("words")), text(item.at("reason"))});
  return list;
}

/// A path as a transaction writes it down: absolute, without `.`, `..` and empty parts. Recovery goes where it says.
bool is_plain(std::string_view path) {
  if (path.empty() || path[0] != '/' || path.find('\0') != path.npos) return false;
  auto parts = split(path.substr(1), '/');
  return !parts.empty() && std::none_of(parts.begin(), parts.end(), [](std::string_view p) { return p.empty() || p == "." || p == ".."; });
}

bool has_plain_paths(const JournalRecord& record) {
  auto all = [](const auto& list) { return std::all_of(list.begin(), list.end(), is_plain); };
  bool files = std::all_of(record.files.begin(), record.files.end(), [](const JournalFile& file) { return is_plain(file.path); });
  return files && all(record.directories) && all(record.leaves);
}

JournalFile read_file(const json::value& value) {
  JournalFile file;
  file.path = text(value.at("path"));
  if (value.at("before").as_bool()) file.before = "";
  if (value.at("after").as_bool()) file.after = "";
  file.mode = value.at("mode").to_number<std::uint32_t>();
  return file;
}

JournalRecord read_record(const json::value& value) {
  JournalRecord record;
  record.id = text(value.at("id"));
  record.when = text(value.at("when"));
  record.who = text(value.at("who"));
  record.what = text(value.at("what"));
  record.undoes = text(value.at("undoes"));
  for (const json::value& file : value.at("files").as_array()) record.files.push_back(read_file(file));
  record.directories = read_strings(value.at("directories"));
  record.leaves = read_strings(value.at("leaves"));
  record.refresh = read_commands(value.at("refresh"));
  record.undo = read_commands(value.at("undo"));
  return record;
}

}  // namespace

std::string journal_text(const JournalRecord& record) {
  json::array files;
  for (const JournalFile& file : record.files)
    files.push_back({{"path", file.path}, {"before", file.before.has_value()}, {"after", file.after.has_value()}, {"mode", file.mode}});
  json::object all = {{"version", 1},
                      {"id", record.id},
                      {"when", record.when},
                      {"who", record.who},
                      {"what", record.what},
                      {"undoes", record.undoes},
                      {"files", std::move(files)},
                      {"directories", strings(record.directories)},
                      {"leaves", strings(record.leaves)},
                      {"refresh", commands(record.refresh)},
                      {"undo", commands(record.undo)}};
  return json::serialize(all) + "\n";
}

/// Names of files may hold bytes that are no UTF-8.
std::optional<JournalRecord> read_journal_text(const std::string& text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  try {
    json::value value = json::parse(text, {}, options);
    if (value.at("version") != 1) return std::nullopt;
    JournalRecord record = read_record(value);
    if (!has_plain_paths(record)) return std::nullopt;
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace hostpci
