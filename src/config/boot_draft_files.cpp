// Keeps a draft's texts: lines of our own files come and go whole, the record of what is in others' files is one more text.
#include "config/boot_draft_files.hpp"

#include <algorithm>
#include <cassert>

#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view mark = "# Made by hostpci";

struct Header {
  const char* path;
  const char* text;  ///< behind the mark
};
constexpr Header headers[] = {
    {own::grub, ": kernel arguments, one a line."},
    {own::modules, ": modules that are loaded at boot."},
    {own::modprobe, ": how devices come to vfio-pci."},
    {own::udev, ": devices by address."},
    {own::dracut, ": what the initramfs needs for devices of virtual machines."},
    {own::mkinitcpio, ": what the initramfs needs for devices of virtual machines."},
    {own::record, ": what it put into files of others: file, text, what stood there before."},
};

std::string header(const std::string& path) {
  for (const Header& h : headers)
    if (path == h.path) return std::string(mark) + h.text + " It adds and removes single lines; others stay.\n";
  return std::string(mark) + ".\n";
}

bool is_ours(std::string_view text) { return text.substr(0, mark.size()) == mark; }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n'))
    if (!trim(line).empty() && line[0] != '#') lines.emplace_back(line);
  return lines;
}

/// The whole line with its line feed, or an empty span.
Span find_line(std::string_view text, std::string_view line) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find('\n', at), text.size());
    if (text.substr(at, end - at) == line) return {std::uint32_t(at), std::uint32_t(std::min(end + 1, text.size()))};
    at = end + 1;
  }
  return {};
}

OwnEntry read_entry(std::string_view line) {
  auto fields = split(line, '\t');
  auto field = [&](std::size_t i) { return i < fields.size() ? std::string(fields[i]) : std::string(); };
  return {field(0), field(1), field(2)};
}

std::string entry_line(const OwnEntry& e) {
  return e.file + '\t' + e.text + (e.replaced.empty() ? "" : '\t' + e.replaced);
}

/// Debian's modules-load.d/modules.conf is a link to /etc/modules.
constexpr const char* modules = "/etc/modules";
constexpr const char* modules_link = "/etc/modules-load.d/modules.conf";

bool is_mirrored(const DraftFiles::Files& first) {
  auto a = first.find(modules), b = first.find(modules_link);
  return a != first.end() && b != first.end() && a->second == b->second;
}

/// What scan_files() keeps by path, but no file that can be changed.
bool is_listing(const std::string& path) { return path.back() == '/' || path == "/boot/loader/entries"; }

}  // namespace

DraftFiles::DraftFiles(Files files, std::map<std::string, std::string> unreadable)
    : first_(std::move(files)), files_(first_), unreadable_(std::move(unreadable)) {}

const BootConfig& DraftFiles::config() const {
  if (!config_) config_ = read_boot_config(files_, unreadable_);
  return *config_;
}

std::map<std::string, DraftFile> DraftFiles::changed() const {
  std::map<std::string, DraftFile> result;
  const bool mirrored = is_mirrored(first_);
  auto add = [&](const std::string& path, DraftFile file) {
    if (!is_listing(path) && !(mirrored && path == modules_link)) result[path] = std::move(file);
  };
  for (const auto& [path, text] : files_) {
    auto old = first_.find(path);
    if (old == first_.end() || old->second != text) add(path, {text, path == own::initramfs_hook ? 0755u : 0644u});
  }
  for (const auto& [path, text] : first_)
    if (!files_.count(path)) add(path, {});
  return result;
}

void DraftFiles::restore(Files files) {
  files_ = std::move(files);
  config_.reset();
}

void DraftFiles::write(const std::string& path, std::string text) {
  if (path == modules && is_mirrored(first_)) files_[modules_link] = text;
  files_[path] = std::move(text);
  config_.reset();
}

void DraftFiles::edit(const std::string& path, std::vector<Edit> edits) {
  auto text = hostpci::apply(files_[path], std::move(edits));
  assert(text);
  write(path, std::move(*text));
}

void DraftFiles::remove(const std::string& path) {
  files_.erase(path);
  config_.reset();
}

std::vector<std::string> DraftFiles::own_lines(const std::string& path) const {
  auto at = files_.find(path);
  return at == files_.end() || !is_ours(at->second) ? std::vector<std::string>{} : lines_of(at->second);
}

bool DraftFiles::has_own_line(const std::string& path, std::string_view line) const {
  auto lines = own_lines(path);
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

Refused DraftFiles::add_own_line(const std::string& path, std::string_view line) {
  if (auto bad = unreadable_.find(path); bad != unreadable_.end()) return DraftRefusal{path, 0, bad->second};
  auto at = files_.find(path);
  if (at != files_.end() && !is_ours(at->second))
    return DraftRefusal{path, 1, "this file was not made by hostpci: its first line does not say so"};
  if (has_own_line(path, line)) return {};
  std::string text = at == files_.end() ? header(path) : at->second;
  if (text.back() != '\n') text += '\n';
  write(path, text.append(line) + '\n');
  return {};
}

void DraftFiles::remove_own_line(const std::string& path, std::string_view line) {
  auto at = files_.find(path);
  if (at == files_.end() || !is_ours(at->second)) return;
  Span span = find_line(at->second, line);
  if (span.begin == span.end) return;
  std::string text = at->second;
  text.erase(span.begin, span.end - span.begin);
  write(path, std::move(text));
  drop_if_bare(path);
}

void DraftFiles::drop_if_bare(const std::string& path) {
  auto at = files_.find(path);
  if (at != files_.end() && at->second == header(path)) remove(path);
}

std::vector<OwnEntry> DraftFiles::entries() const {
  std::vector<OwnEntry> result;
  for (const std::string& line : own_lines(own::record)) result.push_back(read_entry(line));
  return result;
}

std::optional<OwnEntry> DraftFiles::entry(std::string_view file, std::string_view text) const {
  for (OwnEntry& e : entries())
    if (e.file == file && e.text == text) return std::move(e);
  return {};
}

Refused DraftFiles::note(OwnEntry entry) {
  for (const OwnEntry& e : entries()) {
    auto at = files_.find(e.file.substr(0, e.file.find(' ')));
    bool stale = at != files_.end() && at->second.find(e.text) == std::string::npos;
    if (stale || (e.file == entry.file && e.text == entry.text)) remove_own_line(own::record, entry_line(e));
  }
  return add_own_line(own::record, entry_line(entry));
}

void DraftFiles::forget(std::string_view file, std::string_view text) {
  for (const OwnEntry& e : entries())
    if (e.file == file && e.text == text) remove_own_line(own::record, entry_line(e));
}

}  // namespace hostpci
