// Words written so that a shell reads them as they are: for commands that are shown, and for scripts that are kept.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// The word itself if nothing in it is special, else in single quotes.
std::string shell_word(std::string_view word);
/// The words with blanks between them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace hostpci
