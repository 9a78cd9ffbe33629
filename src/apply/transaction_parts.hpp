// What a transaction that rolls another one back has beside its request.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "apply/transaction.hpp"

namespace hostpci {

struct Lineage {
  std::string undoes;                       ///< ID of the other one
  std::vector<std::string> leaves;          ///< directories that the other one made, innermost first: removed if they are empty
  std::map<std::string, std::string> like;  ///< path of a file that comes back -> whose owner, mode, ACLs and attributes it gets
};

Result<TransactionResult> carry_out(FileSystem&, const TransactionRequest&, const Lineage&, WriteLocks&);
Result<TransactionResult> carry_out(FileSystem&, const TransactionRequest&, const Lineage&);

}  // namespace hostpci
