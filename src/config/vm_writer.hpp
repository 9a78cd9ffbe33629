// Changes of single keys written into a VM's text one after the other.
#pragma once
#include <string>
#include <string_view>

#include "config/drives.hpp"
#include "config/vm.hpp"
#include "text/edit.hpp"
#include "text/result.hpp"

namespace hostpci {

/// The text is read anew after each change, so that each finds the lines where they are. The first failure stays.
class VmWriter {
 public:
  explicit VmWriter(const Vm& vm) : vm_(vm) {}

  /// Writes the keys in which `after` differs from `before`.
  void change(SectionKind section, const KeyValues& before, const KeyValues& after);
  void remove(SectionKind section, std::string_view key);
  /// Takes [PENDING] out if nothing is left in it. One of several stays: the last one counts, and an earlier one must
  /// not come to life.
  void close_pending();
  Result<std::string> text() const;

 private:
  const VmSection* find(SectionKind section) const;
  void set(SectionKind section, std::string_view key, const std::string& value);
  void make(std::vector<Edit> edits);

  Vm vm_;
  std::string failure_;
};

}  // namespace hostpci
