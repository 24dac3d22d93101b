/* Memory that held secrets is overwritten before it is let go. What grows leaves copies behind: reserve first. */
#ifndef PNR_BASE_SECRET_H
#define PNR_BASE_SECRET_H

#include "base/buffer.h"

/** Overwrite and free the text, and clear *text, which may be NULL. For PNR_CLEANUP, too. */
void pnr_secret_free(char **text);
/** The same for a buffer, which is as after init then. */
void pnr_secret_buffer_free(pnr_buffer *buffer);

#endif
