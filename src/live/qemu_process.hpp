// A QEMU that was started to be looked at: its monitor, what it says on standard error, and its end, which comes with
// ours at the latest.
#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apply/txn_locks.hpp"
#include "system/descriptor.hpp"
#include "text/result.hpp"

namespace hostpci {

class QemuProcess {
 public:
  /// The program's path and its arguments. Standard input and output are its monitor (`-qmp stdio`); its environment is
  /// a small, fixed one. It gets SIGKILL when this process ends, whatever ends it.
  static Result<std::unique_ptr<QemuProcess>> start(const std::string& program,
                                                    const std::vector<std::string>& arguments);
  /// Kills it if it still runs.
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  /// ETIMEDOUT: it does not read.
  Status send(std::string_view line);
  /// The next line of the monitor. ETIMEDOUT: none came; ECONNRESET: it has closed the monitor; EMSGSIZE: no line ends.
  Result<std::string> line(const Deadline&);
  /// Waits for its end, or kills it when the time is over: the status of waitpid. Nothing: it was killed, and the kernel has not
  /// ended it within 2 s; it is not waited for any more.
  std::optional<int> end(const Deadline&);
  pid_t pid() const { return pid_; }
  /// What it wrote to standard error so far, the first 64 KiB.
  const std::string& said() const { return said_; }

 private:
  QemuProcess(pid_t pid, Descriptor monitor, Descriptor errors)
      : pid_(pid), monitor_(std::move(monitor)), errors_(std::move(errors)) {}
  bool wait_for_input(const Deadline&);
  void read_errors();
  bool read_monitor();
  bool take_line(std::string& line);
  bool has_ended();
  void wait_for_end(const Deadline&);

  pid_t pid_ = -1;
  int status_ = 0;
  Descriptor monitor_, errors_;
  std::string unread_, said_;
};

}  // namespace hostpci
