# The library is a handful of rooms (docs/architecture.md). Each is a static library of its own, so that the linker
# refuses an arrow that points upwards.
set(RLHF_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND RLHF_WARNINGS -Wno-restrict)  # GCC 12 warns about "text" + std::string in error (PR 105651)
  if(CMAKE_UNITY_BUILD)
    list(APPEND RLHF_WARNINGS -Wno-subobject-linkage)  # it takes a source that another one includes for a header
  endif()
endif()
if(RLHF_WERROR)
  list(APPEND RLHF_WARNINGS -Werror)
endif()

function(rlhf_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE ${RLHF_WARNINGS})
  if(RLHF_SANITIZE)
    string(REPLACE ";" "," sanitizers "${RLHF_SANITIZE}")
    target_compile_options(${target} PRIVATE -fsanitize=${sanitizers} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${sanitizers})
  endif()
endfunction()

# For code that is compiled more often than it takes time to run: programs around the library, and tests.
function(rlhf_compile_quickly target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -O1)
  endif()
endfunction()

# rlhf_room(NAME SOURCES file… [KNOWS room…] [PUBLIC library…] [PRIVATE library…])
function(rlhf_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;KNOWS;PUBLIC;PRIVATE" ${ARGN})
  add_library(rlhf_${name} STATIC ${ROOM_SOURCES})
  add_library(rlhf::${name} ALIAS rlhf_${name})
  set_target_properties(rlhf_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(rlhf_${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:include>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  list(TRANSFORM ROOM_KNOWS PREPEND rlhf_)
  target_link_libraries(rlhf_${name} PUBLIC ${ROOM_KNOWS} ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
  rlhf_compile_options(rlhf_${name})
endfunction()

# rlhf_collection(NAME target…): rlhf::NAME, what a program links.
function(rlhf_collection name)
  add_library(rlhf_${name} INTERFACE)
  add_library(rlhf::${name} ALIAS rlhf_${name})
  set_target_properties(rlhf_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(rlhf_${name} INTERFACE ${ARGN})
endfunction()
