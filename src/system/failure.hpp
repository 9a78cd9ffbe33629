// How the file systems tell what the kernel refused.
#pragma once
#include <string>
#include <system_error>

#include "text/escape.hpp"
#include "text/result.hpp"

namespace hostpci {

/// "cannot read `/etc/x`: Permission denied", with the code.
inline Failure system_failure(std::string_view verb, const std::string& path, int code) {
  std::string reason = std::generic_category().message(code);
  return {"cannot " + std::string(verb) + " `" + printable(path) + "`: " + reason, code};
}

}  // namespace hostpci
