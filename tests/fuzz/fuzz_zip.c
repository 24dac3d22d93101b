/*
 * A zip as anyone may have made it. What is accepted must hold what the reader
 * promises, and cost no more than the file and its directory justify.
 */
#include "target.h"
#include "base/file.h"
#include "codec/encode.h"
#include "zip/zip.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONTENT_MAX ((uint64_t)64 * PNR_MIB)

static pnr_status count_write(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)data;
	(void)err;
	REQUIRE(length > 0);
	*(uint64_t *)context += length;
	return PNR_OK;
}

static void require_entry(pnr_zip_reader *reader, uint64_t index, uint64_t *content_left)
{
	const pnr_zip_entry *entry = pnr_zip_reader_entry(reader, index);
	uint64_t found = UINT64_MAX, passed = 0;
	REQUIRE(entry->name[0] != '\0');
	REQUIRE(entry->method == PNR_ZIP_STORED || entry->method == PNR_ZIP_DEFLATED);
	REQUIRE(entry->method == PNR_ZIP_DEFLATED || entry->size == entry->body_size);
	REQUIRE(pnr_zip_reader_find(reader, entry->name, &found) && found == index);
	if (entry->size > *content_left)
		return;
	const pnr_sink sink = { .write = count_write, .context = &passed };
	pnr_error err = PNR_ERROR_INIT;
	pnr_file_range range = pnr_zip_reader_body(reader, index);
	const pnr_source source = pnr_file_range_source(&range);
	REQUIRE(range.length == entry->body_size);
	pnr_status status = entry->method == PNR_ZIP_DEFLATED
	                            ? pnr_inflate(&source, entry->body_size, entry->size, &sink, NULL, &err)
	                            : pnr_source_copy(&source, &sink, &err);
	REQUIRE(status == err.status);
	REQUIRE(status == PNR_OK || (status == PNR_CORRUPT && err.message[0] != '\0'));
	REQUIRE(status == PNR_OK ? passed == entry->size : passed <= entry->size);
	*content_left -= passed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	pnr_error err = PNR_ERROR_INIT;
	pnr_zip_reader *reader = NULL;
	REQUIRE(fd >= 0 && pnr_file_write(fd, data, size, "fuzz.zip", NULL) == PNR_OK);
	pnr_status status = pnr_zip_reader_open(fd, "fuzz.zip", &reader, &err);
	REQUIRE(status == err.status);
	REQUIRE((status == PNR_OK) == (reader != NULL));
	REQUIRE(status == PNR_OK || status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
	if (status == PNR_OK) {
		uint64_t count = pnr_zip_reader_count(reader), bodies = 0, content_left = CONTENT_MAX;
		for (uint64_t i = 0; i < count; i++) {
			bodies += pnr_zip_reader_entry(reader, i)->body_size;
			require_entry(reader, i, &content_left);
		}
		/* no overlap: bodies, and 76 bytes of headers an entry, are all in the file */
		REQUIRE(bodies + count * 76 + 22 <= size);
	}
	pnr_zip_reader_close(reader);
	REQUIRE(close(fd) == 0);
	return 0;
}
