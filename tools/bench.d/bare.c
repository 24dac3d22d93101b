/*
 * What libcurl alone needs to put objects of noise into a bucket, from memory.
 *
 *   bare URL COUNT BYTES [PART]
 *
 * Puts COUNT objects of BYTES at URL/0, URL/1... over at most 16 connections,
 * each signed by libcurl, with the SHA-256 of its bytes. With PART it puts one
 * object, at URL, in parts of so many bytes. Writes the seconds to stdout. The
 * keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
 */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { CONNECTIONS = 16, PARTS = 10000 };

struct transfer {
  CURL *easy;
  struct curl_slist *headers;
  const unsigned char *body;
  size_t left;
  char *etag; /* of the answer: of the part that this is for, NULL if for none */
};

struct job {
  CURLM *multi;
  const char *url;
  const unsigned char
      *noise; /* object i begins at byte i: no two are the same */
  size_t size, part; /* part: 0 if not in parts */
  unsigned long next, count;
  char id[256]; /* of the upload in parts */
};

static char etags[PARTS][80];

static void die(const char *text) {
  fprintf(stderr, "bare: %s\n", text);
  exit(1);
}

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static unsigned char *make_noise(size_t length) {
  unsigned char *noise = malloc(length);
  struct timespec t;
  if (noise == NULL || clock_gettime(CLOCK_REALTIME, &t) != 0)
    die("no memory");
  unsigned long long x = (unsigned long long)t.tv_nsec * 2654435761u | 1;
  for (size_t i = 0; i < length; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    noise[i] = (unsigned char)(x >> 32);
  }
  return noise;
}

static size_t give(char *buffer, size_t one, size_t count, void *context) {
  struct transfer *t = context;
  size_t n = one * count < t->left ? one * count : t->left;
  memcpy(buffer, t->body, n);
  t->body += n;
  t->left -= n;
  return n;
}

static size_t take_head(char *line, size_t one, size_t count, void *context) {
  struct transfer *t = context;
  if (t->etag != NULL && one * count < 80 && strncasecmp(line, "etag: ", 6) == 0)
    snprintf(t->etag, 80, "%.*s", (int)strcspn(line + 6, "\r\n"), line + 6);
  return one * count;
}

/* A request with the body of @t, which is in memory. */
static void ask(struct transfer *t, const char *method, const char *url) {
  char header[96] = "x-amz-content-sha256: ";
  unsigned char hash[32];
  if (EVP_Digest(t->body, t->left, hash, NULL, EVP_sha256(), NULL) != 1)
    die("no SHA-256");
  for (int i = 0; i < 32; i++)
    sprintf(header + strlen(header), "%02x", hash[i]);
  curl_slist_free_all(t->headers);
  t->headers = curl_slist_append(NULL, header);
  curl_easy_reset(t->easy);
  curl_easy_setopt(t->easy, CURLOPT_URL, url);
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->left);
  curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, give);
  curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, take_head);
  curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(t->easy, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3");
  curl_easy_setopt(t->easy, CURLOPT_USERNAME, getenv("AWS_ACCESS_KEY_ID"));
  curl_easy_setopt(t->easy, CURLOPT_PASSWORD, getenv("AWS_SECRET_ACCESS_KEY"));
  curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
}

static void begin(struct job *job, struct transfer *t) {
  char url[1024];
  unsigned long i = job->next++;
  if (job->part == 0) {
    t->body = job->noise + i;
    t->left = job->size;
    snprintf(url, sizeof(url), "%s/%lu", job->url, i);
  } else {
    t->body = job->noise + i * job->part;
    t->left = i + 1 < job->count ? job->part : job->size - i * job->part;
    t->etag = etags[i];
    snprintf(url, sizeof(url), "%s?partNumber=%lu&uploadId=%s", job->url, i + 1,
             job->id);
  }
  ask(t, "PUT", url);
  if (curl_multi_add_handle(job->multi, t->easy) != CURLM_OK)
    die("no transfer");
}

/* The answer to a POST of @body, with @query, which is as it is signed. */
static char *post(const struct job *job, const char *query, const char *body) {
  static char answer[4096];
  struct transfer t = {.easy = curl_easy_init(),
                       .body = (const unsigned char *)body,
                       .left = strlen(body)};
  char url[1024];
  FILE *out = fmemopen(answer, sizeof(answer), "w");
  snprintf(url, sizeof(url), "%s?%s", job->url, query);
  if (t.easy == NULL || out == NULL)
    die("no memory");
  ask(&t, "POST", url);
  curl_easy_setopt(t.easy, CURLOPT_WRITEDATA, out);
  CURLcode code = curl_easy_perform(t.easy);
  if (code != CURLE_OK)
    die(curl_easy_strerror(code));
  fclose(out);
  curl_easy_cleanup(t.easy);
  curl_slist_free_all(t.headers);
  return answer;
}

static void begin_parts(struct job *job) {
  const char *id = strstr(post(job, "uploads=", ""), "<UploadId>");
  if (id == NULL)
    die("the answer names no upload");
  snprintf(job->id, sizeof(job->id), "%.*s", (int)strcspn(id + 10, "<"), id + 10);
}

static void end_parts(struct job *job) {
  char *body = NULL, query[300];
  size_t length;
  FILE *out = open_memstream(&body, &length);
  if (out == NULL)
    die("no memory");
  fprintf(out, "<CompleteMultipartUpload>");
  for (unsigned long i = 0; i < job->count; i++)
    fprintf(out, "<Part><PartNumber>%lu</PartNumber><ETag>%s</ETag></Part>",
            i + 1, etags[i]);
  fprintf(out, "</CompleteMultipartUpload>");
  fclose(out);
  snprintf(query, sizeof(query), "uploadId=%s", job->id);
  if (strstr(post(job, query, body), "<Key>") == NULL)
    die("the parts were not made an object");
  free(body);
}

static void put_all(struct job *job) {
  static struct transfer transfers[CONNECTIONS];
  unsigned long done = 0;
  for (int i = 0; i < CONNECTIONS && job->next < job->count; i++) {
    transfers[i].easy = curl_easy_init();
    begin(job, &transfers[i]);
  }
  while (done < job->count) {
    int left;
    CURLMsg *message;
    if (curl_multi_perform(job->multi, &left) != CURLM_OK)
      die("curl_multi_perform");
    while ((message = curl_multi_info_read(job->multi, &left)) != NULL) {
      struct transfer *t;
      if (message->data.result != CURLE_OK)
        die(curl_easy_strerror(message->data.result));
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
      curl_multi_remove_handle(job->multi, t->easy);
      done++;
      if (job->next < job->count)
        begin(job, t);
    }
    if (done < job->count)
      curl_multi_poll(job->multi, NULL, 0, 1000, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: bare URL COUNT BYTES [PART]\n");
    return 2;
  }
  struct job job = {.url = argv[1],
                    .count = strtoul(argv[2], NULL, 10),
                    .size = strtoul(argv[3], NULL, 10),
                    .part = argc == 5 ? strtoul(argv[4], NULL, 10) : 0};
  if (job.part > 0)
    job.count = (job.size + job.part - 1) / job.part;
  if (job.part > 0 && job.count > PARTS)
    die("too many parts");
  job.noise = make_noise(job.size + job.count);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
      (job.multi = curl_multi_init()) == NULL)
    die("no libcurl");
  curl_multi_setopt(job.multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
  double started = now();
  if (job.part > 0)
    begin_parts(&job);
  put_all(&job);
  if (job.part > 0)
    end_parts(&job);
  printf("%.6f\n", now() - started);
  return 0;
}
