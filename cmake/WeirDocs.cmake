# weir-docs: reference pages of dialects and passes, into build/docs.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
  add_custom_target(weir-docs
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/make_reference.py ${CMAKE_BINARY_DIR}/docs
    COMMENT "reference pages in ${CMAKE_BINARY_DIR}/docs" VERBATIM)
endif()
