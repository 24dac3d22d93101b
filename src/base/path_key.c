#include "base/path.h"
#include <utf8proc.h>

char *pnr_path_key(const char *path)
{
	utf8proc_uint8_t *key = NULL;
	const utf8proc_option_t options = UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD;
	utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)path, 0, &key, options);
	return length < 0 ? NULL : (char *)key;
}
