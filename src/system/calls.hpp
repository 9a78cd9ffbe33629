// System calls of the real file system that need more than one line: begun again after a signal, repeated to the end.
#pragma once
#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

namespace hostpci {

/// As read(2), but begun again when a signal came between.
inline ssize_t read_some(int file, char* to, std::size_t size) {
  ssize_t n;
  do n = ::read(file, to, size);
  while (n < 0 && errno == EINTR);
  return n;
}

/// Calls f(name, is a regular file) for every entry of an open directory but . and .. False: see errno.
template <class F>
bool each_entry(int directory, char* buffer, std::size_t size, F f) {
  ssize_t filled;
  while ((filled = getdents64(directory, buffer, size)) > 0)
    for (ssize_t at = 0; at < filled;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") f(name, entry->d_type == DT_REG);
      at += entry->d_reclen;
    }
  return filled == 0;
}

inline bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(std::size_t(n));
  }
  return true;
}

}  // namespace hostpci
