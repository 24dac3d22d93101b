#include "harness.h"
#include "sync/object_read.h"
#include "sync/remote_package.h"
#include "trees.h"
#include <dirent.h>
#include <fcntl.h>
#include <pannier/pannier.h>
#include <pwd.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The tool itself: its main, under another name. */
int cli_main(int argc, char **argv);

#define REMOTE_FAILED 7 /* what a command says when it was not its own files that failed */

report *shared;
static long states;   /* that faults of this loop have left, and that were not seen before */
static long survived; /* faults of this loop after which the command succeeded */

const char *const scene_names[SCENE_COUNT] = { "empty", "packed", "changed", "pushed", "worker", "cached", "packed" };

/* The model's files before the last change: what the first package of a scene holds. */
static const char config[] =
	"{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"a/mortality.csv\",\"lapse\":\"a/lapse.csv\","
	"\"expenses\":\"a/expenses.csv\"},\"scenarios\":{\"count\":1},\"policies\":\"p.bin\",\"pipeline\":"
	"{\"nodes\":[{\"id\":\"n\",\"engine\":\"python://step\",\"inputs\":[],\"outputs\":[\"bus://o\"]},"
	"{\"id\":\"w\",\"engine\":\"wasm://calc\",\"inputs\":[\"bus://o\"],\"outputs\":[\"bus://p\"]}]}}";

/* ------------------------------------------------------------------ checking -- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *what)
{
	sqlite3_stmt *statement = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		die("%s: %s: %s", what, sql, sqlite3_errmsg(db));
	return statement;
}

static sqlite3 *open_database(const char *name, const char *what)
{
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(path(name), &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		die("%s: cannot open %s", what, name);
	return db;
}

void check_database(const char *name, const char *what)
{
	if (access(path(name), F_OK) != 0)
		return;
	sqlite3 *db = open_database(name, what);
	sqlite3_stmt *statement = prepare(db, "PRAGMA integrity_check", what);
	if (sqlite3_step(statement) != SQLITE_ROW || strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
		die("%s: integrity_check: %s", what, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	statement = prepare(db, "PRAGMA foreign_key_check", what);
	if (sqlite3_step(statement) != SQLITE_DONE)
		die("%s: foreign_key_check", what);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static uint64_t hash_rows(sqlite3 *db, const char *table, uint64_t hash, const char *what)
{
	char sql[256];
	(void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY 1, 2", table);
	sqlite3_stmt *statement = prepare(db, sql, what);
	while (sqlite3_step(statement) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const void *data = sqlite3_column_blob(statement, i);
			size_t length = (size_t)sqlite3_column_bytes(statement, i);
			hash = mix(mix(hash, &length, sizeof length), data, data == NULL ? 0 : length);
		}
	sqlite3_finalize(statement);
	return hash;
}

/* What the database holds, but for what may be forgotten: caches. */
static uint64_t database_hash(const char *name, const char *what)
{
	if (access(path(name), F_OK) != 0)
		return 0;
	uint64_t hash = 1;
	sqlite3 *db = open_database(name, what);
	sqlite3_stmt *tables = prepare(db,
	                               "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN "
	                               "('source_file', 'output_file', 'model_scan', 'last_pack', 'sqlite_sequence', 'sqlite_stat1') ORDER BY name",
	                               what);
	while (sqlite3_step(tables) == SQLITE_ROW)
		hash = hash_rows(db, (const char *)sqlite3_column_text(tables, 0), hash, what);
	sqlite3_finalize(tables);
	sqlite3_close(db);
	return hash;
}

static uint64_t objects_hash(void)
{
	return access(path("w/.pannier/objects"), F_OK) == 0 ? tree_hash("w/.pannier/objects") : 0;
}

static void check_empty_of(const char *folder, const char *part, const char *what)
{
	DIR *dir = opendir(path(folder));
	if (dir == NULL)
		return;
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    strstr(entry->d_name, part) != NULL)
			die("%s: '%s' is left in %s", what, entry->d_name, folder);
	closedir(dir);
}

void check_no_leftovers(const char *name, const char *what)
{
	char tmp[256];
	(void)snprintf(tmp, sizeof tmp, "%s/" PNR_STORE_NAME "/tmp", name);
	check_empty_of(tmp, "", what);
	check_empty_of(name, ".pnr-", what);
}

/* ------------------------------------------------------------------- remotes -- */

/* With nothing of the store at work: all must come from the remote. */
static void check_package(pnr_store *empty, pnr_remote *remote, const char *name, const char *what)
{
	pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	pnr_package_key key;
	pnr_error err = PNR_ERROR_INIT;
	if (!pnr_package_key_parse(name, &key) || pnr_remote_package_get(empty, remote, &key, &package, &err) != PNR_OK)
		die("%s: a package is not what it should be: %s: %s", what, name, err.message);
	pnr_object_proof *proofs = calloc(package.object_count + 1, sizeof *proofs);
	if (proofs == NULL)
		die("out of memory");
	for (size_t i = 0; i < package.object_count; i++)
		proofs[i].row = &package.objects[i];
	if (pnr_objects_prove(empty, remote, &package, proofs, package.object_count, NULL, &err) != PNR_OK)
		die("%s: %s cannot be read: %s", what, name, err.message);
	for (size_t i = 0; i < package.object_count; i++)
		if (proofs[i].status != PNR_OK)
			die("%s: %s can be seen, and is not whole: %s", what, name, proofs[i].problem.message);
	free(proofs);
	pnr_package_object_free(&package);
}

static int append_key(void *user, const char *key, uint64_t size)
{
	(void)size;
	pnr_buffer_printf(user, "%s\n", key);
	return 0;
}

/* Of remotes whose same bytes need no second proof. */
static uint64_t proved[256];
static size_t proved_count;

static bool was_proved(uint64_t hash)
{
	for (size_t i = 0; i < proved_count && i < PNR_COUNT(proved); i++)
		if (proved[i] == hash)
			return true;
	return false;
}

static void check_remote(pnr_store *empty, const char *folder, const char *what)
{
	char marked[128];
	pnr_buffer keys = PNR_BUFFER_INIT;
	pnr_remote *remote = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)snprintf(marked, sizeof marked, "%s/pannier.json", folder);
	if (access(path(marked), F_OK) != 0)
		return;
	uint64_t hash = tree_hash(folder);
	if (was_proved(hash))
		return;
	if (pnr_remote_open(path(folder), NULL, &remote, &err) != PNR_OK ||
	    pnr_remote_list(remote, "packages/", append_key, &keys, NULL, &err) != PNR_OK)
		die("%s: remote %s: %s", what, folder, err.message);
	for (char *key = keys.data == NULL ? NULL : strtok(keys.data, "\n"); key != NULL; key = strtok(NULL, "\n"))
		check_package(empty, remote, key, what);
	pnr_remote_close(remote);
	pnr_buffer_free(&keys);
	proved[proved_count++ % PNR_COUNT(proved)] = hash;
}

void check_remotes(const char *what)
{
	static pnr_store *empty;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 1 };
	pnr_error err = PNR_ERROR_INIT;
	if (access(path("w/.pannier/share"), F_OK) != 0)
		return;
	if (empty == NULL && pnr_store_open(path("nothing"), &options, &empty, NULL, &err) != PNR_OK)
		die("%s", err.message);
	check_remote(empty, "w/.pannier/share", what);
	check_remote(empty, "w/.pannier/other", what);
}

/* ------------------------------------------------------------------- running -- */

/* Every run has the same times and names, so that equal outcomes are equal bytes. Not where times of files are trusted. */
static bool is_frozen;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	static atomic_long ticks;
	if (!is_frozen)
		return (int)syscall(SYS_clock_gettime, clock, out);
	long ms = clock == CLOCK_REALTIME ? 0 : atomic_fetch_add(&ticks, 1);
	*out = (struct timespec){ 1700000000 + ms / 1000, ms % 1000 * 1000000 };
	return 0;
}

/* Temporaries are named by it. */
pid_t getpid(void)
{
	return is_frozen ? 1700000000 : (pid_t)syscall(SYS_getpid);
}

static void redirect(const char *name, int to)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0 || dup2(fd, to) != to)
		_exit(126);
	(void)close(fd);
}

static bool in_time = true; /* the scene at work needs it */

static void run_child(const char *const *arguments, const fault *f)
{
	char *argv[16] = { (char *)(uintptr_t)"pannier" };
	int argc = 1;
	while (arguments[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
		argc++;
	}
	redirect("stdout", STDOUT_FILENO);
	redirect("stderr", STDERR_FILENO);
	if (chdir(path("w")) != 0)
		_exit(126);
	(void)alarm(HANGS_AFTER);
	/* glibc 2.36 ends the process when there is no memory for looking up the first user's name: that is no fault of ours. */
	(void)getpwuid(getuid());
	is_frozen = !in_time;
	if (is_frozen)
		(void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, NULL);
	if (f != NULL)
		f->arm(f);
	int status = cli_main(argc, argv);
	shared->over = true;
	_exit(status);
}

outcome run_tool(const char *const *arguments, const fault *f)
{
	memset((void *)shared, 0, sizeof *shared);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run_child(arguments, f);
	int code = 0;
	if (pid < 0 || waitpid(pid, &code, 0) != pid)
		die("fork");
	if (WIFSIGNALED(code))
		return (outcome){ -1, WTERMSIG(code) };
	return (outcome){ WEXITSTATUS(code), 0 };
}

static void check_done(outcome o, const char *what)
{
	size_t length;
	if (o.exit_status != 0)
		die("%s: exit %d, signal %d: %s", what, o.exit_status, o.signal, read_all("stderr", &length));
}

void run_well(const char *const *arguments, const char *what)
{
	check_done(run_tool(arguments, NULL), what);
}

/* ------------------------------------------------------------------ one fault -- */

/* What the command sees and leaves when nothing fails. */
typedef struct usual {
	const command *command;
	uint64_t before, after; /* of what is visible in the workspace */
	uint64_t database, objects;
	char *output;
	size_t output_length;
} usual;

static const usual *usual_of(const command *c)
{
	static usual u;
	if (u.command == c)
		return &u;
	free(u.output);
	set_scene(c->scene);
	u.command = c;
	u.before = tree_hash("w");
	u.database = database_hash("w/.pannier/pannier.db", c->name);
	u.objects = objects_hash();
	check_done(run_tool(c->arguments, NULL), c->name);
	u.after = tree_hash("w");
	u.output = read_all("stdout", &u.output_length);
	set_scene(c->scene);
	return &u;
}

/* An outcome that tells the truth: done, and all of it was; or failed, with a message. */
static void check_outcome(const usual *u, const fault *f, outcome o, const char *what)
{
	if (o.signal != 0 && f->kills && o.signal == SIGKILL)
		return;
	size_t length, message_length;
	char *message = read_all("stderr", &message_length);
	if (o.signal != 0)
		die("%s: ended by signal %d: %s", what, o.signal, message);
	if (o.exit_status != 0 && message_length == 0)
		die("%s: exit %d without a message", what, o.exit_status);
	if (o.exit_status > 1 && o.exit_status != REMOTE_FAILED && !shared->forgivable)
		die("%s: exit %d: %s", what, o.exit_status, message);
	if (o.exit_status != 0 && f->harmless && !shared->forgivable)
		die("%s: failed: %s", what, message);
	free(message);
	if (o.exit_status != 0)
		return;
	survived++;
	char *output = read_all("stdout", &length);
	if (length != u->output_length || memcmp(output, u->output, length) != 0)
		die("%s: reports success, and its output differs:\n%s", what, output);
	free(output);
}

static void check_older(const char *what)
{
	static const char *const export_older[] = { "export", "-q", "older", "-o", "../exported.zip", NULL };
	size_t length, expected_length;
	run_well(export_older, what);
	char *exported = read_all("exported.zip", &length), *expected = read_all("older.zip", &expected_length);
	if (length != expected_length || memcmp(exported, expected, length) != 0)
		die("%s: the export of an older package is another zip", what);
	free(exported);
	free(expected);
	if (unlink(path("exported.zip")) != 0)
		die("cannot remove exported.zip");
}

static void check_next_run(const usual *u, uint64_t seen, const char *what)
{
	const command *c = u->command;
	/* A folder that was unpacked whole is in the way of the next. */
	if (seen == u->after)
		remove_tree("w/out");
	check_done(run_tool(c->arguments, NULL), what);
	if (tree_hash("w") != u->after)
		die("%s: the next run leaves something else than the first", what);
	check_remotes(what);
	check_no_leftovers("w", what);
}

/*
 * All bytes that a fault has left, the store among them, have been looked at after an earlier fault of the same command:
 * the same checks and the same next run would come out the same. Where files are trusted by their times, never.
 */
static bool is_known(const command *c)
{
	static const command *of;
	static uint64_t known[1024];
	static size_t count;
	if (of != c)
		count = 0;
	of = c;
	if (c->scene == SCENE_UNCHANGED)
		return false;
	uint64_t state = tree_hash_all("w");
	for (size_t i = 0; i < count; i++)
		if (known[i] == state)
			return true;
	if (count < sizeof known / sizeof known[0])
		known[count++] = state;
	return false;
}

/* What holds whatever failed; then the next run. */
static void check_state(const usual *u, uint64_t seen, const char *what)
{
	const command *c = u->command;
	check_database("w/.pannier/pannier.db", what);
	check_remotes(what);
	if (!c->writes &&
	    (database_hash("w/.pannier/pannier.db", what) != u->database || objects_hash() != u->objects))
		die("%s: changed the store", what);
	if (c->scene != SCENE_EMPTY && c->scene != SCENE_WORKER && c->scene != SCENE_CACHED && c->writes)
		check_older(what);
	check_next_run(u, seen, what);
}

bool fault_once(const command *c, const fault *f)
{
	char what[128];
	const usual *u = usual_of(c);
	outcome o = run_tool(c->arguments, f);
	if (!shared->fired)
		return false;
	(void)snprintf(what, sizeof what, "%s: %s at %ld, %s", c->name, f->name, f->n,
	               shared->call != NULL ? shared->call : "?");
	check_outcome(u, f, o, what);
	uint64_t seen = tree_hash("w");
	if (seen != u->before && seen != u->after)
		die("%s: what is visible is neither as before nor as after", what);
	if (o.exit_status == 0 && seen != u->after)
		die("%s: reports success, and its result is not there", what);
	if (!is_known(c)) {
		states++;
		check_state(u, seen, what);
	}
	if (c->writes || u->before != u->after)
		set_scene(c->scene);
	return true;
}

long fault_count(const command *c, const fault *f)
{
	fault never = *f;
	never.n = -1;
	(void)usual_of(c);
	check_done(run_tool(c->arguments, &never), c->name);
	set_scene(c->scene);
	return atomic_load(&shared->calls);
}

long fault_loop(const command *c, fault f, long lead, long stride)
{
	long injected = 0;
	survived = states = 0;
	for (f.n = 1; fault_once(c, &f); f.n += f.n < lead ? 1 : stride)
		injected++;
	set_scene(c->scene);
	if (injected > 0)
		printf("%s: %s: %ld faults at %ld calls, survived %ld, left %ld states, 0 losses\n", c->name,
		       f.name, injected, (long)atomic_load(&shared->calls), survived, states);
	fflush(stdout);
	return injected;
}

/* -------------------------------------------------------------------- scenes -- */

/* Assets of each kind of encoding: in the database, an object, one of several blocks, some that do not shrink. */
static void make_model(void)
{
	shell("mkdir -p w/a");
	write_file("w/livecalc.config.json", config, sizeof config - 1);
	write_file("w/m.mga", "MODEL\n", 6);
	write_file("w/step.py", "print(1)\n", 9);
	write_table("w/a/mortality.csv", 5000, 1);
	write_table("w/a/lapse.csv", 60000, 2);
	write_table("w/a/expenses.csv", (1u << 20) + 100, 3);
	write_noise("w/p.bin", 40000, 7);
	write_noise("w/calc.wasm", 20000, 8);
}

static void keep_scene(scene s)
{
	mirror("w", scene_names[s]);
}

/* Files are to be trusted after two seconds, and so is the zip when a pack has found it as it was. */
static void let_settle(void)
{
	static const char *const pack[] = { "pack", "-q", "--level", "1", "--include-policies", NULL };
	for (int i = 0; i < 2; i++) {
		(void)usleep(2200000);
		run_well(pack, "a pack of what has not changed");
	}
	sqlite3 *db = open_database("w/.pannier/pannier.db", "unchanged");
	sqlite3_stmt *statement = prepare(db, "SELECT 1 FROM last_pack", "unchanged");
	if (sqlite3_step(statement) != SQLITE_ROW)
		die("the next pack will not be recalled");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* A remote that has "older", another one that has nothing, and a version that goes as a patch. */
static void make_pushed(void)
{
	static const char *const share[] = { "remote", "add", "-q", "share", "./.pannier/share", NULL };
	static const char *const other[] = { "remote", "add", "-q", "other", "./.pannier/other", NULL };
	static const char *const push[] = { "push", "-q", "share", "older", NULL };
	static const char *const pack[] = { "pack", "-q", "--level", "1", "--include-policies", NULL };
	set_scene(SCENE_PACKED);
	run_well(share, "remote add");
	run_well(other, "remote add");
	run_well(push, "push");
	shell("echo 123456 >> w/a/lapse.csv");
	run_well(pack, "third pack");
	keep_scene(SCENE_PUSHED);
}

/* A store that has what a worker has: a remote's name. */
static void make_worker(void)
{
	static const char *const pack[] = { "pack",  "-q",    "--level", "1", "--include-policies",
		                            "--tag", "third", NULL };
	static const char *const push[] = { "push", "-q", "share", "third", NULL };
	static const char *const share[] = { "remote", "add", "-q", "share", "./.pannier/share", NULL };
	static const char *const pull[] = { "pull", "-q", "share", "third", NULL };
	set_scene(SCENE_PUSHED);
	run_well(pack, "third pack, with a tag");
	run_well(push, "a push of it");
	shell("mv w/.pannier/share share && rm -rf w/.pannier && mkdir w/.pannier && mv share w/.pannier/share");
	run_well(share, "remote add");
	keep_scene(SCENE_WORKER);
	run_well(pull, "pull");
	keep_scene(SCENE_CACHED);
	set_scene(SCENE_PACKED);
}

/* To a third package, of which no scene knows: content that is there, a whole and a patch. */
static void make_delta(void)
{
	static const char *const pack[] = { "pack", "-q", "--level", "1", "--include-policies", NULL };
	static const char *const delta[] = { "delta", "-q", "--since", "older", "--patch", "-o", "../delta.zip", NULL };
	static const char *const unpack[] = { "unpack", "-q", "older", "-C", "../older", NULL };
	shell("echo 123456 >> w/a/lapse.csv");
	run_well(pack, "third pack");
	run_well(delta, "a delta to it");
	run_well(unpack, "what it builds on");
	/* The old packager had folders in its zip, and no packageHash. */
	shell("cp -r older old && sed '/\"packageHash\"/d' older/manifest.json > old/manifest.json && "
	      "cd old && zip -qr ../old.zip .");
	set_scene(SCENE_PACKED);
}

void set_scene(scene s)
{
	static scene set = SCENE_COUNT;
	if (s == SCENE_UNCHANGED && set == s)
		return;
	set = s;
	in_time = s == SCENE_UNCHANGED;
	mirror(scene_names[s], "w");
	if (s == SCENE_UNCHANGED)
		let_settle();
}

void set_up(void)
{
	static const char *const pack_older[] = { "pack",    "-q",    "--level", "1", "--include-policies",
		                                  "--tag", "older", NULL };
	static const char *const pack_newer[] = { "pack",  "-q",     "--level", "1", "--include-policies",
		                                  "--tag", "second", NULL };
	make_root();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	(void)setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	(void)unsetenv("PANNIER_STORE");
	make_model();
	keep_scene(SCENE_EMPTY);
	run_well(pack_older, "first pack");
	shell("cp w/model-package.zip older.zip");
	write_table("w/a/mortality.csv", 5050, 9);
	run_well(pack_newer, "second pack");
	keep_scene(SCENE_PACKED);
	make_pushed();
	make_worker();
	make_delta();
	write_table("w/a/lapse.csv", 60000, 20);
	write_table("w/a/expenses.csv", (1u << 20) + 200, 30);
	write_table("w/a/mortality.csv", 5100, 10);
	keep_scene(SCENE_CHANGED);
}

void tear_down(void)
{
	remove_tree("");
}
