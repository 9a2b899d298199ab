# Optional components: what stands on a library that the core does without. Each is a target of its own,
# weir::NAME, made where that library is found; its sources are src/FLOOR/NAME.cpp and src/FLOOR/NAME_*.cpp.
# WEIR_COMPONENT_NAMES lists all, WEIR_COMPONENTS those that are made.
set(WEIR_COMPONENT_NAMES "")
set(WEIR_COMPONENTS "")
set(WEIR_COMPONENT_SOURCES "")

# weir_component(NAME FLOOR MODULE): MODULE is pkg-config's name of the library.
function(weir_component name floor module)
  list(APPEND WEIR_COMPONENT_NAMES ${name})
  set(WEIR_COMPONENT_NAMES "${WEIR_COMPONENT_NAMES}" PARENT_SCOPE)
  file(GLOB sources CONFIGURE_DEPENDS src/${floor}/${name}.cpp src/${floor}/${name}_*.cpp)
  list(APPEND WEIR_COMPONENT_SOURCES ${sources})
  set(WEIR_COMPONENT_SOURCES "${WEIR_COMPONENT_SOURCES}" PARENT_SCOPE)
  if(PkgConfig_FOUND) # not where another system is built for: it would find this machine's
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  endif()
  if(NOT sources OR NOT TARGET PkgConfig::${name})
    return()
  endif()
  add_library(weir_${name} ${sources})
  add_library(weir::${name} ALIAS weir_${name})
  set_target_properties(weir_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(weir_${name} PUBLIC weir PRIVATE PkgConfig::${name})
  list(APPEND WEIR_COMPONENTS ${name})
  set(WEIR_COMPONENTS "${WEIR_COMPONENTS}" PARENT_SCOPE)
  set(WEIR_${name}_MODULE ${module} PARENT_SCOPE)
endfunction()

weir_component(tls net openssl)
weir_component(resolver net libcares)
weir_component(postgres adapters libpq)
weir_component(redis adapters hiredis)
weir_component(curl adapters libcurl)
# kqueue belongs to the systems whose kernel has it; elsewhere there may be an emulation.
if(NOT CMAKE_SYSTEM_NAME MATCHES "BSD|Darwin|DragonFly")
  weir_component(kqueue io libkqueue)
endif()
