// What a transaction writes down of itself below /var/lib/hostpci/txn/ID, so that another process can finish it or undo it,
// and a person can without any of ours.
//
//   journal.json   the record: files in the order of their renames, commands, who and when
//   N.before       the bytes of file N before and after (none: there is or will be no such file), with its mode; the image
//   N.after          of a file that is removed has its owner, ACLs and attributes too
//   undo.sh        puts the images back from a rescue shell (not where all files are the cluster's)
//   digests        SHA-256 of all these, as `sha256sum -c digests` reads them
//   committed, done, undone, unknown, unrefreshed, refreshed-N   empty: their being there says it
//
// The directory is filled as ID.new and renamed when all in it is on the disk: what is called ID is whole. One that goes is
// renamed to ID.old first.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// A file of a transaction.
struct JournalFile {
  std::string path;
  std::optional<std::string> before, after;
  std::uint32_t mode = 0644;  ///< of a file that has to be made
  std::string like;           ///< not written down: whose owner, ACLs and attributes the image of a file that has to be made gets
};

struct JournalRecord {
  std::string id, when, who, what;
  std::string undoes;                    ///< the transaction that this one rolls back, or ""
  std::vector<JournalFile> files;        ///< in the order of their renames
  std::vector<std::string> directories;  ///< that have to be made for them, outermost first
  std::vector<std::string> leaves;       ///< directories to remove at the end if they are empty then, innermost first
  std::vector<PlannedCommand> refresh;
  std::vector<PlannedCommand> undo;      ///< after a rollback in place of `refresh`; none: `refresh`
};

/// What a transaction has come to.
enum class Mark {
  committed,    ///< all files are new; what follows is finished, not undone
  done,         ///< nothing is left to do
  undone,       ///< all files are old again
  unknown,      ///< a file is neither, for someone else changed it: it is left so
  unrefreshed,  ///< committed, and a command failed: files are no longer looked at
};

class Journal {
 public:
  static constexpr const char* directory = "/var/lib/hostpci/txn";

  /// Writes the record down under the next free ID (record.id is ignored) so that it outlasts a crash. A Failure leaves nothing.
  static Result<Journal> begin(FileSystem&, JournalRecord);
  /// One that is nowhere written down: what it is told of its images and marks does not exist.
  static Journal unwritten(JournalRecord);
  /// Reads it and holds every byte against its digest. The message names the file that is damaged.
  static Result<Journal> load(const FileSystem&, const std::string& id);
  /// The record only, without images.
  static Result<JournalRecord> load_record(const FileSystem&, const std::string& id);
  /// IDs of all, oldest first.
  static Result<std::vector<std::string>> list(const FileSystem&);
  /// Directories that never became a journal or were about to go.
  static Status sweep(FileSystem&);
  /// Removes the journal as if it had never been.
  static Status discard(FileSystem&, const std::string& id);
  /// Only the newest that are over stay.
  static void prune(FileSystem&, std::size_t keep = 100);

  const JournalRecord& record() const { return record_; }
  const std::string& id() const { return record_.id; }
  std::string path(const std::string& name) const { return std::string(directory) + "/" + record_.id + "/" + name; }
  std::string image_path(std::size_t file, bool before) const;

  bool has(const FileSystem&, Mark) const;
  /// Durable when it returns. On a Failure the mark is not there.
  Status set(FileSystem&, Mark) const;
  bool refreshed(const FileSystem&, std::size_t command) const;
  Status set_refreshed(FileSystem&, std::size_t command) const;

 private:
  explicit Journal(JournalRecord record) : record_(std::move(record)) {}
  Status mark(FileSystem&, const std::string& name) const;
  JournalRecord record_;
};

/// Is this transaction over? Asked without reading its record.
bool is_closed(const FileSystem&, const std::string& id);

/// Are its files new for good?
bool is_committed(const FileSystem&, const std::string& id);

/// "20261121-155800-0001"
bool is_transaction_id(std::string_view text);

// journal_text.cpp
/// The record without its images.
std::string journal_text(const JournalRecord&);
/// Files have "" in place of their images: whether there is one is told. Nothing: it is no such text.
std::optional<JournalRecord> read_journal_text(const std::string& text);

}  // namespace hostpci
