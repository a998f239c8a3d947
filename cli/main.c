/* SPDX-License-Identifier: Apache-2.0 */
/* The penstock command: its table of subcommands, its command line, its signals. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/command.h"

static const char RUN_HELP[] =
    "Copies the source's tables to the target and then keeps them in step, source transaction by\n"
    "source transaction, exactly once.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n"
    "  --until-caught-up   ends once all is applied that was committed before the start\n"
    "  --adopt-slot        takes over source.slot, which exists and has no state at the target, "
    "from where it\n"
    "                      stands and without a copy\n\n"
    "Example: penstock run -c penstock.yml\n";

static const char CAPTURE_HELP[] =
    "Publishes the source's tables and changes to Kafka, as Debezium's events in Avro, each "
    "exactly once\n"
    "for readers with isolation.level=read_committed.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n"
    "  --until-caught-up   ends once all is published that was committed before the start\n"
    "  --adopt-slot        takes over source.slot, which exists and has no state in Kafka, from "
    "where it\n"
    "                      stands and without a copy\n\n"
    "Example: penstock capture -c penstock.yml\n";

static const char SINK_HELP[] =
    "Applies what a capture has published to the target, source transaction by source "
    "transaction,\n"
    "exactly once. A second one of the same sink.name waits as a standby.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n"
    "  --until-caught-up   ends once all is applied that was in Kafka at the start\n\n"
    "Example: penstock sink -c penstock.yml\n";

static const char CAT_HELP[] =
    "Prints the messages that are in the topic now, one JSON object on a line: where each lies, "
    "its\n"
    "position, its key and its value. TOPIC is the whole name, shop.public.orders for one.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n\n"
    "Example: penstock cat -c penstock.yml shop.public.orders\n";

static const char CHECK_HELP[] =
    "Tests the configuration, then the servers that it names; each finding says what to type to "
    "mend it.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n\n"
    "Example: penstock check -c penstock.yml\n";

static const char STATUS_HELP[] =
    "Shows the slot, the positions, the lag, and the counts of each table. Over Kafka a file with "
    "one "
    "half\nshows that half.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n"
    "  --json              for machines\n\n"
    "Example: penstock status -c penstock.yml\n";

static const char VERIFY_HELP[] =
    "Waits until the target has all that the source has committed, at most 60 s, then compares "
    "table by\n"
    "table. Exit code 0: equal; 1: different; 75: the target is behind, or the source moved "
    "meanwhile:\ntry again.\n\n"
    "  -c FILE             the configuration\n"
    "  --set KEY=VALUE     sets one setting over the file; may be repeated\n\n"
    "Example: penstock verify -c penstock.yml\n";

static const struct command commands[] = {
    {.name = "run",
     .summary = "replicate: capture and sink in one process",
     .help = RUN_HELP,
     .options = " set until-caught-up adopt-slot ",
     .needs = CONFIG_SOURCE | CONFIG_TARGET,
     .uses = CONFIG_KAFKA,
     .run = command_run},
    {.name = "capture",
     .summary = "from the source to Kafka",
     .help = CAPTURE_HELP,
     .options = " set until-caught-up adopt-slot ",
     .needs = CONFIG_SOURCE | CONFIG_KAFKA,
     .run = command_capture},
    {.name = "sink",
     .summary = "from Kafka to the target",
     .help = SINK_HELP,
     .options = " set until-caught-up ",
     .needs = CONFIG_KAFKA | CONFIG_TARGET,
     .run = command_sink},
    {.name = "cat",
     .summary = "print a topic's messages, decoded",
     .help = CAT_HELP,
     .options = " set ",
     .operand = "TOPIC",
     .needs = CONFIG_KAFKA,
     .run = command_cat},
    {.name = "check",
     .summary = "test the configuration and the servers",
     .help = CHECK_HELP,
     .options = " set ",
     .uses = CONFIG_SOURCE | CONFIG_TARGET | CONFIG_KAFKA,
     .run = command_check},
    {.name = "status",
     .summary = "show how it stands",
     .help = STATUS_HELP,
     .options = " set json ",
     .uses = CONFIG_SOURCE | CONFIG_TARGET | CONFIG_KAFKA,
     .needs_for_pipe = CONFIG_SOURCE | CONFIG_TARGET,
     .run = command_status},
    {.name = "verify",
     .summary = "compare source and target",
     .help = VERIFY_HELP,
     .options = " set ",
     .needs = CONFIG_SOURCE | CONFIG_TARGET,
     .uses = CONFIG_KAFKA,
     .run = command_verify},
    {.name = "version",
     .summary = "print the version",
     .help = "Example: penstock version\n",
     .options = " ",
     .run = command_version},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static struct stop_flag stop_flag;

struct stop_flag *command_stop_flag(void)
{
    return &stop_flag;
}

enum exit_code command_stopped(const struct error *err)
{
    struct error shown = *err;
    if (shown.kind == ERROR_NONE || shown.kind == ERROR_ENDED)
        return EXIT_OK;
    if (shown.stop != STOP_NONE && shown.remedy[0] == '\0')
        error_remedy(&shown, "see docs/stops.md, %s", stop_name(shown.stop));
    log_failure(LOG_ERROR, "stopped", &shown);
    return error_exit_code(err);
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    if (stop_flag_is_set(&stop_flag))
        _exit(EXIT_TRY_AGAIN);
    stop_flag_set(&stop_flag);
}

static bool catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    return stop_flag_open(&stop_flag) && sigaction(SIGTERM, &action, NULL) == 0 &&
           sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0;
}

/* ---- the command line ---- */

static void print_usage(FILE *out)
{
    fprintf(out, "usage: penstock COMMAND [-c FILE] [--set KEY=VALUE]…\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`penstock COMMAND --help` tells more.\n");
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool has_config(const struct command *command)
{
    return command->needs || command->uses;
}

static void print_help(const struct command *command)
{
    printf("usage: penstock %s%s%s%s\n\n%s", command->name,
           has_config(command) ? " -c FILE [options]" : "", command->operand ? " " : "",
           command->operand ? command->operand : "", command->help);
}

static bool takes(const struct command *command, const char *option)
{
    char word[64];
    snprintf(word, sizeof(word), " %s ", option);
    return strstr(command->options, word) != NULL;
}

static int usage_error(const struct command *command, const char *what, const char *which)
{
    fprintf(stderr, "penstock %s: %s %s\n", command->name, what, which);
    fprintf(stderr, "`penstock %s --help` tells what it takes\n", command->name);
    return EXIT_USAGE;
}

enum option_code { OPTION_SET = 256, OPTION_JSON, OPTION_UNTIL_CAUGHT_UP, OPTION_ADOPT_SLOT };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"set", required_argument, NULL, OPTION_SET},
    {"json", no_argument, NULL, OPTION_JSON},
    {"until-caught-up", no_argument, NULL, OPTION_UNTIL_CAUGHT_UP},
    {"adopt-slot", no_argument, NULL, OPTION_ADOPT_SLOT},
    {NULL, 0, NULL, 0},
};

static void take_option(struct arguments *arguments, int code, const char *value)
{
    if (code == 'c')
        arguments->config_path = value;
    if (code == OPTION_SET)
        arguments->sets[arguments->set_count++] = value;
    arguments->is_json |= code == OPTION_JSON;
    arguments->until_caught_up |= code == OPTION_UNTIL_CAUGHT_UP;
    arguments->adopts_slot |= code == OPTION_ADOPT_SLOT;
}

/* EXIT_OK, or the code to exit with; `*is_help`: help was asked for and printed. */
static int parse(const struct command *command, int argc, char **argv, struct arguments *arguments,
                 bool *is_help)
{
    int code;
    int index = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":c:h", long_options, &index)) != -1) {
        const char *given = argv[optind - 1];
        if (code == 'h') {
            print_help(command);
            *is_help = true;
            return EXIT_OK;
        }
        if (code == ':')
            return usage_error(command, "a value is missing after", given);
        if (code == '?')
            return usage_error(command, "unknown option", given);
        bool is_allowed =
            code == 'c' ? has_config(command) : takes(command, long_options[index].name);
        if (!is_allowed)
            return usage_error(command, "does not take", given);
        take_option(arguments, code, optarg);
    }
    if (command->operand && optind == argc)
        return usage_error(command, "needs", command->operand);
    if (command->operand)
        arguments->operand = argv[optind++];
    if (optind < argc)
        return usage_error(command, "unexpected argument", argv[optind]);
    if (has_config(command) && !arguments->config_path && arguments->set_count == 0)
        return usage_error(command, "needs", "-c FILE");
    return EXIT_OK;
}

static void configure_log(const struct config *config)
{
    bool is_json = config->log.format == CONFIG_LOG_JSON ||
                   (config->log.format == CONFIG_LOG_AUTO && !isatty(STDERR_FILENO));
    log_configure(config->log.level, is_json ? LOG_JSON : LOG_TEXT);
}

static int run(const struct command *command, const struct arguments *arguments)
{
    if (!has_config(command))
        return command->run(arguments, NULL);
    struct error err;
    const struct config_overrides overrides = {.sets = arguments->sets,
                                               .set_count = arguments->set_count,
                                               .environment = (const char *const *)environ};
    const struct config_needs needs = {.command = command->name,
                                       .parts = command->needs,
                                       .optional = command->uses,
                                       .parts_of_pipe = command->needs_for_pipe};
    SCOPED_CONFIG config = config_load(arguments->config_path, &overrides, &needs, &err);
    if (!config) {
        if (!isatty(STDERR_FILENO))
            log_configure(LOG_INFO, LOG_JSON);
        return command_stopped(&err);
    }
    configure_log(config);
    return command->run(arguments, config);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const struct command *command = find_command(name);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(name, "--version") == 0)
        command = find_command("version");
    if (!command) {
        if (*name)
            fprintf(stderr, "penstock: unknown command %s\n\n", name);
        print_usage(stderr);
        return EXIT_USAGE;
    }
    umask(077);
    (void)prctl(PR_SET_DUMPABLE, 0);
    if (!catch_signals()) {
        perror("penstock: signals");
        return EXIT_TRY_AGAIN;
    }
    struct arguments arguments = {.sets = memory_new_array((size_t)argc, sizeof(char *))};
    bool is_help = false;
    int code = parse(command, argc - 1, argv + 1, &arguments, &is_help);
    if (code == EXIT_OK && !is_help)
        code = run(command, &arguments);
    free(arguments.sets);
    stop_flag_close(&stop_flag);
    return code;
}
