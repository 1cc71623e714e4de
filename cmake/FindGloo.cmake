# Finds the headers of Gloo, which LibTorch's own need and do not include. The code is in LibTorch.
#   out: Gloo_INCLUDE_DIR
find_path(Gloo_INCLUDE_DIR gloo/context.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Gloo
  REQUIRED_VARS Gloo_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Install libgloo-dev, or run scripts/bootstrap.sh.")
mark_as_advanced(Gloo_INCLUDE_DIR)
