# Windows programs from a Linux machine: clang with the headers and libraries of mingw-w64 (Debian's
# g++-mingw-w64-x86-64-posix). What is built runs under Wine, where there is one.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(target x86_64-w64-mingw32)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER_TARGET ${target})
set(CMAKE_C_COMPILER_TARGET ${target})
set(CMAKE_RC_COMPILER ${target}-windres)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
# In C++23 std::type_info's comparison is an inline function, and libstdc++.a of mingw has it as one that is not.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld -static -Wl,--allow-multiple-definition")

set(CMAKE_FIND_ROOT_PATH /usr/${target})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../../tools/wine)
