// The lines and the JSON of devices that went from driver to driver.
#include "cli/bind_report.hpp"

#include <boost/json.hpp>
#include <set>

#include "cli/log.hpp"
#include "host/groups.hpp"
#include "rules/device.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string or_none(const std::string& driver) { return driver.empty() ? "none" : printable(driver); }

std::string driver_after(const MovesTold& told, const Move& move) {
  if (move.writes.empty()) return move.from.driver;
  auto driver = told.drivers.find(move.address);
  return driver == told.drivers.end() ? move.driver.value_or("") : driver->second;
}

/// The host with what was moved on its new driver.
Host host_after(const MovesTold& told) {
  Host host = told.before;
  for (const Move& move : told.moves)
    if (!move.writes.empty()) host.devices.at(move.address).driver = driver_after(told, move);
  return host;
}

/// " (group 14, viable)"; nothing for a device without a group.
std::string group_words(const Host& host, const PciAddress& address, bool viability) {
  int group = host.find(address)->group.value_or(-1);
  if (group < 0) return "";
  Fact<bool> viable = group_verdict(host, group).viable();
  std::string text = " (group " + std::to_string(group);
  if (viability) text += !viable ? ", viability not known" : *viable ? ", viable" : ", not viable";
  return text + ")";
}

/// `unbind` for what was bound; else a `bind` for each driver that lost something.
void tell_undo(const std::vector<Move>& moves, bool bound, Output& out) {
  std::map<std::string, std::vector<std::string>> by_driver;
  for (const Move& move : moves) {
    if (move.writes.empty() || (!bound && move.from.driver.empty())) continue;
    by_driver[bound ? "" : move.from.driver].push_back(move.address.str());
  }
  for (const auto& [driver, addresses] : by_driver) {
    std::vector<std::string> words{"hostpci", bound ? "unbind" : "bind"};
    words.insert(words.end(), addresses.begin(), addresses.end());
    if (!bound && driver != "vfio-pci") words.insert(words.end(), {"--driver", driver});
    out << "undo: " << printable(shell_line(words)) << "\n";
  }
}

json::object move_json(const MovesTold& told, const Host& host, const Move& move) {
  Fact<int> group = host.find(move.address)->group;
  Fact<bool> viable = group.value_or(-1) < 0 ? Fact<bool>() : group_verdict(host, *group).viable();
  json::array writes;
  for (const KernelWrite& write : move.writes) writes.push_back({{"path", utf8(write.path)}, {"value", utf8(trim(write.value))}});
  return {{"address", move.address.str()},
          {"before", utf8(move.from.driver)},
          {"after", utf8(driver_after(told, move))},
          {"group", group ? json::value(*group) : json::value(nullptr)},
          {"viable", viable ? json::value(*viable) : json::value(nullptr)},
          {"writes", std::move(writes)}};
}

}  // namespace

std::string already_there(const Move& move) {
  return move.address.str() + ": " + (move.from.driver.empty() ? "has no driver" : "is on " + printable(move.from.driver)) + " already";
}

void tell_moves(const MovesTold& told, bool bound, Output& out) {
  Host host = host_after(told);
  for (const Move& move : told.moves) {
    std::string from = or_none(move.from.driver), to = or_none(driver_after(told, move));
    bool stayed = move.writes.empty();
    out << (stayed ? already_there(move) : move.address.str() + ": " + from + " -> " + to + group_words(host, move.address, bound)) << "\n";
  }
  tell_undo(told.moves, bound, out);
}

void tell_moves_json(const MovesTold& told, bool dry, Output& out) {
  Host host = host_after(told);
  json::array devices;
  for (const Move& move : told.moves) devices.push_back(move_json(told, host, move));
  json::object all{{"version", 1}, {"dryRun", dry}, {"devices", std::move(devices)}};
  out << terminal_safe_json(json::serialize(all)) << "\n";
}

void tell_blockers(const MovesTold& told, bool hint) {
  Host host = host_after(told);
  std::set<int> groups;
  for (const Move& move : told.moves)
    if (int group = host.find(move.address)->group.value_or(-1); group >= 0) groups.insert(group);
  for (int group : groups) {
    std::vector<const Device*> blockers = group_verdict(host, group).blockers;
    if (blockers.empty()) continue;
    std::string text = "group " + std::to_string(group) + " is not viable: " + list(blockers);
    text += blockers.size() == 1 ? " is in the way" : " are in the way";
    log_note(text + (hint ? "; `--group` takes the whole group" : ""));
  }
}

}  // namespace hostpci
