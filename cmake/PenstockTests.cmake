# SPDX-License-Identifier: Apache-2.0
# Every kind of test, found by its name: a new file needs no edit here. Each is a ctest entry
# <kind>/<name> with the label <kind>: unit, fuzz, integration, soak or lint.

# The distribution's, not what an environment puts first: only it sees the distribution's psycopg2.
set(PENSTOCK_TEST_PYTHON /usr/bin/python3)
# The same in a venv with Kafka's client, which `script/install-deps --test` makes: for integration and soak.
execute_process(COMMAND "${PROJECT_SOURCE_DIR}/tests/kafka/fetch" --where python
                OUTPUT_VARIABLE PENSTOCK_READER_PYTHON OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
string(APPEND PENSTOCK_READER_PYTHON /bin/python3)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             "${PROJECT_SOURCE_DIR}/tests/kafka/fetch" "${PROJECT_SOURCE_DIR}/tests/kafka/requirements.txt")
get_property(PENSTOCK_MODULES GLOBAL PROPERTY PENSTOCK_MODULES)

# Makes the program `name` of `source`, linked with all modules, in the build's mirror of its folder.
function(penstock_test_program name source output)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE relative)
    cmake_path(GET relative PARENT_PATH folder)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE penstock_test_support ${PENSTOCK_MODULES})
    set_target_properties(${name} PROPERTIES OUTPUT_NAME "${output}"
                          RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
endfunction()

# tests/support/*.c: what several tests share.
function(penstock_test_support)
    pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET GLOBAL cmocka)
    pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET GLOBAL libmicrohttpd)
    pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET GLOBAL avro-c) # a second opinion, never shipped
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/support/*.c")
    if(sources)
        add_library(penstock_test_support STATIC ${sources})
        target_link_libraries(penstock_test_support PUBLIC ${PENSTOCK_MODULES} PkgConfig::MICROHTTPD)
    else()
        add_library(penstock_test_support INTERFACE)
    endif()
endfunction()

# tests/unit/<module>/<x>_test.c
function(penstock_unit_tests)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/unit/*/*_test.c")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        cmake_path(GET source PARENT_PATH folder)
        cmake_path(GET folder FILENAME module)
        string(REGEX REPLACE "_test$" "" name "${stem}")
        penstock_test_program(unit_${module}_${name} "${source}" ${stem})
        target_link_libraries(unit_${module}_${name} PRIVATE PkgConfig::CMOCKA)
        if(name STREQUAL "avro_c")
            target_link_libraries(unit_${module}_${name} PRIVATE PkgConfig::AVRO)
        endif()
        add_test(NAME unit/${module}/${name} COMMAND unit_${module}_${name}
                 WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
        set_tests_properties(unit/${module}/${name} PROPERTIES LABELS unit TIMEOUT 120)
    endforeach()
endfunction()

# tests/fuzz/<x>_fuzz.c defines LLVMFuzzerTestOneInput. ctest replays tests/fuzz/corpus/<x>/ through
# it; with PENSTOCK_FUZZER it lets libFuzzer search on from there, and keeps what it finds in the
# build folder.
function(penstock_fuzz_tests)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.c")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        string(REGEX REPLACE "_fuzz$" "" name "${stem}")
        set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
        set(found "${PROJECT_BINARY_DIR}/tests/fuzz/found/${name}")
        penstock_test_program(fuzz_${name} "${source}" ${stem})
        if(PENSTOCK_FUZZER)
            file(MAKE_DIRECTORY "${found}" "${corpus}")
            target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
            add_test(NAME fuzz/${name} WORKING_DIRECTORY "${PROJECT_BINARY_DIR}/tests/fuzz"
                     COMMAND fuzz_${name} -max_total_time=${PENSTOCK_FUZZ_SECONDS} -max_len=65536
                             -print_final_stats=1 "${found}" "${corpus}")
            math(EXPR timeout "${PENSTOCK_FUZZ_SECONDS} + 120")
        else()
            target_sources(fuzz_${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c")
            add_test(NAME fuzz/${name} COMMAND fuzz_${name} "${corpus}"
                     WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
            set(timeout 120)
        endif()
        set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT ${timeout})
    endforeach()
endfunction()

# tests/<folder>/<prefix>*.py as ctest entries of the kind `label`, run by `python`, with what follows as
# properties.
function(penstock_python_tests folder prefix label python)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/${prefix}*.py")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        string(REGEX REPLACE "^${prefix}(.)" "\\1" name "${stem}")
        set(configurations "")
        if(label STREQUAL soak)
            set(configurations CONFIGURATIONS soak) # runs with `ctest -C soak` only
        endif()
        add_test(NAME ${label}/${name} COMMAND "${python}" -B "${source}"
                 WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" ${configurations})
        set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} ${ARGN})
    endforeach()
endfunction()

# Of tests/integration/test_<x>.py, those that run through Kafka too, where PairCase's tests are the same: the entry
# integration/kafka_<x> beside integration/<x>, with that environment.
function(penstock_tests_through_kafka environment)
    foreach(name IN LISTS ARGN)
        add_test(NAME integration/kafka_${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
                 COMMAND "${PENSTOCK_READER_PYTHON}" -B
                         "${PROJECT_SOURCE_DIR}/tests/integration/test_${name}.py")
        set_tests_properties(integration/kafka_${name} PROPERTIES LABELS integration TIMEOUT 900 RUN_SERIAL ON
                             ENVIRONMENT "${environment};PENSTOCK_TEST_TRANSPORT=kafka")
    endforeach()
endfunction()

# tests/integration/test_<x>.py and soak_<x>.py, and the programs <x>.c beside them that they drive.
function(penstock_integration_tests)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/integration/*.c")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        penstock_test_program(integration_${stem} "${source}" ${stem})
    endforeach()
    set(environment "PENSTOCK=${PROJECT_BINARY_DIR}/penstock;PENSTOCK_BUILD=${PROJECT_BINARY_DIR}")
    set(environment "${environment};PENSTOCK_RELEASE=${PENSTOCK_RELEASE}")
    penstock_python_tests(integration test_ integration "${PENSTOCK_READER_PYTHON}" TIMEOUT 900 RUN_SERIAL ON
                          ENVIRONMENT "${environment}")
    penstock_tests_through_kafka("${environment}" bank stream)
    penstock_python_tests(integration soak_ soak "${PENSTOCK_READER_PYTHON}" TIMEOUT 100000 RUN_SERIAL ON
                          ENVIRONMENT "${environment}")
endfunction()

# tests/lint/check_<x>.py; exit code 77 means that the tool is not there.
function(penstock_lint_tests)
    penstock_python_tests(lint check_ lint "${PENSTOCK_TEST_PYTHON}" TIMEOUT 120 SKIP_RETURN_CODE 77)
    penstock_python_tests(lint selftest lint "${PENSTOCK_TEST_PYTHON}" TIMEOUT 120)
endfunction()

# tests/bench/<x>.c becomes bench_<x>, never installed.
function(penstock_benchmarks)
    file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/bench/*.c")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        string(REGEX REPLACE "^bench_" "" name "${stem}")
        penstock_test_program(bench_${name} "${source}" bench_${name})
    endforeach()
    target_link_libraries(bench_avro PRIVATE PkgConfig::AVRO)
endfunction()

# The target `coverage` prints what the tests that ran before it covered.
function(penstock_coverage_target)
    find_program(GCOVR gcovr)
    if(GCOVR)
        add_custom_target(coverage VERBATIM
            COMMAND "${GCOVR}" --root "${PROJECT_SOURCE_DIR}" --exclude ".*/tests/.*" --sort-percentage
                    --xml "${PROJECT_BINARY_DIR}/coverage.xml" --txt - "${PROJECT_BINARY_DIR}")
    endif()
endfunction()
