// A suggested line while it is put together.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "rules/suggestion.hpp"

namespace hostpci {

/// What is known while a line is put together.
struct Draft {
  const Facts& facts;
  const AddressPattern& pattern;
  const Vm* vm;
  Vm next;  ///< of `vm`, if there is one
  Machine type;
  Suggestion line;

  const Host& host() const { return *facts.host; }
  const Device& device() const { return *line.functions.front(); }
  void write(HostpciKey key, std::string value, std::string reason) {
    line.properties.push_back({key, std::move(value), std::move(reason)});
  }
  void leave(std::string what, std::string reason) { line.left_out.push_back({std::move(what), std::move(reason)}); }
  bool mediated() const {
    return std::any_of(line.properties.begin(), line.properties.end(),
                       [](const SuggestedProperty& p) { return p.key == HostpciKey::mdev; });
  }
};

/// Which functions the line takes of those meant; sets the refusal if it can take none.
void choose_functions(Draft&, std::vector<const Device*> meant);
/// The line takes all functions of a slot.
bool whole_slot(const Draft&);
/// `mapping` where one of this node names the device and holds, else `host`.
void name_device(Draft&);

}  // namespace hostpci
