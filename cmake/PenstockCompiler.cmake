# SPDX-License-Identifier: Apache-2.0
# The language, and what hardens a release. Warnings are in CMakePresets.json.
include(CheckCCompilerFlag)
include(CheckPIESupported)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C)

include_directories("${PROJECT_SOURCE_DIR}")
add_compile_definitions(_GNU_SOURCE)
if(PENSTOCK_FAILPOINTS)
    add_compile_definitions(PENSTOCK_FAILPOINTS)
endif()

# Adds `flag` to the release builds where the compiler knows it.
function(penstock_release_flag flag)
    string(MAKE_C_IDENTIFIER "PENSTOCK_HAS${flag}" known)
    check_c_compiler_flag("${flag}" ${known})
    if(${known})
        add_compile_options("$<$<CONFIG:Release,RelWithDebInfo>:${flag}>")
    endif()
endfunction()

penstock_release_flag(-fstack-protector-strong)
penstock_release_flag(-fstack-clash-protection)
penstock_release_flag(-fcf-protection)
# The same bytes wherever the tree lies.
penstock_release_flag("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
# Undefined first: some distributions define a lower level in the compiler.
add_compile_options("$<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
add_link_options("$<$<CONFIG:Release,RelWithDebInfo>:LINKER:-z,relro,-z,now>")
