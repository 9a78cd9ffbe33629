// Commands of a shell fragment, as far as it takes to know which assignments hold: nothing is run, nothing expanded.
#include "grammar/shell_assignments.hpp"

#include <array>
#include <utility>

#include "grammar/kit.hpp"
#include "grammar/shell_word.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet not_line_feed{"^\n"}, operator_byte{";&|"}, redirection_byte{"<>&|-"};
const auto blanks = *(some(blank) | x3::lit("\\\n"));
const auto comment = '#' >> any(not_line_feed);

/// What opens a compound command and what closes it.
struct Compound {
  std::string_view word;
  char opens;   ///< the kind pushed, or 0
  char closes;  ///< the kind popped, or 0
};
constexpr std::array<Compound, 16> reserved{{
    {"if", 'i', 0},
    {"then", 0, 0},
    {"elif", 0, 0},
    {"else", 0, 0},
    {"fi", 0, 'i'},
    {"while", 'l', 0},
    {"until", 'l', 0},
    {"for", 'l', 0},
    {"do", 0, 0},
    {"done", 0, 'l'},
    {"case", 'c', 0},
    {"esac", 0, 'c'},
    {"{", '{', 0},
    {"}", 0, '{'},
    {"!", 0, 0},
    {"in", 0, 0},
}};

const Compound* reserved_word(const ShellWord& word) {
  if (word.quoted) return nullptr;
  for (const Compound& c : reserved)
    if (c.word == word.text()) return &c;
  return nullptr;
}

/// A name and its equals sign at the word's begin; 0 if it is no assignment.
std::size_t assigned_name(std::string_view text) {
  const std::size_t length = shell_name_length(text);
  return length > 0 && length < text.size() && text[length] == '=' ? length : 0;
}

/// Variables that are commonly set for one command only.
bool is_environment(std::string_view name) {
  return name.starts_with("LC_") || name == "LANG" || name == "PATH" || name == "IFS";
}

class Reader {
 public:
  explicit Reader(std::string_view text) : source_{text.data()}, at_(text.data()), last_(text.data() + text.size()) {}

  ShellFile read() {
    while (at_ != last_) step();
    if (!open_.empty()) problem("a compound command (if, case, a loop or a brace) is not closed", last_, last_);
    return std::move(file_);
  }

 private:
  template <class P>
  bool take(const P& p) {
    return parse(p, source_, at_, last_, x3::unused);
  }
  void problem(std::string message, Iterator begin, Iterator end) {
    file_.problems.push_back({std::move(message), source_.span(begin, end)});
  }

  /// One thing at a place where a command may begin.
  void step() {
    take(blanks);
    if (at_ == last_ || take(comment)) return;
    if (*at_ == '\n') return line_feed();
    if (operator_byte(*at_)) return control();
    if (pattern_) return pattern();
    if (*at_ == '(') return open_.push_back('('), static_cast<void>(++at_);
    if (*at_ == ')') return close('('), static_cast<void>(++at_);
    if (*at_ == '<' || *at_ == '>') return redirection();
    command();
    after_and_or_ = false;
  }

  void line_feed() {
    ++at_;
    for (const std::string& delimiter : std::exchange(here_documents_, {})) skip_here_document(delimiter);
  }

  /// `;`, `&`, `|` and their doubles; what follows `&&` or `||` is done on a condition.
  void control() {
    const bool doubled = at_ + 1 != last_ && at_[1] == *at_;
    after_and_or_ = doubled && *at_ != ';';
    if (doubled && *at_ == ';' && !open_.empty() && open_.back() == 'c') pattern_ = true;
    at_ += doubled ? 2 : 1;
  }

  /// The patterns of a case up to `)`, or `esac`.
  void pattern() {
    const Iterator start = at_;
    const ShellWord word = read_shell_word(at_, last_);
    if (word.text() == "esac") return pattern_ = false, close('c');
    if (at_ == start) ++at_;
    if (*start == ')') pattern_ = false;
  }

  void close(char kind) {
    if (!open_.empty() && open_.back() == kind) open_.pop_back();
  }

  // Commands ---------------------------------------------------------------------------------------------------------

  void command() {
    std::vector<ShellAssignment> assignments;
    const Iterator start = at_;
    ShellWord word;
    for (;;) {
      take(blanks);
      if (at_ != last_ && *at_ == '#') break;
      const Iterator begin = at_;
      const std::size_t name = assigned_name(view_of(at_, last_));
      if (name == 0) {
        word = read_shell_word(at_, last_);
        if (at_ == begin) break;
        if (!word.terminated) return unterminated(word);
        return no_assignment(word, assignments, start);
      }
      if (!assignment(name, assignments)) return;
    }
    keep(assignments);
  }

  /// In the background or in a pipe an assignment is lost with its subshell.
  bool in_subshell() const {
    const bool doubled = last_ - at_ > 1 && at_[1] == *at_;
    return at_ != last_ && (*at_ == '&' || *at_ == '|') && !doubled;
  }

  void keep(std::vector<ShellAssignment>& assignments) {
    take(blanks);
    for (ShellAssignment& a : assignments) {
      a.conditional = a.conditional || in_subshell();
      file_.assignments.push_back(std::move(a));
    }
  }

  void unterminated(const ShellWord& word) {
    problem("a quote or bracket is opened here and never closed", word.begin, word.end);
  }

  /// NAME=word at the reader's place; false if it never ends.
  bool assignment(std::size_t name_length, std::vector<ShellAssignment>& assignments) {
    ShellAssignment a;
    const Iterator begin = at_;
    a.name = view_of(begin, begin + name_length);
    a.name_span = source_.span(begin, begin + name_length);
    at_ += name_length + 1;
    ShellWord word = read_shell_word(at_, last_, a.name);
    if (!word.terminated) return unterminated(word), false;
    const bool in_quotes = word.simple && word.end != word.begin && (*word.begin == '"' || *word.begin == '\'');
    a.span = source_.span(begin, word.end);
    a.value_span = source_.span(word.begin + in_quotes, word.end - in_quotes);
    a.value = std::move(word.value);
    a.plain = word.plain;
    a.appends = word.appends;
    a.simple = word.simple;
    a.conditional = !open_.empty() || after_and_or_;
    assignments.push_back(std::move(a));
    return true;
  }

  /// The command's own word has come: what stands before it holds for this command only.
  void no_assignment(const ShellWord& word, std::vector<ShellAssignment>& before, Iterator start) {
    const bool exports = word.plain && (word.value == "export" || word.value == "readonly");
    if (exports) return keep(before), arguments(word, exports);
    if (!before.empty() && !is_environment(before.front().name))
      problem("`" + std::string(before.back().name) +
                  "` is set for a command only: the words behind its value are run as a command; quote them",
              start, word.end);
    const Compound* compound = before.empty() ? reserved_word(word) : nullptr;
    if (compound) return compound_word(*compound);
    if (word.text() == "\r")
      return problem("a carriage return alone on its line is a command to the shell", word.begin, word.end);
    const std::size_t name = shell_name_length(word.text());
    if (name > 0 && word.text().substr(name).starts_with("+="))
      problem("dash has no `+=`: the shell runs this as a command", word.begin, word.end);
    arguments(word, exports);
  }

  void compound_word(const Compound& c) {
    if (c.opens) open_.push_back(c.opens);
    if (c.closes) close(c.closes);
    if (c.word == "for" || c.word == "case") header(c.opens == 'c');
  }

  /// "x in a b" of a for, "$x in" of a case: words that are no command.
  void header(bool is_case) {
    for (;;) {
      take(blanks);
      const Iterator begin = at_;
      const ShellWord word = read_shell_word(at_, last_);
      if (!word.terminated) return unterminated(word);
      if (is_case && word.text() == "in") return static_cast<void>(pattern_ = true);
      if (at_ == begin) return;
    }
  }

  /// The rest of a simple command.
  void arguments(const ShellWord& command, bool exports) {
    bool first = true;
    for (;; first = false) {
      take(blanks);
      const Iterator begin = at_;
      if (at_ != last_ && (*at_ == '<' || *at_ == '>')) {
        redirection();
        continue;
      }
      if (at_ == last_ || *at_ == '#') return;
      std::vector<ShellAssignment> exported;
      if (const std::size_t name = exports ? assigned_name(view_of(at_, last_)) : 0) {
        if (!assignment(name, exported)) return;
        keep(exported);
        continue;
      }
      const ShellWord word = read_shell_word(at_, last_);
      if (at_ == begin) return;
      if (!word.terminated) return unterminated(word);
      const bool spaced =
          first && word.text().starts_with('=') && shell_name_length(command.text()) == command.text().size();
      if (spaced)
        problem("no blank may stand before the `=` of an assignment: the shell runs `" + std::string(command.text()) +
                    "` as a command",
                command.begin, word.end);
    }
  }

  void redirection() {
    const Iterator start = at_;
    take(some(redirection_byte));
    const std::string_view sign = view_of(start, at_);
    take(blanks);
    const ShellWord word = read_shell_word(at_, last_);
    if (!word.terminated) return unterminated(word);
    if (sign == "<<" || sign == "<<-") here_documents_.push_back(word.value);
  }

  void skip_here_document(const std::string& delimiter) {
    while (at_ != last_) {
      const Iterator begin = at_;
      take(to_line_end);
      std::string_view line = view_of(begin, at_);
      if (at_ != last_) ++at_;
      while (line.starts_with('\t')) line.remove_prefix(1);
      if (line == delimiter) return;
    }
  }

  Text source_;
  Iterator at_, last_;
  ShellFile file_;
  std::vector<char> open_;
  std::vector<std::string> here_documents_;
  bool after_and_or_ = false, pattern_ = false;
};

}  // namespace

ShellFile parse_shell_assignments(std::string_view text) { return Reader(text).read(); }

}  // namespace hostpci
