/*
 * A server for tests, in this process: it answers each request with the next line of a script, and notes what it was
 * asked. One thread a connection.
 */
#ifndef TESTS_UNIT_HTTP_SERVER_H
#define TESTS_UNIT_HTTP_SERVER_H

#include "../base/support.h"
#include "base/buffer.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* What one request is answered with. Zero: 200, nothing in it; to a PUT, as to one that was carried out, an ETag. */
typedef struct step {
	int code;
	const char *headers; /* lines, each with its \r\n */
	const char *raw;     /* sent instead of an answer */
	const char *body;
	size_t length;       /* of the body; 0: that of the text */
	size_t cut;          /* the connection ends after so many bytes of the body; with `drop`: after none of the answer */
	bool drop, hang;     /* hang: no answer until the server ends */
	bool slow;           /* a byte of the body each 100 ms */
} step;

typedef struct server {
	int fd;
	char origin[64];
	const step *steps; /* the last one is repeated */
	size_t step_count;
	atomic_uint asked, connections, at_once, most_at_once;
	atomic_bool over;
	pthread_t thread;
	pthread_mutex_t lock;
	pnr_buffer log; /* heads of what was asked, in order, and the text of bodies */
} server;

typedef struct connection {
	server *server;
	int fd;
} connection;

static inline bool send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		data += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* A request, head and body; its length, 0: there is none. */
static inline size_t receive(connection *c, char *buffer, size_t capacity)
{
	size_t have = 0, wanted = 0;
	struct pollfd p = { c->fd, POLLIN, 0 };
	for (;;) {
		while (poll(&p, 1, 5) == 0)
			if (c->server->over)
				return 0;
		ssize_t got = recv(c->fd, buffer + have, capacity - 1 - have, 0);
		if (got <= 0)
			return 0;
		have += (size_t)got;
		buffer[have] = '\0';
		const char *end = strstr(buffer, "\r\n\r\n");
		if (end == NULL)
			continue;
		const char *length = strcasestr(buffer, "\r\ncontent-length:");
		wanted = (size_t)(end + 4 - buffer);
		if (length != NULL && length < end)
			wanted += strtoul(length + 17, NULL, 10);
		if (have == (size_t)(end + 4 - buffer) && strcasestr(buffer, "\r\nexpect:") != NULL)
			(void)send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		if (have >= wanted)
			return have;
	}
}

static inline bool answer(connection *c, const step *s, const char *method)
{
	size_t length = s->length != 0 ? s->length : s->body == NULL ? 0 : strlen(s->body);
	if (s->hang)
		while (!c->server->over)
			(void)poll(NULL, 0, 5);
	if (s->drop || s->hang)
		return false;
	if (s->raw != NULL)
		return send_all(c->fd, s->raw, strlen(s->raw));
	const char *usual = s->code < 300 && strncmp(method, "PUT ", 4) == 0 ? "ETag: \"e\"\r\n" : "";
	pnr_buffer head = PNR_BUFFER_INIT;
	pnr_buffer_printf(&head, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n", s->code == 0 ? 200 : s->code,
	                  s->headers == NULL ? usual : s->headers, length);
	bool sent = send_all(c->fd, head.data, head.length);
	pnr_buffer_free(&head);
	if (!sent)
		return false;
	if (strncmp(method, "HEAD ", 5) == 0)
		return true;
	for (size_t i = 0; s->slow && i < length; i++) {
		if (c->server->over || !send_all(c->fd, s->body + i, 1))
			return false;
		(void)poll(NULL, 0, 100);
	}
	if (s->slow)
		return true;
	return send_all(c->fd, s->body, s->cut == 0 ? length : s->cut) && s->cut == 0;
}

#define REQUEST_MAX ((size_t)20 << 20)

static inline void *serve_connection(void *context)
{
	connection *c = context;
	server *s = c->server;
	char *buffer = malloc(REQUEST_MAX);
	for (size_t length; (length = receive(c, buffer, REQUEST_MAX)) > 0;) {
		unsigned number = s->asked++, now = ++s->at_once;
		unsigned most = s->most_at_once;
		while (now > most && !atomic_compare_exchange_weak(&s->most_at_once, &most, now))
			;
		pthread_mutex_lock(&s->lock);
		pnr_buffer_append(&s->log, buffer, strnlen(buffer, length < 4096 ? length : 4096));
		pnr_buffer_puts(&s->log, "\n");
		pthread_mutex_unlock(&s->lock);
		bool on = answer(c, &s->steps[number < s->step_count ? number : s->step_count - 1], buffer);
		s->at_once--;
		if (!on)
			break;
	}
	free(buffer);
	close(c->fd);
	free(c);
	s->connections--;
	return NULL;
}

static inline void *serve(void *context)
{
	server *s = context;
	const int one = 1;
	while (!s->over) {
		struct pollfd p = { s->fd, POLLIN, 0 };
		if (poll(&p, 1, 5) <= 0)
			continue;
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		connection *c = malloc(sizeof *c);
		c->server = s;
		c->fd = fd;
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		pthread_t thread;
		s->connections++;
		assert_int_equal(pthread_create(&thread, NULL, serve_connection, c), 0);
		pthread_detach(thread);
	}
	return NULL;
}

static inline void server_start(server *s, const step *steps, size_t step_count)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	memset(s, 0, sizeof *s);
	s->steps = steps;
	s->step_count = step_count;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &length), 0);
	(void)snprintf(s->origin, sizeof s->origin, "http://127.0.0.1:%u", ntohs(address.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static inline void server_stop(server *s)
{
	s->over = true;
	pthread_join(s->thread, NULL);
	while (s->connections > 0)
		(void)poll(NULL, 0, 2);
	close(s->fd);
	pnr_buffer_free(&s->log);
	pthread_mutex_destroy(&s->lock);
}

#endif
