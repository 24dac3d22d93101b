#include "base/options.h"
#include <string.h>

pnr_status pnr_options_take(void *own, size_t own_size, const void *given, const char *name, pnr_error *err)
{
	size_t size = 0;
	if (given == NULL)
		return PNR_OK;
	memcpy(&size, given, sizeof size);
	if (size < sizeof size)
		return pnr_fail(err, PNR_INVALID, "%s: size is not set", name);
	memcpy(own, given, size < own_size ? size : own_size);
	return PNR_OK;
}
