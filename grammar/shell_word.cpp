// Words of the POSIX shell (dash): quotes, escapes, and expansions that are stepped over but never made.
#include "grammar/shell_word.hpp"

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet name_start{"a-zA-Z_"}, name_byte{"a-zA-Z0-9_"}, not_single_quote{"^'"},
    special_parameter{"0-9@*#?$!-"};
constexpr ByteSet ends_word{"\t\n ;&|<>()"}, plain_byte{"^\t\n ;&|<>()'\"\\$`"}, plain_in_double{"^\"\\$`"};

const auto name = &some(name_start) >> some(name_byte);
const auto single_quoted = '\'' >> any(not_single_quote) >> '\'';

class Reader {
 public:
  Reader(Iterator first, Iterator last, std::string_view self) : at_(first), last_(last), self_(self) {
    word_.begin = first;
  }

  ShellWord read() {
    while (at_ != last_ && !ends_word(*at_) && word_.terminated) segment();
    word_.end = at_;
    word_.one_line = word_.text().find('\n') == std::string_view::npos;
    word_.simple = word_.one_line && word_.terminated && segments_ <= 1;
    return std::move(word_);
  }

 private:
  template <class P>
  bool take(const P& p) {
    Text source{at_};
    return parse(p, source, at_, last_, x3::unused);
  }

  void segment() {
    switch (*at_) {
      case '\'': return single();
      case '"': return in_double();
      case '\\': return escape();
      case '$': return bare_expansion();
      case '`': return unknown();
      default: break;
    }
    const Iterator start = at_;
    take(some(plain_byte));
    if (word_.value.empty() && start == word_.begin && *start == '~') word_.plain = false;
    word_.value += view_of(start, at_);
    bare_segment();
  }

  /// Neighbouring pieces without quotes are one segment.
  void bare_segment() {
    if (!bare_) ++segments_;
    bare_ = true;
  }
  void quoted_segment() {
    ++segments_;
    bare_ = false;
    word_.quoted = true;
  }

  void single() {
    const Iterator start = at_;
    quoted_segment();
    if (!take(single_quoted)) return unterminated();
    word_.value += view_of(start + 1, at_ - 1);
  }

  void unterminated() {
    word_.terminated = false;
    at_ = last_;
  }

  /// Outside quotes: the next byte stands for itself; a line feed vanishes with the backslash, which stays at the
  /// text's end.
  void escape() {
    bare_segment();
    word_.quoted = true;
    ++at_;
    if (at_ == last_) return void(word_.value += '\\');
    if (*at_ != '\n') word_.value += *at_;
    ++at_;
  }

  void bare_expansion() {
    bare_segment();
    expansion();
  }
  void unknown() {
    bare_segment();
    skip_brackets();
  }

  void in_double() {
    quoted_segment();
    for (++at_; at_ != last_ && *at_ != '"';) {
      const Iterator start = at_;
      if (take(some(plain_in_double)))
        word_.value += view_of(start, at_);
      else if (*at_ == '\\')
        escape_in_double();
      else if (*at_ == '$')
        expansion();
      else
        skip_brackets();
    }
    if (at_ == last_) return unterminated();
    ++at_;
  }

  void escape_in_double() {
    const char next = at_ + 1 == last_ ? '\0' : at_[1];
    const bool special = next == '$' || next == '`' || next == '"' || next == '\\' || next == '\n';
    if (!special) word_.value += '\\';
    if (special && next != '\n') word_.value += next;
    at_ += special ? 2 : 1;
  }

  /// At '$': the variable's own value at the start is noted, any other expansion makes the value unknown.
  void expansion() {
    const char next = at_ + 1 == last_ ? '\0' : at_[1];
    if (own_value()) return;
    if (next == '(' || next == '{') return skip_brackets();
    if (name_start(next)) {
      ++at_;
      take(name);
      word_.plain = false;
    } else if (special_parameter(next)) {
      at_ += 2;
      word_.plain = false;
    } else {
      word_.value += *at_++;
    }
  }

  bool own_value() {
    const bool at_start = word_.value.empty() && word_.plain && !word_.appends && at_ - word_.begin <= 1;
    if (self_.empty() || !at_start) return false;
    std::string_view rest = view_of(at_ + 1, last_);
    const bool braced = rest.starts_with('{');
    if (braced) rest.remove_prefix(1);
    if (shell_name_length(rest) != self_.size() || !rest.starts_with(self_)) return false;
    if (braced && !rest.substr(self_.size()).starts_with('}')) return false;
    at_ += 1 + self_.size() + (braced ? 2 : 0);
    return word_.appends = true;
  }

  /// Steps over $(…), ${…} or `…` with all that is nested in it.
  void skip_brackets() {
    word_.plain = false;
    std::string closers;
    do {
      const char c = *at_, next = at_ + 1 == last_ ? '\0' : at_[1];
      if (c == '\\') {
        at_ += at_ + 1 == last_ ? 1 : 2;
      } else if (!closers.empty() && c == closers.back()) {
        closers.pop_back(), ++at_;
      } else if (c == '$' && (next == '(' || next == '{')) {
        closers += next == '(' ? ')' : '}', at_ += 2;
      } else if (c == '\'' && closers.back() != '"') {
        if (!take(single_quoted)) return unterminated();
      } else {
        if (c == '`' || c == '"') closers += c;
        if (c == '(' && closers.back() == ')') closers += ')';
        ++at_;
      }
    } while (at_ != last_ && !closers.empty());
    if (!closers.empty()) unterminated();
  }

  Iterator at_, last_;
  std::string_view self_;
  ShellWord word_;
  int segments_ = 0;
  bool bare_ = false;
};

}  // namespace

ShellWord read_shell_word(const char*& first, const char* last, std::string_view self) {
  ShellWord word = Reader(first, last, self).read();
  first = word.end;
  return word;
}

std::size_t shell_name_length(std::string_view text) {
  Text source{text.data()};
  Iterator first = text.data();
  parse(name, source, first, first + text.size(), x3::unused);
  return std::size_t(first - text.data());
}

}  // namespace hostpci
