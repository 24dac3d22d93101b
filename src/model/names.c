#include "model/names.h"
#include "base/array.h"
#include "base/file.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Such names have one other spelling at most, by case. The short names that vfat makes up have a '~'. */
static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
	       c == '_';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

typedef struct reading {
	pnr_names *names;
	size_t left;
	bool stopped;
} reading;

static int take_name(void *user, const char *name)
{
	reading *r = user;
	r->stopped = true;
	if (r->left-- == 0)
		return 1;
	for (; *name != '\0'; name++) {
		/* Beyond ASCII, folding case can give a plain letter. */
		if ((unsigned char)*name >= 0x80)
			return 1;
		pnr_buffer_putc(&r->names->text, lower(*name));
	}
	pnr_buffer_putc(&r->names->text, '\0');
	r->names->count++;
	r->stopped = r->names->text.failed;
	return r->stopped;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool sort(pnr_names *names)
{
	names->list = malloc((names->count + 1) * sizeof *names->list);
	if (names->list == NULL)
		return false;
	const char *name = names->text.data;
	for (size_t i = 0; i < names->count; i++, name += strlen(name) + 1)
		names->list[i] = name;
	pnr_array_sort(names->list, names->count, sizeof *names->list, by_text);
	return true;
}

void pnr_names_read(pnr_names *names, int folder, size_t limit)
{
	reading r = { .names = names, .left = limit };
	pnr_names_free(names);
	names->whole = pnr_file_list(folder, ".", take_name, &r, NULL) == PNR_OK && !r.stopped && sort(names);
}

bool pnr_names_lack(const pnr_names *names, const char *name)
{
	char key[NAME_MAX + 1];
	const char *found = key;
	size_t length = strlen(name);
	if (!names->whole || length > NAME_MAX)
		return false;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && !plain(name[i]))
			return false;
		key[i] = lower(name[i]);
	}
	return names->count == 0 || bsearch(&found, names->list, names->count, sizeof *names->list, by_text) == NULL;
}

void pnr_names_free(pnr_names *names)
{
	pnr_buffer_free(&names->text);
	free(names->list);
	*names = (pnr_names)PNR_NAMES_INIT;
}
