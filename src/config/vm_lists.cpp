// Lists of names: cut, and the deletions of [PENDING] read and written.
#include "config/vm_lists.hpp"

#include <algorithm>
#include <set>

#include "text/words.hpp"

namespace hostpci {

std::vector<std::string_view> list_items(std::string_view text) {
  using namespace std::string_view_literals;
  constexpr std::string_view separators = ",; \t\r\n\v\f\0"sv;
  std::vector<std::string_view> items;
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != text.npos;) {
    std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    items.push_back(text.substr(at, end - at));
    at = end;
  }
  return items;
}

std::vector<PendingDelete> parse_pending_delete(std::string_view list) {
  std::vector<PendingDelete> deletes;
  std::set<std::string_view> seen;
  auto items = list_items(list);
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    bool force = item->starts_with('!');
    std::string_view key = item->substr(force);
    if (!key.empty() && seen.insert(key).second) deletes.push_back({std::string(key), force});
  }
  std::reverse(deletes.begin(), deletes.end());
  return deletes;
}

std::string format_pending_delete(std::vector<PendingDelete> deletes) {
  std::sort(deletes.begin(), deletes.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<std::string> words;
  for (const PendingDelete& item : deletes) words.push_back((item.force ? "!" : "") + item.key);
  return join(words, ",");
}

}  // namespace hostpci
