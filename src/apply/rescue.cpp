// A fixed frame in plain sh, and a line for each file.
#include "apply/rescue.hpp"

#include "text/escape.hpp"
#include "text/shell.hpp"

namespace hostpci {
namespace {

constexpr const char* frame = R"(set -u
case $0 in */*) images=${0%/*} ;; *) images=. ;; esac
root=${1-}
root=${root%/}
wrong=0

same() { # FILE IMAGE: has the file these bytes? - : there is no file
  if [ "$2" = - ]; then [ ! -e "$1" ] && [ ! -L "$1" ]; else [ -f "$1" ] && [ ! -L "$1" ] && cmp -s "$1" "$images/$2"; fi
}

away() { # PATH: does it lie in a cluster file system that is not mounted?
  case $1 in /etc/pve/*) [ ! -d "$root${1%/*}" ] ;; *) false ;; esac
}

check() { # PATH OLD NEW
  if away "$1" || same "$root$1" "$2" || same "$root$1" "$3"; then return; fi
  printf '%s\n' "$root$1: changed by someone else since; its old text is in $images/$2"
  wrong=1
}

put() { # FILE IMAGE
  if [ "$2" = - ]; then rm -f "$1"
  elif [ -e "$1" ]; then
    cp -p "$1" "$1.hostpci-undo" && cp "$images/$2" "$1.hostpci-undo" && mv -f "$1.hostpci-undo" "$1"
  else
    mkdir -p "${1%/*}" && cp -p "$images/$2" "$1"
  fi
}

restore() { # PATH OLD NEW
  if away "$1"; then
    printf '%s\n' "$root$1: /etc/pve is not mounted, left alone; its old text is in $images/$2"
  elif same "$root$1" "$2"; then
    printf '%s\n' "$root$1: as it was"
  elif put "$root$1" "$2" && same "$root$1" "$2"; then
    printf '%s\n' "$root$1: put back"
  else
    printf '%s\n' "$root$1: cannot be put back"
    wrong=1
  fi
}

each() { # check or restore
)";

/// A line that stays one, whatever the text holds.
std::string comment(const std::string& text) { return "# " + printable(text) + "\n"; }

std::string say(const std::string& text) { return "printf '%s\\n' " + shell_word(text) + "\n"; }

std::string image(bool there, std::size_t file, const char* which) { return there ? std::to_string(file) + which : "-"; }

std::string file_lines(const JournalRecord& record) {
  std::string lines;
  for (std::size_t i = 0; i < record.files.size(); ++i) {
    const JournalFile& file = record.files[i];
    lines += "  \"$1\" " + shell_word(file.path) + " " + image(file.before.has_value(), i, ".before") + " " +
             image(file.after.has_value(), i, ".after") + "\n";
  }
  return lines + "  :\n";
}

std::string ending(const JournalRecord& record) {
  std::string lines;
  for (auto made = record.directories.rbegin(); made != record.directories.rend(); ++made)
    lines += "rmdir \"$root\"" + shell_word(*made) + " 2>/dev/null\n";
  lines += "sync\n[ $wrong -eq 0 ] || exit 1\n";
  const auto& commands = record.undo.empty() ? record.refresh : record.undo;
  if (!commands.empty()) lines += say("now run, in the system that was changed (chroot ROOT):");
  for (const PlannedCommand& command : commands) lines += say("  " + shell_line(command.words));
  return lines + "exit 0\n";
}

}  // namespace

std::string rescue_script(const JournalRecord& record) {
  return "#!/bin/sh\n" + comment("Takes back what hostpci changed at " + record.when + " (" + record.what + "), without hostpci.") +
         "# sh undo.sh [ROOT]: ROOT is where the system is mounted, as /mnt; without it, this system.\n" + frame + file_lines(record) +
         "}\n\neach check\nif [ $wrong -ne 0 ]; then\n  printf '%s\\n' 'nothing was changed'\n  exit 1\nfi\neach restore\n" +
         ending(record);
}

}  // namespace hostpci
