#include "base/xml.h"
#include <expat.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX 32u
#define PATH_MAX_BYTES 1024u

typedef struct scanner {
	XML_Parser expat;
	char path[PATH_MAX_BYTES + 1];
	size_t lengths[DEPTH_MAX + 1]; /* of the path at each level */
	unsigned depth;
	bool leaf;       /* no element ended in the one that is open */
	pnr_buffer text; /* of the element that is open, since its start or its last child */
	pnr_xml_visit visit;
	void *user;
	pnr_status status; /* why expat was stopped */
	pnr_error *err;
} scanner;

/* Its text may be what STS gives. */
static void scanner_free(scanner *s)
{
	if (s->text.data != NULL)
		explicit_bzero(s->text.data, s->text.capacity);
	pnr_buffer_free(&s->text);
	XML_ParserFree(s->expat);
}

static pnr_status wrong(const scanner *s, const char *why)
{
	return pnr_fail(s->err, PNR_INVALID, "XML, line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(s->expat), why);
}

static void stop(scanner *s, pnr_status status)
{
	s->status = status;
	(void)XML_StopParser(s->expat, XML_FALSE);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
	scanner *s = user;
	const char *colon = strrchr(name, ':');
	size_t before = s->lengths[s->depth];
	(void)attributes;
	if (s->status != PNR_OK)
		return;
	name = colon == NULL ? name : colon + 1;
	size_t length = strlen(name);
	if (s->depth == DEPTH_MAX || before + 1 + length > PATH_MAX_BYTES) {
		stop(s, wrong(s, "elements too deep in each other"));
		return;
	}
	if (before > 0)
		s->path[before++] = '/';
	memcpy(s->path + before, name, length + 1);
	s->lengths[++s->depth] = before + length;
	s->leaf = true;
	pnr_buffer_clear(&s->text);
}

static void on_end(void *user, const XML_Char *name)
{
	scanner *s = user;
	(void)name;
	if (s->status != PNR_OK)
		return;
	const pnr_xml_event event = { s->path, s->leaf && s->text.length > 0 ? s->text.data : "" };
	pnr_status status = pnr_buffer_status(&s->text, s->err);
	if (status == PNR_OK)
		status = s->visit(s->user, &event, s->err);
	s->path[s->lengths[--s->depth]] = '\0';
	s->leaf = false;
	pnr_buffer_clear(&s->text);
	if (status != PNR_OK)
		stop(s, status);
}

static void on_text(void *user, const XML_Char *text, int length)
{
	scanner *s = user;
	if (s->status == PNR_OK)
		pnr_buffer_append(&s->text, text, (size_t)length);
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	scanner *s = user;
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(s, wrong(s, "a document type, which is not taken"));
}

pnr_status pnr_xml_scan(const char *text, size_t length, pnr_xml_visit visit, void *user, pnr_error *err)
{
	PNR_CLEANUP(scanner_free)
	scanner s = {
		.expat = XML_ParserCreate("UTF-8"),
		.text = PNR_BUFFER_INIT,
		.visit = visit,
		.user = user,
		.err = err,
	};
	if (s.expat == NULL)
		return pnr_fail_nomem(err);
	if (length > INT_MAX)
		return wrong(&s, "longer than 2 GB");
	XML_SetUserData(s.expat, &s);
	XML_SetElementHandler(s.expat, on_start, on_end);
	XML_SetCharacterDataHandler(s.expat, on_text);
	XML_SetStartDoctypeDeclHandler(s.expat, on_doctype);
	if (XML_Parse(s.expat, text, (int)length, XML_TRUE) == XML_STATUS_OK || s.status != PNR_OK)
		return s.status;
	enum XML_Error error = XML_GetErrorCode(s.expat);
	return error == XML_ERROR_NO_MEMORY ? pnr_fail_nomem(err) : wrong(&s, XML_ErrorString(error));
}

/* ----------------------------------------------------------------- one text -- */

typedef struct search {
	const char *path;
	pnr_buffer *out;
	bool found;
} search;

static pnr_status compare(void *user, const pnr_xml_event *event, pnr_error *err)
{
	search *s = user;
	(void)err;
	if (s->found || strcmp(event->path, s->path) != 0)
		return PNR_OK;
	s->found = true;
	pnr_buffer_puts(s->out, event->text);
	return PNR_OK;
}

pnr_status pnr_xml_find(const char *text, size_t length, const char *path, pnr_buffer *out, pnr_error *err)
{
	search s = { path, out, false };
	pnr_error own = PNR_ERROR_INIT;
	if (pnr_xml_scan(text, length, compare, &s, &own) == PNR_NOMEM)
		return pnr_fail_with(err, &own);
	return pnr_buffer_status(out, err);
}
