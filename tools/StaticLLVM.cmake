# Finds MLIR and makes every use of it static.
#
# Debian's exported MLIR targets name the shared libLLVM (and a few the shared
# libMLIR) as link dependencies. A library that lives in one process with
# Triton's own LLVM must not load either, so those entries are replaced by the
# static component libraries here, once, on the imported targets themselves.

# LLVM's export names these; Debian's zstd ships no CMake package for them.
# Static too: the wheel runs where neither is installed.
set(ZLIB_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)
if(NOT TARGET zstd::libzstd_shared)
  find_library(ZSTD_LIBRARY NAMES libzstd.a REQUIRED)
  add_library(zstd::libzstd_shared STATIC IMPORTED)
  set_target_properties(zstd::libzstd_shared PROPERTIES
    IMPORTED_LOCATION ${ZSTD_LIBRARY})
endif()

find_package(MLIR REQUIRED CONFIG PATHS ${PYFLEX_LLVM_ROOT}/lib/cmake/mlir NO_DEFAULT_PATH)
message(STATUS "MLIR ${LLVM_PACKAGE_VERSION} in ${MLIR_DIR}")
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

llvm_map_components_to_libnames(PYFLEX_LLVM_LIBS
  Core Support BinaryFormat BitReader BitWriter FrontendOpenMP IRReader
  TargetParser Demangle Remarks Option AsmParser TransformUtils)
get_directory_property(PYFLEX_IMPORTED IMPORTED_TARGETS)
foreach(target IN LISTS PYFLEX_IMPORTED)
  if(NOT target MATCHES "^MLIR")
    continue()
  endif()
  get_target_property(libs ${target} INTERFACE_LINK_LIBRARIES)
  if(NOT libs)
    continue()
  endif()
  set(static_libs ${libs})
  list(REMOVE_ITEM static_libs LLVM MLIR)
  if(NOT static_libs STREQUAL libs)
    list(APPEND static_libs ${PYFLEX_LLVM_LIBS})
    set_target_properties(${target} PROPERTIES
      INTERFACE_LINK_LIBRARIES "${static_libs}")
  endif()
endforeach()

include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
include_directories(${PROJECT_SOURCE_DIR}/passes ${PROJECT_BINARY_DIR}/passes)
separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND ${LLVM_DEFINITIONS})
add_definitions(${LLVM_DEFINITIONS_LIST})
add_compile_options(-Wall -Wextra -Wno-unused-parameter
  -ffunction-sections -fdata-sections -fno-rtti)
add_link_options(-Wl,--gc-sections -Wl,--exclude-libs,ALL)
