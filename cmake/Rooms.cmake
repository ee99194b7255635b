# plimsoll_fuzzers(ROOM LIBRARY <x_fuzz.cc>...): per source the libFuzzer target <ROOM>_x_fuzz (where PLIMSOLL_FUZZ is
# on) and the test <ROOM>.x_fuzz.replay, which runs it on corpus/x/ and on random bytes.
# REQUIRES: the target <ROOM>_tests, where tests are built.
function(plimsoll_fuzzers ROOM LIBRARY)
  foreach(source ${ARGN})
    get_filename_component(stem ${source} NAME_WE)
    if(PLIMSOLL_TESTS)
      add_executable(${ROOM}_${stem}_replay ${source} ${PROJECT_SOURCE_DIR}/tests/replay/main.cc)
      target_link_libraries(${ROOM}_${stem}_replay PRIVATE ${LIBRARY} plimsoll_base plimsoll_flags)
      string(REGEX REPLACE "_fuzz$" "" corpus ${stem})
      add_dependencies(${ROOM}_tests ${ROOM}_${stem}_replay)
      add_test(NAME ${ROOM}.${stem}.replay
               COMMAND ${ROOM}_${stem}_replay ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${corpus})
    endif()
    if(PLIMSOLL_FUZZ)
      add_executable(${ROOM}_${stem} ${source})
      target_link_libraries(${ROOM}_${stem} PRIVATE ${LIBRARY} plimsoll_flags)
      target_link_options(${ROOM}_${stem} PRIVATE -fsanitize=fuzzer)
    endif()
  endforeach()
endfunction()

# plimsoll_room(NAME ROOMS <rooms it may link> [LIBS <private libraries>] [PUBLIC_LIBS <libraries its headers need>]
#               [TEST_LIBS <libraries its tests need>] [HEADERS <public headers>])
#
# Makes the static library plimsoll_<NAME> (exported as plimsoll::<NAME>) of the room's *.cc and internal/*.cc,
# <NAME>_test of its *_test.cc, <NAME>_bench of its *_bench.cc and the fuzzers of its *_fuzz.cc; the target <NAME>_tests
# builds all that the room tests itself with.
# Files are found by their names, so a new one needs no line here; public headers are listed. What is made and
# what it needs is remembered in the properties PLIMSOLL_ROOMS and PLIMSOLL_<NAME>_LIBS for Install.cmake.
function(plimsoll_room NAME)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBS;PUBLIC_LIBS;TEST_LIBS;HEADERS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc internal/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")

  if(NOT sources)
    return()
  endif()
  set(rooms ${ROOM_ROOMS})
  list(TRANSFORM rooms PREPEND plimsoll_)
  set(target plimsoll_${NAME})
  add_library(${target} STATIC ${sources})
  add_library(plimsoll::${NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${NAME})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${ROOM_HEADERS})
  target_link_libraries(${target} PUBLIC ${rooms} ${ROOM_PUBLIC_LIBS}
                        PRIVATE ${ROOM_LIBS} $<BUILD_INTERFACE:plimsoll_flags>)
  set_property(GLOBAL APPEND PROPERTY PLIMSOLL_ROOMS ${NAME})
  set_property(GLOBAL PROPERTY PLIMSOLL_${NAME}_LIBS ${ROOM_LIBS} ${ROOM_PUBLIC_LIBS})

  if(PLIMSOLL_TESTS)
    add_custom_target(${NAME}_tests)
  endif()
  if(PLIMSOLL_TESTS AND tests)
    add_executable(${NAME}_test ${tests})
    add_dependencies(${NAME}_tests ${NAME}_test)
    target_link_libraries(${NAME}_test PRIVATE ${target} plimsoll_flags GTest::gmock_main rapidcheck
                          ${ROOM_TEST_LIBS})
    target_compile_definitions(${NAME}_test PRIVATE PLIMSOLL_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    gtest_discover_tests(${NAME}_test TEST_PREFIX ${NAME}. DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT 300 ENVIRONMENT PLIMSOLL_PEERS=${PLIMSOLL_PEERS}
                                    ENVIRONMENT_MODIFICATION RC_PARAMS=set:seed=1)  # rapidcheck: the same run twice
  endif()
  if(PLIMSOLL_BENCH AND benches)
    add_executable(${NAME}_bench ${benches})
    target_link_libraries(${NAME}_bench PRIVATE ${target} plimsoll_flags plimsoll_bench_harness)
  endif()
  plimsoll_fuzzers(${NAME} ${target} ${fuzzers})
endfunction()

set(PLIMSOLL_PEERS ${PROJECT_SOURCE_DIR}/build/peers/bin CACHE PATH
    "Where redis-server, memcached and promtool are for tests and benchmarks: `./dev peers` unpacks them there")

if(PLIMSOLL_TESTS)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  include(GoogleTest)
endif()
