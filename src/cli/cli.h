/*
 * What main, the commands and their helpers share. The tool is a user of the
 * library like any other: it includes <pannier/...> and its own folder.
 *
 * A command is a function that gets everything in a `cli` and returns an exit
 * status. It speaks through the functions here: text for people to stdout, or
 * one JSON document with --json, which main prints last; diagnostics to stderr.
 */
#ifndef PANNIER_CLI_CLI_H
#define PANNIER_CLI_CLI_H

#include "cli/json.h"
#include <pannier/pannier.h>
#include <stdio.h>

#define CLI_PRINTF(text, arguments) __attribute__((format(printf, text, arguments)))
/** Call @function(&variable) when the variable's scope ends. */
#define CLI_CLEANUP(function) __attribute__((cleanup(function)))
#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Exit statuses. Scripts rely on them. */
typedef enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,      /**< I/O, memory, a fault of ours */
	CLI_USAGE = 2,       /**< the command line is wrong */
	CLI_INVALID = 3,     /**< invalid config, missing assets */
	CLI_UNVERIFIED = 4,  /**< bytes are not what their hash says */
	CLI_ABSENT = 5,      /**< no such package, asset or remote */
	CLI_BUSY = 6,        /**< another process holds the store */
	CLI_REMOTE = 7,      /**< the remote failed or refused */
	CLI_INTERRUPTED = 130
} cli_exit;

/* -------------------------------------------------------- command line -- */

typedef struct cli_list {
	const char **items;
	size_t count;
} cli_list;

/** Every option of every command; zero where not given. */
typedef struct cli_options {
	const char *store, *workspace, *progress;
	bool json, quiet, verbose, no_progress, help, version;
	const char *output, *directory, *expect, *assets, *name, *tag, *note, *since, *have, *remote, *base;
	const char *only, *csv, *removed;
	bool include_policies, no_assumptions, no_validate_assets, portable, no_zip, rehash, patch, dry_run, heal, no_patch;
	bool exit_code, text, list, force, quick, full;
	cli_list engine_dirs, allow_outside;
	uint64_t level, limit, threads, wait, max_size;
} cli_options;

typedef enum cli_option_kind { CLI_FLAG, CLI_TEXT, CLI_LIST, CLI_NUMBER, CLI_SIZE } cli_option_kind;

/** One option. A table of them ends with an entry without a name. */
typedef struct cli_option {
	const char *name;     /**< long, without "--" */
	char letter;          /**< short; 0 if there is none */
	cli_option_kind kind;
	size_t offset;        /**< of its field in cli_options */
	const char *value;    /**< what the help calls its value; NULL for a flag */
	const char *help;
	uint64_t low, high;   /**< bounds of a number */
} cli_option;

/** For the tables of the commands that use several threads. */
#define CLI_THREADS_OPTION                                                      \
	{ "threads", 0, CLI_NUMBER, offsetof(cli_options, threads), "N",        \
	  "work on so many cores, 1 to 1024; else on all", 1, 1024 }

typedef struct cli cli;

typedef struct cli_command {
	const char *name;
	const char *operands; /**< as the help shows them */
	unsigned least, most; /**< how many there may be */
	const char *summary;  /**< one line */
	const char *about;    /**< what a user must know before using it; lines end with \n */
	const char *examples; /**< lines that work in the folder of a packed model */
	const cli_option *options;
	int (*run)(cli *c);
} cli_command;

/** `remote check NAME`: the exit status. */
int cli_remote_check(cli *c, pnr_store *store);

extern const cli_command cli_init, cli_validate, cli_status, cli_pack, cli_export, cli_verify, cli_unpack,
	cli_worker_json, cli_delta, cli_apply, cli_log, cli_show, cli_history, cli_diff, cli_uses, cli_cat, cli_tag,
	cli_stats, cli_report, cli_import, cli_remote, cli_push, cli_pull, cli_fsck;

/** All commands in the order of the help; ends with NULL. */
extern const cli_command *const cli_commands[];

/** A running tool. */
struct cli {
	int argc;
	char **argv;
	int rest;                   /**< of argv from here on no option was looked at yet */
	const cli_command *command; /**< NULL until it is known */
	cli_options options;
	char **operands;            /**< of the command */
	size_t operand_count;
	cli_json reply;             /**< the document that --json prints */
	bool streamed;              /**< stdout carries bytes; no document follows them */
	int output_error;           /**< errno of the first write to stdout that failed */
	bool drawn;                 /**< a progress line stands on the terminal */
	double drawn_at;            /**< when it was drawn, or the tool started */
};

/** What --wait is without the option: let the library decide. */
#define CLI_WAIT_DEFAULT UINT64_MAX

/** Fill in command, options and operands. CLI_DONE, or what was wrong, reported. */
int cli_parse(cli *c);
/** The help of the command, or of the tool without one. */
int cli_help(cli *c);
/** Release what cli_parse allocated. */
void cli_options_free(cli *c);

/* -------------------------------------------------------------- speaking -- */

/** What a failed call was about: it decides which exit status a pnr_status becomes. */
typedef enum cli_subject {
	CLI_OF_CONFIG,  /**< the config and the assets that it names */
	CLI_OF_REF,     /**< a package or an asset in the store */
	CLI_OF_PACKAGE, /**< the bytes of a package */
	CLI_OF_STORE,   /**< the store itself */
	CLI_OF_OUTPUT,  /**< what is written */
	CLI_OF_REMOTE   /**< the remote, whose fault it was */
} cli_subject;
/** The exit status for @err; the only place where one becomes the other. */
int cli_exit_of(cli_subject subject, const pnr_error *err);

/** "pannier: TEXT" on stderr, control characters escaped. */
void cli_complain(cli *c, const char *format, ...) CLI_PRINTF(2, 3);
/** The same as a warning; not with --quiet. */
void cli_warn(cli *c, const char *format, ...) CLI_PRINTF(2, 3);
/** The same for who asked for --verbose. */
void cli_remark(cli *c, const char *format, ...) CLI_PRINTF(2, 3);

/**
 * Begin the reply of a command that did its work, or of one that failed. NULL
 * without --json. What was in the reply is dropped.
 */
cli_json *cli_reply(cli *c);
cli_json *cli_reply_failure(cli *c, int exit_status, const char *format, ...) CLI_PRINTF(3, 4);
void cli_reply_end(cli *c);

/** A whole failure in one call; returns @exit_status. */
int cli_fail(cli *c, int exit_status, const char *format, ...) CLI_PRINTF(3, 4);
/** The same for an error of the library. */
int cli_fail_error(cli *c, cli_subject subject, const pnr_error *err);
/** The same for a wrong command line: says where the help is. */
int cli_fail_usage(cli *c, const char *format, ...) CLI_PRINTF(2, 3);

/** A line of a successful command for people: not with --json, nor with --quiet. */
void cli_say(cli *c, const char *format, ...) CLI_PRINTF(2, 3);

typedef enum cli_colour { CLI_PLAIN, CLI_RED, CLI_GREEN, CLI_YELLOW } cli_colour;
/** The escape sequence for @stream, "" unless it is a terminal and NO_COLOR is not set. */
const char *cli_paint(FILE *stream, cli_colour colour);

/** Pass bytes to stdout: a pnr_write_fn whose user is the cli. Stops on an interrupt and on failure. */
int cli_write(void *user, const void *data, size_t length);

/** The progress callback of every long call; its user is the cli. */
int cli_progress(void *user, const pnr_progress *progress);
/** Take the progress line off the terminal. */
void cli_progress_erase(cli *c);
/** Seconds since some moment. */
double cli_clock(void);

/** SIGINT or SIGTERM arrived. */
bool cli_interrupted(void);

/* --------------------------------------------------------------- reports -- */

/** `FILE:LINE:COLUMN: error: MESSAGE` on stderr for each. */
void cli_complain_issues(cli *c, const char *file, const pnr_issue *issues, size_t count);
/** The same as warnings; not with --quiet. */
void cli_warn_issues(cli *c, const char *file, const pnr_issue *issues, size_t count);
void cli_complain_missing(cli *c, const pnr_missing_asset *missing, size_t count);
void cli_json_issues(cli_json *json, const char *key, const pnr_issue *issues, size_t count);
/** missingAssets and missing. */
void cli_json_missing(cli_json *json, const pnr_missing_asset *missing, size_t count);
void cli_json_digest(cli_json *json, const char *key, const pnr_digest *digest, bool known);
/** A hash of 64 hex digits, of either case, at @text. */
bool cli_digest_parse(const char *text, size_t length, pnr_digest *out_digest);
/** "2026-01-24 12:34:56" of "2026-01-24T12:34:56.789Z"; the same text if it is no time. */
#define CLI_TIME_TEXT 32
char *cli_time_text(const char *at, char out_text[CLI_TIME_TEXT]);
/** The first twelve digits of a hash; all of them with --verbose. */
char *cli_hash_text(const cli *c, const pnr_digest *digest, char out_hex[PNR_DIGEST_HEX_SIZE]);
/** A path, absolute if it can be. */
void cli_json_path(cli_json *json, const char *key, const char *path);

/* -------------------------------------------------------- store, package -- */

typedef enum cli_access { CLI_LOOK, CLI_READ, CLI_WRITE, CLI_CREATE } cli_access;

/**
 * Find and open the store of @config (NULL: of the current folder). CLI_LOOK
 * opens it read-only, CLI_READ falls back to that. CLI_DONE, or what went wrong, reported.
 *
 * @out_workspace, @out_created  may be NULL; free() the former.
 */
int cli_open_store(cli *c, const char *config, cli_access access, pnr_store **out_store,
                   char **out_workspace, bool *out_created);
/** As with CLI_LOOK; that it cannot be opened is no failure, but NULL and the reason in @err. */
int cli_look_at_store(cli *c, pnr_store **out_store, pnr_error *err);
/** For CLI_CLEANUP. */
void cli_close_store(pnr_store **store);
void cli_free(void *pointer);

/** A package as the command line names it. */
typedef struct cli_source {
	pnr_package_source source;
	pnr_store *store;
	int fd;          /**< of the copy of stdin; -1 if there is none */
	char path[32];
	const char *name; /**< for messages */
} cli_source;
#define CLI_SOURCE_INIT { .fd = -1 }

/** Open FILE.zip or "-" (stdin). CLI_DONE, or what went wrong, reported. */
int cli_source_open_file(cli *c, const char *argument, cli_source *out_source);
/** Open FILE.zip, REF or "-" (stdin). CLI_DONE, or what went wrong, reported. */
int cli_source_open(cli *c, const char *argument, cli_source *out_source);
void cli_source_close(cli_source *source);

/** An unlinked temporary file, for reading and writing; -1 with errno set. */
int cli_temporary(void);
/** The same as a stream; NULL with errno set. */
FILE *cli_temporary_file(void);
/** Copy all of @from to @to, stopping on an interrupt. -1 with errno set. */
int cli_copy(int from, int to);

#endif
