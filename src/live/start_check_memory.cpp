// The memory of a start: what the VM pins against what the host has left, in ordinary pages or huge ones.
#include <sys/resource.h>

#include <algorithm>

#include "live/start_check_parts.hpp"
#include "rules/readiness_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* meminfo = "/proc/meminfo";

std::string mib(std::uint64_t value) { return std::to_string(value) + " MiB"; }

/// MiB of a line "MemAvailable:   123456 kB".
std::optional<std::uint64_t> meminfo_mib(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.size() < 2 || parts[0] != key) continue;
    if (auto kib = number(parts[1])) return *kib / 1024;
  }
  return {};
}

/// What ZFS keeps in its cache and gives back, MiB: MemAvailable leaves it out.
std::uint64_t zfs_cache(const FileSystem& system) {
  std::uint64_t size = 0, least = 0;
  std::string text = system.read("/proc/spl/kstat/zfs/arcstats").value_or("");
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.size() == 3 && parts[0] == "size") size = number(parts[2]).value_or(0);
    if (parts.size() == 3 && parts[0] == "c_min") least = number(parts[2]).value_or(0);
  }
  return size > least ? (size - least) >> 20 : 0;
}

/// What the host has left, MiB.
struct Left {
  std::uint64_t available = 0, swap = 0, cache = 0;
  std::string text() const {
    return mib(available) + " available" + (cache ? " and " + mib(cache) + " in the cache of ZFS" : "");
  }
};

std::optional<Left> memory_left(const FileSystem& system) {
  auto text = system.read(meminfo);
  auto available = text ? meminfo_mib(*text, "MemAvailable:") : std::nullopt;
  if (!available) return {};
  return Left{*available, meminfo_mib(*text, "SwapFree:").value_or(0), zfs_cache(system)};
}

/// Huge pages of one size.
struct HugePages {
  std::uint64_t size = 2;  ///< MiB
  std::string path() const {
    return "/sys/kernel/mm/hugepages/hugepages-" + std::to_string(size * 1024) + "kB/free_hugepages";
  }
};

/// `hugepages: any` is 1 GiB where the processor has such pages and the memory is a multiple of it. Source: qemu-server
/// Memory.pm (hugepages_size).
std::optional<HugePages> huge_pages(const FileSystem& system, std::string_view wish, std::uint64_t need) {
  if (wish.empty() || wish == "0") return {};
  if (wish != "any") return HugePages{number(wish).value_or(2)};
  HugePages large{1024};
  return need % large.size == 0 && system.stat(large.path()) ? large : HugePages{2};
}

Check check_ordinary(std::uint64_t need, const Left& left) {
  std::vector<Evidence> read{{meminfo, "MemAvailable " + mib(left.available)}};
  std::string message = mib(need) + " to pin, " + left.text();
  if (need <= left.available) return passed("memory", std::move(message), std::move(read));
  bool squeezed = need <= left.available + left.cache + left.swap;
  if (squeezed)
    return make_check("memory", CheckStatus::warn, message + ": others have to make room", std::move(read),
                      "give the VM less, or stop another");
  return make_check("memory", CheckStatus::fail, std::move(message), std::move(read),
                    "give the VM less, or stop another");
}

/// PVE makes the pages that are missing when the VM starts. Source: qemu-server Memory.pm (hugepages_allocate).
Check check_huge(std::uint64_t need, const HugePages& pages, std::uint64_t free, const std::optional<Left>& left) {
  std::uint64_t wanted = (need + pages.size - 1) / pages.size;
  std::vector<Evidence> read{{pages.path(), std::to_string(free)}};
  std::string message =
      std::to_string(wanted) + " huge pages of " + mib(pages.size) + " wanted, " + std::to_string(free) + " free";
  if (free >= wanted) return passed("memory", std::move(message), std::move(read));
  if (!left) return unknown("memory", message + "; what else is free could not be read", meminfo);
  read.push_back({meminfo, "MemAvailable " + mib(left->available)});
  bool room = (wanted - free) * pages.size <= left->available;
  message += room ? "; Proxmox VE has to make the others, which fails where memory is fragmented"
                  : "; " + left->text() + " to make the others of";
  return make_check("memory", room ? CheckStatus::warn : CheckStatus::fail, std::move(message), std::move(read),
                    "reserve them at boot: `hugepagesz=" + std::to_string(pages.size) +
                        "M hugepages=" + std::to_string(wanted) + "`");
}

/// A snapshot knows what the host has, not what is left.
Check check_total(const StartContext& context, std::uint64_t need) {
  const auto& all = context.facts.host->kernel.memory_kib;
  if (all && *all / 1024 < need)
    return make_check("memory", CheckStatus::fail, mib(need) + " to pin, the host has " + mib(*all / 1024),
                      {{meminfo, "MemTotal"}}, "give the VM less");
  return unknown("memory", mib(need) + " to pin; how much is free is not known", meminfo, "MemAvailable unknown");
}

}  // namespace

Check check_memory(const StartContext& context, const std::vector<StartLine>& lines) {
  std::uint64_t need = memory_mib(context.judged->next);
  bool pins = std::any_of(lines.begin(), lines.end(), [](const StartLine& line) { return !line.mediated(); });
  if (!pins)
    return passed("memory", "mediated devices alone: only what their drivers ask for is pinned",
                  {{context.vm.source->path, mib(need)}});
  if (!context.system) return check_total(context, need);
  auto left = memory_left(*context.system);
  auto pages = huge_pages(*context.system, context.judged->next.text("hugepages"), need);
  if (!pages) return left ? check_ordinary(need, *left) : check_total(context, need);
  auto text = context.system->read_attribute(pages->path());
  auto free = text ? number(trim(*text)) : std::nullopt;
  if (!free)
    return unknown("memory", "how many huge pages of " + mib(pages->size) + " are free could not be read",
                   pages->path());
  return check_huge(need, *pages, *free, left);
}

std::optional<std::uint64_t> lock_limit(const FileSystem& system) {
  constexpr std::uint64_t ipc_lock = 1 << 14;  // CAP_IPC_LOCK
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  std::string status = system.read("/proc/self/status").value_or("");
  for (std::string_view line : split(status, '\n'))
    if (line.starts_with("CapEff:") && (number(trim(line.substr(7)), 16).value_or(0) & ipc_lock)) return {};
  return std::uint64_t(limit.rlim_cur) >> 20;
}

std::uint64_t memory_to_try(const StartContext& context) {
  constexpr std::uint64_t least = 256;
  std::uint64_t need = memory_mib(context.vm);
  auto left = memory_left(*context.system);
  if (!left) return std::min(need, least);
  return std::min(need, std::max(left->available / 4, std::min(least, left->available)));
}

}  // namespace hostpci
