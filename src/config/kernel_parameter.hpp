// How the kernel takes repeated parameters together, and what that means for adding one or taking one out.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

enum class Repeats : std::uint8_t {
  last,    ///< the last value is kept: default_hugepagesz=, vfio-pci.disable_vga=
  all,     ///< each counts as a whole: video=, console=
  list,    ///< words between commas, of all occurrences: intel_iommu=, initcall_blacklist=
  joined,  ///< words between commas, of the last occurrence only: vfio-pci.ids=, module_blacklist=
};
/// Source: the handlers in linux (intel_iommu_setup, iommu_setup, initcall_blacklist, video_setup, vfio_pci.c …).
Repeats repeats_of(std::string_view name);

/// A kernel argument with texts of its own.
struct KernelWord {
  std::string text, name, value;  ///< name and value without their outer quotes
  bool has_value = false;
  bool for_init = false;  ///< after a lone "--"
};
/// Nothing unless the text is exactly one argument.
std::optional<KernelWord> read_argument(std::string_view text);
/// The same name ('-' equals '_') and value.
bool same_argument(const KernelWord& a, const KernelWord& b);

/// The next change on the way to a command line that says what is wanted.
struct ArgumentStep {
  enum class Kind : std::uint8_t { nothing, append, replace } kind = Kind::nothing;
  std::size_t at = 0;  ///< the word to replace
  std::string text;    ///< to append, or to put in its place
};
ArgumentStep next_step(const std::vector<KernelWord>& words, const KernelWord& wanted);

/// What is left of a word without an argument ("" if nothing is), or nothing if it does not hold it: of lists their
/// words are taken out.
std::optional<std::string> without(const KernelWord& word, const KernelWord& taken);
/// Every word between the commas of `part` is one of `whole` too, and the names are the same.
bool is_within(const KernelWord& part, const KernelWord& whole);

}  // namespace hostpci
