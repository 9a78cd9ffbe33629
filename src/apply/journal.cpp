// Writing, reading, marking and removing journals.
#include "apply/journal.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <map>

#include "apply/rescue.hpp"
#include "apply/vm_place.hpp"
#include "text/digest.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* home = "/var/lib/hostpci";
constexpr const char* id_format = "%Y%m%d-%H%M%S";
constexpr std::array<const char*, 5> mark_names = {"committed", "done", "undone", "unknown", "unrefreshed"};
constexpr std::string_view half_made = ".new", half_gone = ".old";

std::string directory_path(std::string_view name) { return std::string(Journal::directory) + "/" + std::string(name); }

/// Directories of ours are for root alone, whatever the umask: FileSystem makes them 0755.
class PrivateUmask {
 public:
  PrivateUmask() : before_(::umask(077)) {}
  ~PrivateUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

Status make_home(FileSystem& system) {
  if (system.stat(Journal::directory)) return Done{};
  if (Status made = system.make_directory("/var/lib"); !made) return made;
  PrivateUmask umask;
  if (Status made = system.make_directory(Journal::directory); !made) return made;
  if (Status synced = system.sync_directory("/var/lib"); !synced) return synced;
  return system.sync_directory(home);
}

std::string stamp(std::time_t now, const char* format) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

constexpr std::size_t count_digits = 4;

std::string numbered(const std::string& second, std::uint64_t count) {
  std::string digits = std::to_string(count);
  return second + "-" + std::string(count_digits - digits.size(), '0') + digits;
}

/// "20261121-155800" as a time.
std::time_t time_of(std::string_view second) {
  auto part = [&](std::size_t at, std::size_t size) { return int(number(second.substr(at, size)).value_or(0)); };
  std::tm parts{};
  parts.tm_year = part(0, 4) - 1900, parts.tm_mon = part(4, 2) - 1, parts.tm_mday = part(6, 2);
  parts.tm_hour = part(9, 2), parts.tm_min = part(11, 2), parts.tm_sec = part(13, 2);
  return ::timegm(&parts);
}

/// Greater than all there are, also where the clock was set back.
std::string next_id(const std::vector<std::string>& ids, std::time_t now) {
  constexpr std::size_t second_size = 15;
  std::string second = stamp(now, id_format), last = ids.empty() ? "" : ids.back();
  if (last.substr(0, second_size) < second) return numbered(second, 1);
  std::uint64_t count = number(std::string_view(last).substr(second_size + 1)).value_or(0) + 1;
  if (count < 10000) return numbered(last.substr(0, second_size), count);
  return numbered(stamp(time_of(last) + 1, id_format), 1);
}

/// Names of images with their bytes, as the record has them.
std::map<std::string, const std::string*> images_of(const JournalRecord& record) {
  std::map<std::string, const std::string*> images;
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    if (record.files[i].before) images[std::to_string(i) + ".before"] = &*record.files[i].before;
    if (record.files[i].after) images[std::to_string(i) + ".after"] = &*record.files[i].after;
  }
  return images;
}

/// Where the attributes that belong to an image cannot be kept, its mode must do.
Status give_attributes(FileSystem& system, const JournalFile& file, const std::string& image) {
  if (file.like.empty()) return Done{};
  Status given = system.copy_metadata(file.like, image);
  return given || given.error().code == EOPNOTSUPP || given.error().code == EPERM ? Status(Done{}) : given;
}

Status write_images(FileSystem& system, const JournalRecord& record, const std::string& in) {
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const JournalFile& file = record.files[i];
    std::string number = in + "/" + std::to_string(i);
    if (file.before)
      if (Status made = system.create(number + ".before", *file.before, file.mode, true); !made) return made;
    if (file.after)
      if (Status made = system.create(number + ".after", *file.after, file.mode, true); !made) return made;
    if (file.before && file.after) continue;  // the file itself keeps them
    std::string lone = number + (file.before ? ".before" : ".after");
    if (Status given = give_attributes(system, file, lone); !given) return given;
  }
  return Done{};
}

/// In a rescue shell there is no /etc/pve: a script is for what lies elsewhere.
bool wants_rescue(const JournalRecord& record) {
  return std::any_of(record.files.begin(), record.files.end(), [](const JournalFile& file) { return !in_cluster(file.path); });
}

std::string digest_line(const std::string& name, const std::string& bytes) { return sha256_hex(bytes) + "  " + name + "\n"; }

Status write_all(FileSystem& system, const JournalRecord& record, const std::string& in) {
  if (Status made = system.make_one_directory(in); !made) return made;
  if (Status made = write_images(system, record, in); !made) return made;
  std::string text = journal_text(record), digests = digest_line("journal.json", text);
  for (const auto& [name, bytes] : images_of(record)) digests += digest_line(name, *bytes);
  if (Status made = system.create(in + "/journal.json", text, 0600, true); !made) return made;
  if (wants_rescue(record))
    if (Status made = system.create(in + "/undo.sh", rescue_script(record), 0700, true); !made) return made;
  if (Status made = system.create(in + "/digests", digests, 0600, true); !made) return made;
  return system.sync_directory(in);
}

Status remove_tree(FileSystem& system, const std::string& path) {
  auto names = system.list(path);
  if (!names) return names.error();
  for (const std::string& name : *names)
    if (Status removed = system.remove(path + "/" + name); !removed) return removed;
  return system.remove_directory(path);
}

Failure damaged(const std::string& path, const std::string& why) { return {"`" + printable(path) + "` is damaged: " + why}; }

using Digests = std::map<std::string, std::string, std::less<>>;

std::optional<Digests> read_digests(const std::string& text) {
  Digests digests;
  if (text.empty() || text.back() != '\n') return std::nullopt;
  for (std::string_view line : split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    if (line.size() < 67 || line.substr(64, 2) != "  ") return std::nullopt;
    digests.emplace(line.substr(66), line.substr(0, 64));
  }
  return digests;
}

Result<std::string> read_checked(const FileSystem& system, const std::string& in, const std::string& name, const Digests& digests) {
  auto digest = digests.find(name);
  if (digest == digests.end()) return damaged(in + "digests", "it has no line for `" + name + "`");
  auto bytes = system.read(in + name);
  if (!bytes) return bytes.error();
  if (sha256_hex(*bytes) != digest->second) return damaged(in + name, "its bytes are not those that were written");
  return bytes;
}

Result<Digests> load_digests(const FileSystem& system, const std::string& in) {
  auto text = system.read(in + "digests");
  if (!text) return text.error();
  auto digests = read_digests(*text);
  if (!digests) return damaged(in + "digests", "it does not end where it should");
  return *digests;
}

Result<JournalRecord> load_text(const FileSystem& system, const std::string& id, const Digests& digests) {
  std::string in = directory_path(id) + "/";
  auto json = read_checked(system, in, "journal.json", digests);
  if (!json) return json.error();
  auto record = read_journal_text(*json);
  if (!record || record->id != id) return damaged(in + "journal.json", "it is no record of transaction " + id + " that this version reads");
  return *record;
}

bool is_marked(const FileSystem& system, const std::string& id, Mark mark) {
  return system.stat(directory_path(id) + "/" + mark_names[std::size_t(mark)], false).has_value();
}

}  // namespace

bool is_transaction_id(std::string_view text) {
  auto parts = split(text, '-');
  auto digits = [](std::string_view part) { return number(part).has_value(); };
  return parts.size() == 3 && parts[0].size() == 8 && parts[1].size() == 6 && parts[2].size() == count_digits &&
         std::all_of(parts.begin(), parts.end(), digits);
}

bool is_closed(const FileSystem& system, const std::string& id) {
  return is_marked(system, id, Mark::done) || is_marked(system, id, Mark::undone) || is_marked(system, id, Mark::unknown);
}

bool is_committed(const FileSystem& system, const std::string& id) {
  return is_marked(system, id, Mark::done) || is_marked(system, id, Mark::committed);
}

Result<std::vector<std::string>> Journal::list(const FileSystem& system) {
  auto names = system.list(directory);
  if (!names && names.error().code == ENOENT) return std::vector<std::string>();
  if (!names) return names.error();
  std::erase_if(*names, [](const std::string& name) { return !is_transaction_id(name); });
  return names;
}

/// The directory gets its name when all in it is on the disk, and the name is on the disk before anything else happens.
Result<Journal> Journal::begin(FileSystem& system, JournalRecord record) {
  if (Status made = make_home(system); !made) return made.error();
  auto ids = list(system);
  if (!ids) return ids.error();
  std::time_t now = std::time(nullptr);
  record.id = next_id(*ids, now);
  record.when = stamp(now, "%Y-%m-%dT%H:%M:%SZ");
  std::string path = directory_path(record.id), fresh = path + std::string(half_made);
  PrivateUmask umask;
  Status written = write_all(system, record, fresh);
  if (written) written = system.rename(fresh, path);
  if (!written) {
    (void)remove_tree(system, fresh);
    return written.error();
  }
  if (Status synced = system.sync_directory(directory); !synced) {
    (void)discard(system, record.id);
    return synced.error();
  }
  return Journal(std::move(record));
}

Journal Journal::unwritten(JournalRecord record) {
  record.id = numbered(stamp(std::time(nullptr), id_format), 1);
  return Journal(std::move(record));
}

Result<Journal> Journal::load(const FileSystem& system, const std::string& id) {
  std::string in = directory_path(id) + "/";
  auto digests = load_digests(system, in);
  if (!digests) return digests.error();
  auto record = load_text(system, id, *digests);
  if (!record) return record.error();
  for (std::size_t i = 0; i < record->files.size(); ++i)
    for (bool before : {true, false}) {
      auto& image = before ? record->files[i].before : record->files[i].after;
      if (!image) continue;
      auto bytes = read_checked(system, in, std::to_string(i) + (before ? ".before" : ".after"), *digests);
      if (!bytes) return bytes.error();
      image = std::move(*bytes);
    }
  return Journal(std::move(*record));
}

Result<JournalRecord> Journal::load_record(const FileSystem& system, const std::string& id) {
  auto digests = load_digests(system, directory_path(id) + "/");
  if (!digests) return digests.error();
  return load_text(system, id, *digests);
}

Status Journal::sweep(FileSystem& system) {
  auto names = system.list(directory);
  if (!names) return names.error().code == ENOENT ? Status(Done{}) : Status(names.error());
  for (const std::string& name : *names) {
    bool ours = name.ends_with(half_made) || name.ends_with(half_gone);
    if (!ours || !is_transaction_id(std::string_view(name).substr(0, name.size() - half_made.size()))) continue;
    if (Status removed = remove_tree(system, directory_path(name)); !removed) return removed;
  }
  return Done{};
}

Status Journal::discard(FileSystem& system, const std::string& id) {
  std::string path = directory_path(id), going = path + std::string(half_gone);
  if (Status renamed = system.rename(path, going); !renamed) return renamed;
  if (Status removed = remove_tree(system, going); !removed) return removed;
  return system.sync_directory(directory);
}

void Journal::prune(FileSystem& system, std::size_t keep) {
  auto ids = list(system);
  if (!ids || ids->size() <= keep) return;
  for (std::size_t i = 0; i < ids->size() - keep; ++i)
    if (is_closed(system, (*ids)[i]) && !discard(system, (*ids)[i])) return;
}

std::string Journal::image_path(std::size_t file, bool before) const {
  return path(std::to_string(file) + (before ? ".before" : ".after"));
}

bool Journal::has(const FileSystem& system, Mark mark) const { return is_marked(system, id(), mark); }

/// Its being there is all that it says: no bytes need a sync, but its name does.
/// A mark that may not outlast a power failure is taken back: half of those who read it would go on, the other half undo.
Status Journal::mark(FileSystem& system, const std::string& name) const {
  Status made = system.create(path(name), "", 0600, false);
  if (!made && made.error().code == EEXIST) made = Done{};
  if (!made) return made;
  Status synced = system.sync_directory(path("."));
  if (!synced) (void)system.remove(path(name));
  return synced;
}

Status Journal::set(FileSystem& system, Mark which) const { return mark(system, mark_names[std::size_t(which)]); }

bool Journal::refreshed(const FileSystem& system, std::size_t command) const {
  return system.stat(path("refreshed-" + std::to_string(command)), false).has_value();
}

Status Journal::set_refreshed(FileSystem& system, std::size_t command) const {
  return mark(system, "refreshed-" + std::to_string(command));
}

}  // namespace hostpci
