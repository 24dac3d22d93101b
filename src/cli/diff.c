/* diff: two packages, and what differs inside of their assets, by lines or by rows. */
#include "cli/cli.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = { "added", "changed", "removed" };
static const cli_colour colours[] = { CLI_GREEN, CLI_YELLOW, CLI_RED };

typedef struct diffing {
	cli *c;
	cli_json *json;
	pnr_store *store;
	const pnr_comparison *found;
	char **keys; /* of --csv */
	size_t key_count;
	/* one asset */
	FILE *text; /* its lines, for a document */
	bool began; /* something of it was written */
	const pnr_asset_change *asset;
} diffing;

static void free_comparison(pnr_comparison **found)
{
	pnr_comparison_free(*found);
}

static void free_table(pnr_table_diff **table)
{
	pnr_table_diff_free(*table);
}

/* ------------------------------------------------------------- packages -- */

static void say_packages(const pnr_comparison *found)
{
	char old[PNR_DIGEST_HEX_SIZE], new[PNR_DIGEST_HEX_SIZE];
	(void)printf("package %.12s against %.12s: %zu change%s, %llu unchanged\n",
	             pnr_digest_to_hex(&found->new_package, new), pnr_digest_to_hex(&found->old_package, old),
	             found->count, found->count == 1 ? "" : "s", (unsigned long long)found->unchanged);
	for (size_t i = 0; i < found->count; i++) {
		const pnr_asset_change *asset = &found->items[i];
		(void)printf("%s%-8s%s ", cli_paint(stdout, colours[asset->kind]), words[asset->kind],
		             cli_paint(stdout, CLI_PLAIN));
		cli_put_safe(stdout, asset->path);
		(void)fputc('\n', stdout);
	}
}

static void json_paths(cli_json *json, const pnr_comparison *found, pnr_change_kind kind)
{
	cli_json_open(json, words[kind], '[');
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].kind == kind)
			cli_json_text(json, NULL, found->items[i].path);
	cli_json_close(json, ']');
}

static void json_packages(cli_json *json, const pnr_comparison *found)
{
	cli_json_digest(json, "old", &found->old_package, true);
	cli_json_digest(json, "new", &found->new_package, true);
	json_paths(json, found, PNR_CHANGE_ADDED);
	json_paths(json, found, PNR_CHANGE_CHANGED);
	json_paths(json, found, PNR_CHANGE_REMOVED);
	cli_json_number(json, "unchanged", found->unchanged);
}

static void json_side(cli_json *json, const char *hash_key, const char *size_key, const pnr_digest *hash,
                      uint64_t bytes, bool there)
{
	cli_json_digest(json, hash_key, hash, there);
	if (there)
		cli_json_number(json, size_key, bytes);
	else
		cli_json_text(json, size_key, NULL);
}

/* The beginning of an asset's object. */
static void json_asset(cli_json *json, const pnr_asset_change *asset)
{
	cli_json_open(json, NULL, '{');
	cli_json_text(json, "path", asset->path);
	cli_json_text(json, "change", words[asset->kind]);
	cli_json_text(json, "type", asset->type);
	json_side(json, "oldHash", "oldSize", &asset->old_hash, asset->old_bytes, asset->kind != PNR_CHANGE_ADDED);
	json_side(json, "newHash", "newSize", &asset->new_hash, asset->new_bytes, asset->kind != PNR_CHANGE_REMOVED);
}

/* Why an asset cannot be looked into: no failure, others can. */
static bool is_note(pnr_status status)
{
	return status == PNR_UNSUPPORTED || status == PNR_INVALID;
}

static int put_note(const diffing *d, const char *note)
{
	if (d->json != NULL) {
		cli_json_text(d->json, "note", note);
		return CLI_DONE;
	}
	cli_put_safe(stdout, d->asset->path);
	(void)fputs(": ", stdout);
	cli_put_safe(stdout, note);
	(void)fputc('\n', stdout);
	return CLI_DONE;
}

static int go_on(void *user, const pnr_progress *progress)
{
	(void)user, (void)progress;
	return cli_interrupted();
}

static const pnr_diff_options diff_options = { .size = sizeof diff_options, .progress = go_on };

/* ---------------------------------------------------------------- lines -- */

/* Lines of an asset: to a terminal nothing that would act on it, to a file as they are. */
static void put_raw(const char *data, size_t length)
{
	static int terminal = -1;
	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	if (terminal == 0) {
		(void)fwrite(data, 1, length, stdout);
		return;
	}
	while (length > 0) {
		uint32_t code = 0;
		size_t step = cli_utf8_next(data, length, &code);
		if (step == 0 || (cli_unprintable(code) && code != '\n' && code != '\t')) {
			(void)fprintf(stdout, "\\x%02x", (unsigned char)data[0]);
			step = 1;
		} else {
			(void)fwrite(data, 1, step, stdout);
		}
		data += step;
		length -= step;
	}
}

static void put_name(const char *mark, const char *side, const char *path)
{
	(void)printf("%s %s/", mark, side);
	cli_put_safe(stdout, path);
	(void)fputc('\n', stdout);
}

static int take_lines(void *user, const void *data, size_t length)
{
	diffing *d = user;
	if (cli_interrupted())
		return 1;
	if (d->json != NULL)
		return fwrite(data, 1, length, d->text) == length ? 0 : 1;
	if (!d->began) {
		(void)fputc('\n', stdout);
		put_name("---", "a", d->asset->path);
		put_name("+++", "b", d->asset->path);
		d->began = true;
	}
	put_raw(data, length);
	return ferror(stdout);
}

static int diff_lines(diffing *d)
{
	CLI_CLEANUP(cli_free) char *lines = NULL;
	size_t length = 0;
	pnr_error err = PNR_ERROR_INIT;
	d->text = d->json == NULL ? NULL : open_memstream(&lines, &length);
	if (d->json != NULL && d->text == NULL)
		return cli_fail(d->c, CLI_FAILED, "out of memory");
	pnr_status status = pnr_store_diff_text(d->store, &d->asset->old_hash, &d->asset->new_hash, &diff_options,
	                                        take_lines, d, &err);
	bool lost = d->text != NULL && fclose(d->text) != 0;
	d->text = NULL;
	if (is_note(status))
		return put_note(d, err.message);
	if (status != PNR_OK || lost)
		return lost ? cli_fail(d->c, CLI_FAILED, "out of memory") : cli_fail_error(d->c, CLI_OF_REF, &err);
	if (d->json != NULL)
		cli_json_text(d->json, "diff", lines);
	return CLI_DONE;
}

/* ----------------------------------------------------------------- rows -- */

static void json_row(cli_json *json, const pnr_row_change *row)
{
	cli_json_open(json, NULL, '{');
	cli_json_text(json, "change", words[row->kind]);
	cli_json_open(json, "key", '[');
	for (size_t i = 0; i < row->key_count; i++)
		cli_json_text(json, NULL, row->key[i]);
	cli_json_close(json, ']');
	if (row->repeat > 0)
		cli_json_number(json, "repeat", row->repeat);
	if (row->old_line > 0)
		cli_json_number(json, "oldLine", row->old_line);
	if (row->new_line > 0)
		cli_json_number(json, "newLine", row->new_line);
	cli_json_open(json, "cells", '[');
	for (size_t i = 0; i < row->cell_count; i++) {
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "column", row->cells[i].column);
		if (row->old_line > 0)
			cli_json_text(json, "old", row->cells[i].old_value);
		if (row->new_line > 0)
			cli_json_text(json, "new", row->cells[i].new_value);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
	cli_json_close(json, '}');
}

/* As in the file: in quotes if it has to be. */
static void put_cell(const char *cell)
{
	if (cell[strcspn(cell, ",\"\r\n")] == '\0') {
		cli_put_safe(stdout, cell);
		return;
	}
	(void)fputc('"', stdout);
	for (const char *rest = cell; *rest != '\0';) {
		size_t run = strcspn(rest, "\"");
		cli_put_safe_part(stdout, rest, run);
		rest += run;
		if (*rest == '"') {
			(void)fputs("\"\"", stdout);
			rest++;
		}
	}
	(void)fputc('"', stdout);
}

static void say_row(const pnr_row_change *row)
{
	static const char signs[] = { '+', '~', '-' };
	(void)printf("%s%c%s ", cli_paint(stdout, colours[row->kind]), signs[row->kind], cli_paint(stdout, CLI_PLAIN));
	for (size_t i = 0; i < row->key_count; i++) {
		(void)fputs(i == 0 ? "" : ",", stdout);
		put_cell(row->key[i]);
	}
	(void)fputc(':', stdout);
	for (size_t i = 0; i < row->cell_count; i++) {
		const pnr_cell_change *cell = &row->cells[i];
		(void)fputs(i == 0 ? " " : ", ", stdout);
		put_cell(cell->column);
		(void)fputc(' ', stdout);
		put_cell(cell->old_value != NULL ? cell->old_value : cell->new_value);
		if (cell->old_value != NULL && cell->new_value != NULL) {
			(void)fputs(" -> ", stdout);
			put_cell(cell->new_value);
		}
	}
	(void)fputc('\n', stdout);
}

static int take_row(void *user, const pnr_row_change *row)
{
	diffing *d = user;
	if (cli_interrupted() || ferror(stdout) != 0)
		return 1;
	if (d->json != NULL && !d->began)
		cli_json_open(d->json, "rows", '[');
	if (d->json == NULL && !d->began) {
		(void)fputc('\n', stdout);
		cli_put_safe(stdout, d->asset->path);
		(void)fputs(":\n", stdout);
	}
	d->began = true;
	if (d->json != NULL)
		json_row(d->json, row);
	else
		say_row(row);
	return 0;
}

static void json_columns(cli_json *json, const char *key, char *const *columns, size_t count)
{
	cli_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		cli_json_text(json, NULL, columns[i]);
	cli_json_close(json, ']');
}

static void json_table(const diffing *d, const pnr_table_diff *table)
{
	if (!d->began)
		cli_json_open(d->json, "rows", '[');
	cli_json_close(d->json, ']');
	cli_json_open(d->json, "table", '{');
	cli_json_number(d->json, "rowsAdded", table->added);
	cli_json_number(d->json, "rowsRemoved", table->removed);
	cli_json_number(d->json, "rowsChanged", table->changed);
	cli_json_number(d->json, "rowsUnchanged", table->unchanged);
	cli_json_number(d->json, "cellsChanged", table->cells_changed);
	json_columns(d->json, "columnsAdded", table->columns_added, table->columns_added_count);
	json_columns(d->json, "columnsRemoved", table->columns_removed, table->columns_removed_count);
	cli_json_number(d->json, "duplicateKeysOld", table->old_repeats);
	cli_json_number(d->json, "duplicateKeysNew", table->new_repeats);
	cli_json_close(d->json, '}');
}

static void say_columns(const char *word, char *const *columns, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)fputs(i == 0 ? word : ", ", stdout);
		put_cell(columns[i]);
	}
	if (count > 0)
		(void)fputc('\n', stdout);
}

static void say_table(const diffing *d, const pnr_table_diff *table)
{
	if (!d->began) {
		(void)fputc('\n', stdout);
		cli_put_safe(stdout, d->asset->path);
		(void)fputs(":\n", stdout);
	}
	say_columns("columns added: ", table->columns_added, table->columns_added_count);
	say_columns("columns removed: ", table->columns_removed, table->columns_removed_count);
	(void)printf("rows: %llu added, %llu removed, %llu changed (%llu cells), %llu unchanged\n",
	             (unsigned long long)table->added, (unsigned long long)table->removed,
	             (unsigned long long)table->changed, (unsigned long long)table->cells_changed,
	             (unsigned long long)table->unchanged);
}

static void warn_repeats(const diffing *d, const char *side, uint64_t repeats, uint64_t line)
{
	if (repeats > 0)
		cli_warn(d->c,
		         "%s: in the %s version %llu row%s a key that an earlier row has, such as line %llu; rows of "
		         "one key were compared in their order",
		         d->asset->path, side, (unsigned long long)repeats, repeats == 1 ? " has" : "s have",
		         (unsigned long long)line);
}

static int diff_rows(diffing *d)
{
	CLI_CLEANUP(free_table) pnr_table_diff *table = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_store_diff_table(d->store, &d->asset->old_hash, &d->asset->new_hash,
	                                         (const char *const *)d->keys, d->key_count, &diff_options, take_row, d,
	                                         &table, &err);
	if (is_note(status) && !d->began)
		return put_note(d, err.message);
	if (status != PNR_OK)
		return cli_fail_error(d->c, CLI_OF_REF, &err);
	warn_repeats(d, "older", table->old_repeats, table->old_repeat_line);
	warn_repeats(d, "newer", table->new_repeats, table->new_repeat_line);
	if (d->json != NULL)
		json_table(d, table);
	else
		say_table(d, table);
	return CLI_DONE;
}

/* ------------------------------------------------------------- together -- */

static int diff_asset(diffing *d, const pnr_asset_change *asset)
{
	int failed = CLI_DONE;
	d->asset = asset;
	d->began = false;
	if (d->json != NULL)
		json_asset(d->json, asset);
	if (asset->kind == PNR_CHANGE_CHANGED && d->c->options.text)
		failed = diff_lines(d);
	else if (asset->kind == PNR_CHANGE_CHANGED && d->key_count > 0)
		failed = diff_rows(d);
	if (failed == CLI_DONE && d->json != NULL)
		cli_json_close(d->json, '}');
	return failed;
}

static int diff_assets(diffing *d)
{
	int failed = CLI_DONE;
	if (d->json != NULL)
		cli_json_open(d->json, "assets", '[');
	for (size_t i = 0; failed == CLI_DONE && i < d->found->count; i++)
		failed = cli_interrupted() ? cli_fail(d->c, CLI_INTERRUPTED, "interrupted")
		                           : diff_asset(d, &d->found->items[i]);
	if (failed == CLI_DONE && d->json != NULL) {
		cli_json_close(d->json, ']');
		cli_reply_end(d->c);
	}
	return failed;
}

/* "KEY,KEY": the names of columns. A name that holds a comma cannot be given. */
static int split_keys(diffing *d, char *text)
{
	size_t most = 1;
	for (const char *at = text; *at != '\0'; at++)
		most += *at == ',';
	d->keys = calloc(most, sizeof *d->keys);
	if (d->keys == NULL)
		return cli_fail(d->c, CLI_FAILED, "out of memory");
	for (char *at = text; at != NULL;) {
		char *comma = strchr(at, ',');
		if (comma != NULL)
			*comma = '\0';
		if (*at == '\0')
			return cli_fail_usage(d->c, "--csv: the name of a column is empty in '%s'", d->c->options.csv);
		d->keys[d->key_count++] = at;
		at = comma == NULL ? NULL : comma + 1;
	}
	return CLI_DONE;
}

static int compare(diffing *d)
{
	cli *c = d->c;
	CLI_CLEANUP(free_comparison) pnr_comparison *found = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_compare(d->store, c->operands[0], c->operands[1], c->options.only, &found, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	d->found = found;
	d->json = cli_reply(c);
	if (d->json == NULL)
		say_packages(found);
	else
		json_packages(d->json, found);
	int failed = diff_assets(d);
	if (failed != CLI_DONE)
		return failed;
	return c->options.exit_code && found->count > 0 ? CLI_FAILED : CLI_DONE;
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(cli_free) char *keys = NULL;
	diffing d = { .c = c };
	if (c->options.text && c->options.csv != NULL)
		return cli_fail_usage(c, "--text and --csv: give one of both");
	int failed = CLI_DONE;
	if (c->options.csv != NULL) {
		keys = strdup(c->options.csv);
		failed = keys == NULL ? cli_fail(c, CLI_FAILED, "out of memory") : split_keys(&d, keys);
	}
	if (failed == CLI_DONE)
		failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	d.store = store;
	if (failed == CLI_DONE)
		failed = compare(&d);
	free(d.keys);
	return failed;
}

static const cli_option option_table[] = {
	{ "exit-code", 0, CLI_FLAG, offsetof(cli_options, exit_code), NULL, "exit status 1 if anything differs", 0, 0 },
	{ "only", 0, CLI_TEXT, offsetof(cli_options, only), "GLOB", "only assets whose path matches; * matches / too",
	  0, 0 },
	{ "text", 0, CLI_FLAG, offsetof(cli_options, text), NULL, "the lines that differ, in unified format", 0, 0 },
	{ "csv", 0, CLI_TEXT, offsetof(cli_options, csv), "KEY",
	  "the rows and cells that differ; KEY is the column\nthat tells rows apart, or several: KEY,KEY", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_diff = {
	.name = "diff",
	.operands = "REF REF",
	.least = 2,
	.most = 2,
	.summary = "What differs between two packages: assets, lines, rows, cells",
	.about = "The older one comes first. With --text and --csv the changed assets are looked\n"
	         "into; one that is no text, or no table with these columns, is named with the\n"
	         "reason. What --text prints is understood by patch(1). Tables are as RFC 4180\n"
	         "says, their first row names the columns; they may be larger than memory. With\n"
	         "--exit-code 1 means that something differs, as git diff has it; a failure can\n"
	         "have the same status, and is told by its message on stderr and by \"success\" in\n"
	         "--json.\n",
	.examples = "  pannier diff latest~1 latest\n"
	            "  pannier diff latest~1 latest --text --only '*.csv'\n"
	            "  pannier diff latest~1 latest --csv age,sex,smoker --only '*mortality.csv'\n",
	.options = option_table,
	.run = run,
};
