// Words that the fault messages share.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

/// Text of a file in backquotes: control characters escaped, long text cut.
std::string quoted(std::string_view text);
/// What to do with a word that stands alone: the property it resembles, or the general form.
std::string near_key_help(std::string_view word);

}  // namespace hostpci
