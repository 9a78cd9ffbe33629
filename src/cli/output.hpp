// Standard output: collected, written whole, and checked: a full disk is an error, not a silent loss.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

class Output {
 public:
  Output& operator<<(std::string_view text);
  /// Writes what is collected. False if the system refused it (told once on standard error); a closed pipe is no error.
  bool flush();
  bool failed() const { return failed_; }
  /// Colours: asked for, or allowed on a terminal (NO_COLOR, CLICOLOR_FORCE, TERM=dumb).
  static bool colour(std::string_view when);
  /// Columns of the terminal, 0 if standard output is none.
  static unsigned width();

 private:
  std::string buffer_;
  bool failed_ = false;
};

/// Columns of text aligned by their display width; the last one is not padded. Control characters are escaped.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string str() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hostpci
