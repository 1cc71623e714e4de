# Finds LibTorch without its own package config, which demands a CUDA toolkit even of a program that runs on the CPU.
#   in:  LIBTORCH           root of an unpacked LibTorch zip or the `torch` folder of a wheel (CMake or environment)
#        CMAKE_PREFIX_PATH  the same, or its share/cmake (what torch.utils.cmake_prefix_path prints)
#        RLHF_CUDA          also require and link the CUDA libraries
#   out: LibTorch::cpu and, with RLHF_CUDA, LibTorch::cuda; LibTorch_ROOT, LibTorch_VERSION; LibTorch_RUN_PATH
if(NOT LIBTORCH AND DEFINED ENV{LIBTORCH})
  set(LIBTORCH "$ENV{LIBTORCH}")
endif()
set(_torch_hints ${LIBTORCH})
set(_torch_prefixes "$ENV{CMAKE_PREFIX_PATH}")
string(REPLACE ":" ";" _torch_prefixes "${_torch_prefixes}")
foreach(_prefix IN LISTS CMAKE_PREFIX_PATH _torch_prefixes)
  list(APPEND _torch_hints "${_prefix}" "${_prefix}/../..")
endforeach()

# What an earlier run found elsewhere must not outlive a new LIBTORCH.
if(LIBTORCH AND NOT "${LibTorch_INCLUDE_DIR}" STREQUAL "${LIBTORCH}/include")
  unset(LibTorch_INCLUDE_DIR CACHE)
endif()
find_path(LibTorch_INCLUDE_DIR ATen/core/Tensor.h HINTS ${_torch_hints} PATH_SUFFIXES include)
get_filename_component(LibTorch_ROOT "${LibTorch_INCLUDE_DIR}" DIRECTORY)
set(LibTorch_CPU_LIBRARY "${LibTorch_ROOT}/lib/libtorch_cpu.so")
set(LibTorch_C10_LIBRARY "${LibTorch_ROOT}/lib/libc10.so")
set(_torch_version_header "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h")
if(EXISTS "${_torch_version_header}")
  file(READ "${_torch_version_header}" _text)
  string(REGEX MATCH "TORCH_VERSION_MAJOR ([0-9]+).*TORCH_VERSION_MINOR ([0-9]+).*TORCH_VERSION_PATCH ([0-9]+)" _ "${_text}")
  set(LibTorch_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
endif()
set(_torch_required LibTorch_INCLUDE_DIR LibTorch_VERSION)

if(RLHF_CUDA)
  # The toolkit's headers and runtime: the wheels next to torch's own, else an installed toolkit.
  set(_cuda_hints "${LibTorch_ROOT}/../nvidia/cu13" "$ENV{CUDA_HOME}" /usr/local/cuda)
  find_path(LibTorch_CUDA_RUNTIME_INCLUDE_DIR cuda_runtime_api.h HINTS ${_cuda_hints} PATH_SUFFIXES include)
  find_path(LibTorch_CUDA_CRT_INCLUDE_DIR crt/host_defines.h HINTS ${_cuda_hints} PATH_SUFFIXES include)
  find_library(LibTorch_CUDA_RUNTIME_LIBRARY NAMES cudart libcudart.so.13 NAMES_PER_DIR HINTS ${_cuda_hints}
    PATH_SUFFIXES lib lib64)
  set(LibTorch_CUDA_LIBRARY "${LibTorch_ROOT}/lib/libtorch_cuda.so")
  set(LibTorch_C10_CUDA_LIBRARY "${LibTorch_ROOT}/lib/libc10_cuda.so")
  if(NOT EXISTS "${LibTorch_CUDA_LIBRARY}")
    set(LibTorch_CUDA_LIBRARY LibTorch_CUDA_LIBRARY-NOTFOUND)
  endif()
  list(APPEND _torch_required LibTorch_CUDA_LIBRARY LibTorch_CUDA_RUNTIME_INCLUDE_DIR LibTorch_CUDA_CRT_INCLUDE_DIR
    LibTorch_CUDA_RUNTIME_LIBRARY)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS ${_torch_required} VERSION_VAR LibTorch_VERSION
  HANDLE_VERSION_RANGE
  REASON_FAILURE_MESSAGE "Say where it is with -DLIBTORCH=DIR, or run scripts/bootstrap.sh, which fetches it.")

# Where a program finds the libraries when it runs.
set(LibTorch_RUN_PATH "${LibTorch_ROOT}/lib")
if(RLHF_CUDA)
  get_filename_component(_cuda_runtime "${LibTorch_CUDA_RUNTIME_LIBRARY}" DIRECTORY)
  list(APPEND LibTorch_RUN_PATH "${_cuda_runtime}")
endif()

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES
    IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  add_library(LibTorch::cpu SHARED IMPORTED)
  # What libtorch_cpu itself needs (OpenMP, CUPTI, …) is found by its own run path, not by our link line.
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}"
    INTERFACE_LINK_LIBRARIES LibTorch::c10
    INTERFACE_LINK_OPTIONS "-Wl,--unresolved-symbols=ignore-in-shared-libs")
  if(RLHF_CUDA)
    add_library(LibTorch::cuda INTERFACE IMPORTED)
    # Kernels register themselves when the library loads, so it must be loaded although no symbol asks for it.
    set_target_properties(LibTorch::cuda PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_CUDA_RUNTIME_INCLUDE_DIR};${LibTorch_CUDA_CRT_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES "-Wl,--no-as-needed;${LibTorch_CUDA_LIBRARY};${LibTorch_C10_CUDA_LIBRARY};-Wl,--as-needed;${LibTorch_CUDA_RUNTIME_LIBRARY};LibTorch::cpu")
  endif()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CUDA_RUNTIME_INCLUDE_DIR LibTorch_CUDA_CRT_INCLUDE_DIR
  LibTorch_CUDA_RUNTIME_LIBRARY)
