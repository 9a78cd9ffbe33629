// The functions behind the command table, one a file.
#pragma once
#include "cli/command.hpp"

namespace hostpci {

int run_apply(Invocation&);
int run_bind(Invocation&);
int run_completion(Invocation&);
int run_config(Invocation&);
int run_devices(Invocation&);
int run_doctor(Invocation&);
int run_explain(Invocation&);
int run_export(Invocation&);
int run_groups(Invocation&);
int run_help(Invocation&);
int run_history(Invocation&);
int run_lint(Invocation&);
int run_mapping(Invocation&);
int run_mdev(Invocation&);
int run_parse(Invocation&);
int run_plan(Invocation&);
int run_reset(Invocation&);
int run_rollback(Invocation&);
int run_rules(Invocation&);
int run_set(Invocation&);
int run_showcmd(Invocation&);
int run_snapshot(Invocation&);
int run_sriov(Invocation&);
int run_start_check(Invocation&);
int run_suggest(Invocation&);
int run_unbind(Invocation&);

}  // namespace hostpci
