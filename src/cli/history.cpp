// `history`: what was changed on this host, when, by whom, and whether it was undone.
#include <boost/json.hpp>

#include "apply/transaction.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

void print_text(const std::vector<HistoryEntry>& entries, Output& out) {
  if (entries.empty()) {
    out << "nothing was changed yet\n";
    return;
  }
  Table table({"ID", "WHEN", "WHO", "STATE", "WHAT", "FILES"});
  for (const HistoryEntry& e : entries) table.row({e.id, e.when, e.who, e.state, e.what, join(e.files, " ")});
  out << table.str();
}

void print_json(const std::vector<HistoryEntry>& entries, Output& out) {
  json::array list;
  for (const HistoryEntry& e : entries) {
    json::array files;
    for (const std::string& file : e.files) files.push_back(json::value(utf8(file)));
    list.push_back({{"id", utf8(e.id)}, {"when", utf8(e.when)}, {"who", utf8(e.who)}, {"state", utf8(e.state)}, {"what", utf8(e.what)}, {"files", std::move(files)}});
  }
  out << terminal_safe_json(json::serialize(json::object{{"version", 1}, {"transactions", std::move(list)}})) << "\n";
}

}  // namespace

int run_history(Invocation& invocation) {
  auto world = World::open(invocation.globals);
  auto entries = world ? history((*world)->system()) : Result<std::vector<HistoryEntry>>(world.error());
  if (!entries) {
    log_error(entries.error().message);
    return refused;
  }
  if (invocation.json()) print_json(*entries, *invocation.out);
  else print_text(*entries, *invocation.out);
  return done;
}

}  // namespace hostpci
