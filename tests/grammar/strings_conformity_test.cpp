// Every recorded property string against what Proxmox VE itself said: verdict, values, printed text, blamed keys.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "grammar/hostpci.hpp"

namespace hostpci {
namespace {

struct Difference {
  std::string_view input, reason;
};
/// Cases in which we mean to differ from PVE.
constexpr std::array<Difference, 0> deliberate_differences{};

bool differs_on_purpose(std::string_view input) {
  for (const Difference& d : deliberate_differences)
    if (d.input == input) return true;
  return false;
}

std::string value_of(const HostpciProperty& p) {
  if (type(p.key) != HostpciType::boolean) return std::string(p.value);
  return parse_boolean(p.value).value() ? "1" : "0";
}

void check_accepted(const boost::json::object& expected, const Hostpci& parsed) {
  std::map<std::string, std::string> ours, theirs;
  for (const HostpciProperty& p : parsed.properties) ours[std::string(name(p.key))] = value_of(p);
  for (const auto& [key, value] : expected.at("value").as_object()) theirs[key] = std::string(value.as_string());
  CHECK(ours == theirs);
  CHECK(canonical(parsed) == std::string(expected.at("printed").as_string()));
  CHECK(ours.size() == parsed.properties.size());
}

/// The keys PVE blames: one a line behind "format error", or the duplicate's key; none for "missing key".
std::set<std::string> blamed_keys(const std::string& error) {
  const std::string duplicate = "duplicate key in comma-separated list property: ", missing = "missing key in ";
  if (error.rfind(missing, 0) == 0) return {""};
  if (error.rfind(duplicate, 0) == 0) return {error.substr(duplicate.size(), error.size() - duplicate.size() - 1)};
  std::set<std::string> keys;
  for (std::size_t at = error.find('\n') + 1, end; (end = error.find('\n', at)) != std::string::npos; at = end + 1) {
    std::string line = error.substr(at, end - at);
    for (std::string_view mark : {": property is not", ": value", ": type check", ": invalid format"})
      if (std::size_t cut = line.find(mark); cut != std::string::npos) keys.insert(line.substr(0, cut));
  }
  return keys;
}

void check_refused(const std::string& error, const Hostpci& parsed) {
  const std::set<std::string> theirs = blamed_keys(error);
  REQUIRE(!theirs.empty());
  if (error.rfind("format error", 0) != 0) {
    CHECK(parsed.errors.front().key == *theirs.begin());
    return;
  }
  std::set<std::string> ours;
  for (const HostpciError& e : parsed.errors) ours.insert(e.key);
  CHECK(ours == theirs);
}

TEST_CASE("every recorded property string is judged as Proxmox VE judges it") {
  std::ifstream in(FIXTURES "/corpus/hostpci-strings.jsonl");
  int cases = 0;
  for (std::string line; std::getline(in, line); ++cases) {
    const boost::json::object expected = boost::json::parse(line).as_object();
    const std::string input(expected.at("input").as_string());
    if (differs_on_purpose(input)) continue;
    INFO(line);
    const Hostpci parsed = parse_hostpci(input);
    const bool accepted = expected.at("ok").as_bool();
    CHECK(parsed.ok() == accepted);
    if (parsed.ok() != accepted) continue;
    if (accepted)
      check_accepted(expected, parsed);
    else
      check_refused(std::string(expected.at("error").as_string()), parsed);
  }
  CHECK(cases == 664);
}

}  // namespace
}  // namespace hostpci
