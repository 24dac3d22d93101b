/*
 * The zip container; knows nothing of assets. Writing is ours and frozen
 * (schema/package-format.md): the same entries give the same bytes everywhere,
 * for ever. Reading is a scan of our own of the whole structure, with which libzip
 * must agree.
 */
#ifndef PNR_ZIP_ZIP_H
#define PNR_ZIP_ZIP_H

#include "base/stream.h"

#define PNR_ZIP_STORED 0u
#define PNR_ZIP_DEFLATED 8u
/** Bodies of this size or more start at a multiple of PNR_ZIP_ALIGN, by padding in the local extra field. */
#define PNR_ZIP_ALIGN_FROM ((uint64_t)1 << 20)
#define PNR_ZIP_ALIGN 4096u
/** Largest central directory that is written or read, in bytes; it is held in memory. */
#define PNR_ZIP_DIRECTORY_MAX (256u * PNR_MIB)

/* -------------------------------------------------------------- writing -- */

typedef struct pnr_zip_writer pnr_zip_writer;

/**
 * Start a zip whose bytes go to @sink, in order, never seeking.
 *
 * @time_ms  of every entry: UTC, clamped to 1980-01-01..2107-12-31.
 * @sink must outlive the writer.
 */
PNR_CHECKED pnr_status pnr_zip_writer_new(const pnr_sink *sink, int64_t time_ms, pnr_zip_writer **out_writer,
                                          pnr_error *err);

/** Everything about an entry is known before its first byte. */
typedef struct pnr_zip_entry {
	const char *name;       /**< valid UTF-8, not empty, at most 65,535 bytes; unique in the zip */
	unsigned method;        /**< PNR_ZIP_STORED or PNR_ZIP_DEFLATED */
	uint32_t crc32;         /**< of the content */
	uint64_t size;          /**< of the content */
	uint64_t body_size;     /**< of the body as stored */
} pnr_zip_entry;

/**
 * Add a file with its body, of which @body must write exactly body_size
 * bytes: more or fewer is CORRUPT. It runs when the local header has been
 * given. That names differ is the caller's care; the reader refuses a zip in
 * which they do not. After a failure the writer can only be freed. Errors:
 * INVALID (the entry cannot be written), FULL (the directory's or a file's
 * largest size), CORRUPT, NOMEM, and what @body and the sink report.
 */
PNR_CHECKED pnr_status pnr_zip_writer_add(pnr_zip_writer *writer, const pnr_zip_entry *entry,
                                          const pnr_pump *body, pnr_error *err);
/** Write the central directory and the end. @out_size: bytes of the whole zip. */
PNR_CHECKED pnr_status pnr_zip_writer_finish(pnr_zip_writer *writer, uint64_t *out_size, pnr_error *err);
/** Accepts NULL. */
void pnr_zip_writer_free(pnr_zip_writer *writer);

/* -------------------------------------------------------------- reading -- */

typedef struct pnr_zip_reader pnr_zip_reader;

/**
 * Open the zip in @fd, which stays the caller's and must outlive the reader.
 * The whole structure is checked first: one end record, at the very end; every
 * local header equal to its central one; entries that follow each other without
 * gap or overlap from the first byte to the central directory; no encryption,
 * no links or special files, methods 0 and 8 only, sizes that the file can
 * hold, no duplicate names; names valid UTF-8 (the UTF-8 flag or ASCII) without
 * control characters. Whether a name is safe as a path is not decided here.
 *
 * Memory: in proportion to the central directory. Entries' bodies are not read.
 * Errors: CORRUPT (names what is wrong and where), UNSUPPORTED (encrypted,
 * another method, several disks, a directory over PNR_ZIP_DIRECTORY_MAX),
 * INVALID (not a regular file), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_zip_reader_open(int fd, const char *name, pnr_zip_reader **out_reader,
                                           pnr_error *err);
uint64_t pnr_zip_reader_count(const pnr_zip_reader *reader);
/** Entry @index in central directory order; valid as long as the reader. A folder's name ends with '/'. */
const pnr_zip_entry *pnr_zip_reader_entry(const pnr_zip_reader *reader, uint64_t index);
/** The index of the entry @name; false if there is none. Not linear. */
bool pnr_zip_reader_find(const pnr_zip_reader *reader, const char *name, uint64_t *out_index);
/**
 * The body of entry @index as it lies in the file: raw DEFLATE or the content
 * itself, by the entry's method. The reader must outlive it. Whether it decodes
 * to the size and the CRC of the entry is not known.
 */
pnr_file_range pnr_zip_reader_body(const pnr_zip_reader *reader, uint64_t index);
/** Accepts NULL. */
void pnr_zip_reader_close(pnr_zip_reader *reader);

#endif
