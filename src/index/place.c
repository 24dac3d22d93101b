/* Where a database may be, and how a connection to it is made. */
#include "base/file.h"
#include "base/path.h"
#include "index/database.h"
#include "index/vfs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#define WAL_SUFFIX_MAX 12 /* SQLite appends names such as "-journal" */

/* statfs(2) and linux/magic.h. There, write-ahead logs fail between machines, and locks often. */
const char *pnr_index_network_name(long type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} networks[] = {
		{ 0x6969, "NFS" },        { 0x517b, "SMB" },        { 0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB" },    { 0x564c, "NCP" },        { 0x5346414f, "AFS" },
		{ 0x6b414653, "AFS" },    { 0x73757245, "Coda" },   { 0x00c36400, "Ceph" },
		{ 0x0bd00bd0, "Lustre" }, { 0x47504653, "GPFS" },
	};
	for (size_t i = 0; i < PNR_COUNT(networks); i++)
		if (networks[i].type == (uint32_t)type)
			return networks[i].name;
	return NULL;
}

static pnr_status check_file_system(const char *path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(path);
	if (dir == NULL)
		return pnr_fail_nomem(err);
	struct statfs fs;
	int errnum = pnr_file_ask(PNR_CALL_STAT, NULL);
	if (errnum == 0 && statfs(dir, &fs) != 0)
		errnum = errno;
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "index: file system of '%s'", dir);
	const char *network = pnr_index_network_name((long)fs.f_type);
	if (network == NULL)
		return PNR_OK;
	return pnr_fail(err, PNR_UNSUPPORTED,
	                "index: '%s' is on a network file system (%s), where a database is not safe; keep the store on "
	                "a local disk: set PANNIER_STORE",
	                dir, network);
}

/* SQLite follows links, and keeps the files beside a database beside the link's target: so do we. */
static pnr_status follow_link(pnr_index *index, pnr_error *err)
{
	int errnum = pnr_file_ask(PNR_CALL_READLINK, NULL);
	char *target = errnum == 0 ? realpath(index->path, NULL) : NULL;
	if (target == NULL && errnum == 0)
		errnum = errno;
	if (errnum == ENOENT)
		return PNR_OK; /* the target is yet to be made */
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "index: follow the link '%s'", index->path);
	free(index->path);
	index->path = target;
	return PNR_OK;
}

pnr_status pnr_index_check_place(pnr_index *index, bool create, pnr_error *err)
{
	const sqlite3_vfs *vfs = sqlite3_vfs_find(PNR_VFS_NAME);
	if (vfs != NULL && strlen(index->path) + WAL_SUFFIX_MAX > (size_t)vfs->mxPathname)
		return pnr_fail(err, PNR_INVALID, "index: '%s' is longer than the %d bytes that SQLite takes",
		                index->path, vfs->mxPathname - WAL_SUFFIX_MAX);
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_stat_at(AT_FDCWD, index->path, &st, &own);
	if (status == PNR_NOT_FOUND && create)
		return check_file_system(index->path, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, status, "index: there is no '%s'", index->path);
	if (status != PNR_OK)
		return pnr_fail(err, status, "index: %s", own.message);
	if (S_ISLNK(st.st_mode))
		status = follow_link(index, err);
	else if (!S_ISREG(st.st_mode))
		return pnr_fail(err, PNR_CORRUPT, "index: '%s' is not a regular file", index->path);
	return status == PNR_OK ? check_file_system(index->path, err) : status;
}

/* SQLite's URI form of an absolute path: "?" and "#" would end it, "%" starts an escape. */
static void append_uri(pnr_buffer *uri, const char *path, bool immutable)
{
	pnr_buffer_puts(uri, "file://");
	for (const char *c = path; *c != '\0'; c++) {
		if (*c == '?' || *c == '#' || *c == '%')
			pnr_buffer_printf(uri, "%%%02x", (unsigned)(unsigned char)*c);
		else
			pnr_buffer_putc(uri, *c);
	}
	if (immutable)
		pnr_buffer_puts(uri, "?immutable=1");
}

/* What must be set before the first statement. */
static int configure(pnr_index *index)
{
	int wait = index->busy_ms > INT32_MAX ? INT32_MAX : (int)index->busy_ms;
	int rc = sqlite3_extended_result_codes(index->db, 1);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(index->db, wait);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return rc;
}

pnr_status pnr_index_connect(pnr_index *index, const char *path, int flags, bool immutable, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer uri = PNR_BUFFER_INIT;
	append_uri(&uri, path, immutable);
	pnr_status status = pnr_buffer_status(&uri, err);
	if (status != PNR_OK)
		return status;
	flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(uri.data, &index->db, flags, PNR_VFS_NAME);
	if (rc == SQLITE_OK)
		rc = configure(index);
	return rc == SQLITE_OK ? PNR_OK : pnr_index_fail(index, rc, "open", err);
}
