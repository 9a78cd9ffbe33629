# The host after its boot: file systems as a running system has them, drivers as udev would load them, nothing of the other machine's set-up.
# It removes the machine's set-up from what it sees: only ever the first process above a layer of memory (guest/init).
[[ $$ = 1 && $(</proc/mounts) == *lowerdir=/ro,upperdir=/rw/upper* ]] || { echo "this is for the lab's machines only" >&2 && exit 1; }
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
exec >/dev/console 2>&1 </dev/null
trap 'busybox poweroff -f' EXIT

mkdir -p /dev/pts /dev/shm /lib/modules
for place in tmpfs:/run tmpfs:/dev/shm devpts:/dev/pts; do mount -t "${place%%:*}" lab "${place#*:}"; done
cp "$hostpci" /dev/shm/hostpci && hostpci=/dev/shm/hostpci  # out of memory it starts faster than over 9p
ln -s /proc/self/fd /dev/fd && ln -s fd/0 /dev/stdin && ln -s fd/1 /dev/stdout && ln -s fd/2 /dev/stderr
mount --bind "$modules" /lib/modules
rm -rf /.dockerenv /boot/* /etc/{default/grub*,modprobe.d,modules,modules-load.d,kernel,initramfs-tools,network,sysfs.conf,sysfs.d,fstab,pve} \
  /lib/{modprobe.d,modules-load.d}/* /etc/udev/rules.d /var/lib/dpkg/status /var/log/kern.log
cp -r "$lab/hosts/all/." /
mkdir -p /etc/pve/nodes/lab/qemu-server
[ ! -d "$lab/hosts/$topology" ] || cp -r "$lab/hosts/$topology/." /
echo lab >/proc/sys/kernel/hostname
mkdir -p /etc/default && echo "GRUB_CMDLINE_LINUX=\"$(</proc/cmdline)\"" >/etc/default/grub
modprobe -abq $(cat /sys/bus/pci/devices/*/modalias)
