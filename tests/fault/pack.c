/*
 * Pack under faults: call number N fails once with ENOSPC or with EIO, or the
 * process dies there, for N = 1, 2, ... until a run gets through.
 *
 * After each: the zip of the older package is still what it was or the new one
 * in full, the older package exports byte for byte, the database is sound, and
 * the next pack succeeds and verifies.
 */
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pannier/pannier.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every call in a release build; under sanitizers, which are slower, every seventh. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

#define KILL (-1)
#define SUCCEEDED 0
#define FAILED_CLEANLY 10
#define NOT_REACHED 11
#define FAILED_WRONGLY 12

static char root[] = "/tmp/pannier-fault-XXXXXX";

static void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("FAILED: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static const char *path(const char *name)
{
	static char buffers[8][256];
	static unsigned next;
	char *buffer = buffers[next++ % 8];
	(void)snprintf(buffer, sizeof buffers[0], "%s/%s", root, name);
	return buffer;
}

static void shell(const char *format, ...)
{
	char command[1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(command, sizeof command, format, args);
	va_end(args);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
		_exit(127);
	}
	int code;
	if (pid < 0 || waitpid(pid, &code, 0) != pid || code != 0)
		die("%s", command);
}

static void write_file(const char *name, const void *data, size_t length)
{
	FILE *file = fopen(path(name), "w");
	if (file == NULL || fwrite(data, 1, length, file) != length || fclose(file) != 0)
		die("cannot write %s", name);
}

/* Text that compresses, different for each seed. */
static char *table(size_t length, unsigned seed)
{
	char *data = malloc(length);
	if (data == NULL)
		die("out of memory");
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245u + 12345u;
		data[i] = i % 16 == 15 ? '\n' : (char)('0' + (seed >> 24) % 10);
	}
	return data;
}

static void write_table(const char *name, size_t length, unsigned seed)
{
	char *data = table(length, seed);
	write_file(name, data, length);
	free(data);
}

/* Assets of each kind of encoding: in the database, an object, one of several blocks, one that does not shrink. */
static void make_model(void)
{
	static const char config[] =
		"{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"a/mortality.csv\",\"lapse\":\"a/lapse.csv\","
		"\"expenses\":\"a/expenses.csv\"},\"scenarios\":{\"count\":1},\"policies\":\"p.bin\",\"pipeline\":"
		"{\"nodes\":[{\"id\":\"n\",\"engine\":\"python://step\",\"inputs\":[],\"outputs\":[\"bus://o\"]}]}}";
	shell("mkdir -p %s/w/a", root);
	write_file("w/livecalc.config.json", config, sizeof config - 1);
	write_file("w/m.mga", "MODEL\n", 6);
	write_file("w/step.py", "print(1)\n", 9);
	write_table("w/a/mortality.csv", 5000, 1);
	write_table("w/a/lapse.csv", 200000, 2);
	write_table("w/a/expenses.csv", (2u << 20) + 100, 3);
	unsigned seed = 7;
	unsigned char noise[40000];
	for (size_t i = 0; i < sizeof noise; i++) {
		seed = seed * 1103515245u + 12345u;
		noise[i] = (unsigned char)(seed >> 23);
	}
	write_file("w/p.bin", noise, sizeof noise);
}

/* ------------------------------------------------------------------ the fault -- */

static atomic_long calls;
static long fail_at;
static int fail_with;
static atomic_int fired_call = -1;

static int gate(pnr_file_call call, size_t *length)
{
	(void)length;
	if (atomic_fetch_add(&calls, 1) + 1 != fail_at)
		return 0;
	atomic_store(&fired_call, (int)call);
	if (fail_with == KILL)
		(void)kill(getpid(), SIGKILL);
	return fail_with;
}

/* ------------------------------------------------------------------- packing -- */

static pnr_status open_store(pnr_store **store, pnr_error *err)
{
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	return pnr_store_open(path("w/.pannier"), &options, store, NULL, err);
}

static pnr_status pack(pnr_digest *out_archive, pnr_error *err)
{
	pnr_store *store = NULL;
	pnr_pack_result *result = NULL;
	const pnr_pack_options options = { .size = sizeof options, .include_policies = true };
	pnr_status status = open_store(&store, err);
	if (status == PNR_OK)
		status = pnr_pack(store, path("w/livecalc.config.json"), &options, &result, err);
	if (status == PNR_OK && out_archive != NULL)
		*out_archive = result->archive_hash;
	pnr_pack_result_free(result);
	pnr_store_close(store);
	return status;
}

/* In a process of its own, with the fault armed. */
static int faulty_pack(long n, int how)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		pnr_error err = PNR_ERROR_INIT;
		fail_at = n;
		fail_with = how;
		pnr_file_gate_hook = gate;
		pnr_status status = pack(NULL, &err);
		pnr_file_gate_hook = NULL;
		if (status == PNR_OK)
			_exit(atomic_load(&fired_call) < 0 ? NOT_REACHED : SUCCEEDED);
		if (err.message[0] == '\0' || err.status != status) {
			fprintf(stderr, "call %ld, %s: status %s, but the error says %s: '%s'\n", n,
			        pnr_file_call_name((pnr_file_call)atomic_load(&fired_call)), pnr_status_name(status),
			        pnr_status_name(err.status), err.message);
			_exit(FAILED_WRONGLY);
		}
		_exit(FAILED_CLEANLY);
	}
	int code = 0;
	if (pid < 0 || waitpid(pid, &code, 0) != pid)
		die("fork");
	if (WIFSIGNALED(code)) {
		if (how != KILL || WTERMSIG(code) != SIGKILL)
			die("call %ld, fault %d: killed by signal %d", n, how, WTERMSIG(code));
		return FAILED_CLEANLY;
	}
	return WEXITSTATUS(code);
}

/* ------------------------------------------------------------------ checking -- */

static void check_database(long n)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	if (sqlite3_open(path("w/.pannier/pannier.db"), &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW ||
	    strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		die("call %ld: integrity_check: %s", n, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	if (sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_DONE)
		die("call %ld: foreign_key_check", n);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* Its archive hash, once it is found right. */
static pnr_digest check_zip(const char *file, long n)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_verify_result *result = NULL;
	const pnr_package_source source = { .file = path(file) };
	if (pnr_verify(&source, NULL, &result, &err) != PNR_OK)
		die("call %ld: %s: %s", n, file, err.message);
	pnr_digest hash = result->archive_hash;
	pnr_verify_result_free(result);
	return hash;
}

static void check_export(const pnr_digest *archive, long n)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_store *store = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(archive, hex);
	if (open_store(&store, &err) != PNR_OK ||
	    pnr_export(store, hex, path("exported.zip"), NULL, NULL, NULL, &err) != PNR_OK)
		die("call %ld: the older package does not export: %s", n, err.message); /* its hash is checked there */
	pnr_store_close(store);
}

static void check_no_leftovers(const char *folder, const char *part, long n)
{
	DIR *dir = opendir(path(folder));
	if (dir == NULL)
		die("call %ld: no folder %s", n, folder);
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (entry->d_name[0] != '.' && part[0] == '\0')
			die("call %ld: '%s' is left in %s", n, entry->d_name, folder);
		else if (part[0] != '\0' && strstr(entry->d_name, part) != NULL)
			die("call %ld: '%s' is left in %s", n, entry->d_name, folder);
	closedir(dir);
}

/* ---------------------------------------------------------------------- main -- */

static long loop(int how, const pnr_digest *old_archive, long *out_survived)
{
	long survived = 0;
	for (long n = 1;; n += STRIDE) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_digest new_archive;
		shell("rm -rf %s/w && cp -a %s/before %s/w", root, root, root);
		int outcome = faulty_pack(n, how);
		if (outcome == NOT_REACHED) {
			*out_survived = survived;
			return (n - 1) / STRIDE;
		}
		if (outcome != SUCCEEDED && outcome != FAILED_CLEANLY)
			die("call %ld, fault %d: exit %d", n, how, outcome);
		survived += outcome == SUCCEEDED;
		check_database(n);
		/* What a reader of the zip sees now is either package, whole. */
		pnr_digest seen = check_zip("w/model-package.zip", n);
		check_export(old_archive, n);
		if (pack(&new_archive, &err) != PNR_OK)
			die("call %ld: the next pack fails: %s", n, err.message);
		pnr_digest packed = check_zip("w/model-package.zip", n);
		if (!pnr_digest_equal(&packed, &new_archive))
			die("call %ld: the next pack left another zip than it says", n);
		if (!pnr_digest_equal(&seen, old_archive) && !pnr_digest_equal(&seen, &new_archive))
			die("call %ld: the zip was neither the older nor the newer package", n);
		check_no_leftovers("w/.pannier/tmp", "", n);
		check_no_leftovers("w", ".pnr-", n);
	}
}

int main(void)
{
	static const struct {
		int how;
		const char *name;
	} faults[] = { { ENOSPC, "ENOSPC" }, { EIO, "EIO" }, { KILL, "SIGKILL" } };
	pnr_error err = PNR_ERROR_INIT;
	pnr_digest old_archive;
	if (mkdtemp(root) == NULL)
		die("mkdtemp");
	make_model();
	if (pack(&old_archive, &err) != PNR_OK)
		die("first pack: %s", err.message);
	write_table("w/a/lapse.csv", 200000, 20);
	write_table("w/a/expenses.csv", (2u << 20) + 200, 30);
	write_table("w/a/mortality.csv", 5100, 10);
	shell("cp -a %s/w %s/before", root, root);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		long survived = 0;
		long injected = loop(faults[i].how, &old_archive, &survived);
		printf("pack: %ld faults %s injected, %ld survived, 0 losses\n", injected, faults[i].name, survived);
		if (injected < 100 / STRIDE)
			die("only %ld calls pass the gate", injected);
	}
	shell("rm -rf %s", root);
	return 0;
}
