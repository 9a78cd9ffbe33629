// The checks of a call of `set` that need no file.
#include "config/set_request.hpp"

#include <algorithm>

#include "config/drives.hpp"
#include "config/vm.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Messages = std::vector<std::string>;

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

bool contains(const std::vector<std::string>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string unknown_key(std::string_view option, std::string_view key) {
  std::string message = "`" + std::string(option) + "`: unknown key " + quoted(key);
  if (auto near = closest(key, vm_keys())) message += "; did you mean " + quoted(*near) + "?";
  return message;
}

/// Values of white space would be stored as a blank, which PVE reads as an empty property string.
std::string check_assignment(const SetRequest::Assignment& item) {
  if (!is_set_key(item.key)) return unknown_key("set", item.key);
  std::string key = quoted(item.key);
  if (trim(item.value).empty()) return key + " has no value; to take it out: `-delete " + item.key + "`";
  if (std::string wrong = check_value(item.key, item.value); !wrong.empty()) return key + ": " + printable(wrong);
  if (is_drive(item.key) && asks_for_allocation(item.value))
    return key + ": a new volume would have to be made, which only `qm set` can do";
  return "";
}

void check_sets(const SetRequest& request, Messages& messages) {
  for (const auto& item : request.sets)
    if (std::string message = check_assignment(item); !message.empty()) messages.push_back(std::move(message));
}

void check_deletes(const SetRequest& request, Messages& messages) {
  for (const std::string& key : request.deletes) {
    if (!is_vm_key(key))
      messages.push_back(unknown_key("delete", key));
    else if (request.value(stored_key(key)))
      messages.push_back(quoted(key) + " can't be set and deleted in one call");
    else if (contains(request.reverts, key))
      messages.push_back(quoted(key) + " can't be reverted and deleted in one call");
    else if (key.starts_with("unused") || (request.force && is_drive(stored_key(key))))
      messages.push_back("`delete`: the volume of " + quoted(key) +
                         " would have to be freed, which only `qm set` can do");
  }
}

void check_reverts(const SetRequest& request, Messages& messages) {
  for (const std::string& key : request.reverts) {
    if (!is_vm_key(key))
      messages.push_back(unknown_key("revert", key));
    else if (request.value(stored_key(key)))
      messages.push_back(quoted(key) + " can't be set and reverted in one call");
  }
}

}  // namespace

const std::string* SetRequest::value(std::string_view key) const {
  auto found = std::find_if(sets.begin(), sets.end(), [&](const Assignment& item) { return item.key == key; });
  return found == sets.end() ? nullptr : &found->value;
}

std::string_view stored_key(std::string_view key) { return key == "cdrom" ? "ide2" : key; }

std::vector<std::string> check_request(const SetRequest& request) {
  Messages messages;
  check_sets(request, messages);
  check_deletes(request, messages);
  check_reverts(request, messages);
  if (request.force && request.deletes.empty()) messages.push_back("`force` goes with `delete` only");
  if (request.digest.size() > 40) messages.push_back("`digest` has more than 40 characters");
  if (messages.empty() && request.sets.empty() && request.deletes.empty() && request.reverts.empty())
    messages.push_back("nothing to set, delete or revert");
  return messages;
}

std::string describe(const SetRequest& request) {
  std::vector<std::string> options;
  for (const auto& item : request.sets) options.push_back("-" + item.key + " " + item.value);
  if (!request.deletes.empty()) options.push_back("-delete " + join(request.deletes, ","));
  if (!request.reverts.empty()) options.push_back("-revert " + join(request.reverts, ","));
  if (request.force) options.push_back("-force 1");
  if (request.skiplock) options.push_back("-skiplock 1");
  std::sort(options.begin(), options.end());
  return join(options, " ");
}

}  // namespace hostpci
