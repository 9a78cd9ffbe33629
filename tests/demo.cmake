# The demo: the main job on a copy of fixtures/demo, and the devices of the machine it runs on. Prints each command before it runs.
# -D HOSTPCI=executable -D SOURCE_DIR=… -D BINARY_DIR=…
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${BINARY_DIR}/demo)
file(COPY ${SOURCE_DIR}/fixtures/demo DESTINATION ${BINARY_DIR})
set(demo ${BINARY_DIR}/demo)

function(say text)
  execute_process(COMMAND ${CMAKE_COMMAND} -E cmake_echo_color --bold --cyan "${text}")
endfunction()

# step(TEXT EXPECTED ARGUMENT…): runs hostpci in the demo's directory; EXPECTED is a list of exit statuses.
function(step text expected)
  string(JOIN " " shown hostpci ${ARGN})
  say("\n── ${text}\n$ ${shown}")
  execute_process(COMMAND ${HOSTPCI} ${ARGN} WORKING_DIRECTORY ${demo} RESULT_VARIABLE status)
  if(NOT status IN_LIST expected)
    message(FATAL_ERROR "the demo's step ended with ${status}")
  endif()
endfunction()

step("Three VMs and a host set up after guides of 2019: what is wrong?" 1 --root . --host host.yaml lint)
step("The first mistake, explained" 0 explain vm-pcie-needs-q35)
step("Mend VM 100: first as a difference" "0;1" --root . --host host.yaml set 100 --dry-run
  -hostpci0 01:00,pcie=1,x-vga=on -machine q35 -efidisk0 local-zfs:vm-100-disk-1,efitype=4m,size=4M -delete args,balloon,vga)
step("… then written" 0 --root . --host host.yaml --quiet set 100
  -hostpci0 01:00,pcie=1,x-vga=on -machine q35 -efidisk0 local-zfs:vm-100-disk-1,efitype=4m,size=4M -delete args,balloon,vga)
step("… what lint says of VM 100 now" "0;1" --root . --host host.yaml --format concise lint 100 --select vm,syntax,device)
step("… and what QEMU will get" 0 --root . --host host.yaml showcmd 100)
step("The devices of this machine, live" 0 devices)
