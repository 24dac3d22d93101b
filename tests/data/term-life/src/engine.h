/*
 * What the engines share: how a function is exported. An engine is freestanding
 * wasm32 without imports. Its tables lie in its own memory; a function says
 * where, and the host reads and writes them there.
 */
#ifndef TERM_LIFE_ENGINE_H
#define TERM_LIFE_ENGINE_H

#define EXPORT(name) __attribute__((export_name(#name)))

enum { MAX_YEARS = 40 };

#endif
