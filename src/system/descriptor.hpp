// A file descriptor that closes itself.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace hostpci {

/// Owns a descriptor, or none (-1). Closing keeps errno as it was.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    int code = errno;
    if (number_ >= 0) ::close(number_);
    errno = code;
  }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

}  // namespace hostpci
