# Finds what LibTorch's own headers for NCCL need and do not include. The code is loaded with LibTorch's. NCCL's header must
# be of the version that LibTorch was built with, because objects of LibTorch contain structures of it.
#   in:  LibTorch_ROOT, LibTorch_CUDA_RUNTIME_INCLUDE_DIR (FindLibTorch.cmake)
#   out: Nccl_INCLUDE_DIRS
find_path(Nccl_INCLUDE_DIR nccl.h HINTS "${LibTorch_ROOT}/../nvidia/nccl" "$ENV{NCCL_HOME}" "$ENV{CUDA_HOME}" /usr/local/cuda
  PATH_SUFFIXES include)
# The toolkit's wheels have the CUDA C++ core libraries beside the other headers, an installed toolkit below them.
find_path(Nccl_CCCL_INCLUDE_DIR nv/target HINTS "${LibTorch_CUDA_RUNTIME_INCLUDE_DIR}" PATH_SUFFIXES cccl)
set(Nccl_INCLUDE_DIRS "${Nccl_INCLUDE_DIR}" "${Nccl_CCCL_INCLUDE_DIR}")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Nccl
  REQUIRED_VARS Nccl_INCLUDE_DIR Nccl_CCCL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Remove .deps/cuda and run `make cuda`, which fetches them with LibTorch, or say where they are with -DNccl_INCLUDE_DIR=DIR and -DNccl_CCCL_INCLUDE_DIR=DIR.")
mark_as_advanced(Nccl_INCLUDE_DIR Nccl_CCCL_INCLUDE_DIR)
