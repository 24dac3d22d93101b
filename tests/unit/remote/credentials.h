/* What the tests of credentials share: an environment without any, files, and servers that answer by a script. */
#ifndef TESTS_UNIT_REMOTE_CREDENTIALS_H
#define TESTS_UNIT_REMOTE_CREDENTIALS_H

#include "../http/server.h"
#include "base/clock.h"

/* No variable's name begins so any more. */
static inline void forget(const char *prefix)
{
	for (char **at = environ; *at != NULL;) {
		char name[128];
		(void)snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			unsetenv(name);
		else
			at++;
	}
}

#define alone_test(test) cmocka_unit_test_setup_teardown(test, alone, scratch_teardown)

/* Returns its path, up to the next call. */
static inline char *put(const scratch *s, const char *name, const char *text)
{
	static char path[PATH_MAX + 64];
	put_file(s->fd, name, text);
	(void)snprintf(path, sizeof path, "%s/%s", s->path, name);
	return path;
}

#endif
