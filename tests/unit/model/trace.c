/* Traces: the same tree gives the same answers, and whatever could lead a walk elsewhere is noticed. */
#include "support.h"
#include "model/trace.h"

/*
 * top/ws/m holds the config; p.py is found at once, q.py by two links, r.py in
 * the second place, w.wasm with no wrapper beside it; d.py and e.py are no files
 * in the first place.
 */
static void plant(model *m, pnr_trace *trace)
{
	begin(m);
	put(m->dir, "p.py", "p");
	put_link(m->dir, "q.py", "scripts/kept.py");
	put_link(m->dir, "scripts", "real");
	put(m->dir, "real/kept.py", "q");
	put(m->dir, "python/r.py", "r");
	put(m->dir, "wasm/w.wasm", "w");
	put_dir(m->dir, "d.py");
	put(m->dir, "python/d.py", "d");
	char full[4096];
	assert_int_equal(mkfifo(at(full, m->dir, "e.py"), 0600), 0);
	put(m->dir, "python/e.py", "e");
	m->options.trace = trace;
	assert_int_equal(select_nodes(m, NODE("a", "python://p") "," NODE("b", "python://q") "," NODE("c", "python://r") ","
	                                 NODE("d", "wasm://w") "," NODE("e", "python://d") "," NODE("f", "python://e")), PNR_OK);
	assert_no_error(m->issues);
	assert_int_equal(m->selection->missing_count, 0);
	assert_false(trace->lost);
	assert_true(pnr_trace_same(trace->text.data));
}

static void fell(model *m, pnr_trace *trace)
{
	m->options.trace = NULL;
	end(m);
	pnr_trace_free(trace);
}

static void move(const model *m, const char *from, const char *to)
{
	char a[4096], b[4096];
	put_parents(m->dir, to);
	assert_int_equal(rename(at(a, m->dir, from), at(b, m->dir, to)), 0);
}

static void drop(const model *m, const char *path)
{
	char full[4096];
	assert_int_equal(unlink(at(full, m->dir, path)), 0);
}

/* ---------------------------------------------------------------- changes -- */

static void write_file(model *m) { put(m->dir, "p.py", "P"); }
static void replace_file(model *m) { put(m->dir, "new", "p"); move(m, "new", "p.py"); }
static void remove_file(model *m) { drop(m, "python/r.py"); }
static void add_before(model *m) { put(m->dir, "r.py", "r"); }
static void add_dangling_link_before(model *m) { put_link(m->dir, "r.py", "nowhere"); }
static void add_wrapper(model *m) { put(m->dir, "wasm/w.mjs", "js"); }
static void lead_link_elsewhere(model *m) { put(m->dir, "scripts/other.py", "q"); drop(m, "q.py"); put_link(m->dir, "q.py", "scripts/other.py"); }
static void lead_link_there_by_other_words(model *m) { drop(m, "q.py"); put_link(m->dir, "q.py", "real/kept.py"); }
static void lead_folder_elsewhere(model *m) { move(m, "real/kept.py", "else/kept.py"); drop(m, "scripts"); put_link(m->dir, "scripts", "else"); }
static void link_in_place_of_file(model *m) { move(m, "p.py", "kept.py"); put_link(m->dir, "p.py", "kept.py"); }
static void file_in_place_of_link(model *m) { drop(m, "q.py"); move(m, "real/kept.py", "q.py"); }
/* The file is the same, its times too: only the folders on the way tell. */
static void move_folder_out(model *m) { move(m, "python", "../../out/python"); put_link(m->dir, "python", "../../out/python"); }
static void folder_in_place_of_folder(model *m) { move(m, "python", "old"); put(m->dir, "python/r.py", "r"); }
static void same_files_in_another_folder(model *m) { move(m, "python", "old"); put_dir(m->dir, "python"); move(m, "old/r.py", "python/r.py"); move(m, "old/d.py", "python/d.py"); }
static void file_in_place_of_folder(model *m) { char full[4096]; assert_int_equal(rmdir(at(full, m->dir, "d.py")), 0); put(m->dir, "d.py", "d"); }
static void folder_in_place_of_file(model *m) { drop(m, "p.py"); put_dir(m->dir, "p.py"); }
static void fifo_in_place_of_file(model *m) { char full[4096]; drop(m, "p.py"); assert_int_equal(mkfifo(at(full, m->dir, "p.py"), 0600), 0); }
/* Same size, same mtime: what is left is ctime. */
static void write_and_put_back_the_time(model *m)
{
	char full[4096];
	struct stat st;
	(void)usleep(20000);
	assert_int_equal(stat(at(full, m->dir, "p.py"), &st), 0);
	put(m->dir, "p.py", "P");
	const struct timespec times[] = { st.st_atim, st.st_mtim };
	assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}
static void file_in_place_of_fifo(model *m) { drop(m, "e.py"); put(m->dir, "e.py", "e"); }
static void socket_in_place_of_fifo(model *m) { char full[4096]; drop(m, "e.py"); assert_int_equal(mknod(at(full, m->dir, "e.py"), S_IFSOCK | 0600, 0), 0); }
static void another_base(model *m) { char full[4096]; move(m, "", "../old"); assert_int_equal(mkdir(at(full, m->workspace, "m"), 0777), 0); }

static void any_change_is_noticed(void **state)
{
	static void (*const changes[])(model *) = {
		write_file, replace_file, remove_file, add_before, add_dangling_link_before, add_wrapper,
		lead_link_elsewhere, lead_link_there_by_other_words, lead_folder_elsewhere, link_in_place_of_file,
		file_in_place_of_link, move_folder_out, folder_in_place_of_folder, same_files_in_another_folder,
		file_in_place_of_folder, folder_in_place_of_file, fifo_in_place_of_file, another_base,
		write_and_put_back_the_time, file_in_place_of_fifo, socket_in_place_of_fifo,
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(changes); i++) {
		model m;
		pnr_trace trace = PNR_TRACE_INIT;
		plant(&m, &trace);
		changes[i](&m);
		if (pnr_trace_same(trace.text.data))
			fail_msg("change %zu was not noticed in:\n%s", i, trace.text.data);
		fell(&m, &trace);
	}
}

static void what_was_not_looked_at_may_change(void **state)
{
	model m;
	pnr_trace trace = PNR_TRACE_INIT;
	(void)state;
	plant(&m, &trace);
	put(m.dir, "unrelated", "x");
	put(m.dir, "python/unrelated.py", "x");
	put(m.dir, "scripts/r.py", "x"); /* the place after the one in which it was found */
	assert_true(pnr_trace_same(trace.text.data));
	fell(&m, &trace);
}

/* So many names that are not in the first place that they are looked up in a list of what is. */
static void plant_many(model *m, pnr_trace *trace)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer nodes = PNR_BUFFER_INIT;
	begin(m);
	for (unsigned i = 0; i < 100; i++) {
		char path[64];
		(void)snprintf(path, sizeof path, "python/step%u.py", i);
		put(m->dir, path, "p");
		pnr_buffer_printf(&nodes, "%s{\"id\":\"n%u\",\"engine\":\"python://step%u\",\"outputs\":[\"bus://o\"]}",
		                  i > 0 ? "," : "", i, i);
	}
	m->options.trace = trace;
	assert_int_equal(select_nodes(m, nodes.data), PNR_OK);
	assert_no_error(m->issues);
	assert_false(trace->lost);
	assert_true(pnr_trace_same(trace->text.data));
}

static unsigned looks;

static int count_looks(pnr_file_call call, size_t *length)
{
	(void)length;
	looks += call == PNR_CALL_STAT;
	return 0;
}

static void one_that_comes_among_many_is_noticed(void **state)
{
	static const char *const names[] = { "step0.py", "step40.py", "step99.py" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		model m;
		pnr_trace trace = PNR_TRACE_INIT;
		plant_many(&m, &trace);
		put(m.dir, "UNRELATED.py", "x");
		looks = 0;
		pnr_file_gate_hook = count_looks;
		assert_true(pnr_trace_same(trace.text.data));
		pnr_file_gate_hook = NULL;
		assert_true(looks >= 100 && looks < 160);
		put(m.dir, names[i], "x");
		assert_false(pnr_trace_same(trace.text.data));
		fell(&m, &trace);
	}
}

/* ------------------------------------------------------------------ faults -- */

static unsigned calls, failing;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++calls == failing ? EIO : 0;
}

static void a_call_that_fails_is_no_yes(void **state)
{
	model m;
	pnr_trace trace = PNR_TRACE_INIT;
	(void)state;
	plant(&m, &trace);
	size_t before = open_descriptors();
	for (failing = 1;; failing++) {
		calls = 0;
		pnr_file_gate_hook = fail_one;
		bool same = pnr_trace_same(trace.text.data);
		pnr_file_gate_hook = NULL;
		assert_int_equal(open_descriptors(), before);
		if (calls < failing) {
			assert_true(same);
			break;
		}
		assert_false(same);
	}
	assert_true(failing > 25);
	fell(&m, &trace);
}

/* ---------------------------------------------------------------- recording -- */

/* What a file system that takes no long names says is passed over in a search: no line can tell it. */
static int refuse_one(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_STAT && ++calls == failing ? ENAMETOOLONG : 0;
}

static void a_look_that_fails_loses_the_trace(void **state)
{
	unsigned passed_over = 0;
	(void)state;
	for (failing = 1;; failing++) {
		model m;
		pnr_trace trace = PNR_TRACE_INIT;
		begin(&m);
		put(m.dir, "python/p.py", "p");
		m.options.trace = &trace;
		calls = 0;
		pnr_file_gate_hook = refuse_one;
		pnr_status status = select_nodes(&m, NODE("a", "python://p"));
		pnr_file_gate_hook = NULL;
		if (status == PNR_OK && m.issues->valid && calls >= failing) {
			passed_over++;
			assert_true(trace.lost);
		}
		fell(&m, &trace);
		if (calls < failing)
			break;
	}
	assert_true(passed_over > 0);
}

static void what_no_line_can_tell_loses_the_trace(void **state)
{
	pnr_trace trace = PNR_TRACE_INIT;
	char long_target[4000];
	(void)state;
	memset(long_target, 't', sizeof long_target);
	long_target[sizeof long_target - 1] = '\0';
	static const struct stat any = { .st_mode = S_IFREG };
	struct {
		const char *name;
		bool lost;
	} names[] = { { "a", false }, { "a b", false }, { "\xff", false }, { "a\tb", true }, { "a\nb", true } };
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		pnr_trace_absent(&trace, 0, names[i].name);
		assert_int_equal(trace.lost, names[i].lost);
		pnr_trace_free(&trace);
		pnr_trace_file(&trace, 0, names[i].name, &any);
		assert_int_equal(trace.lost, names[i].lost);
		pnr_trace_free(&trace);
		pnr_trace_link(&trace, 0, "link", names[i].name);
		assert_int_equal(trace.lost, names[i].lost);
		pnr_trace_free(&trace);
	}
	for (unsigned i = 1; i <= 64; i++)
		assert_int_equal(pnr_trace_folder(&trace, 0, "d", &any), i);
	assert_false(trace.lost);
	(void)pnr_trace_folder(&trace, 0, "d", &any);
	assert_true(trace.lost);
	pnr_trace_free(&trace);
	while (!trace.lost && trace.text.length < (size_t)65 << 20)
		pnr_trace_link(&trace, 0, "link", long_target);
	assert_true(trace.lost);
	pnr_trace_free(&trace);
	pnr_trace_lose(NULL);
	pnr_trace_absent(NULL, 0, "a");
	assert_int_equal(pnr_trace_folder(NULL, 0, "d", &any), 0);
}

static void a_text_that_is_no_trace_is_never_the_same(void **state)
{
	static const char *const texts[] = {
		"x", "\n", "- 0 none", "- 0 \n", "- 0\n", "-0 none\n", "- 1 none\n", "- 64 none\n", "- 65 none\n",
		"- 4294967296 none\n", "- 18446744073709551616 none\n", "- -1 none\n", "- 0 a/b\n", "d 0 ..\t1 1\n",
		"d 0 .\t1 1\n", "- 0 none\n\n", "- 0 none\n- 1 none\n", "d 0 tmp\n", "f 0 tmp\t1 1 1 1.1 1.1\n",
		"o 0 tmp\t40000\n", "l 0 tmp\t/\n", "z 0 none\n", "- 0 none\ttail\n", "- 00 none\n",
	};
	char name[400];
	(void)state;
	assert_true(pnr_trace_same(""));
	assert_true(pnr_trace_same("- 0 none\n"));
	for (size_t i = 0; i < PNR_COUNT(texts); i++)
		if (pnr_trace_same(texts[i]))
			fail_msg("\"%s\" is no trace", texts[i]);
	memset(name, 'n', sizeof name);
	memcpy(name, "- 0 ", 4);
	memcpy(name + sizeof name - 2, "\n", 2);
	assert_false(pnr_trace_same(name));
}

static void a_damaged_trace_is_never_the_same(void **state)
{
	model m;
	pnr_trace trace = PNR_TRACE_INIT;
	(void)state;
	plant(&m, &trace);
	for (size_t i = 0; i < trace.text.length; i++) {
		char kept = trace.text.data[i];
		for (int bit = 0; bit < 7; bit++) {
			trace.text.data[i] = (char)(kept ^ 1 << bit);
			/* Of an absent name another one comes that is absent, too. */
			const char *line = trace.text.data + i;
			while (line > trace.text.data && line[-1] != '\n')
				line--;
			if (*line != '-' && trace.text.data[i] != '\0' && pnr_trace_same(trace.text.data))
				fail_msg("byte %zu, bit %d: not noticed in:\n%s", i, bit, trace.text.data);
		}
		trace.text.data[i] = kept;
	}
	assert_true(pnr_trace_same(trace.text.data));
	fell(&m, &trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_change_is_noticed),
		cmocka_unit_test(what_was_not_looked_at_may_change),
		cmocka_unit_test(one_that_comes_among_many_is_noticed),
		cmocka_unit_test(a_call_that_fails_is_no_yes),
		cmocka_unit_test(a_look_that_fails_loses_the_trace),
		cmocka_unit_test(what_no_line_can_tell_loses_the_trace),
		cmocka_unit_test(a_text_that_is_no_trace_is_never_the_same),
		cmocka_unit_test(a_damaged_trace_is_never_the_same),
	};
	return cmocka_run_group_tests_name("model/trace", tests, NULL, NULL);
}
