# What a system has of the house. Sources of one system stand in src/<floor>/platform/, with its name in front, or with
# that of an interface that several have: posix, kqueue. Backends stand among the others of io/, because each is its own
# seam.
string(TOLOWER ${CMAKE_SYSTEM_NAME} WEIR_SYSTEM)

set(WEIR_FACES_OF_OS ${WEIR_SYSTEM})
if(WEIR_SYSTEM MATCHES "bsd|dragonfly|darwin")
  set(WEIR_FACES_OF_OS kqueue)
endif()
set(WEIR_OS_FACES "${WEIR_FACES_OF_OS}" CACHE STRING "What signals, processes and changes of files are made of. On Linux, \
kqueue tries what other systems have; it needs libkqueue")

set(WEIR_ONLY_ON_linux "/io/(uring|epoll)_[^/]*$")
set(WEIR_ONLY_ON_windows "/io/(iocp|afd)_[^/]*$")
# Floors that no other system has been given yet.
set(WEIR_NOT_ON_windows "/(fs|runtime)/|/os/splice_|/net/(unix_datagram|udp_|datagram_|control_data|descriptor_)[^/]*$")

# weir_floor_sources(RESULT FLOOR...): the sources of the floors that this system compiles.
function(weir_floor_sources result)
  set(found "")
  foreach(floor ${ARGN})
    set(interfaces ${WEIR_SYSTEM})
    if(floor STREQUAL "os")
      set(interfaces ${WEIR_OS_FACES})
    endif()
    if(NOT WEIR_SYSTEM STREQUAL "windows")
      list(APPEND interfaces posix)
    endif()
    list(TRANSFORM interfaces REPLACE "(.+)" "src/${floor}/platform/\\1_*.cpp")
    file(GLOB sources CONFIGURE_DEPENDS src/${floor}/*.cpp ${interfaces})
    list(APPEND found ${sources})
  endforeach()
  foreach(system linux windows)
    if(NOT system STREQUAL WEIR_SYSTEM)
      list(FILTER found EXCLUDE REGEX "${WEIR_ONLY_ON_${system}}")
    elseif(WEIR_NOT_ON_${system})
      list(FILTER found EXCLUDE REGEX "${WEIR_NOT_ON_${system}}")
    endif()
  endforeach()
  set(${result} ${found} PARENT_SCOPE)
endfunction()
