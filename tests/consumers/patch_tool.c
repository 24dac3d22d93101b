/*
 * A driver for patch.sh: patches by themselves.
 *
 *   patch_tool make BASE CONTENT PATCH WHOLE   if there is one worth having instead of WHOLE bytes; prints its size
 *   patch_tool apply BASE PATCH OUT CONTENT    to what has the size and hash of CONTENT
 */
#include "base/buffer.h"
#include "base/file.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pnr_status open_file(const char *path, int flags, int *out_fd, pnr_error *err)
{
	return pnr_file_open(AT_FDCWD, path, flags, 0666, out_fd, err);
}

/* The base stays in @buffer; the content is left open at @out_fd. */
static pnr_status open_ends(const char *base, const char *content, pnr_buffer *buffer, int *out_fd,
                            pnr_patch *out_patch, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = open_file(base, O_RDONLY, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_read_all(fd, PNR_PATCH_BASE_MAX, buffer, base, err);
	if (status == PNR_OK)
		status = open_file(content, O_RDONLY, out_fd, err);
	if (status != PNR_OK)
		return status;
	out_patch->base = buffer->data;
	out_patch->base_size = buffer->length;
	return pnr_hash_file(*out_fd, content, NULL, &out_patch->content_hash, NULL, &out_patch->content_size, err);
}

static pnr_status make(char **paths, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_cleanup_close) int from = -1;
	PNR_CLEANUP(pnr_cleanup_close) int to = -1;
	pnr_patch patch;
	uint64_t size = 0;
	pnr_status status = open_ends(paths[0], paths[1], &base, &from, &patch, err);
	if (status == PNR_OK)
		status = open_file(paths[2], O_WRONLY | O_CREAT | O_TRUNC, &to, err);
	if (status != PNR_OK)
		return status;
	pnr_file_range range = { from, 0, UINT64_MAX, paths[1] };
	const pnr_source source = pnr_file_range_source(&range);
	pnr_file_end end = { to, paths[2] };
	const pnr_sink sink = pnr_file_end_sink(&end);
	uint64_t whole_size = strtoull(paths[3], NULL, 10);
	status = pnr_patch_make(&patch, &source, whole_size, PNR_PATCH_LEVEL_DEFAULT, &sink, NULL, NULL, &size, err);
	if (status == PNR_OK)
		printf("%" PRIu64 "\n", size);
	return status;
}

static pnr_status apply(char **paths, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_cleanup_close) int like = -1;
	PNR_CLEANUP(pnr_cleanup_close) int from = -1;
	PNR_CLEANUP(pnr_cleanup_close) int to = -1;
	pnr_patch patch;
	struct stat st;
	pnr_status status = open_ends(paths[0], paths[3], &base, &like, &patch, err);
	if (status == PNR_OK)
		status = open_file(paths[1], O_RDONLY, &from, err);
	if (status == PNR_OK)
		status = pnr_file_stat(from, &st, paths[1], err);
	if (status == PNR_OK)
		status = open_file(paths[2], O_WRONLY | O_CREAT | O_TRUNC, &to, err);
	if (status != PNR_OK)
		return status;
	pnr_file_range range = { from, 0, (uint64_t)st.st_size, paths[1] };
	const pnr_source source = pnr_file_range_source(&range);
	pnr_file_end end = { to, paths[2] };
	const pnr_sink sink = pnr_file_end_sink(&end);
	return pnr_patch_apply(&patch, &source, (uint64_t)st.st_size, &sink, NULL, NULL, err);
}

int main(int argc, char **argv)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		status = make(argv + 2, &err);
	else if (argc == 6 && strcmp(argv[1], "apply") == 0)
		status = apply(argv + 2, &err);
	else
		status = pnr_fail(&err, PNR_INVALID, "usage: see the top of patch_tool.c");
	if (status != PNR_OK)
		fprintf(stderr, "patch_tool: %s\n", err.message);
	return status == PNR_OK ? 0 : 1;
}
