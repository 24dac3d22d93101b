/* Paths on disk (bytes) and paths in a package (UTF-8, '/'). No I/O here but pnr_path_absolute's getcwd. */
#ifndef PNR_BASE_PATH_H
#define PNR_BASE_PATH_H

#include "base/error.h"

/** The part after the last '/'; "" if the path ends with one. Points into @path. */
const char *pnr_path_base(const char *path);
/** The part before the last '/': "." if there is none, "/" for the root. malloc'd; NULL when memory is exhausted. */
char *pnr_path_dir(const char *path);
/** @a, one '/', @b; only @b if it is absolute or @a is "". malloc'd; NULL when memory is exhausted. */
char *pnr_path_join(const char *a, const char *b);
/** @path made absolute by the current folder; "." and empty components are dropped, ".." and links are kept. */
PNR_CHECKED pnr_status pnr_path_absolute(const char *path, char **out_path, pnr_error *err);

/** Does @path lie below @dir? By their texts: both must be canonical. */
bool pnr_path_inside(const char *path, const char *dir);

/** Is it valid UTF-8 (RFC 3629: no surrogates, no overlong forms)? */
bool pnr_utf8_valid(const char *text, size_t length);
/** The length of the well-formed sequence (RFC 3629, section 4) at @text, of which @left > 0 bytes are there; 0 if there is none. */
size_t pnr_utf8_sequence(const char *text, size_t left);

/**
 * Why @path may not be the path of an asset in a package; NULL if it may. The
 * rules: valid UTF-8, relative, components neither empty nor "." nor ".." nor
 * longer than 255 bytes, no backslash, control character, drive letter or leading
 * '-', at most 65,535 bytes.
 * The reason is a static text that completes "path 'x' ".
 */
const char *pnr_path_package_problem(const char *path, size_t length);

/**
 * Compare as a file system that ignores ASCII case does; for "is this name
 * taken". Returns as strcmp.
 */
int pnr_path_compare_nocase(const char *a, const char *b);

/**
 * The key of @path, which is valid UTF-8: paths that some file systems take for
 * one, because they differ only in their Unicode normal form or in case, have
 * the same key. malloc'd; NULL when memory is exhausted.
 */
char *pnr_path_key(const char *path);

#endif
