#include "cli/cli.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With --json the bytes become base64, and only once all of them proved right. */
typedef struct spool {
	FILE *file;
	uint64_t size;
	int reason; /**< errno of the write that failed */
} spool;

static void close_spool(spool *s)
{
	if (s->file != NULL)
		(void)fclose(s->file);
}

static int write_spool(void *user, const void *data, size_t length)
{
	spool *s = user;
	if (cli_interrupted())
		return 1;
	s->size += length;
	if (fwrite(data, 1, length, s->file) == length)
		return 0;
	s->reason = errno;
	return 1;
}

static void put_base64(FILE *out, const unsigned char *data, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		unsigned long group = (unsigned long)data[i] << 16;
		group |= left > 1 ? (unsigned long)data[i + 1] << 8 : 0;
		group |= left > 2 ? data[i + 2] : 0;
		const char text[] = { digits[group >> 18], digits[group >> 12 & 63],
			              left > 1 ? digits[group >> 6 & 63] : '=', left > 2 ? digits[group & 63] : '=' };
		(void)fwrite(text, 1, sizeof text, out);
	}
}

/* Not all of it through the reply: the bytes are in a file already. */
static int put_document(cli *c, const char *what, spool *s)
{
	unsigned char block[3 * 8192];
	size_t got;
	cli_json *json = cli_reply(c);
	cli_json_text(json, "object", what);
	cli_json_number(json, "size", s->size);
	if (!cli_json_print(json, stdout))
		return CLI_FAILED;
	c->streamed = true;
	rewind(s->file);
	(void)fputs(",\n  \"base64\": \"", stdout);
	while ((got = fread(block, 1, sizeof block, s->file)) > 0 && !cli_interrupted())
		put_base64(stdout, block, got);
	(void)fputs("\"\n}\n", stdout);
	if (cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	return ferror(s->file) ? cli_fail(c, CLI_FAILED, "reading the temporary copy: %s", strerror(errno)) : CLI_DONE;
}

static int cat_json(cli *c, pnr_store *store, const char *what)
{
	CLI_CLEANUP(close_spool) spool s = { NULL, 0, 0 };
	s.file = cli_temporary_file();
	if (s.file == NULL)
		return cli_fail(c, CLI_FAILED, "temporary copy of '%s': %s", what, strerror(errno));
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_store_cat(store, what, write_spool, &s, &err);
	if (status == PNR_OK && fflush(s.file) != 0)
		s.reason = errno;
	if (s.reason != 0)
		return cli_fail(c, CLI_FAILED, "temporary copy of '%s': %s", what, strerror(s.reason));
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	return put_document(c, what, &s);
}

static int run(cli *c)
{
	const char *what = c->operands[0];
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	if (c->options.json)
		return cat_json(c, store, what);
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_cat(store, what, cli_write, c, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	return CLI_DONE;
}

const cli_command cli_cat = {
	.name = "cat",
	.operands = "HASH|REF:PATH",
	.least = 1,
	.most = 1,
	.summary = "The bytes of one asset, to stdout",
	.about = "HASH is of an asset, or its first 4 digits or more. Only exit status 0 says that\n"
	         "all bytes were right. With --json they come as base64.\n",
	.examples = "  pannier cat latest:assumptions/mortality.csv | head -3\n"
	            "  pannier cat latest~1:livecalc.config.json > before.json\n",
	.run = run,
};
