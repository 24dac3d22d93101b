/*
 * The structure of a zip, checked byte by byte before any other code looks at
 * it: what is accepted has one reading only, whichever end a tool starts from.
 */
#ifndef PNR_ZIP_SCAN_H
#define PNR_ZIP_SCAN_H

#include "zip/zip.h"

typedef struct pnr_zip_item {
	pnr_zip_entry entry; /**< first: a pointer to it is a pointer to the item */
	uint64_t offset;     /**< of the local header */
	uint64_t body;       /**< where its body starts */
	uint32_t time;       /**< DOS date << 16 | DOS time */
	uint32_t flags;
} pnr_zip_item;

/** What the scan found. Initialise with PNR_ZIP_DIRECTORY_INIT. */
typedef struct pnr_zip_directory {
	uint64_t file_size;
	uint64_t offset;       /**< where the central directory starts and the bodies end */
	size_t count;
	pnr_zip_item *items;   /**< in central directory order */
	pnr_zip_item **sorted; /**< by name, byte order */
	char *names;           /**< what the items' names point into */
} pnr_zip_directory;

#define PNR_ZIP_DIRECTORY_INIT { 0, 0, 0, NULL, NULL, NULL }

/** Check everything that pnr_zip_reader_open promises but libzip's agreement. Errors: as there. */
PNR_CHECKED pnr_status pnr_zip_scan(int fd, const char *name, pnr_zip_directory *out_directory, pnr_error *err);
/** Leaves it initialised; for PNR_CLEANUP. */
void pnr_zip_directory_free(pnr_zip_directory *directory);

#endif
