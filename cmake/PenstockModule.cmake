# SPDX-License-Identifier: Apache-2.0
# One static library per folder, and the command that wires them together.

# penstock_module(name [DEPENDS module…] [LIBRARIES target…])
#
# Makes penstock_<name> of all sources in <name>/; a new file needs no edit here.
function(penstock_module name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES")
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${name}/*.c")
    file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${name}/*.h")
    # Nothing but macros: as a translation unit of its own it would be empty.
    list(FILTER headers EXCLUDE REGEX "/base/attributes\\.h$")
    list(TRANSFORM arg_DEPENDS PREPEND penstock_)
    if(sources)
        add_library(penstock_${name} STATIC ${sources})
        target_link_libraries(penstock_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES})
        target_sources(penstock_${name} PUBLIC FILE_SET HEADERS
                       BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
        set_target_properties(penstock_${name} PROPERTIES
                              VERIFY_INTERFACE_HEADER_SETS ON
                              ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
    else()
        add_library(penstock_${name} INTERFACE)
        target_link_libraries(penstock_${name} INTERFACE ${arg_DEPENDS} ${arg_LIBRARIES})
    endif()
    set_property(GLOBAL APPEND PROPERTY PENSTOCK_MODULES penstock_${name})
endfunction()

# penstock_command(folder)
#
# Makes the program `penstock` of all sources in the folder, linked with all modules.
function(penstock_command folder)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.c")
    if(NOT sources)
        message(STATUS "${folder}/ has no sources: the program penstock is not built")
        return()
    endif()
    get_property(modules GLOBAL PROPERTY PENSTOCK_MODULES)
    add_executable(penstock ${sources})
    target_link_libraries(penstock PRIVATE ${modules})
    target_compile_definitions(penstock PRIVATE PENSTOCK_VERSION="${PROJECT_VERSION}")
    install(TARGETS penstock RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
