// The parsers that every grammar of this room needs and X3 does not have; the one header that includes Spirit
// (precompiled).
#pragma once
#include <array>
#include <boost/spirit/home/x3.hpp>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "text/span.hpp"

namespace hostpci::grammar {
namespace x3 = boost::spirit::x3;

using Iterator = const char*;

inline std::string_view view_of(Iterator begin, Iterator end) { return {begin, std::size_t(end - begin)}; }

/// What every grammar finds in its context: the text's first byte, and the offset that byte has. A grammar derives from
/// it what it keeps besides.
struct Text {
  Iterator begin;
  std::uint32_t base = 0;
  std::uint32_t offset(Iterator p) const { return base + std::uint32_t(p - begin); }
  Span span(Iterator b, Iterator e) const { return {offset(b), offset(e)}; }
};
struct text_tag;
template <class Context>
auto& text(const Context& context) {
  return x3::get<text_tag>(context);
}

/// Runs p from `first` on and moves `first` past what it took. `source` is a Text or derived from it.
template <class P, class Source, class Attribute>
bool parse(const P& p, Source& source, Iterator& first, Iterator last, Attribute& attribute) {
  return x3::as_parser(p).parse(first, last, x3::make_context<text_tag>(source), x3::unused, attribute);
}

/// A parser without an attribute of its own.
template <class Derived>
struct bare_parser : x3::parser<Derived> {
  using attribute_type = x3::unused_type;
  static bool const has_attribute = false;
};

/// A parser of a T.
template <class T, class Derived>
struct typed_parser : x3::parser<Derived> {
  using attribute_type = T;
  static bool const has_attribute = true;
};

template <class P, class Derived>
struct bare_directive : x3::unary_parser<P, Derived> {
  using x3::unary_parser<P, Derived>::unary_parser;
  using attribute_type = x3::unused_type;
  static bool const has_attribute = false;
  static bool const handles_container = false;
};

/// Makes `generator[p]` out of a directive.
template <template <class> class Directive>
struct directive_generator {
  template <class P>
  constexpr auto operator[](const P& p) const {
    return Directive<typename x3::extension::as_parser<P>::value_type>{x3::as_parser(p)};
  }
};

/// into<&T::member>[p], into<&T::member, &T::span>[p]: p fills the member of the enclosing rule's attribute; the second
/// notes where.
template <auto Member, auto Where, class P>
struct into_parser : bare_directive<P, into_parser<Member, Where, P>> {
  using bare_directive<P, into_parser>::bare_directive;
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, Attribute&) const {
    Iterator const start = first;
    if (!this->subject.parse(first, last, context, owner, owner.*Member)) return false;
    if constexpr (!std::is_same_v<decltype(Where), std::nullptr_t>) owner.*Where = text(context).span(start, first);
    return true;
  }
};
template <auto Member, auto Where = nullptr>
struct into_generator {
  template <class P>
  constexpr auto operator[](const P& p) const {
    return into_parser<Member, Where, typename x3::extension::as_parser<P>::value_type>{x3::as_parser(p)};
  }
};
template <auto Member, auto Where = nullptr>
inline constexpr into_generator<Member, Where> into{};

/// spot<&T::view, &T::span>[p]: p's own text as a string_view member of the enclosing rule's attribute, and where it
/// stands. Either may be nullptr.
template <auto View, auto Where, class P>
struct spot_parser : bare_directive<P, spot_parser<View, Where, P>> {
  using bare_directive<P, spot_parser>::bare_directive;
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, Attribute&) const {
    Iterator const start = first;
    if (!this->subject.parse(first, last, context, owner, x3::unused)) return false;
    if constexpr (!std::is_same_v<decltype(View), std::nullptr_t>) owner.*View = view_of(start, first);
    if constexpr (!std::is_same_v<decltype(Where), std::nullptr_t>) owner.*Where = text(context).span(start, first);
    return true;
  }
};
template <auto View, auto Where = nullptr>
struct spot_generator {
  template <class P>
  constexpr auto operator[](const P& p) const {
    return spot_parser<View, Where, typename x3::extension::as_parser<P>::value_type>{x3::as_parser(p)};
  }
};
template <auto View, auto Where = nullptr>
inline constexpr spot_generator<View, Where> spot{};

/// node[p]: p as the body of a rule whose attribute is a struct that p's own into<> and spot<> fill.
template <class P>
struct node_parser : bare_directive<P, node_parser<P>> {
  using bare_directive<P, node_parser>::bare_directive;
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, Attribute&) const {
    return this->subject.parse(first, last, context, owner, x3::unused);
  }
};
inline constexpr directive_generator<node_parser> node{};

/// p separated by `separator` into a vector, each element parsed in its place; a separator promises another p.
template <class P>
struct items_parser : x3::unary_parser<P, items_parser<P>> {
  constexpr items_parser(const P& p, char s) : x3::unary_parser<P, items_parser>(p), separator(s) {}
  using attribute_type = std::vector<typename x3::traits::attribute_of<P, x3::unused_type>::type>;
  static bool const has_attribute = true;
  static bool const handles_container = true;
  template <class Context, class Owner, class List>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, List& list) const {
    for (;; ++first) {
      if (!this->subject.parse(first, last, context, owner, list.emplace_back())) return list.pop_back(), false;
      if (first == last || *first != separator) return true;
    }
  }
  char separator;
};
template <class P>
constexpr auto items(const P& p, char separator) {
  return items_parser<P>{p, separator};
}

/// A set of bytes: set("a-z_"), set("^,;") for all but these. A '-' at the end means itself.
class ByteSet {
 public:
  constexpr explicit ByteSet(std::string_view spec) {
    const bool negated = !spec.empty() && spec.front() == '^';
    if (negated) spec.remove_prefix(1);
    has_.fill(negated);
    for (std::size_t i = 0; i < spec.size(); ++i) {
      unsigned from = static_cast<unsigned char>(spec[i]), to = from;
      if (i + 2 < spec.size() && spec[i + 1] == '-') to = static_cast<unsigned char>(spec[i += 2]);
      for (unsigned c = from; c <= to; ++c) has_[c] = !negated;
    }
  }
  constexpr bool operator()(char c) const { return has_[static_cast<unsigned char>(c)]; }

 private:
  std::array<bool, 256> has_{};
};
/// What Perl's \s, C's isspace() and sed's [[:space:]] mean in the C locale.
inline constexpr ByteSet white{"\t\n\v\f\r "};
inline constexpr ByteSet blank{"\t "};

/// A run of bytes of a set, at least Min long; the set is a constant that outlives the parser.
template <unsigned Min>
struct run_parser : bare_parser<run_parser<Min>> {
  constexpr explicit run_parser(const ByteSet& s) : set(&s) {}
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute&) const {
    Iterator p = first;
    while (p != last && (*set)(*p)) ++p;
    if (p - first < std::ptrdiff_t(Min)) return false;
    first = p;
    return true;
  }
  const ByteSet* set;
};
constexpr run_parser<1> some(const ByteSet& set) { return run_parser<1>{set}; }
constexpr run_parser<0> any(const ByteSet& set) { return run_parser<0>{set}; }

constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Min to Max hex digits of either case (Max 0: any number) as a T; what T cannot hold becomes its greatest value.
template <class T, int Min, int Max>
struct hex_parser : typed_parser<T, hex_parser<T, Min, Max>> {
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute& attribute) const {
    Iterator p = first;
    std::uint64_t value = 0;
    for (int digit; p != last && (Max == 0 || p - first < Max) && (digit = hex_digit(*p)) >= 0; ++p)
      if (value <= T(-1)) value = value * 16 + unsigned(digit);
    if (p - first < Min) return false;
    if constexpr (!std::is_same_v<std::remove_const_t<Attribute>, x3::unused_type>)
      attribute = value > T(-1) ? T(-1) : T(value);
    first = p;
    return true;
  }
};
template <class T, int Min, int Max>
inline constexpr hex_parser<T, Min, Max> hex{};

/// The rest of the line without its end: up to a line feed or the text's end.
struct to_line_end_parser : bare_parser<to_line_end_parser> {
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute&) const {
    if (first == last) return true;
    const void* end = __builtin_memchr(first, '\n', std::size_t(last - first));
    first = end ? static_cast<Iterator>(end) : last;
    return true;
  }
};
inline constexpr to_line_end_parser to_line_end{};

}  // namespace hostpci::grammar
