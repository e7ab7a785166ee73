#include "sb.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool sb_init(sb *b) {
  b->capacity = 16;
  b->length = 0;
  b->text = malloc(b->capacity);
  if (b->text) b->text[0] = '\0';
  return b->text != NULL;
}

void sb_free(sb *b) {
  free(b->text);
  b->text = NULL;
  b->length = 0;
  b->capacity = 0;
}

/* Room for `extra` bytes and the zero byte. */
static bool reserve(sb *b, size_t extra) {
  if (extra > PTRDIFF_MAX - b->length - 1) return false;
  size_t needed = b->length + extra + 1;
  if (needed <= b->capacity) return true;
  size_t capacity = b->capacity * 2 > needed ? b->capacity * 2 : needed;
  char *text = realloc(b->text, capacity);
  if (!text) return false;
  b->text = text;
  b->capacity = capacity;
  return true;
}

static bool is_own(const sb *b, const char *text) {
  uintptr_t start = (uintptr_t)b->text;
  return (uintptr_t)text >= start && (uintptr_t)text <= start + b->length;
}

bool sb_append(sb *b, const char *text, size_t length) {
  return sb_insert(b, b->length, text, length);
}

bool sb_insert(sb *b, size_t at, const char *text, size_t length) {
  if (at > b->length) return false;
  bool own = is_own(b, text);
  size_t from = own ? (size_t)(text - b->text) : 0;
  if (!reserve(b, length)) return false;
  memmove(b->text + at + length, b->text + at, b->length - at + 1);
  if (own) {
    /* What stood before the gap is where it was; the rest has moved behind it. */
    size_t before = from >= at ? 0 : at - from < length ? at - from : length;
    memmove(b->text + at, b->text + from, before);
    memmove(b->text + at + before, b->text + from + before + length, length - before);
  } else {
    memcpy(b->text + at, text, length);
  }
  b->length += length;
  return true;
}

void sb_remove(sb *b, size_t at, size_t length) {
  if (at >= b->length) return;
  if (length > b->length - at) length = b->length - at;
  memmove(b->text + at, b->text + at + length, b->length - at - length + 1);
  b->length -= length;
}
