// The texts that single properties of a VM's configuration may hold, where a list of words does not say it.
#pragma once
#include <string_view>

namespace hostpci {

bool is_machine_type(std::string_view);  ///< qemu-server Machine.pm ($machine_fmt)
bool is_cpu_model(
    std::string_view);  ///< CPUConfig.pm; any custom-NAME, for the cluster's own models stand in another file
bool is_cpu_flags(std::string_view);       ///< +FLAG;-FLAG of those that PVE lets a VM set
bool is_phys_bits(std::string_view);       ///< 8-64 or host
bool is_hv_vendor(std::string_view);       ///< 1-12 letters and digits
bool is_volume(std::string_view);          ///< STORAGE:VOLUME
bool is_volume_or_path(std::string_view);  ///< a volume, an absolute path, none or cdrom
bool is_disk_size(std::string_view);       ///< 4M, 1.5G
bool is_legacy_boot(std::string_view);     ///< one to four of a c d n
bool is_boot_devices(std::string_view);    ///< devices between ; and white space
bool is_startup(std::string_view);         ///< order=N,up=N,down=N
bool is_dns_name(std::string_view);
bool is_tag(std::string_view);
bool is_hotplug(std::string_view);  ///< 0, 1 or a list of features

}  // namespace hostpci
