#include "sb.h"

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
  b->length = 0;
}

static bool reserve(sb *b, size_t extra) {
  size_t needed = b->length + extra;
  if (needed <= b->capacity) return true;
  size_t capacity = b->capacity * 2 > needed ? b->capacity * 2 : needed;
  char *text = realloc(b->text, capacity);
  if (!text) return false;
  b->text = text;
  b->capacity = capacity;
  return true;
}

bool sb_append(sb *b, const char *text, size_t length) {
  if (!reserve(b, length)) return false;
  memcpy(b->text + b->length, text, length);
  b->length += length;
  b->text[b->length] = '\0';
  return true;
}

bool sb_insert(sb *b, size_t at, const char *text, size_t length) {
  if (at > b->length) return false;
  if (!reserve(b, length)) return false;
  memmove(b->text + at + length, b->text + at, b->length - at + 1);
  memcpy(b->text + at, text, length);
  b->length += length;
  return true;
}

void sb_remove(sb *b, size_t at, size_t length) {
  if (at >= b->length) return;
  if (at + length > b->length) length = b->length - at;
  memmove(b->text + at, b->text + at + length, b->length - at - length);
  b->length -= length;
}
