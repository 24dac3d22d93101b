/* A model folder to play with, and short ways to ask about it. */
#ifndef TESTS_UNIT_MODEL_SUPPORT_H
#define TESTS_UNIT_MODEL_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "model/model.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------ folders -- */

static inline size_t open_descriptors(void)
{
	size_t count = 0;
	DIR *dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	assert_int_equal(closedir(dir), 0);
	return count;
}

/* A new folder, canonical; remove_folder removes it. */
static inline char *new_folder_on_disk(void)
{
	const char *base = getenv("TMPDIR");
	char template[512];
	(void)snprintf(template, sizeof template, "%s/pannier-model-XXXXXX", base == NULL ? "/tmp" : base);
	assert_non_null(mkdtemp(template));
	char *real = realpath(template, NULL);
	assert_non_null(real);
	return real;
}

static inline void remove_folder(char *dir)
{
	assert_int_equal(pnr_file_remove_tree(AT_FDCWD, dir, NULL), PNR_OK);
	free(dir);
}

/* @dir and @path as one, in a buffer of the caller. */
static inline const char *at(char buffer[4096], const char *dir, const char *path)
{
	assert_true(snprintf(buffer, 4096, "%s/%s", dir, path) < 4096);
	return buffer;
}

/* Make the folders that lead to DIR/PATH, and not sync them: tests need not survive a crash. */
static inline void put_parents(const char *dir, const char *path)
{
	char full[4096];
	(void)at(full, dir, path);
	for (char *slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(full, 0777) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

/* Write @text to DIR/PATH, folders made as needed. */
static inline void put(const char *dir, const char *path, const char *text)
{
	char full[4096];
	(void)at(full, dir, path);
	put_parents(dir, path);
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static inline void put_dir(const char *dir, const char *path)
{
	char full[4096];
	put_parents(dir, path);
	assert_int_equal(mkdir(at(full, dir, path), 0777), 0);
}

static inline void put_link(const char *dir, const char *path, const char *target)
{
	char full[4096];
	assert_int_equal(symlink(target, at(full, dir, path)), 0);
}

/* ------------------------------------------------------------- issues -- */

static inline bool has_issue(const pnr_issue *issues, size_t count, const char *part)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(issues[i].message, part) != NULL)
			return true;
	return false;
}

static inline void show_issues(const pnr_validation *v)
{
	for (size_t i = 0; i < v->error_count; i++)
		print_message("  error [%s] %s\n", v->errors[i].pointer, v->errors[i].message);
	for (size_t i = 0; i < v->warning_count; i++)
		print_message("  warning [%s] %s\n", v->warnings[i].pointer, v->warnings[i].message);
}

#define assert_error(v, part)                                                            \
	do {                                                                             \
		if (!has_issue((v)->errors, (v)->error_count, part)) {                   \
			show_issues(v);                                                  \
			fail_msg("no error says \"%s\"", part);                          \
		}                                                                        \
	} while (0)

#define assert_no_error(v)                                                               \
	do {                                                                             \
		if ((v)->error_count > 0) {                                              \
			show_issues(v);                                                  \
			fail_msg("%zu errors, none expected", (v)->error_count);         \
		}                                                                        \
	} while (0)

/* ------------------------------------------------------------- models -- */

#define VALID_SCENARIOS "\"scenarios\":{\"count\":10}"
#define VALID_ASSUMPTIONS "\"assumptions\":{\"mortality\":\"local://t/m.csv\",\"lapse\":\"t/l.csv\",\"expenses\":\"t/e.csv\"}"
#define NODE(id, engine) "{\"id\":\"" id "\",\"engine\":\"" engine "\",\"outputs\":[\"bus://" id "\"]}"

/* A model folder, and what selection said of it. */
typedef struct model {
	char *top;         /* removed at the end; holds all else */
	char *dir;         /* of the config: top/ws/m */
	char *workspace;   /* top/ws */
	char *config_text;
	char *config_path;
	pnr_select_options options;
	pnr_config *config;
	pnr_selection *selection;
	pnr_validation *issues;
	pnr_error error;
} model;

static inline char *joined(const char *a, const char *b)
{
	char *path = pnr_path_join(a, b);
	assert_non_null(path);
	return path;
}

/* A workspace with a model folder in it, which holds the files that VALID_ASSUMPTIONS and model m.mga name. */
static inline void begin(model *m)
{
	memset(m, 0, sizeof *m);
	m->top = new_folder_on_disk();
	m->workspace = joined(m->top, "ws");
	m->dir = joined(m->workspace, "m");
	m->config_path = joined(m->dir, PNR_CONFIG_NAME);
	put(m->dir, "m.mga", "MODEL\n");
	put(m->dir, "t/m.csv", "m\n");
	put(m->dir, "t/l.csv", "l\n");
	put(m->dir, "t/e.csv", "e\n");
	put(m->top, "outside/secret.csv", "secret\n");
	m->options.workspace = m->workspace;
}

static inline void forget(model *m)
{
	pnr_selection_free(m->selection);
	pnr_config_free(m->config);
	pnr_validation_free(m->issues);
	free(m->config_text);
	m->selection = NULL;
	m->config = NULL;
	m->issues = NULL;
	m->config_text = NULL;
	m->error = (pnr_error)PNR_ERROR_INIT;
}

static inline void end(model *m)
{
	forget(m);
	remove_folder(m->top);
	free(m->workspace);
	free(m->dir);
	free(m->config_path);
}

/* Write the config and select with it. The config must be valid. */
static inline pnr_status select_with(model *m, const char *text)
{
	forget(m);
	put(m->dir, PNR_CONFIG_NAME, text);
	m->config_text = strdup(text);
	pnr_issues *issues = NULL;
	assert_int_equal(pnr_issues_new(&issues, NULL), PNR_OK);
	pnr_status status = pnr_config_parse(m->config_text, strlen(text), issues, &m->config, &m->error);
	if (status != PNR_OK) {
		assert_int_equal(pnr_issues_take(issues, &m->issues, NULL), PNR_OK);
		show_issues(m->issues);
		fail_msg("the test's config is not valid: %s", text);
	}
	status = pnr_select(m->config, m->config_path, &m->options, issues, &m->selection, &m->error);
	assert_int_equal(pnr_issues_take(issues, &m->issues, NULL), PNR_OK);
	return status;
}

/* The same with the pipeline's @nodes, model m.mga and the assumptions of begin. */
static inline pnr_status select_nodes(model *m, const char *nodes)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_printf(&text, "{\"model\":\"m.mga\"," VALID_ASSUMPTIONS "," VALID_SCENARIOS
	                  ",\"pipeline\":{\"nodes\":[%s]}}", nodes);
	pnr_status status = select_with(m, text.data);
	pnr_buffer_free(&text);
	return status;
}

/* The same without a pipeline, with @mortality as that reference. */
static inline pnr_status select_mortality(model *m, const char *mortality)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_puts(&text, "{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":");
	pnr_json_quote(&text, mortality, strlen(mortality));
	pnr_buffer_puts(&text, ",\"lapse\":\"t/l.csv\",\"expenses\":\"t/e.csv\"}," VALID_SCENARIOS "}");
	pnr_status status = select_with(m, text.data);
	pnr_buffer_free(&text);
	return status;
}

static inline const pnr_candidate *find_candidate(const model *m, const char *path)
{
	for (size_t i = 0; i < m->selection->candidate_count; i++)
		if (strcmp(m->selection->candidates[i].path, path) == 0)
			return &m->selection->candidates[i];
	return NULL;
}

static inline const pnr_missing *find_missing(const model *m, const char *path)
{
	for (size_t i = 0; i < m->selection->missing_count; i++)
		if (strcmp(m->selection->missing[i].path, path) == 0)
			return &m->selection->missing[i];
	return NULL;
}

/* The package paths of all candidates, each followed by a space. */
static inline const char *paths_of(const model *m, char buffer[4096])
{
	size_t used = 0;
	buffer[0] = '\0';
	for (size_t i = 0; i < m->selection->candidate_count; i++) {
		int length = snprintf(buffer + used, 4096 - used, "%s ", m->selection->candidates[i].path);
		assert_true(length > 0 && used + (size_t)length < 4096);
		used += (size_t)length;
	}
	return buffer;
}

#endif
