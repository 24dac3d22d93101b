/*
 * A trace: what walks looked at, and what was there. As long as the same is
 * there, the same walks lead to the same files: so it can be known, for one
 * stat a name, that what was chosen before would be chosen again.
 *
 * It is a text, one line a name, in the order in which they were looked at:
 *
 *   d FOLDER NAME, a tab, device inode               a folder; it is numbered, from 1
 *   f FOLDER NAME, a tab, device inode size mtime ctime   a regular file
 *   l FOLDER NAME, a tab, target                     a link
 *   o FOLDER NAME, a tab, type                       anything else: the bits of S_IFMT, octal
 *   - FOLDER NAME                                    nothing
 *
 * FOLDER is the number of the folder that holds the name; "/" is 0. Times are
 * seconds and nanoseconds with a dot between.
 */
#ifndef PNR_MODEL_TRACE_H
#define PNR_MODEL_TRACE_H

#include "base/buffer.h"
#include <sys/stat.h>

typedef struct pnr_trace {
	pnr_buffer text;
	unsigned folders; /**< numbered so far, "/" not counted */
	bool lost;        /**< something was met that no line can tell, or too much: the text is worth nothing */
} pnr_trace;

#define PNR_TRACE_INIT { .text = PNR_BUFFER_INIT }

/* Recording. @trace may be NULL; @folder is the number of the folder that holds @name. */

/** Anything that is there but a folder or a link. */
void pnr_trace_file(pnr_trace *trace, unsigned folder, const char *name, const struct stat *st);
/** Returns the folder's own number. */
unsigned pnr_trace_folder(pnr_trace *trace, unsigned folder, const char *name, const struct stat *st);
void pnr_trace_link(pnr_trace *trace, unsigned folder, const char *name, const char *target);
void pnr_trace_absent(pnr_trace *trace, unsigned folder, const char *name);
/** Looking failed in a way that may pass. */
void pnr_trace_lose(pnr_trace *trace);

/**
 * Is there, at every name of @text, what was there? False also if that cannot be
 * told, or if @text is no trace. Nothing is opened but folders.
 */
bool pnr_trace_same(const char *text);
/** Leaves it initialised. For PNR_CLEANUP. */
void pnr_trace_free(pnr_trace *trace);

#endif
