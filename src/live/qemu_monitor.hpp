// QEMU's monitor protocol (QMP) as far as it is needed: a greeting, then questions with one answer each.
#pragma once
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "live/qemu_process.hpp"

namespace hostpci {

/// Lines that are no JSON, and events, are passed over.
class QemuMonitor {
 public:
  QemuMonitor(QemuProcess& process, const Deadline& deadline) : process_(process), deadline_(deadline) {}

  /// The version, "7.2.22": QEMU greets when every device has been made.
  Result<std::string> greet();
  /// What the command returned; EBADMSG: QEMU's own refusal, in its words.
  Result<boost::json::value> ask(std::string_view command, boost::json::object arguments = {});

 private:
  Result<boost::json::object> next();

  QemuProcess& process_;
  const Deadline& deadline_;
  int asked_ = 0;
};

}  // namespace hostpci
