/*
 * The content of tools/bench: the same bytes on every machine.
 *
 *   corpus KIND SEED BYTES >FILE
 *
 * policies  CSV, a policy a line          python  source of a step
 * decimals  CSV, four rates a line        json    nested objects
 * wasm      a valid WebAssembly module    noise   what no encoder can shrink
 *
 * Ends at the first line at or after BYTES; noise has exactly BYTES. A module is
 * assembled here, not compiled, so that its bytes do not depend on a compiler:
 * functions made of a few hundred idioms of the module's own, the common ones
 * often and the rare ones seldom, with registers and offsets that vary, and a
 * quarter of data. Modules of different seeds share nothing but their form.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct random_state {
	uint64_t state;
} random_state;

/* splitmix64 */
static uint64_t next(random_state *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned below(random_state *r, unsigned n)
{
	return (unsigned)((next(r) >> 32) * n >> 32);
}

/* Small numbers often, large ones seldom: about as many in 1..2 as in 2..4, 4..8. */
static unsigned skewed(random_state *r, unsigned n)
{
	unsigned bits = 0;
	while (n >> bits > 1)
		bits++;
	unsigned top = 1u << below(r, bits + 1);
	unsigned value = top - 1 + below(r, top);
	return value < n ? value : below(r, n);
}

/* ---------------------------------------------------------------- text -- */

/* Several at once, in order: the arguments of a call have none. */
static void draw(random_state *r, size_t count, const unsigned *limits, unsigned *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = below(r, limits[i]);
}

static void policies(random_state *r, uint64_t bytes)
{
	static const char *const products[] = { "TERM10", "TERM20", "WHOLE", "ENDOW", "UNIT" };
	static const unsigned limits[] = { 5, 60, 2, 2, 100, 1000, 30, 35, 12, 28, 30 };
	uint64_t done = (uint64_t)printf("policy_id,product,age,sex,smoker,sum_assured,premium,term,inception,region\n");
	for (unsigned i = 1; done < bytes; i++) {
		unsigned v[11];
		draw(r, 11, limits, v);
		unsigned age = 20 + v[1], sum = (1 + v[4]) * 5000, cents = sum / 400 * age + v[5];
		done += (uint64_t)printf("POL%08u,%s,%u,%c,%c,%u,%u.%02u,%u,%u-%02u-%02u,R%02u\n", i, products[v[0]], age,
		                         "MF"[v[2]], "NS"[v[3]], sum, cents / 100, cents % 100, 5 + v[6], 1990 + v[7], 1 + v[8],
		                         1 + v[9], v[10]);
	}
}

static void decimals(random_state *r, uint64_t bytes)
{
	static const unsigned limits[] = { 3000, 98304, 3000, 98304, 3000, 98304, 3000, 98304 };
	for (uint64_t done = 0; done < bytes;) {
		unsigned v[8];
		draw(r, 8, limits, v);
		done += (uint64_t)printf("0.%05u%05u,0.%05u%05u,0.%05u%05u,0.%05u%05u\n", v[0], v[1], v[2], v[3], v[4], v[5],
		                         v[6], v[7]);
	}
}

static void word(random_state *r, char out[16])
{
	static const char *const syllables[] = { "pre", "mi", "um", "re", "ser", "ve", "lap", "se", "ra", "te", "ca", "sh",
		"flow", "dis", "count", "mor", "ta", "li", "ty", "sum", "val", "ue", "term", "age" };
	unsigned count = 1 + below(r, 3);
	out[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		strcat(out, syllables[skewed(r, 24)]);
}

static void python(random_state *r, uint64_t bytes)
{
	static const unsigned limits[] = { 10000, 10000 };
	uint64_t done = (uint64_t)printf("\"\"\"Step %u of the model.\"\"\"\nimport math\n", below(r, 1000000));
	while (done < bytes) {
		char name[16], a[16], b[16];
		unsigned v[2];
		word(r, name), word(r, a), word(r, b), draw(r, 2, limits, v);
		done += (uint64_t)printf("\n\ndef %s_%u(%s, %s_0=0.%04u):\n    total = 0.0\n", name, v[0], a, b, v[1]);
		for (unsigned i = 1 + below(r, 8); i > 0; i--) {
			word(r, name), draw(r, 2, limits, v);
			if (v[0] % 3 == 0)
				done += (uint64_t)printf("    if %s[\"%s\"] > %u:\n        total += %s[\"%s\"] * %s_0\n", a, name,
				                         v[1] % 1000, a, name, b);
			else
				done += (uint64_t)printf("    %s = math.exp(-0.%04u * %s[\"%s\"])\n    total += %s / (1 + %s_0)\n", name,
				                         v[1], a, name, name, b);
		}
		done += (uint64_t)printf("    return {**%s, \"total\": total}\n", a);
	}
}

static void json(random_state *r, uint64_t bytes)
{
	static const unsigned limits[] = { 100, 100, 1000, 4 };
	uint64_t done = (uint64_t)printf("{\n  \"format\": 1,\n  \"items\": [\n");
	for (unsigned i = 0; done < bytes; i++) {
		char a[16], b[16];
		unsigned v[4];
		word(r, a), word(r, b), draw(r, 4, limits, v);
		done += (uint64_t)printf("%s    {\n      \"id\": %u,\n      \"name\": \"%s.%s\",\n      \"formula\": \"%s * (1 - %s)\",\n"
		                         "      \"range\": [%u, %u.%03u],\n      \"visible\": %s\n    }", i > 0 ? ",\n" : "", i, a, b,
		                         a, b, v[0], v[1], v[2], v[3] > 0 ? "true" : "false");
	}
	printf("\n  ]\n}\n");
}

static void noise(random_state *r, uint64_t bytes)
{
	uint64_t words[8192];
	while (bytes > 0) {
		size_t part = bytes < sizeof words ? (size_t)bytes : sizeof words;
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			words[i] = next(r);
		fwrite(words, 1, part, stdout);
		bytes -= part;
	}
}

/* ---------------------------------------------------------------- wasm -- */

enum {
	INTS = 8, FLOATS = 8, /* a function's locals: 3 parameters and 5 of i32, then the f64 */
	PARAMETERS = 3,
	IDIOMS = 640,
	IDIOM_STEPS = 4,
	PAGES_BEYOND_DATA = 16,
};

typedef struct bytes {
	uint8_t *data;
	size_t length, capacity;
} bytes;

static void put(bytes *b, unsigned byte)
{
	if (b->length == b->capacity) {
		b->capacity = b->capacity > 0 ? 2 * b->capacity : 4096;
		b->data = realloc(b->data, b->capacity);
		if (b->data == NULL) {
			fprintf(stderr, "corpus: no memory\n");
			exit(1);
		}
	}
	b->data[b->length++] = (uint8_t)byte;
}

static void put_unsigned(bytes *b, uint64_t value)
{
	for (; value > 127; value >>= 7)
		put(b, 128 | (value & 127));
	put(b, (unsigned)value);
}

/* Signed LEB128 of a number that is not negative. */
static void put_constant(bytes *b, uint64_t value)
{
	for (; value > 63; value >>= 7)
		put(b, 128 | (value & 127));
	put(b, (unsigned)value);
}

static void put_text(bytes *b, const char *text)
{
	while (*text != '\0')
		put(b, (uint8_t)*text++);
}

static void put_f64(bytes *b, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	for (unsigned i = 0; i < 8; i++)
		put(b, (unsigned)(bits >> 8 * i) & 255);
}

static void put_block(bytes *b, const bytes *block)
{
	put_unsigned(b, block->length);
	for (size_t i = 0; i < block->length; i++)
		put(b, block->data[i]);
}

/* What an idiom fixes; the rest varies at each use. */
typedef struct step {
	unsigned shape, operation, constant, target;
} step;

typedef struct idiom {
	unsigned count;
	step steps[IDIOM_STEPS];
} idiom;

static unsigned int_local(random_state *r)
{
	return skewed(r, INTS);
}

static unsigned float_local(random_state *r)
{
	return INTS + skewed(r, FLOATS);
}

enum { GET = 0x20, SET, TEE, I32_LOAD = 0x28, F64_LOAD = 0x2b, I32_STORE = 0x36, F64_STORE = 0x39, I32_CONST = 0x41,
       F64_CONST = 0x44, I32_ADD = 0x6a, F64_ADD = 0xa0 };

static void put2(bytes *b, unsigned code, unsigned operand)
{
	put(b, code);
	put_unsigned(b, operand);
}

static void put_address(bytes *b, random_state *r, unsigned constant)
{
	put2(b, GET, int_local(r));
	if (constant % 3 == 0) {
		put(b, I32_CONST), put_constant(b, 8 * (constant % 512));
		put(b, I32_ADD);
		put2(b, TEE, int_local(r));
	}
}

/* Alignment and offset; offsets are those of the fields of a few structs. */
static void put_place(bytes *b, random_state *r, unsigned alignment, unsigned constant)
{
	put(b, alignment);
	put_unsigned(b, 8 * (constant % 24) + 8 * skewed(r, 6));
}

static void put_step(bytes *b, random_state *r, const step *s, unsigned functions)
{
	static const uint8_t int_ops[] = { I32_ADD, 0x6b, 0x6c, 0x71, 0x72, 0x74, 0x76 }, tests[] = { 0x46, 0x47, 0x48, 0x4a, 0x4f };
	unsigned op = s->operation;
	switch (s->shape) {
	case 0: /* a field of a struct into a number */
		put_address(b, r, s->constant);
		put(b, F64_LOAD), put_place(b, r, 3, s->constant);
		put2(b, SET, float_local(r));
		break;
	case 1: /* arithmetic on numbers */
		put2(b, GET, float_local(r));
		put2(b, GET, float_local(r));
		put(b, F64_ADD + op % 4);
		if (op % 2 == 0) {
			put(b, F64_CONST), put_f64(b, 1.0 / (1 + s->constant % 128));
			put(b, F64_ADD + op / 4 % 3);
		}
		put2(b, SET, float_local(r));
		break;
	case 2: /* a number into a field */
		put_address(b, r, s->constant);
		put2(b, GET, float_local(r));
		put(b, F64_STORE), put_place(b, r, 3, s->constant);
		break;
	case 3: /* arithmetic on integers */
		put2(b, GET, int_local(r));
		put(b, I32_CONST), put_constant(b, s->constant % 4096);
		put(b, int_ops[op % sizeof int_ops]);
		put2(b, SET, int_local(r));
		break;
	case 4: /* a pointer out of a field */
		put2(b, GET, int_local(r));
		put(b, I32_LOAD), put_place(b, r, 2, s->constant);
		put2(b, op % 2 ? SET : TEE, int_local(r));
		if (op % 2 == 0)
			put(b, 0x1a); /* drop */
		break;
	case 5: /* if (a < b) a pointer is stored */
		put2(b, GET, int_local(r));
		put2(b, GET, int_local(r));
		put(b, tests[op % sizeof tests]);
		put2(b, 0x04, 0x40);
		put2(b, GET, int_local(r));
		put2(b, GET, int_local(r));
		put(b, I32_STORE), put_place(b, r, 2, s->constant);
		put(b, 0x0b);
		break;
	case 6: /* a loop that counts down */
		put2(b, 0x03, 0x40);
		put2(b, GET, 3 + op % 5);
		put(b, I32_CONST), put(b, 0x7f);
		put(b, I32_ADD);
		put2(b, TEE, 3 + op % 5);
		put2(b, 0x0d, 0);
		put(b, 0x0b);
		break;
	default: /* a call; most calls of an idiom have the same target */
		for (unsigned i = 0; i < PARAMETERS; i++)
			put2(b, GET, int_local(r));
		put2(b, 0x10, below(r, 4) == 0 ? below(r, functions) : s->target % functions);
		put2(b, SET, int_local(r));
	}
}

static void make_idioms(random_state *r, idiom *idioms)
{
	for (unsigned i = 0; i < IDIOMS; i++) {
		idioms[i].count = 1 + below(r, IDIOM_STEPS);
		for (unsigned k = 0; k < idioms[i].count; k++) {
			step *s = &idioms[i].steps[k];
			s->shape = below(r, 8);
			s->operation = below(r, 64);
			s->constant = skewed(r, 1u << 16);
			s->target = (unsigned)next(r);
		}
	}
}

/* One function: idioms, now and then with the very registers of its last use, as compilers do. */
static void put_function(bytes *out, random_state *r, const idiom *idioms, unsigned functions)
{
	bytes body = { 0 };
	put_unsigned(&body, 2);
	put2(&body, INTS - PARAMETERS, 0x7f);
	put2(&body, FLOATS, 0x7c);
	for (unsigned left = 4 + skewed(r, 120); left > 0; left--) {
		unsigned which = skewed(r, IDIOMS);
		random_state usual = { which * 977 + below(r, 3) }, *registers = below(r, 5) > 0 ? &usual : r;
		for (unsigned k = 0; k < idioms[which].count; k++)
			put_step(&body, registers, &idioms[which].steps[k], functions);
	}
	put2(&body, GET, int_local(r));
	put(&body, 0x0b);
	put_block(out, &body);
	free(body.data);
}

/* Tables of numbers, messages and zeros. */
static void put_data(bytes *out, random_state *r, uint64_t length)
{
	while (out->length < length) {
		unsigned kind = below(r, 4);
		char text[16];
		double value = below(r, 1000) / 1e4;
		if (kind == 0)
			for (unsigned i = 8 + below(r, 120); i > 0; i--)
				put_f64(out, value *= 1 + below(r, 64) / 1024.0);
		else if (kind == 1)
			for (unsigned i = 16 + below(r, 400); i > 0; i--)
				put(out, 0);
		else
			for (unsigned i = 4 + below(r, 60); i > 0; i--) {
				word(r, text);
				put_text(out, text);
				put(out, below(r, 6) > 0 ? ' ' : '\0');
			}
	}
}

static void put_section(unsigned id, const bytes *section)
{
	bytes head = { 0 };
	put(&head, id);
	put_unsigned(&head, section->length);
	fwrite(head.data, 1, head.length, stdout);
	fwrite(section->data, 1, section->length, stdout);
	free(head.data);
}

/* The code section without its count, of at most a fixed number of functions a byte. */
static unsigned make_code(bytes *code, random_state *r, uint64_t length)
{
	static idiom idioms[IDIOMS];
	unsigned count = 0, functions = 1 + (unsigned)(length / 1024);
	make_idioms(r, idioms);
	for (; code->length < length || count < functions; count++)
		put_function(code, r, idioms, functions);
	return count;
}

static void wasm(random_state *r, uint64_t length)
{
	enum { TYPE = 1, FUNCTION = 3, MEMORY = 5, EXPORT = 7, CODE = 10, DATA = 11 };
	static const uint8_t type[] = { 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f };
	bytes code = { 0 }, data = { 0 }, section = { 0 };
	unsigned count = make_code(&code, r, length - length / 4);
	put_data(&data, r, length / 4);

	fwrite("\0asm\1\0\0\0", 1, 8, stdout);
	for (size_t i = 0; i < sizeof type; i++)
		put(&section, type[i]);
	put_section(TYPE, &section);

	section.length = 0;
	put_unsigned(&section, count);
	for (unsigned i = 0; i < count; i++)
		put(&section, 0);
	put_section(FUNCTION, &section);

	section.length = 0;
	put(&section, 1), put(&section, 0);
	put_unsigned(&section, data.length / 65536 + PAGES_BEYOND_DATA);
	put_section(MEMORY, &section);

	section.length = 0;
	put(&section, 1), put(&section, 3);
	put_text(&section, "run");
	put2(&section, 0, count - 1);
	put_section(EXPORT, &section);

	section.length = 0;
	put_unsigned(&section, count);
	for (size_t i = 0; i < code.length; i++)
		put(&section, code.data[i]);
	put_section(CODE, &section);

	section.length = 0;
	put(&section, 1), put(&section, 0);
	put(&section, I32_CONST), put(&section, 0), put(&section, 0x0b);
	put_block(&section, &data);
	put_section(DATA, &section);
	free(code.data), free(data.data), free(section.data);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(random_state *, uint64_t);
	} kinds[] = { { "policies", policies }, { "decimals", decimals }, { "python", python }, { "json", json },
		      { "wasm", wasm },         { "noise", noise } };
	static char buffer[1 << 20];
	if (argc != 4) {
		fprintf(stderr, "usage: corpus KIND SEED BYTES\n");
		return 2;
	}
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	random_state r = { strtoull(argv[2], NULL, 10) };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		kinds[i].make(&r, strtoull(argv[3], NULL, 10));
		if (fflush(stdout) == 0 && !ferror(stdout))
			return 0;
		perror("corpus: write");
		return 1;
	}
	fprintf(stderr, "corpus: unknown kind '%s'\n", argv[1]);
	return 2;
}
