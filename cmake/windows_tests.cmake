# The suites that run as Windows programs, under Wine: those of operations, of streams and of messages. GoogleTest is
# compiled along from Debian's sources.
if(NOT WEIR_BUILD_TESTS)
  return()
endif()
enable_testing()
include(GoogleTest)

set(WEIR_GTEST_SOURCES /usr/src/googletest/googletest CACHE PATH "GoogleTest's sources")
add_library(weir_gtest STATIC ${WEIR_GTEST_SOURCES}/src/gtest-all.cc ${WEIR_GTEST_SOURCES}/src/gtest_main.cc)
target_include_directories(weir_gtest SYSTEM PUBLIC ${WEIR_GTEST_SOURCES}/include)
target_include_directories(weir_gtest PRIVATE ${WEIR_GTEST_SOURCES})
target_compile_options(weir_gtest PRIVATE -w)
set_target_properties(weir_gtest PROPERTIES UNITY_BUILD OFF)

file(GLOB support CONFIGURE_DEPENDS tests/support/platform/windows_*.cpp)
foreach(helper allocations backend_case coroutine_fixture datagrams loop_fixture raw_socket sockets turning zmtp_peers)
  list(APPEND support tests/support/${helper}.cpp)
endforeach()
add_library(weir_test_support OBJECT ${support})
target_include_directories(weir_test_support PUBLIC tests src)
target_link_libraries(weir_test_support PUBLIC weir weir_gtest)
target_compile_options(weir_test_support PUBLIC -O0 -Wno-sign-conversion -Wno-sign-compare) # socklen_t has a sign

# weir_add_windows_tests(FLOOR PATTERN...): a program of those of a floor's tests.
function(weir_add_windows_tests floor)
  list(TRANSFORM ARGN PREPEND tests/${floor}/)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  list(FILTER sources EXCLUDE REGEX "/(exhaustion|stalled_consumer)_") # failing system calls, child processes
  add_executable(weir_${floor}_tests ${sources})
  target_link_libraries(weir_${floor}_tests PRIVATE weir_test_support)
  add_test(NAME ${floor}.windows COMMAND weir_${floor}_tests --gtest_filter=-*heavy* --gtest_brief=1
                                         --gtest_output=xml:cases/${floor}.windows.xml)
  set_tests_properties(${floor}.windows PROPERTIES LABELS ${floor} TIMEOUT 400)
endfunction()

# Not: choice (seccomp), fork.
weir_add_windows_tests(io contract_accept_test.cpp contract_cancel_test.cpp contract_descriptor_test.cpp contract_files_test.cpp
                       contract_kinds_test.cpp contract_limits_test.cpp contract_messages_test.cpp
                       contract_steady_state_test.cpp contract_streams_test.cpp contract_turn_test.cpp)
# Not: process_signals and signal_mask (signals of POSIX), file_watch (inotify) and docs, which has it, splice_pipe.
weir_add_windows_tests(os pipe_end_test.cpp process_test.cpp readiness_test.cpp signal_set_test.cpp watch_*test.cpp)
add_executable(weir_os_child tests/os/child_main.cpp tests/support/platform/windows_processes.cpp)
target_include_directories(weir_os_child PRIVATE tests)
target_link_libraries(weir_os_child PRIVATE weir)
target_compile_definitions(weir_os_tests PRIVATE WEIR_TEST_CHILD="$<TARGET_FILE:weir_os_child>")
add_dependencies(weir_os_tests weir_os_child)
weir_add_windows_tests(net stream_*test.cpp listener_test.cpp backpressure_test.cpp)
weir_add_windows_tests(zmtp *_test.cpp)

# Tests that are written with another library run beside Wine: each is a script that drives weir_zmtp_peer as a program of
# this system, which is that of tools/wine. Beside no other: all share Wine's one server, which they load most.
add_executable(weir_zmtp_peer tests/zmtp/peer_main.cpp tests/support/platform/windows_processes.cpp)
target_link_libraries(weir_zmtp_peer PRIVATE weir)
target_include_directories(weir_zmtp_peer PRIVATE tests)
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/peer/weir_zmtp_peer
     CONTENT "#!/bin/sh\nexec ${PROJECT_SOURCE_DIR}/tools/wine $<TARGET_FILE:weir_zmtp_peer> \"$@\"\n"
     FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)

foreach(stem interop_test interop_heavy_test)
  add_test(NAME zmtp.${stem} COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tests/zmtp/${stem}.py ChosenBackend)
  set_tests_properties(zmtp.${stem} PROPERTIES LABELS zmtp-interop TIMEOUT 300 SKIP_RETURN_CODE 77 RUN_SERIAL TRUE
    ENVIRONMENT "WEIR_TEST_BINARY_DIR=${CMAKE_CURRENT_BINARY_DIR}/peer;PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/support")
endforeach()
