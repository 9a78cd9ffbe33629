// The files of schemas/ that the executable carries inside (see schemas/embed.cmake).
#pragma once
#include <span>
#include <string_view>

namespace hostpci {

struct EmbeddedFile {
  std::string_view name, text;
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace hostpci
