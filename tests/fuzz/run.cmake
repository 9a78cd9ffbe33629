# Runs one fuzz target on a copy of its seeds: cmake -D TARGET= -D SEEDS= -D WORK= -P run.cmake
# FUZZ_SECONDS (60) and FUZZ_SEED (1) come from the environment. Whatever is written is below WORK.
set(seconds 60)
if(DEFINED ENV{FUZZ_SECONDS})
  set(seconds $ENV{FUZZ_SECONDS})
endif()
set(seed 1)
if(DEFINED ENV{FUZZ_SEED})
  set(seed $ENV{FUZZ_SEED})
endif()

file(MAKE_DIRECTORY ${WORK}/corpus)
file(GLOB seeds ${SEEDS}/*)
if(seeds)
  file(COPY ${seeds} DESTINATION ${WORK}/corpus)
endif()
execute_process(
  COMMAND ${TARGET} -seed=${seed} -max_total_time=${seconds} -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
          -artifact_prefix=${WORK}/ ${WORK}/corpus
  WORKING_DIRECTORY ${WORK} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${TARGET} found an input for which something does not hold: see ${WORK}")
endif()
