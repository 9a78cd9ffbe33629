// What the writer and the reader of saved plans share.
#pragma once
#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "plan/saved.hpp"

namespace hostpci {

inline constexpr int plan_format = 1;
inline constexpr std::string_view plan_kind = "hostpci-plan";

/// The document without its digest.
boost::json::object plan_object(const SavedPlan& saved);
/// Over the document without its digest, as it is written.
std::string plan_digest(const SavedPlan& saved);

}  // namespace hostpci
