/*
 * A driver for gzip.sh: the codec by itself.
 *
 *   gzip_tool write DIR              pairs NAME (content) and NAME.gz (its encoding), of every kind there is
 *   gzip_tool encode IN OUT LEVEL    the encoding of one file; prints form, CRC-32 and SHA-256 of the content
 *   gzip_tool decode IN OUT SIZE     the body of a gzip encoding of SIZE bytes through our own decoder
 */
#include "base/file.h"
#include "base/stream.h"
#include "codec/encode.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static pnr_status open_file(const char *path, int flags, int *out_fd, pnr_error *err)
{
	return pnr_file_open(AT_FDCWD, path, flags, 0666, out_fd, err);
}

static pnr_status encode(const pnr_source *source, const char *path, unsigned level, pnr_content *content,
                         pnr_encoding *encoding, pnr_error *err)
{
	pnr_pool *pool = NULL;
	pnr_coders *coders = NULL;
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = open_file(path, O_RDWR | O_CREAT | O_TRUNC, &fd, err);
	if (status == PNR_OK)
		status = pnr_pool_new(0, &pool, err);
	if (status == PNR_OK)
		status = pnr_coders_new(level, &coders, err);
	if (status == PNR_OK)
		status = pnr_encode_stream(coders, source, fd, path, pool, NULL, NULL, content, encoding, err);
	pnr_coders_free(coders);
	pnr_pool_free(pool);
	return status;
}

static pnr_status encode_file(const char *in, const char *out, unsigned level, pnr_error *err)
{
	pnr_content content;
	pnr_encoding encoding;
	char hex[PNR_DIGEST_HEX_SIZE];
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = open_file(in, O_RDONLY, &fd, err);
	if (status != PNR_OK)
		return status;
	pnr_file_range range = { fd, 0, UINT64_MAX, in };
	const pnr_source source = pnr_file_range_source(&range);
	status = encode(&source, out, level, &content, &encoding, err);
	if (status == PNR_OK)
		printf("%s %08x %s\n", pnr_form_name(encoding.form), content.crc32,
		       pnr_digest_to_hex(&content.hash, hex));
	return status;
}

static pnr_status decode_file(const char *in, const char *out, uint64_t size, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int from = -1;
	PNR_CLEANUP(pnr_cleanup_close) int to = -1;
	struct stat st;
	pnr_status status = open_file(in, O_RDONLY, &from, err);
	if (status == PNR_OK)
		status = open_file(out, O_WRONLY | O_CREAT | O_TRUNC, &to, err);
	if (status == PNR_OK)
		status = pnr_file_stat(from, &st, in, err);
	if (status != PNR_OK)
		return status;
	pnr_encoding encoding = { .form = PNR_FORM_GZIP, .stored_size = (uint64_t)st.st_size };
	if (!pnr_encoding_locate(&encoding, size))
		return pnr_fail(err, PNR_INVALID, "'%s' cannot be an encoding of that size", in);
	pnr_file_range range = { from, encoding.body_offset, encoding.body_size, in };
	const pnr_source source = pnr_file_range_source(&range);
	pnr_file_end end = { to, out };
	const pnr_sink sink = pnr_file_end_sink(&end);
	return pnr_inflate(&source, encoding.body_size, size, &sink, NULL, err);
}

static void fill(char *data, size_t length, const char *kind)
{
	uint64_t state = 1;
	for (size_t i = 0; i < length; i++) {
		bool noise = kind[0] == 'n' || (kind[0] == 'm' && i < 2 * MIB + 50000);
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		data[i] = noise ? (char)(state >> 56) : kind[0] == 'z' ? 0 : "0123456789,.\n ab"[state >> 60];
	}
}

/* Text of every size around a block, zeros, and noise that turns into text: the file that is started again. */
static const struct sample { const char *name; size_t length; } samples[] = {
	{ "text-100", 100 },
	{ "text-block-less-1", MIB - 1 },
	{ "text-block", MIB },
	{ "text-block-plus-1", MIB + 1 },
	{ "text-3-blocks", 3 * MIB + 4567 },
	{ "zeros-2-blocks", 2 * MIB },
	{ "zeros-200", 200 },
	{ "mixed-4-blocks", 4 * MIB + 1 },
};

static pnr_status write_sample(const char *dir, const struct sample *sample, pnr_error *err)
{
	char path[4096], packed[4100];
	pnr_content content;
	pnr_encoding encoding;
	PNR_CLEANUP(pnr_cleanup_free) char *data = malloc(sample->length);
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	if (data == NULL)
		return pnr_fail_nomem(err);
	if (snprintf(path, sizeof path, "%s/%s", dir, sample->name) >= (int)sizeof path)
		return pnr_fail(err, PNR_INVALID, "'%s' is too long", dir);
	(void)snprintf(packed, sizeof packed, "%s.gz", path);
	fill(data, sample->length, sample->name);
	pnr_status status = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_write(fd, data, sample->length, path, err);
	pnr_memory_range range = { data, sample->length };
	const pnr_source source = pnr_memory_source(&range);
	if (status == PNR_OK)
		status = encode(&source, packed, PNR_LEVEL_DEFAULT, &content, &encoding, err);
	if (status == PNR_OK && encoding.form != PNR_FORM_GZIP)
		status = pnr_fail(err, PNR_CORRUPT, "'%s' was to be gzip", packed);
	return status;
}

int main(int argc, char **argv)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	if (argc == 3 && strcmp(argv[1], "write") == 0) {
		for (size_t i = 0; status == PNR_OK && i < PNR_COUNT(samples); i++)
			status = write_sample(argv[2], &samples[i], &err);
	} else if (argc == 5 && strcmp(argv[1], "encode") == 0) {
		status = encode_file(argv[2], argv[3], (unsigned)strtoul(argv[4], NULL, 10), &err);
	} else if (argc == 5 && strcmp(argv[1], "decode") == 0) {
		status = decode_file(argv[2], argv[3], strtoull(argv[4], NULL, 10), &err);
	} else {
		status = pnr_fail(&err, PNR_INVALID, "usage: see the top of gzip_tool.c");
	}
	if (status != PNR_OK)
		fprintf(stderr, "gzip_tool: %s\n", err.message);
	return status == PNR_OK ? 0 : 1;
}
