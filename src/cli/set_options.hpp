// The options of `set`: the keys of a VM that it writes, and how it goes about it.
#pragma once
#include "cli/options.hpp"

namespace hostpci {

inline constexpr OptionSpec set_options[] = {
    {"hostpci0", OptionValue::required, "VALUE", "the property string of hostpci0"},
    {"hostpci1", OptionValue::required, "VALUE", "… and so on up to hostpci15"},
    {"hostpci2", OptionValue::required}, {"hostpci3", OptionValue::required}, {"hostpci4", OptionValue::required},
    {"hostpci5", OptionValue::required}, {"hostpci6", OptionValue::required}, {"hostpci7", OptionValue::required},
    {"hostpci8", OptionValue::required}, {"hostpci9", OptionValue::required}, {"hostpci10", OptionValue::required},
    {"hostpci11", OptionValue::required}, {"hostpci12", OptionValue::required}, {"hostpci13", OptionValue::required},
    {"hostpci14", OptionValue::required}, {"hostpci15", OptionValue::required},
    {"machine", OptionValue::required, "VALUE", "q35, pc, pc-q35-9.0 …"},
    {"bios", OptionValue::required, "VALUE", "ovmf or seabios"},
    {"vga", OptionValue::required, "VALUE", "the emulated display, or none"},
    {"efidisk0", OptionValue::required, "VALUE"},
    {"tpmstate0", OptionValue::required, "VALUE"},
    {"cpu", OptionValue::required, "VALUE"},
    {"args", OptionValue::required, "VALUE", "arguments handed to QEMU as they are"},
    {"balloon", OptionValue::required, "VALUE"},
    {"memory", OptionValue::required, "VALUE"},
    {"boot", OptionValue::required, "VALUE"},
    {"numa", OptionValue::required, "VALUE"},
    {"hugepages", OptionValue::required, "VALUE"},
    {"onboot", OptionValue::required, "VALUE"},
    {"startup", OptionValue::required, "VALUE"},
    {"ostype", OptionValue::required, "VALUE"},
    {"hookscript", OptionValue::required, "VALUE"},
    {"arch", OptionValue::required, "VALUE"},
    {"agent", OptionValue::required, "VALUE"},
    {"cores", OptionValue::required, "VALUE"},
    {"sockets", OptionValue::required, "VALUE"},
    {"vcpus", OptionValue::required, "VALUE"},
    {"scsihw", OptionValue::required, "VALUE"},
    {"kvm", OptionValue::required, "VALUE"},
    {"name", OptionValue::required, "VALUE"},
    {"description", OptionValue::required, "VALUE"},
    {"tags", OptionValue::required, "VALUE"},
    {"template", OptionValue::required, "VALUE"},
    {"protection", OptionValue::required, "VALUE"},
    {"lock", OptionValue::required, "VALUE"},
    {"delete", OptionValue::required, "LIST", "take these keys out"},
    {"revert", OptionValue::required, "LIST", "drop the pending changes of these keys"},
    {"digest", OptionValue::required, "SHA1", "refuse if the file has another digest"},
    {"skiplock", OptionValue::boolean, "", "write even if the VM is locked"},
    {"force", OptionValue::boolean, "", "with -delete: as qm's -force"},
    {"dry-run", OptionValue::none, "", "print the difference and the findings, write nothing"},
    {"exit-code", OptionValue::none, "", "with --dry-run: exit 1 if there is a difference"},
    {"unchecked", OptionValue::none, "", "write even if lint has an error against it"},
};

}  // namespace hostpci
