// Fixes of findings carried out on texts, round by round, until none is left: what `lint --fix` writes.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// Texts of files by path.
using Texts = std::map<std::string, std::string>;

/// Which fixes are wanted.
struct FixChoice {
  bool unsafe = false;  ///< those too that change what the guest sees
  std::function<bool(const std::string& file)> may_change = [](const std::string&) { return true; };
  /// In place of `unsafe`: whether the finding's fix is wanted. Fixes that are only shown never are.
  std::function<bool(const Diagnostic&)> takes = {};
};

struct Fixed {
  Texts texts;                       ///< only files that changed
  std::vector<Diagnostic> findings;  ///< what lint says of the texts as they are then
  std::size_t fixes = 0;             ///< how many were carried out
  std::vector<Diagnostic> mended;    ///< the findings whose fixes these were
};

/// Lints, carries out every wanted fix that does not touch another one's bytes, and lints again, until a round finds
/// nothing to do. `relint` judges the files with `changed` in place of those on disk. A fix whose edits fit no text is
/// left alone.
Fixed carry_out_fixes(const std::function<std::vector<Diagnostic>(const Texts& changed)>& relint,
                      const std::function<const std::string*(const std::string& file)>& original,
                      const FixChoice& choice);

}  // namespace hostpci
