# How this project compiles itself. Only its own top-level build includes this file: a project that
# embeds weir keeps its own flags.
include(CheckLinkerFlag)

option(WEIR_WERROR "Treat warnings as errors" OFF)
set(WEIR_SANITIZE "" CACHE STRING "Sanitizers to build with, as clang names them: address,undefined or thread")

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes these for what they are not: std::string's operator+ for overlapping copies, list nodes on the
  # stack that unlink themselves for dangling, and small buffers that are filled in part for uninitialised.
  # clang and the sanitizers look for the real ones. And it takes the sources in a unity build for headers, which
  # should have no unnamed namespaces.
  add_compile_options(-Wno-restrict -Wno-dangling-pointer -Wno-maybe-uninitialized -Wno-subobject-linkage)
endif()
if(WEIR_WERROR)
  add_compile_options(-Werror)
endif()

if(WEIR_SANITIZE)
  # With g++ 12 the sanitizers break the tail calls that coroutines resume each other with.
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "WEIR_SANITIZE needs clang")
  endif()
  # UBSan's check of vptr opens a pipe to see whether memory is there: a process that is out of descriptors, as some
  # tests are, would have nothing but broken objects.
  add_compile_options(-fsanitize=${WEIR_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WEIR_SANITIZE})
endif()

if(WEIR_FUZZ)
  # Every floor reports its coverage to the fuzzer; each fuzzer's own link adds the engine.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The presets set CMAKE_UNITY_BUILD: many sources of a target are compiled as one, in half the time or less, because most
# of it went to the same headers again and again. So names in unnamed namespaces are unique within a target.
# tools/check-includes reads every source by itself, and finds the include that is missing.

# lld links several times faster than the default linker, and the tests are many executables.
check_linker_flag(CXX -fuse-ld=lld WEIR_HAS_LLD)
if(WEIR_HAS_LLD)
  add_link_options(-fuse-ld=lld)
endif()

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WEIR_CCACHE})
endif()
