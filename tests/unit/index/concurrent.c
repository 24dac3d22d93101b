/* Several processes at once: all create, all write, nothing is lost and nobody is turned away. */
#include "fixture.h"
#include <sys/wait.h>

#define PROCESSES 6
#define ROUNDS 8

/* Runs @fn in PROCESSES processes that start together; each must return 0. */
static void together(const fixture *f, int (*fn)(const fixture *f, unsigned process))
{
	int gate[2];
	pid_t children[PROCESSES];
	assert_int_equal(pipe(gate), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			char c;
			(void)close(gate[1]);
			/* Until the parent closes its end. */
			while (read(gate[0], &c, 1) > 0)
				;
			_exit(fn(f, i));
		}
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	for (unsigned i = 0; i < PROCESSES; i++) {
		int how = 0;
		assert_int_equal(waitpid(children[i], &how, 0), children[i]);
		assert_true(WIFEXITED(how));
		assert_int_equal(WEXITSTATUS(how), 0);
	}
}

static int complain(const pnr_error *err)
{
	(void)fprintf(stderr, "%s: %s\n", pnr_status_name(err->status), err->message);
	return 1;
}

static int create_and_put(const fixture *f, unsigned process)
{
	pnr_index *index = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_blob_row row = { .hash = digest(1, process), .size = process };
	if (open_at(f->path, true, false, 0, &index, &err) != PNR_OK ||
	    pnr_index_begin(index, &err) != PNR_OK || pnr_index_blob_put(index, &row, &err) != PNR_OK ||
	    pnr_index_commit(index, &err) != PNR_OK)
		return complain(&err);
	pnr_index_close(index);
	return 0;
}

static void processes_that_create_at_once_make_one_database(void **state)
{
	fixture *f = *state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		together(f, create_and_put);
		assert_ok(open_at(f->path, false, false, 0, &f->index, err));
		for (unsigned i = 0; i < PROCESSES; i++) {
			pnr_blob_row found;
			pnr_digest hash = digest(1, i);
			assert_ok(pnr_index_blob_find(f->index, &hash, &found, err));
		}
		pnr_index_close(f->index);
		f->index = NULL;
		assert_int_equal(unlink(f->path), 0);
	}
}

/* What pack does: look at the end of the log, add to it. */
static int append(pnr_index *index, unsigned number, pnr_error *err)
{
	int64_t head = 0, package = 0;
	pnr_digest hash = digest(3, 1);
	pnr_log_row row = { .event = "pack", .entry_hash = digest(5, number) };
	if (pnr_index_begin(index, err) != PNR_OK ||
	    pnr_index_package_put(index, &hash, 0, NULL, 0, NULL, 0, &package, err) != PNR_OK ||
	    pnr_index_log_head(index, &head, &row.previous_hash, err) != PNR_OK)
		return 1;
	row.package_id = package;
	return pnr_index_log_put(index, &row, err) != PNR_OK || pnr_index_commit(index, err) != PNR_OK;
}

static int open_append_close(const fixture *f, unsigned process)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		pnr_index *index = NULL;
		pnr_error err = PNR_ERROR_INIT;
		if (open_at(f->path, false, false, 0, &index, &err) != PNR_OK ||
		    append(index, process * ROUNDS + round, &err) != 0)
			return complain(&err);
		pnr_index_close(index);
	}
	return 0;
}

typedef struct chain {
	unsigned count;
	bool broken;
	pnr_digest expected;
} chain;

static int follow(void *user, const pnr_log_row *row)
{
	chain *c = user;
	if (c->count++ > 0 && !pnr_digest_equal(&c->expected, &row->entry_hash))
		c->broken = true;
	c->expected = row->previous_hash;
	return 0;
}

static void processes_that_write_at_once_lose_nothing_and_keep_the_chain(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	together(f, open_append_close);
	assert_ok(open_at(f->path, false, false, 0, &f->index, err));
	chain c = { .count = 0 };
	assert_ok(pnr_index_log_list(f->index, NULL, 0, follow, &c, err));
	assert_int_equal(c.count, PROCESSES * ROUNDS);
	assert_false(c.broken);
	pnr_digest zero = { { 0 } };
	assert_true(pnr_digest_equal(&c.expected, &zero));
}

static int read_again_and_again(const fixture *f, unsigned process)
{
	pnr_error err = PNR_ERROR_INIT;
	if (process == 0)
		return open_append_close(f, 100);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pnr_index *index = NULL;
		chain c = { .count = 0 };
		if (open_at(f->path, false, process % 2 == 0, 0, &index, &err) != PNR_OK ||
		    pnr_index_log_list(index, NULL, 0, follow, &c, &err) != PNR_OK || c.broken)
			return complain(&err);
		pnr_index_close(index);
	}
	return 0;
}

static void readers_and_a_writer_do_not_disturb_each_other(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	together(f, read_again_and_again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(processes_that_create_at_once_make_one_database),
		TEST(processes_that_write_at_once_lose_nothing_and_keep_the_chain),
		TEST(readers_and_a_writer_do_not_disturb_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
