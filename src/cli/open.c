/* From the words of the command line to an open store or package. */
#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cli_free(void *pointer)
{
	void **p = pointer;
	free(*p);
	*p = NULL;
}

void cli_close_store(pnr_store **store)
{
	pnr_store_close(*store);
	*store = NULL;
}

/* In the library 0 is its default: not to wait at all is the least it can. */
static unsigned busy_ms(const cli *c)
{
	if (c->options.wait == CLI_WAIT_DEFAULT)
		return 0;
	return c->options.wait == 0 ? 1 : (unsigned)c->options.wait * 1000;
}

static pnr_status open_at(const cli *c, const char *dir, cli_access access, pnr_store **out_store,
                          bool *out_created, pnr_error *err)
{
	pnr_store_options options = {
		.size = sizeof options,
		.create = access == CLI_CREATE,
		.read_only = access == CLI_LOOK,
		.busy_ms = busy_ms(c),
		.threads = (unsigned)c->options.threads,
	};
	pnr_status status = pnr_store_open(dir, &options, out_store, out_created, err);
	if (status != PNR_DENIED || access != CLI_READ)
		return status;
	*err = (pnr_error)PNR_ERROR_INIT;
	options.read_only = true;
	return pnr_store_open(dir, &options, out_store, out_created, err);
}

static int find_store(cli *c, const char *config, char **out_workspace, char **out_dir)
{
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_workspace_find(config != NULL ? config : PNR_CONFIG_NAME, c->options.workspace, out_workspace, &err) !=
	    PNR_OK) {
		if (err.status == PNR_NOT_FOUND && c->options.workspace != NULL)
			return cli_fail_usage(c, "--workspace: %s", err.message);
		return cli_fail_error(c, CLI_OF_CONFIG, &err);
	}
	if (pnr_store_find(*out_workspace, c->options.store, out_dir, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	cli_remark(c, "workspace %s", *out_workspace);
	cli_remark(c, "store %s", *out_dir);
	return CLI_DONE;
}

/* What is logged now would be dated by the newest entry. */
static int warn_of_clock(cli *c, pnr_store *store)
{
	uint64_t behind_ms = 0;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_clock_behind(store, &behind_ms, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	if (behind_ms > 0)
		cli_warn(c,
		         "the newest entry of the log is %llu s ahead of this machine's clock: what is logged now gets that "
		         "entry's time, and the clock's in its options; is the clock right?",
		         (unsigned long long)(behind_ms / 1000));
	return CLI_DONE;
}

int cli_look_at_store(cli *c, pnr_store **out_store, pnr_error *err)
{
	CLI_CLEANUP(cli_free) char *workspace = NULL;
	CLI_CLEANUP(cli_free) char *dir = NULL;
	bool created = false;
	int failed = find_store(c, NULL, &workspace, &dir);
	if (failed == CLI_DONE && open_at(c, dir, CLI_LOOK, out_store, &created, err) != PNR_OK)
		*out_store = NULL;
	return failed;
}

int cli_open_store(cli *c, const char *config, cli_access access, pnr_store **out_store,
                   char **out_workspace, bool *out_created)
{
	pnr_error err = PNR_ERROR_INIT;
	CLI_CLEANUP(cli_free) char *workspace = NULL;
	CLI_CLEANUP(cli_free) char *dir = NULL;
	bool created = false;
	int failed = find_store(c, config, &workspace, &dir);
	if (failed != CLI_DONE)
		return failed;
	if (open_at(c, dir, access, out_store, &created, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	failed = access == CLI_WRITE || access == CLI_CREATE ? warn_of_clock(c, *out_store) : CLI_DONE;
	if (failed != CLI_DONE)
		return failed;
	if (out_created != NULL)
		*out_created = created;
	if (out_workspace != NULL) {
		*out_workspace = workspace;
		workspace = NULL;
	}
	return CLI_DONE;
}

int cli_temporary(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int length = snprintf(path, sizeof path, "%s/pannier.XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp");
	if (length < 0 || (size_t)length >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

FILE *cli_temporary_file(void)
{
	int fd = cli_temporary();
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (file == NULL && fd >= 0) {
		int reason = errno;
		(void)close(fd);
		errno = reason;
	}
	return file;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);
		if (written < 0 && (errno != EINTR || cli_interrupted()))
			return -1;
		if (written > 0) {
			data += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

int cli_copy(int from, int to)
{
	char block[64 * 1024];
	for (;;) {
		ssize_t got = read(from, block, sizeof block);
		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR && !cli_interrupted())
			continue;
		if (got < 0 || write_all(to, block, (size_t)got) != 0)
			return -1;
	}
}

/* A zip is read from its end: what comes through a pipe is put into a file first. */
static int open_stdin(cli *c, cli_source *out)
{
	int fd = cli_temporary();
	if (fd < 0)
		return cli_fail(c, CLI_FAILED, "temporary file for the package on stdin: %s", strerror(errno));
	if (cli_copy(STDIN_FILENO, fd) != 0) {
		int reason = errno;
		(void)close(fd);
		if (cli_interrupted())
			return cli_fail(c, CLI_INTERRUPTED, "interrupted");
		return cli_fail(c, CLI_FAILED, "reading the package from stdin: %s", strerror(reason));
	}
	out->fd = fd;
	(void)snprintf(out->path, sizeof out->path, "/proc/self/fd/%d", fd);
	out->source.file = out->path;
	out->source.name = out->name = "<stdin>";
	return CLI_DONE;
}

/* "models/term@latest" and "term@latest~2": a name may hold slashes. */
static bool names_latest(const char *argument)
{
	const char *at = strrchr(argument, '@');
	if (at == NULL || strncmp(at, "@latest", 7) != 0)
		return false;
	return at[7] == '\0' || (at[7] == '~' && at[8] != '\0' && strspn(at + 8, "0123456789") == strlen(at + 8));
}

static bool is_file(const char *argument)
{
	struct stat st;
	if (stat(argument, &st) == 0 && !S_ISDIR(st.st_mode))
		return true;
	size_t length = strlen(argument);
	if (length >= 4 && strcmp(argument + length - 4, ".zip") == 0)
		return true;
	return strchr(argument, '/') != NULL && !names_latest(argument);
}

int cli_source_open_file(cli *c, const char *argument, cli_source *out)
{
	*out = (cli_source)CLI_SOURCE_INIT;
	out->name = argument;
	if (strcmp(argument, "-") == 0)
		return open_stdin(c, out);
	out->source.file = argument;
	return CLI_DONE;
}

int cli_source_open(cli *c, const char *argument, cli_source *out)
{
	if (strcmp(argument, "-") == 0 || is_file(argument))
		return cli_source_open_file(c, argument, out);
	*out = (cli_source)CLI_SOURCE_INIT;
	out->name = argument;
	int failed = cli_open_store(c, NULL, CLI_READ, &out->store, NULL, NULL);
	out->source.store = out->store;
	out->source.ref = argument;
	return failed;
}

void cli_source_close(cli_source *source)
{
	cli_close_store(&source->store);
	if (source->fd >= 0)
		(void)close(source->fd);
	source->fd = -1;
}
