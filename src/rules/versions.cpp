// Versions of packages and machine types, as far as rules compare them.
#include "rules/versions.hpp"

#include "text/words.hpp"

namespace hostpci {
namespace {

std::string_view upstream(std::string_view version) {
  std::size_t epoch = version.find(':');
  if (epoch != version.npos) version.remove_prefix(epoch + 1);
  return version.substr(0, version.find_first_of("-+~"));
}

std::uint64_t take_number(std::string_view& rest) {
  std::size_t end = rest.find('.');
  std::uint64_t value = number(rest.substr(0, end)).value_or(0);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return value;
}

std::string_view installed(const Host& host, std::string_view package) {
  auto at = host.packages.find(std::string(package));
  return at == host.packages.end() ? std::string_view() : std::string_view(at->second);
}

}  // namespace

int compare_versions(std::string_view a, std::string_view b) {
  a = upstream(a);
  b = upstream(b);
  while (!a.empty() || !b.empty()) {
    std::uint64_t x = take_number(a), y = take_number(b);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

bool at_least(const Host& host, std::string_view package, std::string_view version) {
  std::string_view have = installed(host, package);
  return have.empty() || compare_versions(have, version) >= 0;
}

std::optional<std::pair<int, int>> qemu_version(const Host& host) {
  std::string_view version = upstream(installed(host, "pve-qemu-kvm"));
  if (version.empty()) return {};
  int major = int(take_number(version));
  return {{major, int(take_number(version))}};
}

bool machine_too_new(const Machine& machine, const Host& host) {
  auto have = qemu_version(host);
  return have && machine.version && *machine.version > *have;
}

}  // namespace hostpci
