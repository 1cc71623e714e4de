# What the project chooses when nothing above it has chosen: included at top level only.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
find_program(RLHF_CCACHE ccache)
if(RLHF_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${RLHF_CCACHE}")
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
# LibTorch lies outside the system's library path, in the build tree and after installing.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
