// Standard output: collected, written whole, checked; and tables.
#include "cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/log.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

constexpr std::size_t flush_at = 1 << 16;

/// Code points, which is near enough to columns for what sysfs and configurations hold.
std::size_t display_width(std::string_view text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value && std::strcmp(value, "0") != 0;
}

}  // namespace

Output& Output::operator<<(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= flush_at) flush();
  return *this;
}

bool Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !failed_) {
    ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (n >= 0) rest.remove_prefix(std::size_t(n));
    else if (errno == EPIPE) break;
    else if (errno != EINTR) {
      failed_ = true;
      log_error(std::string("cannot write standard output: ") + std::strerror(errno));
    }
  }
  buffer_.clear();
  return !failed_;
}

bool Output::colour(std::string_view when) {
  if (when != "auto") return when == "always";
  if (std::getenv("NO_COLOR") && *std::getenv("NO_COLOR")) return false;
  if (environment("CLICOLOR_FORCE")) return true;
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && terminal && std::strcmp(terminal, "dumb") != 0;
}

unsigned Output::width() {
  winsize size{};
  return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string Table::str() const {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> rows = rows_;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace hostpci
