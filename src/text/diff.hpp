// Two texts as a unified diff, as `diff -u` prints it and `patch` reads it.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

/// Empty if the texts are equal. `path` stands in both header lines (`--- a/PATH`, `+++ b/PATH`); three lines of context;
/// a missing last line feed is told in diff's words. Control characters are kept: escape them before a terminal sees them.
std::string unified_diff(std::string_view path, std::string_view before, std::string_view after);

}  // namespace hostpci
