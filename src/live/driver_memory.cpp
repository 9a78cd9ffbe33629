// Reading and writing the small files of /run/hostpci/drivers.
#include "live/driver_memory.hpp"

#include <cerrno>

#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* directory = "/run/hostpci/drivers";

/// The name behind `key=`, or nothing if the line is another one or the name is a path.
std::optional<std::string> name_in(std::string_view line, std::string_view key) {
  if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") return {};
  std::string_view name = line.substr(key.size() + 1);
  return name.find('/') == name.npos ? std::optional<std::string>(name) : std::nullopt;
}

std::optional<Placement> parse_memory(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() < 2) return {};
  auto driver = name_in(lines[0], "driver"), driver_override = name_in(lines[1], "driver_override");
  if (!driver || !driver_override) return {};
  return Placement{*driver, *driver_override};
}

}  // namespace

std::string driver_memory_path(const PciAddress& address) { return directory + ("/" + address.str()); }

std::string driver_memory_text(const Placement& placement) {
  return "driver=" + placement.driver + "\ndriver_override=" + placement.driver_override + "\n";
}

Result<std::optional<Placement>> remembered_placement(const FileSystem& system, const PciAddress& address) {
  std::string path = driver_memory_path(address);
  Result<std::string> text = system.read(path);
  if (!text && text.error().code == ENOENT) return std::optional<Placement>();
  if (!text) return text.error();
  std::optional<Placement> placement = parse_memory(*text);
  if (!placement) return Failure{"`" + path + "` does not say which driver the device was on; remove it to go on without"};
  return placement;
}

Status remember_placement(FileSystem& system, const PciAddress& address, const Placement& placement) {
  std::string path = driver_memory_path(address), beside = path + ".new";
  if (Status made = system.make_directory(directory); !made) return made;
  if (Status removed = system.remove(beside); !removed && removed.error().code != ENOENT) return removed;
  if (Status written = system.create(beside, driver_memory_text(placement), 0644, false); !written) return written;
  return system.rename(beside, path);
}

bool is_worth_remembering(const Move& move, bool is_remembered) {
  bool at_home = !move.from.driver.empty() && !is_keeper(move.from.driver);
  return !move.writes.empty() && (at_home || !is_remembered);
}

Status forget_placement(FileSystem& system, const PciAddress& address) {
  Status removed = system.remove(driver_memory_path(address));
  return removed || removed.error().code == ENOENT ? Status(Done{}) : removed;
}

}  // namespace hostpci
