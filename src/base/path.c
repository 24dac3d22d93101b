#include "base/path.h"
#include "base/buffer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKAGE_PATH_MAX 65535u

const char *pnr_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash == NULL ? path : slash + 1;
}

char *pnr_path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return strdup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

char *pnr_path_join(const char *a, const char *b)
{
	pnr_buffer joined = PNR_BUFFER_INIT;
	if (b[0] != '/' && a[0] != '\0') {
		pnr_buffer_puts(&joined, a);
		if (a[strlen(a) - 1] != '/')
			pnr_buffer_putc(&joined, '/');
	}
	pnr_buffer_puts(&joined, b);
	return pnr_buffer_steal(&joined);
}

pnr_status pnr_path_absolute(const char *path, char **out_path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *cwd = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (cwd == NULL)
			return pnr_fail_errno(err, errno, "current folder");
	}
	const char *parts[] = { cwd == NULL ? "" : cwd, path };
	for (size_t i = 0; i < PNR_COUNT(parts); i++) {
		const char *part = parts[i];
		while (*part != '\0') {
			size_t length = strcspn(part, "/");
			bool dot = length == 1 && part[0] == '.';
			if (length > 0 && !dot) {
				pnr_buffer_putc(&out, '/');
				pnr_buffer_append(&out, part, length);
			}
			part += length;
			part += *part == '/';
		}
	}
	if (out.length == 0)
		pnr_buffer_putc(&out, '/');
	char *text = pnr_buffer_steal(&out);
	if (text == NULL)
		return pnr_fail_nomem(err);
	*out_path = text;
	return PNR_OK;
}

bool pnr_path_inside(const char *path, const char *dir)
{
	size_t length = strlen(dir);
	if (strncmp(path, dir, length) != 0)
		return false;
	return path[length] == '/' || (length == 1 && path[1] != '\0');
}

size_t pnr_utf8_sequence(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t length;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		length = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		length = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;
		high = s[0] == 0xed ? 0x9f : 0xbf;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		length = 4;
		low = s[0] == 0xf0 ? 0x90 : 0x80;
		high = s[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (left < length || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool pnr_utf8_valid(const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t step = pnr_utf8_sequence(text + i, length - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

/* NAME_MAX of every usual file system. */
#define COMPONENT_MAX 255u

static const char *component_problem(const char *part, size_t length)
{
	if (length == 0)
		return "has an empty component";
	if (length == 1 && part[0] == '.')
		return "has a component '.'";
	if (length == 2 && part[0] == '.' && part[1] == '.')
		return "has a component '..'";
	if (length > COMPONENT_MAX)
		return "has a component longer than 255 bytes";
	return NULL;
}

const char *pnr_path_package_problem(const char *path, size_t length)
{
	if (length == 0)
		return "is empty";
	if (length > PACKAGE_PATH_MAX)
		return "is longer than 65,535 bytes";
	if (!pnr_utf8_valid(path, length))
		return "is not valid UTF-8";
	if (path[0] == '/')
		return "is absolute";
	if (path[0] == '-')
		return "starts with '-'";
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)path[i];
		/* C1 controls, U+0080..U+009F, are two bytes in UTF-8. */
		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)path[i + 1] >= 0x80 && (unsigned char)path[i + 1] <= 0x9f))
			return "has a control character";
		if (c == '\\')
			return "has a backslash";
	}
	bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
	if (letter && length > 1 && path[1] == ':')
		return "starts with a drive letter";
	for (size_t start = 0; start <= length;) {
		const char *slash = memchr(path + start, '/', length - start);
		size_t end = slash == NULL ? length : (size_t)(slash - path);
		const char *problem = component_problem(path + start, end - start);
		if (problem != NULL)
			return problem;
		start = end + 1;
	}
	return NULL;
}

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : (unsigned char)c;
}

int pnr_path_compare_nocase(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}
