// Writing to the kernel and reading back.
#include "live/kernel_write.hpp"

#include <cerrno>

#include "system/held_signals.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

Result<std::string> attribute(const FileSystem& system, const std::string& path) {
  Result<std::string> bytes = system.read(path);
  if (!bytes) return bytes;
  std::string text(trim(*bytes));
  return text == "(null)" ? std::string() : text;
}

Result<std::string> existence(const FileSystem& system, const std::string& path) {
  auto found = system.stat(path);
  if (!found && found.error().code != ENOENT) return found.error();
  return std::string(found ? "there" : "absent");
}

Result<std::string> shown(const FileSystem& system, const KernelWrite& write) {
  switch (write.shows) {
    case Shows::text:
      return attribute(system, write.proof);
    case Shows::link:
      return link_end(system, write.proof);
    case Shows::present:
    case Shows::absent:
      return existence(system, write.proof);
    default:
      return write.expected;
  }
}

std::string expectation(const KernelWrite& write) {
  if (write.shows == Shows::present) return "there";
  return write.shows == Shows::absent ? "absent" : write.expected;
}

std::string words(const std::string& value) { return value.empty() ? "nothing" : "`" + value + "`"; }

Status prove(const FileSystem& system, const KernelWrite& write) {
  Result<std::string> seen = shown(system, write);
  if (!seen) return seen.error();
  if (*seen == expectation(write)) return Done{};
  return Failure{"the kernel took `" + std::string(trim(write.value)) + "` at `" + write.path + "`, but `" + write.proof + "` is " +
                     words(*seen) + ", not " + words(expectation(write)),
                 EIO};
}

}  // namespace

Result<std::string> link_end(const FileSystem& system, const std::string& path) {
  Result<std::string> target = system.read_link(path);
  if (target) return target->substr(target->rfind('/') + 1);
  if (target.error().code == ENOENT) return std::string();
  return target;
}

int time_of(const KernelWrite& write, int milliseconds) {
  if (milliseconds != usual_time) return milliseconds;
  return write.path.ends_with("/drivers_probe") || write.path.ends_with("/sriov_numvfs") ? 60000 : 10000;
}

Status carry_out(FileSystem& system, const KernelWrite& write, int milliseconds) {
  Status written = system.write_attribute(write.path, write.value, time_of(write, milliseconds));
  return written ? prove(system, write) : written;
}

Status carry_out(FileSystem& system, const std::vector<KernelWrite>& writes, int milliseconds) {
  HeldSignals held;
  for (const KernelWrite& write : writes)
    if (Status done = carry_out(system, write, milliseconds); !done) return done;
  return Done{};
}

std::string as_text(const KernelWrite& write) {
  std::string value(trim(write.value));
  return "write " + (value.empty() ? "an empty line" : "`" + value + "`") + " to " + write.path;
}

}  // namespace hostpci
