// Did you mean: the candidate nearest to a mistyped word.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace hostpci {

/// The nearest candidate by edit distance (a swap of neighbours counts one, letter case and '-' against '_' nothing), or nothing
/// if all are further than a third of the word's length (at least one). The first of equals wins.
std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace hostpci
