#ifndef SB_H
#define SB_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  char *text;      /* never NULL after sb_init */
  size_t length;   /* without the zero byte */
  size_t capacity; /* bytes that are there, the zero byte included */
} sb;

bool sb_init(sb *b);
void sb_free(sb *b);

bool sb_append(sb *b, const char *text, size_t length);

/* Inserts before the byte at position `at`; false when `at` is beyond the end. */
bool sb_insert(sb *b, size_t at, const char *text, size_t length);

/* Removes up to `length` bytes from position `at` on. */
void sb_remove(sb *b, size_t at, size_t length);

/* Appends the words with `separator` between them. */
bool sb_join(sb *b, const char *const *words, size_t count, const char *separator);

#endif
