/*
 * The names in a folder, read once: of most others it is then known that they are
 * not there, without asking for each.
 */
#ifndef PNR_MODEL_NAMES_H
#define PNR_MODEL_NAMES_H

#include "base/buffer.h"

typedef struct pnr_names {
	pnr_buffer text;   /* the names, each with its end; A to Z as a to z */
	const char **list; /* sorted */
	size_t count;
	bool whole; /* what is not in the list is not there */
} pnr_names;

#define PNR_NAMES_INIT { .text = PNR_BUFFER_INIT }

/**
 * Read the names in @folder, an open one (O_PATH will do); more than @limit are
 * not worth it. Where they cannot be had, or cannot be compared, none is lacking.
 */
void pnr_names_read(pnr_names *names, int folder, size_t limit);
/** Surely not there? Also where a file system takes upper and lower case for the same. */
bool pnr_names_lack(const pnr_names *names, const char *name);
/** Leaves it initialised. */
void pnr_names_free(pnr_names *names);

#endif
