/* What every source file may need: scope cleanup, stealing, sizes. */
#ifndef PNR_BASE_BASE_H
#define PNR_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Call @fn(&variable) when the variable's scope ends. @fn accepts a cleared variable. */
#define PNR_CLEANUP(fn) __attribute__((cleanup(fn)))

/** Hand @p over: evaluates to its value and clears it, so that its cleanup does nothing. */
#define PNR_STEAL(p)                        \
	__extension__({                     \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                 \
		stolen_;                    \
	})

#define PNR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PNR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PNR_KIB (1024u)
#define PNR_MIB (1024u * 1024u)

/** free(*p) for PNR_CLEANUP; for any pointer variable. The variable keeps its value. */
void pnr_cleanup_free(void *p);
/** Close *fd if it is not negative. For PNR_CLEANUP on a descriptor that was only read. */
void pnr_cleanup_close(int *fd);

#endif
