include(CMakePackageConfigHelpers)
include(GNUInstallDirs)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rlhf")

get_property(targets GLOBAL PROPERTY RLHF_TARGETS)
install(TARGETS ${targets} EXPORT rlhfTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT rlhfTargets NAMESPACE rlhf:: DESTINATION "${package_dir}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rlhf" DESTINATION include FILES_MATCHING PATTERN "*.h")
if(RLHF_BUILD_TOOLS)
  install(TARGETS rlhf-sft rlhf-rm rlhf-ppo rlhf-dpo rlhf-generate rlhf-eval rlhf-average rlhf-merge rlhf-tokenizer rlhf-report rlhf-feedback)
  install(TARGETS rlhf-engine DESTINATION libexec/rlhf)  # where the fronts look for it: beside their bin/
endif()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rlhfConfig.cmake.in" rlhfConfig.cmake
  INSTALL_DESTINATION "${package_dir}")
# Before 1.0 a new minor version may break its users.
write_basic_package_version_file(rlhfConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/rlhfConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/rlhfConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindPCRE2.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindSentencePiece.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindUtf8proc.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/YamlCppTarget.cmake"
  DESTINATION "${package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
